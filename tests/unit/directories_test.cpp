#include "all/directories_detail.hpp"

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

namespace rik::detail {

TEST_CASE("a range that Pods cannot have is not written into a state directory", "[unit][all]") {
    testing::scratch_directory scratch;
    for (auto const* range : {"10.0.0.0/8x", "127.0.0.0/16", "10.0.0.0/25"}) {
        INFO(range);
        local_options options{.state_dir = scratch.path() / "state", .run_dir = scratch.path() / "run"};
        options.cluster_cidr = range;
        directories place;
        auto const taken = place.take(options);
        REQUIRE_FALSE(taken.has_value());
        CHECK(taken.error().code == errc::invalid);
    }
    CHECK(std::filesystem::is_empty(scratch.path()));
}

}  // namespace rik::detail

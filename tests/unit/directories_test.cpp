#include "all/directories_detail.hpp"

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

#include <filesystem>

#include <unistd.h>

namespace rik::detail {

TEST_CASE("a range that Pods cannot have is not written into a state directory", "[unit][all]") {
    testing::scratch_directory scratch;
    for (auto const* range : {"10.0.0.0/8x", "127.0.0.0/16", "10.0.0.0/25"}) {
        INFO(range);
        local_options options{.state_dir = scratch.path() / "state", .run_dir = scratch.path() / "run"};
        options.cluster_cidr = range;
        directories place;
        auto const taken = place.claim(options);
        REQUIRE_FALSE(taken.has_value());
        CHECK(taken.error().code == errc::invalid);
    }
    CHECK(std::filesystem::is_empty(scratch.path()));
}

TEST_CASE("what was made for a start that is refused goes again, and what was there stays", "[unit][all]") {
    if (::geteuid() != 0) return;  // the usual place of run directories is root's
    testing::scratch_directory scratch;
    auto const mine = scratch.path() / "mine";
    std::filesystem::create_directory(mine);
    for (auto const& state : {scratch.path() / "new" / "state", mine}) {
        INFO(state);
        local_options const options{.state_dir = state, .run_dir = scratch.path() / "new" / "run"};
        directories place;
        REQUIRE(place.claim(options));
        CHECK(place.is_new());
        REQUIRE(place.remove({}));
        place.undo();
        CHECK(std::filesystem::is_empty(mine));
        CHECK_FALSE(std::filesystem::exists(scratch.path() / "new"));
        CHECK_FALSE(std::filesystem::exists(std::filesystem::path(usual_run_root) / state_tag(state)));
    }
}

TEST_CASE("a removal of a path that is refused makes nothing", "[unit][all]") {
    testing::scratch_directory scratch;
    for (auto const& state : {scratch.path() / "a,b", scratch.path() / "both" / "state"}) {
        INFO(state);
        local_options options{.state_dir = state, .run_dir = scratch.path() / "both"};
        directories place;
        auto const taken = place.claim_to_remove(options);
        REQUIRE_FALSE(taken.has_value());
        CHECK(taken.error().code == errc::invalid);
        place.undo();
        CHECK(std::filesystem::is_empty(scratch.path()));
    }
}

TEST_CASE("a removal of what does not exist leaves nothing, and what stood above it stays", "[unit][all]") {
    if (::geteuid() != 0) return;
    testing::scratch_directory scratch;
    std::filesystem::create_directory(scratch.path() / "mine");
    for (auto const* above : {"new/deep", "mine/deep", "mine"}) {
        INFO(above);
        auto const root = scratch.path() / above;
        local_options const options{.state_dir = root / "state", .run_dir = scratch.path() / "run" / "deep"};
        {
            directories place;
            REQUIRE(place.claim_to_remove(options));
            REQUIRE(place.remove({}));
        }
        CHECK_FALSE(std::filesystem::exists(scratch.path() / "new"));
        CHECK_FALSE(std::filesystem::exists(scratch.path() / "run"));
        CHECK(std::filesystem::is_empty(scratch.path() / "mine"));
    }
}

TEST_CASE("a start that is refused takes nothing from a state directory that is used", "[unit][all]") {
    if (::geteuid() != 0) return;
    testing::scratch_directory scratch;
    local_options const options{.state_dir = scratch.path() / "state", .run_dir = scratch.path() / "run"};
    {
        directories first;
        REQUIRE(first.claim(options));
        std::filesystem::create_directory(scratch.path() / "state" / "pods");
    }
    {
        directories second;
        REQUIRE(second.claim(options));
        CHECK_FALSE(second.is_new());
        second.undo();
    }
    directories last;
    REQUIRE(last.claim_to_remove(options));
    std::filesystem::remove(scratch.path() / "state" / "pods");
    REQUIRE(last.remove({}));
    CHECK(std::filesystem::is_empty(scratch.path()));
}

}  // namespace rik::detail

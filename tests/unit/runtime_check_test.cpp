// What a machine lacks for a runtime, in words.
#include <rik/all/runtime_check.hpp>

#include "support/catch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <cstdlib>

namespace rik {

namespace {

std::vector<runtime_check> checks(local_options options = {}) {
    asio::io_context context{1};
    auto found = asio::co_spawn(context, check_runtimes(std::move(options)), asio::use_future);
    context.run();
    return found.get();
}

runtime_check const& oci_of(std::vector<runtime_check> const& all) {
    auto const found = std::ranges::find(all, "oci", &runtime_check::name);
    REQUIRE(found != all.end());
    return *found;
}

}  // namespace

TEST_CASE("what is lacking completes a sentence, with what to install", "[unit][all]") {
    CHECK(lack_text({.name = "oci"}).empty());
    CHECK(lack_text({.name = "oci", .lacking = {"no umoci"}, .remedy = "install it with: apt-get install umoci"}) ==
          "no umoci; install it with: apt-get install umoci");
    CHECK(lack_text({.name = "oci", .lacking = {"no a", "no b", "no c"}}) == "no a, no b and no c");
}

TEST_CASE("every runtime is looked for, and each is found or lacks something", "[unit][all]") {
    auto const all = checks();
    REQUIRE(all.size() == 2);
    CHECK(all[0].name == "microvm");
    CHECK(all[1].name == "oci");
    for (auto const& each : all) CHECK(each.is_offered() == lack_text(each).empty());
}

TEST_CASE("a runtime's programs that are not there are named, with their packages", "[unit][all]") {
    local_options options;
    options.oci_runtime = "/nonexistent/runc";
    auto const all = checks(options);
    auto const& oci = oci_of(all);
    CHECK_FALSE(oci.is_offered());
    CHECK(oci.lacking.front() == "no /nonexistent/runc");
    CHECK(oci.remedy.find("/nonexistent") == std::string::npos);
}

}  // namespace rik

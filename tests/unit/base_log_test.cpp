#include <rik/base/log.hpp>
#include <rik/cluster.hpp>

#include "support/catch.hpp"

#include <array>
#include <string>

#include <unistd.h>

using namespace rik;

namespace {

/// What `work` writes to standard error.
template <class Work>
std::string written_by(Work work) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    auto const usual = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    work();
    ::dup2(usual, STDERR_FILENO);
    ::close(usual);
    std::array<char, 4096> text;
    auto const size = ::read(ends[0], text.data(), text.size());
    ::close(ends[0]);
    return std::string(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
}

}  // namespace

TEST_CASE("without a log of its own a cluster writes warnings and errors to standard error, a line each", "[log]") {
    auto const text = written_by([] {
        auto const out = cluster_options().out;
        out.error("the Pod network cannot be opened", {{"error", "subnet in use\nby lan0"}, {"node", "a"}});
        out.warning("slow");
        out.info("a state");
        out.debug("why");
    });
    CHECK(text ==
          "rik: error: the Pod network cannot be opened (error=subnet in use by lan0, node=a)\n"
          "rik: warning: slow\n");
}

TEST_CASE("a log without a sink is silent", "[log]") {
    CHECK(written_by([] { rik::log().error("nobody asked"); }).empty());
}

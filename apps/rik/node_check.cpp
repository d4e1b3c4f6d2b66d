#include "node_check.hpp"

#include <rik/all/runtime_check.hpp>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>

#include <unistd.h>

namespace rik::app {

namespace {

/// Each runtime, indented below it what was found, what is lacking, and how to get that.
void print(runtime_check const& of) {
    fmt::print("{}: {}\n", of.name, of.is_offered() ? "can be offered" : "cannot be offered");
    for (auto const& each : of.found) fmt::print("  {}\n", each);
    for (auto const& each : of.lacking) fmt::print("  it has {}\n", each);
    if (!of.remedy.empty()) fmt::print("  {}\n", of.remedy);
}

bool is_enough(std::vector<runtime_check> const& all, std::vector<std::string> const& wanted) {
    auto const is_offered = [](runtime_check const& each) { return each.is_offered(); };
    if (wanted.empty()) return std::ranges::any_of(all, is_offered);
    return std::ranges::all_of(all, [&](runtime_check const& each) {
        return each.is_offered() || std::ranges::find(wanted, each.name) == wanted.end();
    });
}

}  // namespace

int check_node(options const& chosen) {
    asio::io_context context{1};
    std::vector<runtime_check> all;
    asio::co_spawn(context, check_runtimes(chosen.local),
                   [&](std::exception_ptr thrown, std::vector<runtime_check> returned) {
                       if (thrown) std::rethrow_exception(thrown);
                       all = std::move(returned);
                   });
    context.run();
    for (auto const& each : all) print(each);
    if (::geteuid() != 0) fmt::print("rik itself runs as root, and this user is not\n");
    return is_enough(all, chosen.runtimes) ? 0 : 1;
}

}  // namespace rik::app

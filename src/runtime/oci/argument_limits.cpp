#include "argument_limits_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace rik::detail {

namespace {

constexpr std::uint64_t arguments_bytes_min = 128u << 10;
constexpr std::uint64_t arguments_bytes_most = 6u << 20;
constexpr std::uint64_t kept_for_the_kernel = 4'096;  ///< the program's path, and what the C library finds on its stack

/// With its zero byte and the pointer to it.
std::uint64_t size_of(std::string const& text) { return text.size() + 1 + sizeof(char*); }

error too_long(std::string what, std::size_t size) {
    return error{errc::invalid,
                 fmt::format("{} is {} bytes long; no program can be started with more than {} in one text", what, size,
                             limits::argument_bytes_max - 1),
                 {},
                 "put it into a file of the image"};
}

}  // namespace

std::uint64_t arguments_bytes_max(std::uint64_t stack_limit_bytes) {
    return std::clamp(stack_limit_bytes / 4, arguments_bytes_min, arguments_bytes_most);
}

result<void> check_arguments(std::vector<std::string> const& arguments, std::vector<std::string> const& environment,
                             std::uint64_t stack_limit_bytes) {
    auto sum = kept_for_the_kernel;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i].size() >= limits::argument_bytes_max)
            return too_long(i == 0 ? "the program's path" : fmt::format("argument {}", i), arguments[i].size());
        sum += size_of(arguments[i]);
    }
    for (auto const& each : environment) {
        if (each.size() >= limits::argument_bytes_max)
            return too_long(fmt::format("variable {}", each.substr(0, std::min<std::size_t>(each.find('='), 64))),
                            each.size());
        sum += size_of(each);
    }
    auto const most = arguments_bytes_max(stack_limit_bytes);
    if (sum <= most) return {};
    return error{
        errc::invalid,
        fmt::format("its arguments and variables, with those of its image, take {} bytes; the kernel starts no "
                    "program with more than {}",
                    sum, most),
        {},
        "put some of them into files of the image"};
}

}  // namespace rik::detail

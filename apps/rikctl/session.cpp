#include "session.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <sstream>

namespace rikctl {

using rik::errc;
using rik::error;

rik::result<rik::client> session::server() const {
    auto address = rik::resolve_server_address(around_.sources);
    if (!address) return address.error();
    return rik::client(std::move(*address), around_.options);
}

exit_code session::fail(error const& problem, std::string_view about) {
    std::istringstream lines(rik::to_string(problem));
    for (std::string line; std::getline(lines, line);)
        err() << fmt::format("error: {}{}{}\n", about, about.empty() ? "" : ": ", line);
    err().flush();
    return exit_code_of(problem.code);
}

exit_code session::fail_address(error const& problem) {
    auto const code = fail(problem);
    return code == exit_code::failed ? exit_code::usage : code;
}

exit_code session::fail_usage(std::string_view message) {
    err() << fmt::format("error: {}\n", message) << "Run with --help for more.\n";
    return exit_code::usage;
}

void session::warn(std::string_view message) { err() << fmt::format("warning: {}\n", message) << std::flush; }

rik::result<std::string> read_input(session& with, std::string const& path) {
    std::error_code ignored;
    std::ifstream file;
    if (path != "-") file.open(path, std::ios::binary);
    // A directory can be opened, but not read.
    if (path != "-" && (!file.is_open() || std::filesystem::is_directory(path, ignored)))
        return error{errc::invalid, fmt::format("cannot read {}", path)};  // not_found: an object of the server
    auto& from = path == "-" ? with.in() : file;
    std::string text{std::istreambuf_iterator<char>(from), {}};
    if (text.size() > rik::limits::definition_bytes_max)
        return error{errc::exhausted,
                     fmt::format("{} is longer than {} bytes", path, rik::limits::definition_bytes_max)};
    return text;
}

rik::result<rik::duration> parse_duration(std::string_view text) {
    error const wrong{
        errc::invalid, fmt::format("'{}' is no duration", text), {}, "write it as 90s, 5m, 1h30m or 500ms"};
    struct unit {
        std::string_view name;
        rik::duration length;
    };
    static constexpr std::array units{unit{"ms", std::chrono::milliseconds(1)}, unit{"s", std::chrono::seconds(1)},
                                      unit{"m", std::chrono::minutes(1)}, unit{"h", std::chrono::hours(1)}};
    constexpr std::int64_t count_max = 1'000'000;
    if (text.empty()) return wrong;
    rik::duration sum{};
    while (!text.empty()) {
        std::int64_t count = -1;
        auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), count);
        if (code != std::errc{} || count < 0 || count > count_max) return wrong;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        auto const name = text.substr(0, std::min(text.find_first_of("0123456789"), text.size()));
        text.remove_prefix(name.size());
        rik::duration length{};
        for (auto const& each : units) {
            if (name == each.name) length = each.length;
        }
        if (name.empty()) length = std::chrono::seconds(1);
        if (length == rik::duration{}) return wrong;
        sum += count * length;
    }
    return sum;
}

}  // namespace rikctl

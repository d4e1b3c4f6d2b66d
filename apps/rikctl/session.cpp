#include "session.hpp"

#include <rik/base/limits.hpp>
#include <rik/client/print.hpp>
#include <rik/client/text_file.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <istream>
#include <ostream>
#include <sstream>
#include <system_error>

namespace rikctl {

using rik::errc;
using rik::error;

rik::result<rik::client> session::server() const {
    auto address = rik::resolve_server_address(around_.sources);
    if (!address) return address.error();
    auto const tenant = rik::resolve_tenant(around_.sources);
    if (!tenant) return tenant.error();
    around_.options.tenant = *tenant;  // for what goes on by itself, too
    return rik::client(std::move(*address), around_.options);
}

std::string session::tenant_words() const { return named_tenant().empty() ? "" : " -n " + named_tenant(); }

rik::result<rik::client> session::server_until(rik::time_point deadline) const {
    auto const found = server();
    if (!found) return found;
    auto options = found->options();
    options.deadline = deadline;
    return rik::client(found->address(), options);
}

exit_code session::fail(error const& problem, std::string_view about) {
    std::istringstream lines(rik::printable(rik::to_string(problem)));
    for (std::string line; std::getline(lines, line);)
        err() << fmt::format("error: {}{}{}\n", about, about.empty() ? "" : ": ", line);
    err().flush();
    return exit_code_of(problem.code);
}

exit_code session::fail_address(error const& problem) {
    auto const code = fail(problem);
    return code == exit_code::failed && !around_.sources.flag.empty() ? exit_code::usage : code;
}

exit_code session::fail_usage(std::string_view message) {
    err() << fmt::format("error: {}\n", message) << "Run with --help for more.\n";
    return exit_code::usage;
}

void session::warn(std::string_view message) {
    err() << fmt::format("warning: {}\n", rik::printable(message)) << std::flush;
}

void session::tell_connection(std::string_view reason) {
    if (reason.empty())
        err() << "the server is there again\n" << std::flush;
    else
        warn(fmt::format("the connection to the server is lost ({}), trying again", reason));
}

namespace {

constexpr auto input_bytes_max = rik::limits::definition_file_bytes_max;

/// By `read`, which does not throw where the iterators of a stream do.
rik::result<std::string> read_standard_input(std::istream& in) {
    std::string text;
    std::array<char, 16384> part;
    errno = 0;
    while (in) {
        in.read(part.data(), part.size());
        text.append(part.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > input_bytes_max)
            return error{errc::exhausted, fmt::format("the standard input is longer than {} bytes", input_bytes_max)};
    }
    if (!in.bad()) return text;
    auto const why = errno == 0 ? std::string("it failed") : std::generic_category().message(errno);
    return error{errc::invalid, fmt::format("cannot read the standard input: {}", why)};
}

rik::result<std::string> read_input(session& with, std::string const& path) {
    if (path == "-") return read_standard_input(with.in());
    auto text = rik::read_text_file(path, input_bytes_max);
    // not_found would be an object of the server.
    if (!text && text.error().code != errc::exhausted) return error{errc::invalid, text.error().message};
    return text;
}

/// The definition `text` behind as many empty lines as there are lines before it in its file, so that whoever is told
/// of a line of it looks at the right one. As it is if it stands in the file otherwise, as an item of a List may, or
/// has no room for more. It is looked for behind the first `read` bytes, which are then all up to its end.
std::string placed_text(std::string_view file, std::size_t& read, std::string text) {
    auto const at = file.find(text, read);
    if (at == file.npos) return text;
    auto const before = file.substr(0, at);
    read = at + text.size();
    auto const lines = static_cast<std::size_t>(std::ranges::count(before, '\n'));
    if (text.size() + lines > rik::limits::definition_bytes_max) return text;
    return std::string(lines, '\n') + text;
}

}  // namespace

namespace {

/// Is it what `get -o yaml` prints of a workload? Its definition is one member of that.
bool is_answer(rik::problems const& found) {
    auto const has = [&](std::string_view field) { return std::ranges::count(found, field, &error::field) > 0; };
    return has("definition") && has("id");
}

error answer_given() {
    return {errc::invalid,
            "it is what `rikctl get -o yaml` prints: its definition stands under `definition`",
            {},
            "apply that alone: rikctl get ... -o jsonpath={.definition}"};
}

}  // namespace

rik::result<std::vector<definition>> read_definitions(session& with, std::string const& path) {
    auto const text = read_input(with, path);
    if (!text) return text.error();
    auto parsed = rik::parse_definition_file(*text);
    if (parsed.empty()) return error{errc::invalid, fmt::format("{}: there is no definition in it", path)};
    std::vector<definition> all;
    std::size_t read = 0;
    for (auto& each : parsed) {
        if (is_answer(each.parsed.found)) each.parsed.found = {answer_given()};
        auto about = parsed.size() == 1 ? path : fmt::format("{}: definition {}", path, all.size() + 1);
        auto placed = placed_text(*text, read, std::move(each.text));
        all.push_back({std::move(about), std::move(placed), std::move(each.parsed), std::move(each.tenant)});
    }
    return all;
}

}  // namespace rikctl

#include "session.hpp"

#include <rik/base/limits.hpp>
#include <rik/client/print.hpp>
#include <rik/client/text_file.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ostream>
#include <sstream>

namespace rikctl {

using rik::errc;
using rik::error;

namespace {

/// Does a line begin a document? What stands behind the mark, besides a comment, is content.
bool is_mark(std::string_view line) {
    return line.starts_with("---") && (line.size() == 3 || std::string_view(" \t\r\n").find(line[3]) != line.npos);
}

/// Is there anything but blanks and comments in it?
bool says_something(std::string_view text) {
    while (!text.empty()) {
        auto const end = std::min(text.find('\n'), text.size() - 1) + 1;
        auto const start = text.substr(0, end).find_first_not_of(" \t\r\n");
        if (start != std::string_view::npos && text[start] != '#') return true;
        text.remove_prefix(end);
    }
    return false;
}

/// The documents of a YAML file: a line that begins with "---" parts them, and nothing in YAML may begin so otherwise.
std::vector<std::string> documents_of(std::string_view text) {
    std::vector<std::string> documents(1);
    while (!text.empty()) {
        auto const end = std::min(text.find('\n'), text.size() - 1) + 1;
        auto const line = text.substr(0, end);
        if (is_mark(line))
            documents.emplace_back(line.substr(3));
        else
            documents.back() += line;
        text.remove_prefix(end);
    }
    std::erase_if(documents, [](std::string const& each) { return !says_something(each); });
    return documents;
}

}  // namespace

rik::result<rik::client> session::server() const {
    auto address = rik::resolve_server_address(around_.sources);
    if (!address) return address.error();
    return rik::client(std::move(*address), around_.options);
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

rik::result<std::string> read_input(session& with, std::string const& path) {
    constexpr auto bytes_max = rik::limits::definition_bytes_max;
    if (path != "-") {
        auto text = rik::read_text_file(path, bytes_max);
        // not_found would be an object of the server.
        if (!text && text.error().code == errc::not_found) return error{errc::invalid, text.error().message};
        return text;
    }
    std::string text{std::istreambuf_iterator<char>(with.in()), {}};
    if (text.size() > bytes_max)
        return error{errc::exhausted, fmt::format("the standard input is longer than {} bytes", bytes_max)};
    return text;
}

rik::result<std::vector<std::string>> read_definitions(session& with, std::string const& path) {
    auto const text = read_input(with, path);
    if (!text) return text.error();
    auto documents = documents_of(*text);
    if (documents.empty()) return error{errc::invalid, fmt::format("{}: there is no definition in it", path)};
    return documents;
}

}  // namespace rikctl

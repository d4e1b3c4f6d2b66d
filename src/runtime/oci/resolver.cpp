#include "resolver_detail.hpp"

#include "files_detail.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include <sys/stat.h>

namespace rik::detail {

namespace {

constexpr std::size_t resolver_file_bytes_max = 64u << 10;
constexpr std::size_t hosts_file_bytes_max = 1u << 20;
constexpr std::string_view blanks = " \t\r";

std::string_view next_line(std::string_view& text) {
    auto const end = text.find('\n');
    auto const line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

/// The first word, which is taken off.
std::string_view first_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    auto const word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    return word;
}

bool is_text(std::string_view line) {
    return std::all_of(line.begin(), line.end(), [](char letter) {
        return letter == '\t' || letter == '\r' || (static_cast<unsigned char>(letter) >= ' ' && letter != 127);
    });
}

/// What a resolv.conf says, and can be of use to a Pod.
struct host_lines {
    std::vector<std::string> servers;
    std::string others;  ///< whole lines
    std::vector<std::string> dropped;
};

bool is_taken_over(std::string_view keyword) {
    constexpr std::array<std::string_view, 4> known{"search", "domain", "options", "sortlist"};
    return std::find(known.begin(), known.end(), keyword) != known.end();
}

void read_server(std::string_view address, host_lines& into) {
    if (auto const why = why_unreachable(address))
        into.dropped.push_back(fmt::format("{}: {}", address, *why));
    else if (into.servers.size() < dns_servers_max)
        into.servers.emplace_back(address);
}

host_lines read_lines(std::string_view text) {
    host_lines found;
    while (!text.empty()) {
        auto const line = next_line(text);
        if (line.empty() || blanks.find(line.front()) != blanks.npos || !is_text(line)) continue;
        auto rest = line;
        auto const keyword = first_word(rest);
        if (keyword == "nameserver") read_server(first_word(rest), found);
        if (is_taken_over(keyword)) found.others.append(line.substr(0, line.find_last_not_of(blanks) + 1)) += '\n';
    }
    return found;
}

/// A directory or a pipe in its place is no reason to wait.
std::string read_machine_file(char const* path, std::size_t bytes_max) {
    struct stat about {};
    if (::stat(path, &about) != 0 || !S_ISREG(about.st_mode)) return {};
    auto const text = read_file(path, bytes_max);
    return text ? *text : std::string();
}

std::string read_resolver_file(char const* path) { return read_machine_file(path, resolver_file_bytes_max); }

}  // namespace

pod_resolver resolver_for_pods(std::vector<std::string> const& servers, std::string_view host,
                               std::string_view upstream) {
    auto found = read_lines(host);
    if (!servers.empty()) found = {servers, std::move(found.others), {}};
    if (found.servers.empty()) {
        if (auto other = read_lines(upstream); !other.servers.empty()) found = std::move(other);
    }
    pod_resolver made{.text = {}, .has_server = !found.servers.empty(), .dropped = std::move(found.dropped)};
    for (auto const& each : found.servers) made.text += fmt::format("nameserver {}\n", each);
    made.text += found.others;
    return made;
}

pod_resolver resolver_of_machine(std::vector<std::string> const& servers) {
    return resolver_for_pods(servers, read_resolver_file("/etc/resolv.conf"),
                             read_resolver_file("/run/systemd/resolve/resolv.conf"));
}

std::string host_resolver() { return read_resolver_file("/etc/resolv.conf"); }
std::string host_hosts() { return read_machine_file("/etc/hosts", hosts_file_bytes_max); }

std::optional<error> find_fault(pod_resolver const& resolver) {
    if (resolver.has_server) return std::nullopt;
    auto const why =
        resolver.dropped.empty() ? std::string("it names none") : fmt::format("{}", fmt::join(resolver.dropped, ", "));
    return error{errc::unavailable,
                 fmt::format("Pods cannot resolve names: the node's /etc/resolv.conf has no name server that they "
                             "can reach ({})",
                             why),
                 {},
                 "start rik with --dns ADDRESS"};
}

}  // namespace rik::detail

// A resolv.conf with what a Pod says on top.
#include "resolver_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace rik::detail {

namespace {

constexpr std::string_view separators = " \t\r";

std::vector<std::string> split_words(std::string_view line) {
    std::vector<std::string> found;
    while (true) {
        line.remove_prefix(std::min(line.find_first_not_of(separators), line.size()));
        if (line.empty()) return found;
        auto const word = line.substr(0, line.find_first_of(separators));
        found.emplace_back(word);
        line.remove_prefix(word.size());
    }
}

struct resolver_parts {
    std::vector<std::string> servers;
    std::vector<std::string> searches;
    std::vector<std::string> options;
    std::string others;  ///< whole lines
};

void add_new(std::vector<std::string>& to, std::string const& word) {
    if (std::ranges::find(to, word) == to.end()) to.push_back(word);
}

/// "ndots" of "ndots:2".
std::string_view option_name(std::string_view option) { return option.substr(0, option.find(':')); }

void set_option(std::vector<std::string>& options, std::string const& option) {
    auto const found =
        std::ranges::find(options, option_name(option), [](auto const& each) { return option_name(each); });
    if (found == options.end())
        options.push_back(option);
    else
        *found = option;
}

/// Of several lines `search` and `domain` the last one counts; the options of all lines do.   Source: resolv.conf(5)
void take_line(std::string_view line, resolver_parts& into) {
    auto words = split_words(line);
    if (words.size() < 2) return;
    auto const keyword = words.front();
    words.erase(words.begin());
    if (keyword == "nameserver") add_new(into.servers, words.front());
    if (keyword == "search" || keyword == "domain") into.searches = words;
    if (keyword == "options")
        for (auto const& each : words) set_option(into.options, each);
    if (keyword == "sortlist") into.others += fmt::format("{}\n", line);
}

resolver_parts read_parts(std::string_view text) {
    resolver_parts found;
    while (!text.empty()) {
        auto const end = std::min(text.find('\n'), text.size());
        take_line(text.substr(0, end), found);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return found;
}

void cut_servers(resolver_parts& of, std::vector<std::string>& left_out) {
    for (; of.servers.size() > dns_servers_max; of.servers.pop_back())
        left_out.push_back(
            fmt::format("name server {} of dnsConfig, since programs ask only {}", of.servers.back(), dns_servers_max));
}

std::size_t line_bytes(std::vector<std::string> const& words) {
    std::size_t bytes = words.size();
    for (auto const& each : words) bytes += each.size();
    return bytes;
}

void cut_searches(resolver_parts& of, std::vector<std::string>& left_out) {
    auto& all = of.searches;
    for (; all.size() > limits::search_domains_max || line_bytes(all) > limits::search_bytes_max; all.pop_back())
        left_out.push_back(fmt::format("search domain {} of dnsConfig, since there are too many", all.back()));
}

std::string write_parts(resolver_parts const& from) {
    std::string text;
    for (auto const& each : from.servers) text += fmt::format("nameserver {}\n", each);
    if (!from.searches.empty()) text += fmt::format("search {}\n", fmt::join(from.searches, " "));
    if (!from.options.empty()) text += fmt::format("options {}\n", fmt::join(from.options, " "));
    return text + from.others;
}

bool says_nothing(dns_settings const& settings) {
    return settings.policy != dns_policy::none && settings.servers.empty() && settings.searches.empty() &&
           settings.options.empty();
}

}  // namespace

merged_resolver merge_resolver(std::string_view base, dns_settings const& settings) {
    auto parts = settings.policy == dns_policy::none ? resolver_parts() : read_parts(base);
    if (says_nothing(settings)) return {std::string(base), !parts.servers.empty(), {}};
    merged_resolver made;
    for (auto const& each : settings.servers) add_new(parts.servers, each);
    for (auto const& each : settings.searches) add_new(parts.searches, each);
    for (auto const& each : settings.options) set_option(parts.options, each);
    cut_servers(parts, made.left_out);
    cut_searches(parts, made.left_out);
    made.text = write_parts(parts);
    made.has_server = !parts.servers.empty();
    return made;
}

}  // namespace rik::detail

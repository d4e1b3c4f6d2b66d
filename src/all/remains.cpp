#include <rik/all.hpp>

#include "directories_detail.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>

namespace rik {

namespace {

namespace fs = std::filesystem;

constexpr char const* links = "/proc/net/dev";  // "  NAME: counters", below two lines of titles
constexpr std::string_view bridge_prefix = "rk";
constexpr std::size_t tag_size = 8;

std::vector<fs::path> entries_of(fs::path const& directory) {
    std::vector<fs::path> found;
    std::error_code failure;
    for (fs::directory_iterator each(directory, failure), end; !failure && each != end; each.increment(failure))
        found.push_back(each->path());
    std::sort(found.begin(), found.end());
    return found;
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

/// The tag in the name of a node's bridge; empty for any other link.
std::string tag_of_bridge(std::string const& link) {
    if (!link.starts_with(bridge_prefix) || link.size() != bridge_prefix.size() + tag_size) return {};
    auto tag = link.substr(bridge_prefix.size());
    return std::all_of(tag.begin(), tag.end(), is_hex) ? tag : std::string();
}

}  // namespace

machine_remains find_remains() {
    machine_remains found;
    auto const add = [&](fs::path const& state_dir) {
        auto const& known = found.state_dirs;
        if (std::find(known.begin(), known.end(), state_dir) == known.end()) found.state_dirs.push_back(state_dir);
    };
    for (auto const& each : entries_of(detail::usual_run_root)) {
        std::ifstream owner(each / detail::owner_name);
        if (std::string state_dir; std::getline(owner, state_dir) && fs::path(state_dir).is_absolute()) add(state_dir);
    }
    std::error_code failure;
    local_options const usual;
    if (fs::exists(usual.state_dir / detail::mark_name, failure)) add(fs::weakly_canonical(usual.state_dir, failure));
    std::ifstream devices(links);
    for (std::string line; std::getline(devices, line);) {
        auto const begin = std::min(line.find_first_not_of(' '), line.size());
        auto const tag = tag_of_bridge(line.substr(begin, line.find(':') - begin));
        auto const is_known = [&](fs::path const& state_dir) { return state_tag(state_dir) == tag; };
        auto const& known = found.state_dirs;
        if (!tag.empty() && std::none_of(known.begin(), known.end(), is_known)) found.unknown_tags.push_back(tag);
    }
    return found;
}

}  // namespace rik

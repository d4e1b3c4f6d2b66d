#include "users_detail.hpp"

#include "in_root_detail.hpp"
#include "unique_fd_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::size_t database_bytes_max = 1u << 20;
constexpr std::size_t additional_gids_max = 1024;

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        auto const end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::optional<std::uint32_t> parse_number(std::string_view text) {
    std::uint32_t number = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// The first line whose field 0, or whose number in field 2, is `wanted`; empty if there is none.
std::vector<std::string_view> find_line(std::string_view database, std::string_view wanted, std::size_t fields_min) {
    auto const number = parse_number(wanted);
    for (auto const line : split(database, '\n')) {
        auto fields = split(line, ':');
        if (fields.size() < fields_min) continue;
        if (fields[0] == wanted || (number && parse_number(fields[2]) == number)) return fields;
    }
    return {};
}

std::vector<std::uint32_t> groups_with(std::string_view database, std::string_view member) {
    std::vector<std::uint32_t> found;
    for (auto const line : split(database, '\n')) {
        auto const fields = split(line, ':');
        if (fields.size() < 4) continue;
        auto const members = split(fields[3], ',');
        if (std::ranges::find(members, member) == members.end()) continue;
        if (auto const gid = parse_number(fields[2]); gid && found.size() < additional_gids_max) found.push_back(*gid);
    }
    return found;
}

void include_group(container_user& user, std::uint32_t gid) {
    auto& gids = user.additional_gids;
    if (std::ranges::find(gids, gid) == gids.end()) gids.push_back(gid);
}

/// Else a set-group-ID program could shed it, and pass where a file's mode denies its group more than others.
/// Source: CVE-2022-36109.
void include_own_group(container_user& user) {
    auto& gids = user.additional_gids;
    if (std::ranges::find(gids, user.gid) == gids.end()) gids.insert(gids.begin(), user.gid);
}

/// As the user of an image is written.
std::string wanted_user(user_wish const& wish) {
    auto const colon = std::min(wish.of_image.find(':'), wish.of_image.size());
    auto const& [user, group] = std::pair(wish.rights.user, wish.rights.group);
    auto text = user ? std::to_string(*user) : std::string(wish.of_image.substr(0, colon));
    if (group) return fmt::format("{}:{}", text, *group);
    return user ? text : std::string(wish.of_image);
}

std::string read_in_tree(unique_fd const& tree, char const* path) {
    auto const file = open_in_root(tree, path, O_RDONLY | O_NONBLOCK);  // a fifo in its place must not make us wait
    struct stat about {};
    if (!file || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return {};
    std::string text(std::min(static_cast<std::size_t>(about.st_size), database_bytes_max), '\0');
    auto const got = ::pread(file.get(), text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return text;
}

}  // namespace

result<container_user> resolve_user(std::string_view wanted, std::string_view passwd, std::string_view group) {
    auto const colon = wanted.find(':');
    auto name = wanted.substr(0, colon);
    auto const group_name = colon == std::string_view::npos ? std::string_view{} : wanted.substr(colon + 1);
    if (name.empty()) name = "0";

    container_user found;
    auto const line = find_line(passwd, name, 4);
    if (!line.empty()) {
        auto const uid = parse_number(line[2]);  // what is no number must not come to mean root
        if (!uid) return error{errc::invalid, fmt::format("user {}: has no number in the image's /etc/passwd", name)};
        found.uid = *uid;
        found.gid = parse_number(line[3]).value_or(0);
        if (line.size() > 5 && !line[5].empty()) found.home = line[5];
    } else if (auto const uid = parse_number(name)) {
        found.uid = *uid;
        if (*uid == 0) found.home = "/root";
    } else {
        return error{errc::invalid, fmt::format("user {}: is not in the image's /etc/passwd", name)};
    }
    if (group_name.empty()) {
        if (!line.empty()) found.additional_gids = groups_with(group, line[0]);
        include_own_group(found);
        return found;
    }
    auto const group_line = find_line(group, group_name, 3);
    auto const gid = parse_number(group_line.empty() ? group_name : group_line[2]);
    if (!gid) return error{errc::invalid, fmt::format("group {}: is not in the image's /etc/group", group_name)};
    found.gid = *gid;
    include_own_group(found);
    return found;
}

result<container_user> resolve_user(user_wish const& wish, std::string_view passwd, std::string_view group) {
    auto const wanted = wanted_user(wish);
    auto found = resolve_user(wanted, passwd, group);
    if (!found) return found;
    if (wish.rights.group) {  // a group of the image is its last word, one of the definition is not
        auto const name = std::string_view(wanted).substr(0, wanted.find(':'));
        auto const line = find_line(passwd, name.empty() ? "0" : name, 4);
        if (!line.empty())
            for (auto const gid : groups_with(group, line[0])) include_group(*found, gid);
    }
    for (auto const gid : wish.groups) include_group(*found, static_cast<std::uint32_t>(gid));
    return found;
}

result<container_user> resolve_user_in(std::filesystem::path const& tree, user_wish const& wish) {
    unique_fd const root(::open(tree.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return error{errc::internal, fmt::format("{}: the image's tree cannot be opened", tree.string())};
    return resolve_user(wish, read_in_tree(root, "etc/passwd"), read_in_tree(root, "etc/group"));
}

}  // namespace rik::detail

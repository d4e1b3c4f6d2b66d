#include <rik/all/roles.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rik {

namespace {

using member = std::pair<std::string_view, bool role_set::*>;
constexpr std::array<member, 3> members{member{"primary", &role_set::primary},
                                        member{"scheduler", &role_set::scheduler}, member{"node", &role_set::node}};

result<void> add(role_set& to, std::string_view name) {
    auto const found = std::ranges::find(members, name, &member::first);
    if (found == members.end())
        return error{
            errc::invalid,
            fmt::format("'{}' is no role: use primary, scheduler, node, several joined by a comma, or all", name)};
    if (std::exchange(to.*found->second, true)) return error{errc::invalid, fmt::format("{} is there twice", name)};
    return {};
}

}  // namespace

std::string to_string(role_set const& roles) {
    std::string text;
    for (auto const& [name, role] : members)
        if (roles.*role) text += (text.empty() ? "" : ",") + std::string(name);
    return text;
}

result<role_set> parse_role_set(std::string_view text) {
    role_set parsed;
    for (;;) {
        auto const end = std::min(text.find(','), text.size());
        if (auto const added = add(parsed, text.substr(0, end)); !added) return added.error();
        if (end == text.size()) return parsed;
        text.remove_prefix(end + 1);
    }
}

}  // namespace rik

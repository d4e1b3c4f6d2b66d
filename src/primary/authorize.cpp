#include <rik/primary/authorize.hpp>

#include <fmt/format.h>

#include <array>
#include <cstddef>

namespace rik {

namespace {

constexpr std::array<std::string_view, 6> verb_words{"get", "list", "watch", "create", "change", "delete"};
constexpr std::array<std::string_view, 7> kind_words{"workload", "instance", "node", "image", "tenant", "event", "log"};

bool is_read(verb what) { return what == verb::get || what == verb::list || what == verb::watch; }

bool may(caller const& who, verb what, object_kind kind, std::string_view tenant) {
    if (who.role == caller_role::admin) return true;
    if (kind == object_kind::image) return false;
    if (!tenant.empty() && tenant != who.tenant) return false;
    if (is_read(what)) return true;
    return who.role == caller_role::editor && kind != object_kind::node && kind != object_kind::tenant;
}

}  // namespace

std::string_view to_string(verb what) { return verb_words[static_cast<std::size_t>(what)]; }
std::string_view to_string(object_kind kind) { return kind_words[static_cast<std::size_t>(kind)]; }

std::optional<error> authorize(caller const& who, verb what, object_kind kind, std::string_view tenant) {
    if (may(who, what, kind, tenant)) return std::nullopt;
    auto const where = tenant.empty() || tenant == who.tenant ? "" : fmt::format(" of tenant '{}'", tenant);
    return error{errc::denied,
                 fmt::format("{} may not {} {}s{}", who.subject, to_string(what), to_string(kind), where)};
}

}  // namespace rik

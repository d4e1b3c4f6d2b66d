#include <rik/client/resource_kind.hpp>

#include <algorithm>
#include <array>

namespace rik {

namespace {

struct words {
    resource_kind kind;
    std::string_view singular;
    std::string_view plural;
    std::array<std::string_view, 3> others;
};

constexpr std::array table{
    words{resource_kind::workload, "workload", "workloads", {"wl", "w", "work"}},
    words{resource_kind::instance, "instance", "instances", {"i", "in", "inst"}},
    words{resource_kind::node, "node", "nodes", {"n", "no", "no"}},
    words{resource_kind::event, "event", "events", {"e", "ev", "ev"}},
    words{resource_kind::tenant, "tenant", "tenants", {"namespace", "namespaces", "ns"}},
};

words const& words_of(resource_kind kind) { return table[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string_view to_string(resource_kind kind) { return words_of(kind).singular; }

std::string_view plural(resource_kind kind) { return words_of(kind).plural; }

std::optional<resource_kind> parse_resource_kind(std::string_view text) {
    for (auto const& each : table) {
        if (text == each.singular || text == each.plural || std::ranges::count(each.others, text) > 0) return each.kind;
    }
    return std::nullopt;
}

bool belongs_to_tenant(resource_kind kind) { return kind != resource_kind::node && kind != resource_kind::tenant; }

}  // namespace rik

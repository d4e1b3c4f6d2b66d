#include <rik/model/selection.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace rik {

namespace {

using given_text = std::string_view;

constexpr std::array workload_fields{given_text("name"), given_text("kind"), given_text("tenant"), given_text("state"),
                                     given_text("owner")};
constexpr std::array instance_fields_of_selectors{given_text("name"),    given_text("kind"),  given_text("tenant"),
                                                  given_text("state"),   given_text("ready"), given_text("node"),
                                                  given_text("workload")};
constexpr std::array node_fields{given_text("name"), given_text("state")};
constexpr std::array event_fields{given_text("name"), given_text("kind"), given_text("tenant"), given_text("type"),
                                  given_text("reason")};

/// Do all hold? `is` says whether a field has a value.
template <class Is>
bool all_hold(std::vector<field_requirement> const& wanted, Is is) {
    return std::ranges::all_of(wanted, [&](field_requirement const& each) {
        return is(given_text(each.field), given_text(each.value)) != each.is_negated;
    });
}

given_text shown_state(instance const& row, instance_surroundings const& around) {
    return around.is_unheard && !is_finished(row.state()) ? given_text("unknown") : to_string(row.state());
}

given_text ready_word(instance const& row, instance_surroundings const& around) {
    return row.status().ready && !around.is_unheard ? "true" : "false";
}

template <class Id>
bool is_named(std::optional<Id> const& id, given_text name, given_text wanted) {
    if (!id) return wanted.empty();
    return name == wanted || id->text() == wanted;
}

std::optional<node_id> node_of(instance const& row) {
    return row.binding() ? std::optional(row.binding()->node) : std::nullopt;
}

}  // namespace

std::span<given_text const> workload_selection_fields() { return workload_fields; }
std::span<given_text const> instance_selection_fields() { return instance_fields_of_selectors; }
std::span<given_text const> node_selection_fields() { return node_fields; }
std::span<given_text const> event_selection_fields() { return event_fields; }

std::optional<error> check_fields(std::vector<field_requirement> const& wanted, std::span<given_text const> known) {
    for (auto const& each : wanted)
        if (std::ranges::find(known, given_text(each.field)) == known.end())
            return error{errc::invalid, fmt::format("'{}' is not a field that these are selected by", each.field),
                         "fieldSelector", fmt::format("there is {}", fmt::join(known, ", "))};
    return std::nullopt;
}

bool matches(selection const& wanted, workload const& row, workload_state state) {
    return wanted.labels.matches(row.labels()) && all_hold(wanted.fields, [&](given_text field, given_text value) {
               if (field == "name") return row.name == value;
               if (field == "kind") return to_string(row.kind) == value;
               if (field == "tenant") return row.tenant == value;
               if (field == "owner") return (row.owner ? row.owner->text() : std::string()) == value;
               return field == "state" && to_string(state) == value;
           });
}

bool matches(selection const& wanted, instance const& row, instance_surroundings const& around) {
    return wanted.labels.matches(row.labels()) && all_hold(wanted.fields, [&](given_text field, given_text value) {
               if (field == "name") return row.name() == value;
               if (field == "kind") return to_string(row.spec().form) == value;
               if (field == "tenant") return row.tenant() == value;
               if (field == "state") return shown_state(row, around) == value;
               if (field == "ready") return ready_word(row, around) == value;
               if (field == "node") return is_named(node_of(row), around.node_name, value);
               return field == "workload" && is_named(row.owner(), around.workload_name, value);
           });
}

bool matches(selection const& wanted, node const& row) {
    return wanted.labels.matches(row.labels) && all_hold(wanted.fields, [&](given_text field, given_text value) {
               if (field == "name") return row.facts.name == value;
               return field == "state" && to_string(row.state) == value;
           });
}

bool matches(selection const& wanted, event const& happened) {
    return all_hold(wanted.fields, [&](given_text field, given_text value) {
        if (field == "name") return happened.object_name == value;
        if (field == "kind") return happened.object_kind == value;
        if (field == "tenant") return happened.tenant == value;
        if (field == "reason") return happened.reason == value;
        return field == "type" && (happened.type == event_type::warning ? "warning" : "normal") == value;
    });
}

}  // namespace rik

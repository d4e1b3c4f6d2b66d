#include "unplaced_detail.hpp"

#include <cstddef>
#include <string>
#include <utility>

namespace rik::detail {

namespace {

/// A reason without "(3 nodes: a, b, c)".
std::string without_counts(std::string_view reason) {
    std::string kept;
    std::size_t depth = 0;
    for (auto const letter : reason) {
        if (letter == '(') ++depth;
        if (depth == 0) kept += letter;
        if (letter == ')' && depth > 0) --depth;
    }
    return kept;
}

/// Returns true if it waits for the same as before, on however many nodes: nobody needs an event for that.
bool is_same_wait(instance_status const& before, std::string_view reason) {
    return before.reason == "Unschedulable" && without_counts(before.message) == without_counts(reason);
}

}  // namespace

bool note_unplaced(transaction& into, event_writer& events, stored<instance> const& row, std::string_view reason) {
    if (row->status().message == reason) return false;
    auto next = row->fields();
    next.status.reason = "Unschedulable";
    next.status.message = reason;
    if (!is_same_wait(row->status(), reason)) {
        auto happened = events.about(*row);
        happened.type = event_type::warning;
        happened.reason = next.status.reason;
        happened.message = reason;
        events.note(into, std::move(happened));
    }
    into.put(instance(std::move(next)), row.changed_at);
    return true;
}

}  // namespace rik::detail

#include <rik/model/workload_progress.hpp>

#include <algorithm>
#include <array>

namespace rik {

namespace {

/// In the order of the enumerators.
constexpr std::array<std::string_view, 7> condition_words{
    "Available", "Progressing", "Suspended", "SuccessCriteriaMet", "FailureTarget", "Complete", "Failed"};

}  // namespace

std::string_view to_string(workload_condition_type type) { return condition_words.at(static_cast<std::size_t>(type)); }

std::optional<workload_condition_type> parse_workload_condition_type(std::string_view text) {
    auto const found = std::ranges::find(condition_words, text);
    if (found == condition_words.end()) return std::nullopt;
    return static_cast<workload_condition_type>(found - condition_words.begin());
}

workload_condition const* workload_progress::find(workload_condition_type type) const {
    auto const found = std::ranges::find(conditions, type, &workload_condition::type);
    return found == conditions.end() ? nullptr : &*found;
}

bool workload_progress::holds(workload_condition_type type) const {
    auto const* const said = find(type);
    return said != nullptr && said->status == condition_status::yes;
}

}  // namespace rik

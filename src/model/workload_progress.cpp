#include <rik/model/workload_progress.hpp>

#include <algorithm>

namespace rik {

std::string_view to_string(workload_condition_type type) {
    return type == workload_condition_type::available ? "Available" : "Progressing";
}

std::optional<workload_condition_type> parse_workload_condition_type(std::string_view text) {
    if (text == "Available") return workload_condition_type::available;
    if (text == "Progressing") return workload_condition_type::progressing;
    return std::nullopt;
}

workload_condition const* workload_progress::find(workload_condition_type type) const {
    auto const found = std::ranges::find(conditions, type, &workload_condition::type);
    return found == conditions.end() ? nullptr : &*found;
}

}  // namespace rik

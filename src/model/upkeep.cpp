#include <rik/model/upkeep.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace rik {

std::string to_string(count_or_percent of) { return fmt::format("{}{}", of.value, of.is_percent ? "%" : ""); }

std::optional<count_or_percent> parse_percent(std::string_view text) {
    if (!text.ends_with('%')) return std::nullopt;
    text.remove_suffix(1);
    count_or_percent read{.is_percent = true};
    auto const* const end = text.data() + text.size();
    auto const [stop, failed] = std::from_chars(text.data(), end, read.value);
    if (text.empty() || text.front() == '-' || failed != std::errc() || stop != end) return std::nullopt;
    return read;
}

std::int64_t rounded_up(count_or_percent of, std::int64_t whole) {
    return of.is_percent ? (of.value * whole + 99) / 100 : of.value;
}

std::int64_t rounded_down(count_or_percent of, std::int64_t whole) {
    return of.is_percent ? of.value * whole / 100 : of.value;
}

std::string_view to_string(update_policy policy) {
    switch (policy) {
        case update_policy::rolling: return "RollingUpdate";
        case update_policy::recreate: return "Recreate";
        case update_policy::on_delete: return "OnDelete";
    }
    return "RollingUpdate";
}

std::string_view to_string(pod_management management) {
    return management == pod_management::parallel ? "Parallel" : "OrderedReady";
}

std::string_view to_string(completion_mode mode) { return mode == completion_mode::indexed ? "Indexed" : "NonIndexed"; }

std::string_view to_string(replacement_policy policy) {
    return policy == replacement_policy::failed ? "Failed" : "TerminatingOrFailed";
}

std::string_view to_string(failure_action action) {
    switch (action) {
        case failure_action::count: return "Count";
        case failure_action::ignore: return "Ignore";
        case failure_action::fail_index: return "FailIndex";
        case failure_action::fail_job: return "FailJob";
    }
    return "Count";
}

std::string_view to_string(concurrency_policy policy) {
    switch (policy) {
        case concurrency_policy::allow: return "Allow";
        case concurrency_policy::forbid: return "Forbid";
        case concurrency_policy::replace: return "Replace";
    }
    return "Allow";
}

workload_upkeep usual_upkeep(workload_kind kind) {
    workload_upkeep usual;
    if (kind == workload_kind::deployment) {
        usual.policy = update_policy::rolling;
        usual.max_surge = usual.max_unavailable = {25, true};
        usual.progress_deadline = std::chrono::seconds(600);
    }
    if (kind == workload_kind::daemon_set) {
        usual.policy = update_policy::rolling;
        usual.max_unavailable = {1};
    }
    if (kind == workload_kind::stateful_set) {
        usual.policy = update_policy::rolling;
        usual.max_unavailable = {1};
        usual.stateful.emplace();
    }
    if (has_end(kind)) usual.job.emplace();
    if (kind == workload_kind::cron_job) usual.cron.emplace();
    return usual;
}

rollout_room room_of_deployment(workload_upkeep const& of, std::int64_t replicas) {
    rollout_room room{rounded_up(of.max_surge, replicas), rounded_down(of.max_unavailable, replicas)};
    if (room == rollout_room{}) room.unavailable = 1;
    return room;
}

rollout_room room_of_daemon_set(workload_upkeep const& of, std::int64_t nodes) {
    return {rounded_up(of.max_surge, nodes), rounded_up(of.max_unavailable, nodes)};
}

}  // namespace rik

#include "pod_plan_detail.hpp"

#include <rik/base/quantity.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace rik::detail {

namespace {

std::optional<probe_rules> rules_of(std::optional<probe_definition> const& probe) {
    return probe ? std::optional(probe->rules) : std::nullopt;
}

unit_rules unit_of(container_definition const& container, restart_policy restart) {
    unit_rules made{.name = container.name, .role = container.role, .restart = restart};
    if (container.role == container_role::sidecar) made.restart = restart_policy::always;
    made.probes = {rules_of(container.startup), rules_of(container.readiness), rules_of(container.liveness)};
    made.has_post_start = container.post_start.has_value();
    made.has_pre_stop = container.pre_stop.has_value();
    return made;
}

/// A line of a unit: NAME ATTEMPT LEVEL STARTS_AT STARTED EVER READY DONE EXIT
/// An agent that does not know a word of STARTED or READY takes it for a 0.
constexpr std::size_t word_count = 9;
using words = std::array<std::string_view, word_count>;

std::optional<words> words_of(std::string_view line) {
    words all;
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto const end = line.find(' ');
        if ((end == line.npos) != (i + 1 == all.size())) return std::nullopt;
        all.at(i) = line.substr(0, end);
        line.remove_prefix(std::min(line.size(), end == line.npos ? line.size() : end + 1));
    }
    return all;
}

template <class T>
std::optional<T> number_of(std::string_view text) {
    T value{};
    auto const* const last = text.data() + text.size();
    auto const [end, failure] = std::from_chars(text.data(), last, value);
    if (failure == std::errc{} && end == last) return value;
    return std::nullopt;
}

constexpr std::string_view hook_passed = "p";   // STARTED of a unit whose startup probe has not succeeded yet
constexpr std::string_view starts_again = "a";  // READY of one that has ended for a restart, and has not started again

struct end_word {
    unit_end_cause cause = unit_end_cause::none;
    std::string_view word;
};
/// READY of a unit that is told to end.
constexpr std::array end_words{end_word{unit_end_cause::hook, "h"}, end_word{unit_end_cause::startup, "s"},
                               end_word{unit_end_cause::liveness, "l"}, end_word{unit_end_cause::restart, "r"}};

std::string_view started_text(unit_memory const& of) {
    if (of.has_started) return "1";
    return of.is_hook_passed ? hook_passed : "0";
}

std::string_view ready_text(unit_memory const& of) {
    if (of.is_ready) return "1";
    auto const* const found = std::ranges::find(end_words, of.ends_for, &end_word::cause);
    if (found != end_words.end()) return found->word;
    return of.is_restarting ? starts_again : "0";
}

void read_ready(std::string_view text, unit_memory& into) {
    into.is_ready = text == "1";
    auto const* const found = std::ranges::find(end_words, text, &end_word::word);
    if (found != end_words.end()) into.ends_for = found->cause;
    into.is_restarting = text == starts_again || into.ends_for == unit_end_cause::restart;
}

std::string exit_text(std::optional<unit_exit> const& exit) {
    if (!exit) return "-";
    return exit->code ? fmt::format("{}", *exit->code) : "?";
}

std::optional<unit_exit> exit_of(std::string_view text) {
    if (text == "-") return std::nullopt;
    return unit_exit{number_of<int>(text)};
}

std::optional<unit_memory> memory_of(words const& line, wall_time now) {
    auto const attempt = number_of<std::uint32_t>(line[1]);
    auto const level = number_of<std::uint32_t>(line[2]);
    auto const starts_at = number_of<std::int64_t>(line[3]);
    if (!attempt || !level || !starts_at) return std::nullopt;
    unit_memory made{.attempt = *attempt, .restart_count = *attempt, .delay_level = *level};
    wall_time const when{std::chrono::microseconds(*starts_at)};
    if (*starts_at != 0) made.waits = std::max<duration>(when - now, duration());
    made.has_started = line[4] == "1";
    made.is_hook_passed = made.has_started || line[4] == hook_passed;
    made.has_ever_started = line[5] == "1";
    read_ready(line[6], made);
    made.is_done = line[7] == "1";
    made.exit = exit_of(line[8]);
    return made;
}

bool restarts(restart_policy policy, bool is_success) {
    return policy == restart_policy::always || (policy == restart_policy::on_failure && !is_success);
}

bool all_mains_have_codes(std::vector<container_status> const& containers) {
    return std::ranges::all_of(
        containers, [](auto const& each) { return each.role != container_role::main || each.exit_code.has_value(); });
}

/// An agent may die before it has written that the Pod runs. A sidecar starts again whatever the policy of its Pod.
bool has_begun(remains const& of) {
    auto const has_run = [](container_status const& each) {
        return each.role != container_role::sidecar && each.state != container_state::waiting;
    };
    return of.was == instance_state::running || std::ranges::any_of(of.containers, has_run);
}

}  // namespace

pod_rules pod_rules_of(instance_template const& pod, duration delay_max) {
    pod_rules made{.units = {}, .grace = pod.grace_period, .delays = pod.delays};
    made.delays.max = std::min(made.delays.max, delay_max);
    made.delays.first = std::min(made.delays.first, made.delays.max);
    for (auto const& each : pod.containers) made.units.push_back(unit_of(each, pod.restart));
    return made;
}

std::string encode_memory(pod_rules const& rules, std::vector<unit_memory> const& memory, wall_time now) {
    std::string text;
    for (std::size_t i = 0; i < memory.size(); ++i) {
        auto const& each = memory[i];
        auto const starts_at = std::chrono::round<std::chrono::milliseconds>(now + each.waits).time_since_epoch();
        auto const micros = each.waits == duration() ? 0 : std::chrono::microseconds(starts_at).count();
        text += fmt::format("{} {} {} {} {} {:d} {} {:d} {}\n", rules.units[i].name, each.attempt, each.delay_level,
                            micros, started_text(each), each.has_ever_started, ready_text(each), each.is_done,
                            exit_text(each.exit));
    }
    return text;
}

std::optional<std::vector<unit_memory>> parse_memory(pod_rules const& rules, std::string_view text, wall_time now) {
    std::vector<unit_memory> all(rules.units.size());
    while (!text.empty()) {
        auto const end = text.find('\n');
        auto const line = words_of(text.substr(0, end));
        auto const read = line ? memory_of(*line, now) : std::nullopt;
        if (!read || end == text.npos) return std::nullopt;
        text.remove_prefix(end + 1);
        auto const unit = std::ranges::find(rules.units, (*line)[0], &unit_rules::name);
        if (unit == rules.units.end()) continue;
        auto& mine = all[static_cast<std::size_t>(unit - rules.units.begin())];
        mine = *read;
        mine.waits = std::min(mine.waits, rules.delays.max);  // the clock on the wall may have been set back
    }
    return all;
}

found_container const* newest_of(found_sandbox const& found, std::string_view container) {
    found_container const* newest = nullptr;
    for (auto const& each : found.containers)
        if (each.key.name == container && (newest == nullptr || newest->key.attempt < each.key.attempt)) newest = &each;
    return newest;
}

void take_attempt(unit_memory& memory, std::uint32_t found) {
    if (found <= memory.attempt) return;
    memory.delay_level += found - memory.attempt;
    memory.attempt = memory.restart_count = found;
    memory.waits = {};
    memory.has_started = memory.is_ready = memory.is_done = false;
    memory.is_hook_passed = memory.is_restarting = false;
    memory.ends_for = unit_end_cause::none;
}

std::vector<unit_memory> made_anew(std::vector<unit_memory> memory, std::vector<container_status> const& containers) {
    for (std::size_t i = 0; i < memory.size() && i < containers.size(); ++i) {
        auto& mine = memory[i];
        mine.attempt = std::max(mine.attempt, containers[i].restart_count);
        if (containers[i].state != container_state::waiting) ++mine.attempt;
        mine.restart_count = mine.attempt;
        mine.waits = {};
        mine.has_started = mine.has_ever_started = mine.is_ready = mine.is_done = false;
        mine.is_hook_passed = mine.is_restarting = false;
        mine.ends_for = unit_end_cause::none;
        mine.exit.reset();
    }
    return memory;
}

/// Nobody can tell whether a container ended by itself or by the signal that a shutdown sends to every process, which a
/// server answers with 0, too. So the restartPolicy decides, as it would have without the reboot.
std::optional<instance_end> end_of(remains const& of) {
    auto how = all_mains_have_codes(of.containers) ? end_of(of.containers) : std::nullopt;
    if (how && !restarts(of.restart, how->state == instance_state::succeeded)) {
        if (of.is_rebooted && how->state == instance_state::failed) how->message += "; the node was rebooted since";
        return how;
    }
    if (!has_begun(of) || of.restart != restart_policy::never) return std::nullopt;
    if (of.is_rebooted)
        return instance_end{instance_state::failed, "NodeRebooted",
                            "the node was rebooted, and its restartPolicy is Never"};
    return instance_end{instance_state::failed, "ContainersLost", "its containers are not on the node any more"};
}

void read_found(found_sandbox const& found, std::vector<container_status>& into, wall_time now) {
    for (auto& each : into) {
        auto const* const seen = newest_of(found, each.name);
        if (seen == nullptr || seen->key.attempt < each.restart_count || (!seen->running && !seen->exit)) continue;
        if (seen->key.attempt > each.restart_count && each.state == container_state::exited) set_restarting(each);
        each.restart_count = seen->key.attempt;
        if (seen->running)
            set_running(each, seen->started_at.value_or(now));
        else if (each.state != container_state::exited)
            set_exited(each, *seen->exit);
    }
}

namespace {

instance_end evicted(std::string why) { return {instance_state::failed, "Evicted", std::move(why)}; }

std::int64_t storage_limit_of(container_definition const& of) { return of.limits.get(resource::storage); }

/// Init containers run one after the other: the largest limit counts. 0: there is none.   Source: Kubernetes, PodLimits
std::int64_t storage_limit_of(instance_template const& pod) {
    std::int64_t together = 0;
    std::int64_t largest = 0;
    for (auto const& each : pod.containers) {
        if (each.role == container_role::init)
            largest = std::max(largest, together + storage_limit_of(each));  // beside the sidecars before it
        else
            together += storage_limit_of(each);
    }
    return std::max(together, largest);
}

std::optional<instance_end> find_overfull_volume(instance_template const& pod, instance_usage const& used) {
    for (auto const& each : pod.volumes) {
        auto const* const directory = std::get_if<empty_dir>(&each.source);
        if (directory == nullptr || directory->is_in_memory || directory->bytes_max == 0) continue;
        auto const seen = std::ranges::find(used.volumes, each.name, &volume_usage::name);
        if (seen == used.volumes.end() || seen->bytes <= directory->bytes_max) continue;
        return evicted(fmt::format("volume {} holds {}, and its sizeLimit is {}", each.name, bytes_text(seen->bytes),
                                   bytes_text(directory->bytes_max)));
    }
    return std::nullopt;
}

std::optional<instance_end> find_overfull_container(instance_template const& pod, instance_usage const& used) {
    for (auto const& each : used.containers) {
        auto const definition = std::ranges::find(pod.containers, each.name, &container_definition::name);
        auto const limit = definition == pod.containers.end() ? 0 : storage_limit_of(*definition);
        if (limit == 0 || each.written_bytes <= limit) continue;
        return evicted(fmt::format("container {} exceeded its local ephemeral storage limit {}: it uses {}", each.name,
                                   bytes_text(limit), bytes_text(each.written_bytes)));
    }
    return std::nullopt;
}

/// What has ended does not count.
std::int64_t all_written(instance_template const& pod, instance_usage const& used) {
    std::int64_t sum = 0;
    for (auto const& each : used.containers)
        if (each.process_count > 0) sum += each.written_bytes;
    for (auto const& each : pod.volumes) {
        auto const* const directory = std::get_if<empty_dir>(&each.source);
        auto const seen = std::ranges::find(used.volumes, each.name, &volume_usage::name);
        if (directory != nullptr && !directory->is_in_memory && seen != used.volumes.end()) sum += seen->bytes;
    }
    return sum;
}

}  // namespace

std::optional<instance_end> find_overfull(instance_template const& pod, instance_usage const& used) {
    if (auto how = find_overfull_volume(pod, used)) return how;
    if (pod.form == instance_form::function) return std::nullopt;
    if (auto how = find_overfull_container(pod, used)) return how;
    auto const limit = storage_limit_of(pod);
    auto const written = all_written(pod, used);
    if (limit == 0 || written <= limit) return std::nullopt;
    return evicted(
        fmt::format("the Pod exceeded the local ephemeral storage limit of all its containers, {}: it uses {}",
                    bytes_text(limit), bytes_text(written)));
}

bool has_disk_limit(instance_template const& pod) {
    if (pod.form != instance_form::function && storage_limit_of(pod) > 0) return true;
    return std::ranges::any_of(pod.volumes, [](auto const& each) {
        auto const* const directory = std::get_if<empty_dir>(&each.source);
        return directory != nullptr && !directory->is_in_memory && directory->bytes_max > 0;
    });
}

}  // namespace rik::detail

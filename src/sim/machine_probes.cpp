// What is asked of the containers of a simulated machine.
#include "machine_detail.hpp"

#include <algorithm>
#include <utility>

namespace rik::sim {

namespace {

std::uint16_t port_of(network_probe const& what) {
    return std::visit([](auto const& each) { return each.port; }, what);
}

bool has_port(container_definition const& of, std::uint16_t port) {
    return std::ranges::any_of(of.ports, [port](auto const& each) { return each.port == port; });
}

int exit_code_of(image_behaviour const& how, std::vector<std::string> const& command, bool answers) {
    auto const special = command.empty() ? how.exec_exit_codes.end() : how.exec_exit_codes.find(command.front());
    if (special != how.exec_exit_codes.end()) return special->second;
    return answers ? how.exec_exit_code : 1;
}

}  // namespace

bool machine::answers(container const& which) const {
    auto const& how = behaviour_of(which.asked.definition.image);
    auto success = true;
    for (auto const& each : how.answers)
        if (time_.now() - which.started_on >= each.after) success = each.success;
    return success;
}

std::shared_ptr<machine::container> machine::find_listener(std::string const& address, std::uint16_t port) const {
    std::shared_ptr<container> first;
    for (auto const& [key, each] : containers_) {
        auto const* const pod = find_sandbox(key.instance);
        if (pod == nullptr || each->is_over(time_.now()) || cut_off_.contains(key.instance)) continue;
        if (std::ranges::find(pod->addresses, address) == pod->addresses.end()) continue;
        if (has_port(each->asked.definition, port)) return each;
        if (first == nullptr) first = each;
    }
    return first;
}

awaitable<result<exec_result>> machine::exec(exec_request what) {
    auto const found = find(what.key);
    if (!found || found->is_over(time_.now())) co_return error{errc::not_found, "the container does not run"};
    auto const how = behaviour_of(found->asked.definition.image);
    auto const ends_at = time_.now() + how.exec_time;
    co_await time_.sleep_until(std::min(ends_at, what.deadline));
    if (found->is_over(time_.now())) co_return exec_result{.exit_code = killed_exit_code};
    if (ends_at > what.deadline) co_return error{errc::timed_out, "the program did not end in time"};
    co_return exec_result{.exit_code = exit_code_of(how, what.command, answers(*found)), .output = how.exec_output};
}

awaitable<result<probe_answer>> machine::ask(std::string address, network_probe what, time_point deadline) {
    auto const found = find_listener(address, port_of(what));
    if (!found) co_return probe_answer{false, "the connection was refused"};
    auto const answers_at = time_.now() + behaviour_of(found->asked.definition.image).answer_time;
    co_await time_.sleep_until(std::min(answers_at, deadline));
    if (answers_at > deadline) co_return probe_answer{false, "no answer in time"};
    auto const success = !found->is_over(time_.now()) && answers(*found);
    co_return probe_answer{success, success ? "HTTP 200" : "HTTP 503"};
}

awaitable<result<std::vector<instance_usage>>> machine::measure_usage(std::vector<instance_id> of) {
    std::vector<instance_usage> all;
    for (auto const& id : of) {
        auto const* const pod = find_sandbox(id);
        if (pod == nullptr) continue;
        instance_usage used{.instance = id, .at = time_.wall()};
        std::int64_t bytes = 0;
        for (auto const& [key, each] : containers_) {
            if (key.instance != id || each->is_over(time_.now())) continue;
            auto const& how = behaviour_of(each->asked.definition.image);
            used.containers.push_back({.name = key.name, .process_count = 1});
            used.containers.back().written_bytes = how.layer.bytes + how.log_bytes;
            bytes += how.volume_bytes;
            if (used.containers.back().written_bytes > 0 || how.volume_bytes > 0) writers_.insert(id);
        }
        for (auto const& volume : pod->volumes) used.volumes.push_back({volume.name, bytes});
        all.push_back(std::move(used));
    }
    co_return all;
}

awaitable<result<std::vector<written_files>>> machine::measure_written(std::vector<instance_id> of, time_point) {
    std::vector<written_files> all;
    for (auto const& id : of) {
        auto const* const pod = find_sandbox(id);
        if (pod == nullptr) continue;
        written_files found{.instance = id};
        std::int64_t held = 0;
        for (auto const& [key, each] : containers_) {
            if (key.instance != id) continue;
            auto const& how = behaviour_of(each->asked.definition.image);
            found.containers.push_back({.name = key.name, .layer = how.layer, .log_bytes = how.log_bytes});
            held += how.volume_bytes;
            if (how.layer != disk_share() || how.volume_bytes > 0) writers_.insert(id);
        }
        for (auto const& volume : pod->volumes)
            if (!std::get<empty_dir>(volume.source).is_in_memory)
                found.volumes.push_back({.name = volume.name, .held = {.bytes = held, .files = 1}});
        all.push_back(std::move(found));
    }
    co_return all;
}

awaitable<result<void>> machine::await_deleted(time_point deadline) {
    auto last = time_.now();
    for (auto const& each : deletions_) last = std::max(last, each.ends_at);
    co_await time_.sleep_until(std::min(last, deadline));
    std::erase_if(deletions_, [&](auto const& each) { return each.ends_at <= time_.now(); });
    if (last > deadline) co_return error{errc::timed_out, "what was removed is still on the disk"};
    co_return result<void>{};
}

}  // namespace rik::sim

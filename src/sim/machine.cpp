#include <rik/sim/machine.hpp>

#include "machine_detail.hpp"
#include "machine_microvms_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::sim {

namespace {

constexpr int terminated_exit_code = 143;

std::string_view last_lines(std::string_view text, std::uint64_t count) {
    for (auto begin = text.size(); begin > 0; --begin) {
        auto const is_begin_of_line = begin == text.size() || text[begin - 1] == '\n';
        if (is_begin_of_line && count-- == 0) return text.substr(begin);
    }
    return text;
}

/// What a reader gets of it. Whatever simulated containers write is standard output.
std::string shown(std::string_view output, container_log_options const& options) {
    if (options.only == container_log_origin::standard_error) return {};
    auto const wanted = options.tail_lines ? last_lines(output, *options.tail_lines) : output;
    if (!options.is_framed) return std::string(wanted);
    std::string framed;
    for (auto left = wanted; !left.empty();) {
        auto const part = left.substr(0, limits::container_log_chunk_bytes_max - container_log_frame_head_bytes);
        append_container_log_frame(framed, container_log_origin::standard_output, part);
        left.remove_prefix(part.size());
    }
    return framed;
}

}  // namespace

class machine::text_log final : public container_log_reader {
public:
    text_log(machine& on, std::string text, container_log_options const& how, std::optional<container_key> followed)
        : on_(on),
          counted_(on.log_readers_),
          text_(std::move(text)),
          is_framed_(how.is_framed),
          followed_(std::move(followed)) {}
    awaitable<result<std::string>> read() override {
        if (text_.empty() && followed_) {
            auto const ended = co_await on_.wait_container(*followed_);
            if (!ended) followed_.reset();
        }
        constexpr auto size_max = limits::container_log_chunk_bytes_max;
        auto const size = is_framed_ ? whole_frames(text_, size_max) : std::min(text_.size(), size_max);
        auto rest = text_.substr(size);
        text_.resize(size);
        co_return std::exchange(text_, std::move(rest));
    }

private:
    machine& on_;
    std::shared_ptr<int> counted_;
    std::string text_;
    bool is_framed_;
    std::optional<container_key> followed_;
};

awaitable<result<void>> machine::change_of(std::shared_ptr<container> which) {
    co_await which->changed.wait();
    co_return result<void>{};
}

machine::machine(asio::any_io_executor executor, clock& time, node_facts facts)
    : executor_(std::move(executor)),
      time_(time),
      facts_(std::move(facts)),
      microvms_(std::make_unique<microvm_runtime>(*this)) {}
machine::~machine() = default;

void machine::power_off() {
    for (auto const& [key, each] : containers_) {
        if (each->is_over(time_.now())) continue;
        each->end_at(time_.now(), killed_exit_code);
        each->is_code_lost = true;
    }
    sandboxes_.clear();
    attached_.clear();
    cut_off_.clear();
    logs_.clear();
    ++boot_count_;
}

std::vector<container_key> machine::running() const {
    std::vector<container_key> keys;
    for (auto const& [key, each] : containers_)
        if (!each->is_over(time_.now())) keys.push_back(key);
    return keys;
}

std::set<instance_id> machine::attached() const {
    std::set<instance_id> all;
    for (auto const& [id, pod] : attached_) all.insert(id);
    return all;
}

pod_attachment const* machine::find_attachment(instance_id const& instance) const {
    auto const found = attached_.find(instance);
    return found == attached_.end() ? nullptr : &found->second;
}

std::set<instance_id> machine::occupied() const {
    auto all = attached();
    for (auto const& [id, made_from] : sandboxes_) all.insert(id);
    for (auto const& [key, each] : containers_) all.insert(key.instance);
    return all;
}

image_behaviour const& machine::behaviour_of(std::string const& image) const {
    auto const found = special_.find(image);
    return found == special_.end() ? usual_ : found->second;
}

sandbox_request const* machine::find_sandbox(instance_id const& instance) const {
    auto const found = sandboxes_.find(instance);
    return found == sandboxes_.end() ? nullptr : &found->second;
}

container_request const* machine::find_request(container_key const& key) const {
    auto const found = find(key);
    return found ? &found->asked : nullptr;
}

std::shared_ptr<machine::container> machine::find(container_key const& key) const {
    auto const found = containers_.find(key);
    return found == containers_.end() ? nullptr : found->second;
}

awaitable<result<sandbox>> machine::create_sandbox(sandbox_request request) {
    in_microvms_.erase(request.instance);
    return make_sandbox(std::move(request));
}

awaitable<result<sandbox>> machine::make_sandbox(sandbox_request request) {
    if (faults.sandbox_error) co_return inject(*faults.sandbox_error);
    auto const id = request.instance;
    sandbox made{.network_namespace = request.has_host_network ? std::string() : "/simulated/" + id.text()};
    sandboxes_[id] = std::move(request);
    co_return made;
}

awaitable<result<rik::container_start>> machine::start_container(container_request request) {
    auto const how = behaviour_of(request.definition.image);
    co_await time_.sleep_for(how.start_time + faults.start_time);
    if (faults.start_error) co_return inject(*faults.start_error);
    if (how.start_error) co_return inject(*how.start_error);
    if (!sandboxes_.contains(request.key.instance))
        co_return error{errc::not_found, "there is no sandbox for the container"};
    // Like every verb of the port: asked twice, it has been done once, also if the container has ended by now.
    if (find(request.key)) co_return rik::container_start();
    if (auto const why = lacks_room(request)) co_return refuse(request.key.instance, *why);
    auto const key = request.key;
    auto const started = std::make_shared<container>(executor_, std::move(request));
    started->started_on = time_.now();
    started->started_at = time_.wall();
    auto const runs_on = how.ends_before_attempt && key.attempt >= *how.ends_before_attempt;
    if (how.runs_for && !runs_on) started->end_at(time_.now() + *how.runs_for, how.exit_code);
    starts_.push_back({key, time_.now()});
    containers_[key] = started;
    witness_.started(key);
    co_return rik::container_start();
}

awaitable<result<container_exit>> machine::wait_container(container_key key) {
    auto const found = find(key);
    if (!found) co_return error{errc::not_found, fmt::format("there is no container {}", key.name)};
    while (!found->is_over(time_.now())) {
        if (faults.wait_error) co_return inject(*faults.wait_error);
        auto const looks_again = found->ends_at.value_or(time_point::max());
        auto const changed = co_await with_deadline(time_, looks_again, change_of(found));
        if (!changed && changed.error().code != errc::timed_out) co_return changed.error();
    }
    co_return found->exit();
}

awaitable<result<void>> machine::stop_container(container_key key) {
    if (faults.stop_delay > duration{}) co_await time_.sleep_for(faults.stop_delay);
    if (faults.stop_error) co_return inject(*faults.stop_error);
    auto const found = find(key);
    if (!found || found->is_over(time_.now())) co_return error{errc::not_found, "the container does not run"};
    found->be_told(time_.now() + behaviour_of(found->asked.definition.image).stop_time, terminated_exit_code);
    co_return result<void>{};
}

awaitable<result<void>> machine::kill_container(container_key key) {
    if (faults.kill_error) co_return inject(*faults.kill_error);
    auto const found = find(key);
    if (!found || found->is_over(time_.now())) co_return error{errc::not_found, "the container does not run"};
    found->be_told(time_.now() + behaviour_of(found->asked.definition.image).kill_time, killed_exit_code);
    co_return result<void>{};
}

awaitable<result<void>> machine::remove_container(container_key key) {
    if (auto const found = find(key)) {
        found->be_told(time_.now(), killed_exit_code);
        found->is_removed = true;
        found->changed.notify();
        if (found->has_failed_by_itself()) failed_by_themselves_.insert(key.instance);
        logs_[key] = behaviour_of(found->asked.definition.image).output;
        containers_.erase(key);
        witness_.ended(key.instance);
        if (faults.deletion_time > duration{})
            deletions_.push_back(
                {behaviour_of(found->asked.definition.image).layer, time_.now() + faults.deletion_time});
        if (faults.removal_time > duration{}) co_await time_.sleep_for(faults.removal_time);
    }
    co_return result<void>{};
}

awaitable<result<void>> machine::remove_sandbox(instance_id instance) {
    auto const released = co_await vacate_sandbox(instance);
    if (released) std::erase_if(logs_, [&](auto const& each) { return each.first.instance == instance; });
    co_return released;
}

awaitable<result<void>> machine::vacate_sandbox(instance_id instance) {
    if (faults.removal_error) co_return inject(*faults.removal_error);
    std::vector<container_key> keys;
    for (auto const& [key, each] : containers_)
        if (key.instance == instance) keys.push_back(key);
    for (auto const& key : keys) {
        auto const removed = co_await remove_container(key);
        if (!removed) co_return removed.error();
    }
    if (faults.removal_time > duration{}) co_await time_.sleep_for(faults.removal_time);
    sandboxes_.erase(instance);
    witness_.ended(instance);
    co_return result<void>{};
}

awaitable<result<std::vector<found_sandbox>>> machine::list() { return list_those(false); }

awaitable<result<std::vector<found_sandbox>>> machine::list_those(bool in_microvms) {
    if (faults.list_error) co_return inject(*faults.list_error);
    std::vector<found_sandbox> all;
    std::set<instance_id> known;
    for (auto const& [id, made_from] : sandboxes_) known.insert(id);
    for (auto const& [key, text] : logs_) known.insert(key.instance);
    for (auto const& [key, state] : containers_) known.insert(key.instance);
    for (auto const& id : known) {
        if (is_microvm(id) != in_microvms) continue;
        auto const* const sandbox = find_sandbox(id);
        found_sandbox each{.instance = id, .is_whole = sandbox != nullptr};
        if (sandbox == nullptr || !sandbox->has_host_network) each.network_namespace = "/simulated/" + id.text();
        for (auto const& [key, state] : containers_) {
            if (key.instance != id) continue;
            found_container seen{.key = key, .running = !state->is_over(time_.now()), .started_at = state->started_at};
            if (!seen.running) seen.exit = state->exit();
            each.containers.push_back(std::move(seen));
        }
        all.push_back(std::move(each));
    }
    co_return all;
}

awaitable<result<std::unique_ptr<container_log_reader>>> machine::open_container_log(container_key key,
                                                                                     container_log_options options) {
    auto const kept = logs_.find(key);
    if (kept != logs_.end())
        co_return std::make_unique<text_log>(*this, shown(kept->second, options), options, std::nullopt);
    auto const found = find(key);
    if (!found) co_return error{errc::not_found, fmt::format("container {} has no log", key.name)};
    auto text = shown(behaviour_of(found->asked.definition.image).output, options);
    auto followed = options.follow ? std::optional(key) : std::nullopt;
    co_return std::make_unique<text_log>(*this, std::move(text), options, std::move(followed));
}

awaitable<result<machine_load>> machine::measure() {
    auto now = measured;
    now.of_state = room_now();
    co_return now;
}

awaitable<result<disk_room>> machine::measure_room() { co_return room_now(); }

awaitable<result<node_facts>> machine::describe() {
    if (faults.describe_error) co_return inject(*faults.describe_error);
    auto said = facts_;
    said.boot_id = fmt::format("boot-{}", boot_count_);
    co_return said;
}

}  // namespace rik::sim

#include "pod_telling_detail.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace rik::detail {

namespace {

/// Most instances whose images are there run sooner. To say of each that it is being prepared would have its primary
/// write and tell what nobody can see.
constexpr duration preparing_quiet = std::chrono::milliseconds(200);

}  // namespace

void pod_telling::begin() {
    began_at_ = pod_.on.time.now();
    pod_.mine->quiet_until = began_at_ + preparing_quiet;
    pod_.on.records.report(*pod_.mine, instance_state::creating, "Preparing",
                           "its images are pulled and its containers made");
    notes_.settle();
    progress_key_ = progress_key();
}

void pod_telling::tell_taken_over() {
    auto& status = pod_.status();
    std::string news = "runs on; a new agent watches it";
    if (!all_run(status.containers)) news += "; " + describe_progress(status.containers);
    began_at_ = pod_.on.time.now();
    auto const is_up = status.state != instance_state::creating || notes_.have_mains_run();
    if (!is_up || pod_.machine->is_ending()) return;
    notes_.settle();
    progress_key_ = progress_key();
    status.state = instance_state::running;
    tell_readiness();
    pod_.on.records.report(*pod_.mine, instance_state::running, "TakenOver", std::move(news));
}

void pod_telling::tell() {
    auto& status = pod_.status();
    auto const before = status;
    notes_.settle();
    if (!status.initialized_at && pod_.machine->is_initialized()) status.initialized_at = pod_.on.time.wall();
    tell_readiness();
    auto const key = progress_key();
    if (std::exchange(progress_key_, key) != key) {
        if (status.state == instance_state::creating)
            tell_start();
        else
            tell_progress();
        tell_readiness();
    }
    if (status != before) pod_.on.records.publish(*pod_.mine);
}

/// Precondition: it is being created.
void pod_telling::tell_start() {
    auto& mine = *pod_.mine;
    auto& status = mine.status();
    if (!notes_.have_mains_run()) {
        auto said = start_trouble_of(status.containers);
        if (!said && pod_.is_prepared) said = start_progress_of(status.containers);
        if (!said || mine.end || mine.is_condemned()) return;
        status.reason = std::move(said->reason);
        status.message = std::move(said->message);
        return;
    }
    status.state = instance_state::running;
    status.since = pod_.on.time.wall();
    if (mine.end) return;
    auto const took = to_short_string(pod_.on.time.now() - began_at_);
    status.reason = "Started";
    status.message = all_run(status.containers)
                         ? fmt::format("all containers run, {} after the order{}", took, mine.warnings)
                         : describe_progress(status.containers);
    pod_.on.out.info("instance started", {{"instance", mine.fields.name}, {"took", took}});
}

void pod_telling::tell_progress() {
    auto const& mine = *pod_.mine;
    auto& status = pod_.status();
    if (mine.end || mine.network_lost || mine.is_condemned() || status.reason == "NotRemoved") return;
    auto said = progress_of(status.containers);
    status.reason = std::move(said.reason);
    status.message = std::move(said.message);
}

void pod_telling::tell_ending() {
    if (std::exchange(is_end_told_, true)) return;
    auto& mine = *pod_.mine;
    auto const& why = mine.end->message;
    bool is_rest_stopped = false;
    for (auto& each : mine.status().containers) {
        if (each.state != container_state::running) continue;
        set_stopping(each, "its Pod ends: " + why);
        is_rest_stopped = true;
    }
    pod_.on.records.set_ready(mine, false);
    // Where nothing is left to stop the end itself follows at once, and what was said of the Pod stays until then.
    if (is_rest_stopped)
        pod_.on.records.report(mine, mine.status().state, "Ending", fmt::format("{}; the rest is being stopped", why));
    else
        pod_.on.records.publish(mine);
}

void pod_telling::tell_end() {
    auto& mine = *pod_.mine;
    auto how = *mine.end;
    pod_.on.records.drop_end(mine);
    for (auto& each : mine.status().containers) {
        each.ready = each.ready && each.role == container_role::init;
        each.started = false;
        each.starts_at.reset();
        if (each.reason == "PodInitializing" || each.reason == "CrashLoopBackOff") each.reason = "ContainerCreating";
    }
    pod_.on.records.report(mine, how.state, std::move(how.reason), std::move(how.message));
}

void pod_telling::tell_readiness() { pod_.on.records.set_ready(*pod_.mine, is_ready()); }

bool pod_telling::is_ready() const {
    auto const& mine = *pod_.mine;
    return pod_.status().state == instance_state::running && !mine.network_lost && !mine.end &&
           pod_.machine->is_ready();
}

std::string pod_telling::progress_key() const {
    std::string key;
    for (auto const& each : pod_.status().containers)
        key += fmt::format("{} {} {} {}\n", to_string(each.state), each.restart_count, each.reason,
                           each.state == container_state::waiting ? each.message : std::string());
    return key;
}

}  // namespace rik::detail

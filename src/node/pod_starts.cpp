#include "pod_starts_detail.hpp"
#include "requests_detail.hpp"
#include "scoped_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace rik::detail {

namespace {

error about(std::string const& container, error why) {
    auto const prefix = fmt::format("container {}: ", container);
    if (!why.message.starts_with(prefix)) why.message.insert(0, prefix);
    return why;
}

/// Until nothing else can run as what it stands for. What runs already waits for nobody.
awaitable<> wait_for_permit(pod_core& pod) {
    auto& mine = *pod.mine;
    while (auto why = pod.lacks_permit()) {
        if (mine.status().message != *why) {
            pod.on.out.info("instance waits for a permit", {{"instance", mine.fields.name}, {"why", *why}});
            pod.on.records.report(mine, instance_state::creating, "WaitingForPermit", std::move(*why));
        }
        co_await mine.permitted.wait();
    }
    if (mine.status().reason == "WaitingForPermit")
        pod.on.records.report(mine, instance_state::creating, "Preparing",
                              "no other node runs it; its containers are made");
}

}  // namespace

pod_starts::pod_starts(pod_core& pod, container_notes& notes, pod_sandbox& sandbox, pod_watch& watch)
    : pod_(pod),
      notes_(notes),
      sandbox_(sandbox),
      watch_(watch),
      progressed_(pod.on.strand),
      images_(pod, notes, progressed_),
      half_made_(pod.unit_count()),
      one_by_one_(pod.on.strand, 1),
      tasks_(pod.on.strand) {}

void pod_starts::begin() {
    images_.reset();
    half_made_.assign(half_made_.size(), std::nullopt);
    sandbox_.begin();
    for (std::size_t i = 0; i < pod_.unit_count(); ++i) images_.begin(i);
    tasks_.spawn(prepare());
}

/// Makes all that the containers share.
awaitable<> pod_starts::prepare() {
    co_await images_.wait_for_first();
    co_await wait_for_permit(pod_);
    sandbox_.keep_boot();
    if (!pod_.spec().has_host_network) co_await pod_.on.pods.wait_until_ready(pod_.mine);
    co_await pod_.on.room.take(pod_.mine);
    auto making = make_pod();
    auto const made = co_await pod_.on.starts.run_lent(pod_.on.time, limits::start_place_max, std::move(making));
    (void)made;  // it has failed and says so, or the agent stops; the next one starts it, if the order was kept
}

/// It has a place among those that start until the first containers run.
awaitable<result<void>> pod_starts::make_pod() {
    auto const made = co_await sandbox_.make();
    if (!made) co_return made;
    pod_.is_prepared = true;
    raised const placed(has_place_);
    progressed_.notify();
    while (start_count_ > 0) co_await progressed_.wait();
    co_return result<void>{};
}

void pod_starts::begin_in_old_sandbox() {
    pod_.is_prepared = pod_.mine->has_room;
    if (!pod_.is_prepared) tasks_.spawn(take_room());
}

/// Nothing of it runs now, and the machine may have shrunk since something did.
awaitable<> pod_starts::take_room() {
    co_await wait_for_permit(pod_);
    co_await pod_.on.room.take(pod_.mine);
    pod_.is_prepared = true;
    progressed_.notify();
}

awaitable<> pod_starts::start_unit(pod_action what) {
    images_.begin(what.unit);
    auto image = co_await images_.get(what.unit);
    counted const here(start_count_, progressed_);
    while (!pod_.is_prepared) co_await progressed_.wait();
    auto started = co_await try_start(what, std::move(image));
    take_start(what, std::move(started));
}

/// A machine that is short of something now may have it later: the same attempt is made again.
awaitable<result<container_start>> pod_starts::try_start(pod_action what, image_ptr image) {
    if (auto const half_made = std::exchange(half_made_[what.unit], std::nullopt)) {
        auto const removed = co_await pod_.containers->remove_container(*half_made);
        if (!removed) co_return removed.error();
    }
    for (auto pause = limits::reconnect_pause_min;; pause = std::min(pause * 2, limits::start_pause_max)) {
        auto const facts = facts_of(pod_.mine->fields, pod_.on.facts);
        auto request = make_container_request(facts, pod_.definition_of(what.unit), image, what.attempt);
        if (!request) co_return request.error();
        request->network = pod_.on.pods.describe(pod_.mine->id());
        auto started = co_await start_in_turn(std::move(*request));
        if (started || started.error().code != errc::exhausted) co_return started;
        notes_.set_trouble(what.unit, "RunContainerError", started.error());
        co_await pod_.on.time.sleep_for(pause);
    }
}

awaitable<result<container_start>> pod_starts::start_in_turn(container_request request) {
    auto const turn = co_await one_by_one_.acquire();
    auto starting = pod_.containers->start_container(std::move(request));
    if (has_place_) co_return co_await std::move(starting);
    co_return co_await pod_.on.starts.run_lent(pod_.on.time, limits::start_place_max, std::move(starting));
}

void pod_starts::take_start(pod_action const& what, result<container_start> started) {
    pod_.look_again();
    if (!started) return take_failure(what, started.error());
    notes_.start(what.unit, std::move(*started));
    pod_.machine->started(what.unit, what.attempt, pod_.on.time.now());
    watch_.begin(what.unit, what.attempt);
}

void pod_starts::take_failure(pod_action const& what, error const& why) {
    notes_.set_trouble(what.unit, "RunContainerError", why);
    if (pod_.is_final(what.unit, why)) {
        notes_.give_up(what.unit);
        pod_.fail({instance_state::failed, "StartFailed", to_string(about(pod_.rules.units[what.unit].name, why))});
    }
    pod_.machine->not_started(what.unit, what.attempt, pod_.on.time.now());
    watch_.remove(pod_.key_of(what.unit, what.attempt));
}

awaitable<> pod_starts::cancel() {
    co_await stop();
    auto& machine = *pod_.machine;
    for (std::size_t i = 0; i < pod_.unit_count(); ++i)
        if (machine.phase(i) == unit_phase::starting) machine.not_started(i, machine.attempt(i), pod_.on.time.now());
}

awaitable<> pod_starts::stop() {
    co_await tasks_.stop();
    co_await images_.stop();
}

}  // namespace rik::detail

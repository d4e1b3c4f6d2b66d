// From an order, or a restart, to running containers.
#include "pod_actor_detail.hpp"
#include "requests_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

constexpr duration pull_pause_min = std::chrono::seconds(10);  // Source: Kubernetes, "Images", ImagePullBackOff
constexpr duration pull_pause_max = std::chrono::minutes(5);
constexpr duration volume_look_period = std::chrono::seconds(10);

duration doubled(duration first, duration last, unsigned times) {
    for (; times > 0 && first < last; --times) first *= 2;
    return std::min(first, last);
}

/// A machine that is short of something may have it soon; a registry should not be asked too often.
duration pull_pause(error const& why, unsigned failures) {
    if (why.code == errc::exhausted) return doubled(limits::reconnect_pause_min, limits::start_pause_max, failures);
    return doubled(pull_pause_min, pull_pause_max, failures);
}

/// Counts while it lives, and says when it no longer does.
class counted {
public:
    counted(int& count, notifier& ended) : count_(count), ended_(ended) { ++count_; }
    counted(counted const&) = delete;
    counted& operator=(counted const&) = delete;
    ~counted() {
        --count_;
        ended_.notify();
    }

private:
    int& count_;
    notifier& ended_;
};

/// True while it lives.
class raised {
public:
    explicit raised(bool& flag) : flag_(flag) { flag_ = true; }
    raised(raised const&) = delete;
    raised& operator=(raised const&) = delete;
    ~raised() { flag_ = false; }

private:
    bool& flag_;
};

error about(std::string const& container, error why) {
    auto const prefix = fmt::format("container {}: ", container);
    if (!why.message.starts_with(prefix)) why.message.insert(0, prefix);
    return why;
}

}  // namespace

/// Where nothing is ever restarted, what is wrong is told at once. What a machine is short of is waited for.
bool pod_actor::is_final(error const& why) const { return is_never_restarted() && why.code != errc::exhausted; }

/// Makes all that the containers share.
awaitable<> pod_actor::prepare() {
    while (!are_first_images_settled()) co_await progressed_.wait();
    if (!mine_->spec().has_host_network) co_await on_.pods.wait_until_ready(mine_);
    co_await on_.room.take(mine_);
    auto making = make_pod();
    auto const made = co_await on_.starts.run_lent(on_.time, limits::start_place_max, std::move(making));
    (void)made;
}

bool pod_actor::are_first_images_settled() const {
    for (std::size_t i = 0; i < units_.size(); ++i) {
        auto const is_settled = units_[i].image != nullptr || units_[i].has_pull_failed;
        if (machine_->has_its_turn(i) && !is_settled) return false;
    }
    return true;
}

/// It has a place among those that start until the first containers run.
awaitable<result<void>> pod_actor::make_pod() {
    for (auto pause = limits::reconnect_pause_min;; pause = std::min(pause * 2, limits::start_pause_max)) {
        auto failed = co_await make_sandbox();
        if (!failed) break;
        if (is_final(failed->why)) {
            fail({instance_state::failed, failed->reason, to_string(failed->why)});
            co_return failed->why;
        }
        on_.records.complain(*mine_, instance_state::creating, failed->reason, failed->why);
        co_await remove_pod(instance_state::creating, leaving::nothing);
        co_await on_.time.sleep_for(pause);
    }
    // Nothing runs whose order or address could be lost. A sandbox without an order is nobody's, and the next agent
    // removes it, so it is made while the disk writes.
    auto const on_disk = co_await on_.disk.wait_durable(starts_after_);
    if (!on_disk) co_return on_disk;  // the agent stops; the next one starts it, if the order was kept
    is_prepared_ = true;
    raised const placed(has_place_);
    progressed_.notify();
    while (start_count_ > 0) co_await progressed_.wait();
    co_return result<void>{};
}

awaitable<std::optional<pod_actor::start_failure>> pod_actor::make_sandbox() {
    auto addressed = take_address();
    if (addressed) co_return std::move(addressed);
    auto request = make_sandbox_request(mine_->fields);
    auto const made = co_await containers_->create_sandbox(std::move(request));
    if (!made) co_return start_failure{"SandboxFailed", made.error()};
    if (!made->warning.empty()) mine_->warnings += fmt::format("; {}", made->warning);
    if (mine_->spec().has_host_network) co_return std::nullopt;
    auto const attached = co_await on_.pods.attach(mine_, made->network_namespace);
    if (!attached) co_return start_failure{"NetworkFailed", attached.error()};
    co_return std::nullopt;
}

std::optional<pod_actor::start_failure> pod_actor::take_address() {
    auto& addresses = mine_->status().addresses;
    if (mine_->spec().has_host_network) {  // the node may have got another one at a reboot
        addresses = addresses_on(on_.facts);
        return std::nullopt;
    }
    if (!addresses.empty()) return std::nullopt;
    auto const allocated = on_.pods.allocate(*mine_);
    if (!allocated) return start_failure{"NetworkFailed", allocated.error()};
    starts_after_ = mine_->kept_at;
    return std::nullopt;
}

void pod_actor::begin_pull(std::size_t unit) {
    auto const& mine = units_[unit];
    if (mine.image == nullptr && mine.pull_count == 0) starting_.spawn(pull(unit));
}

awaitable<> pod_actor::pull(std::size_t unit) {
    counted const here(units_[unit].pull_count, progressed_);
    auto const release = mine_->fields.made_from;  // as it is now, whatever comes meanwhile
    auto const& container = release->spec().containers[unit];
    for (unsigned failures = 0;; ++failures) {
        auto image = co_await images_->ensure(container.image, container.pull_policy);
        auto const forbidden = image ? find_root(container, (*image)->config) : std::nullopt;
        if (image && !forbidden) {
            take_image(unit, std::move(*image));
            co_return;
        }
        auto const why = forbidden ? *forbidden : image.error();
        take_pull_failure(unit, why, forbidden.has_value(), failures);
        if (is_final(why)) co_return;
        co_await on_.time.sleep_for(pull_pause(why, failures));
    }
}

void pod_actor::take_image(std::size_t unit, image_ptr image) {
    auto& mine = units_[unit];
    mine.trouble.reset();
    mine.image = std::move(image);
    status_of(unit).image_digest = mine.image->digest;
    if (!mine.image->warning.empty()) mine_->warnings += fmt::format("; {}", mine.image->warning);
    progressed_.notify();
}

void pod_actor::take_pull_failure(std::size_t unit, error const& why, bool is_forbidden, unsigned failures) {
    units_[unit].has_pull_failed = true;
    progressed_.notify();
    auto const* const word = failures == 0 ? "ErrImagePull" : "ImagePullBackOff";
    set_trouble(unit, is_forbidden ? "CreateContainerConfigError" : word, why);
    if (!is_final(why)) return;
    rik::detail::set_not_started(status_of(unit), *units_[unit].trouble);
    fail({instance_state::failed, is_forbidden ? "CreateContainerConfigError" : "ImagePullFailed", to_string(why)});
}

awaitable<> pod_actor::start_unit(pod_action what) {
    auto& mine = units_[what.unit];
    begin_pull(what.unit);
    while (mine.image == nullptr) co_await progressed_.wait();
    counted const here(start_count_, progressed_);
    while (!is_prepared_) co_await progressed_.wait();
    auto const started = co_await try_start(what);
    take_start(what, started);
}

/// A machine that is short of something now may have it later: the same attempt is made again.
awaitable<result<void>> pod_actor::try_start(pod_action what) {
    if (auto const half_made = std::exchange(units_[what.unit].leftover, std::nullopt)) {
        auto const removed = co_await containers_->remove_container(*half_made);
        if (!removed) co_return removed;
    }
    for (auto pause = limits::reconnect_pause_min;; pause = std::min(pause * 2, limits::start_pause_max)) {
        auto const facts = facts_of(mine_->fields, on_.facts);
        auto request = make_container_request(facts, definition_of(what.unit), units_[what.unit].image, what.attempt);
        if (!request) co_return request.error();
        auto const started = co_await start_in_turn(std::move(*request));
        if (started || started.error().code != errc::exhausted) co_return started;
        set_trouble(what.unit, "RunContainerError", started.error());
        co_await on_.time.sleep_for(pause);
    }
}

awaitable<result<void>> pod_actor::start_in_turn(container_request request) {
    auto const turn = co_await one_by_one_.acquire();
    auto starting = containers_->start_container(std::move(request));
    if (has_place_) co_return co_await std::move(starting);
    co_return co_await on_.starts.run_lent(on_.time, limits::start_place_max, std::move(starting));
}

void pod_actor::take_start(pod_action const& what, result<void> const& started) {
    auto& mine = units_[what.unit];
    auto& status = status_of(what.unit);
    auto const now = on_.time.now();
    look_again();
    if (started) {
        mine.trouble.reset();
        mine.note.clear();
        mine.has_run = true;
        set_running(status, on_.time.wall());
        machine_->started(what.unit, what.attempt, now);
        return watching_.spawn(watch(what.unit, key_of(what.unit, what.attempt)));
    }
    set_trouble(what.unit, "RunContainerError", started.error());
    if (is_final(started.error())) {
        rik::detail::set_not_started(status, *mine.trouble);
        fail({instance_state::failed, "StartFailed", to_string(about(status.name, started.error()))});
    }
    machine_->not_started(what.unit, what.attempt, now);
    acts_.spawn(remove_attempt(key_of(what.unit, what.attempt)));
}

/// Tries to bring it back, until that succeeds or is known to be in vain. While the network itself is damaged it only
/// waits.
awaitable<> pod_actor::mend_network() {
    raised const here(is_mending_);
    while (mine_->network_lost && mine_->network_lost->code != errc::not_found &&
           mine_->network_lost->code != errc::invalid) {
        on_.records.set_ready(*mine_, false);
        on_.records.complain(*mine_, mine_->status().state, "NetworkLost", *mine_->network_lost);
        if (on_.pods.problem().empty()) {
            auto failed = co_await make_sandbox();
            if (!failed) {
                mine_->network_lost.reset();
                on_.records.set_ready(*mine_, is_ready());
                on_.records.report(*mine_, mine_->status().state, "NetworkRepaired", "is on the network again");
                co_return look_again();
            }
            mine_->network_lost = failed->why;
        }
        auto const looks_again = on_.time.now() + limits::reconnect_pause_max;
        auto changing = on_.pods.change();
        auto const changed = co_await with_deadline(on_.time, looks_again, std::move(changing));
        (void)changed;
    }
    look_again();
}

/// The kernel limits a volume in memory. What is on disk is looked at now and then.   Source: Kubernetes, "Local
/// ephemeral storage".
awaitable<> pod_actor::watch_volumes() {
    for (;;) {
        co_await on_.time.sleep_for(volume_look_period);
        if (!is_prepared_) continue;
        std::vector<instance_id> only(1, mine_->id());
        auto const used = co_await containers_->measure_usage(std::move(only));
        auto how = used && !used->empty() ? find_overfull(mine_->spec(), used->front()) : std::nullopt;
        if (how) co_return fail(std::move(*how));
    }
}

}  // namespace rik::detail

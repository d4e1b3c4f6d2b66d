// The life of one instance on this node: up, watched, and down again.
#include "impl_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/model/codec.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

bool is_waiting_or_gone(error const& why) { return why.code == errc::not_found; }

}  // namespace

void node_agent::impl::keep(record& held) { disk_.put("instance", held.id().text(), encode(instance(held.fields))); }

void node_agent::impl::report_again(record& held) {
    ++held.status().seq;
    held.is_dirty = true;
    keep(held);
    due_.notify();
}

void node_agent::impl::report(record& held, instance_state state, std::string reason, std::string message) {
    auto& status = held.status();
    auto const now = ports_.time.wall();
    if (status.state != state) status.since = now;
    auto const is_ready = state == instance_state::running;
    if (status.ready != is_ready) status.ready_since = is_ready ? std::optional(now) : std::nullopt;
    status.ready = is_ready;
    status.state = state;
    status.reason = std::move(reason);
    status.message = std::move(message);
    report_again(held);
}

/// Lives as long as the record: what starts and watches runs beside it, so that a destroy order can end that at any
/// moment.
awaitable<> node_agent::impl::supervise(record_ptr held) {
    if (!held->is_condemned()) held->work.spawn(resume(held));
    while (!held->is_condemned()) co_await held->changed.wait();
    co_await held->work.stop();
    co_await tear_down(held);
}

/// Goes on where an earlier agent, or nobody, left the instance.
awaitable<> node_agent::impl::resume(record_ptr held) {
    auto const was = held->status().state;
    if (is_finished(was)) co_return;
    auto const& found = held->found;
    std::size_t known_count = 0;
    if (found && found->is_whole) {
        for (auto const& each : found->containers) {
            auto* const status = held->find(each.key.name);
            if (status == nullptr || (!each.running && !each.exit)) continue;
            ++known_count;
            if (each.exit)
                detail::set_exited(*status, *each.exit);
            else
                detail::set_running(*status, each.started_at.value_or(ports_.time.wall()));
        }
    }
    if (known_count > 0 && known_count == held->pod().containers.size()) {
        report(*held, instance_state::running, "TakenOver", "runs on; a new agent watches it");
        co_return co_await watch_containers(held);
    }
    if (was == instance_state::running && held->pod().restart == restart_policy::never) {
        detail::instance_end how{instance_state::failed, "NodeRebooted",
                                 "the node was rebooted, and its restartPolicy is Never"};
        co_return co_await finish(held, std::move(how));
    }
    if (std::exchange(held->found, std::nullopt)) {
        // Half made, or from before a reboot: it starts from nothing.
        auto const removed = co_await ports_.containers.remove_sandbox(held->id());
        if (!removed)
            options_.out.error("remains not removed",
                               {{"instance", held->fields.name}, {"error", to_string(removed.error())}});
        give_back_address(*held);
    }
    co_await bring_up(held);
}

awaitable<> node_agent::impl::bring_up(record_ptr held) {
    held->status().containers = detail::waiting_containers(held->pod());
    auto const began = ports_.time.now();
    report(*held, instance_state::creating, "Preparing", "its images are pulled and its containers made");
    auto const started = co_await start_containers(held);
    if (!started) {
        if (disk_.has_failed()) co_return;  // the agent stops; the next one starts it, if the order was kept
        auto const& why = started.error();
        auto reason = why.field.empty() ? std::string("StartFailed") : why.field;
        detail::instance_end how{instance_state::failed, std::move(reason),
                                 to_string(error{why.code, why.message, {}, why.remedy})};
        co_return co_await finish(held, std::move(how));
    }
    auto const took = to_short_string(ports_.time.now() - began);
    report(*held, instance_state::running, "Started", fmt::format("all containers run, {} after the order", took));
    options_.out.info("instance started", {{"instance", held->fields.name}, {"took", took}});
    co_await watch_containers(held);
}

/// On failure the error's `field` is the reason, one word.
awaitable<result<std::vector<image_ptr>>> node_agent::impl::pull_images(record_ptr held) {
    std::vector<image_ptr> pulled;
    for (std::size_t i = 0; i < held->pod().containers.size(); ++i) {
        auto const& container = held->pod().containers[i];
        auto image = co_await ports_.pulled.ensure(container.image);
        if (!image) {
            auto why = image.error();
            why.field = "ImagePullFailed";
            if (auto* const status = held->find(container.name))
                detail::set_not_started(*status, why.field, why.message);
            co_return why;
        }
        pulled.push_back(std::move(*image));
    }
    co_return pulled;
}

awaitable<result<void>> node_agent::impl::make_sandbox(record_ptr held) {
    auto const addressed = take_address(*held);
    if (!addressed) co_return addressed.error();
    auto const& hostname = held->pod().hostname;
    sandbox_request request{.instance = held->id(), .hostname = hostname.empty() ? held->fields.name : hostname};
    request.addresses = held->status().addresses;
    auto const made = co_await ports_.containers.create_sandbox(std::move(request));
    if (!made) {
        auto why = made.error();
        why.field = "SandboxFailed";
        co_return why;
    }
    auto attachment = attachment_of(*held, made->network_namespace);
    auto const attached = co_await ports_.pods.attach(std::move(attachment));
    if (attached) co_return result<void>{};
    auto why = attached.error();
    why.field = "NetworkFailed";
    co_return why;
}

awaitable<result<void>> node_agent::impl::start_containers(record_ptr held) {
    auto const ordered = disk_.last();
    auto const images = co_await pull_images(held);
    if (!images) co_return images.error();
    co_await network_ready(held);
    auto const place = co_await starts_.acquire();
    auto const made = co_await make_sandbox(held);
    if (!made) co_return made.error();
    // Nothing runs whose order could be lost. A sandbox without an order is nobody's, and the next agent removes it, so
    // it is made while the disk writes.
    auto const on_disk = co_await disk_.wait_durable(ordered);
    if (!on_disk) co_return on_disk.error();
    for (std::size_t i = 0; i < images->size(); ++i) {
        container_request request{.key = key_of(*held, held->pod().containers[i].name),
                                  .definition = held->pod().containers[i]};
        request.from = (*images)[i];
        auto const started = co_await ports_.containers.start_container(std::move(request));
        auto* const status = held->find(held->pod().containers[i].name);
        if (started) {
            detail::set_running(*status, ports_.time.wall());
            continue;
        }
        auto why = started.error();
        why.field = "StartFailed";
        why.message = fmt::format("container {}: {}", status->name, why.message);
        detail::set_not_started(*status, why.field, why.message);
        co_return why;
    }
    co_return result<void>{};
}

/// Ends when the instance has ended by itself and was finished.
awaitable<> node_agent::impl::watch_containers(record_ptr held) {
    for (auto const& each : held->status().containers)
        if (each.state == container_state::running) held->work.spawn(watch_container(held, each.name));
    for (;;) {
        if (auto how = detail::end_of(held->pod(), held->status().containers))
            co_return co_await finish(held, std::move(*how));
        co_await held->changed.wait();
    }
}

awaitable<> node_agent::impl::watch_container(record_ptr held, std::string container) {
    auto const ended = co_await ports_.containers.wait_container(key_of(*held, container));
    auto* const status = held->find(container);
    if (ended)
        detail::set_exited(*status, *ended);
    else
        detail::set_exited(*status, container_exit{.code_known = false, .finished_at = ports_.time.wall()});
    report_again(*held);
    held->changed.notify();
}

/// The rest is stopped, the room freed; records and logs stay until somebody deletes the instance.
awaitable<> node_agent::impl::finish(record_ptr held, detail::instance_end how) {
    options_.out.info(
        "instance ended",
        {{"instance", held->fields.name}, {"state", std::string(to_string(how.state))}, {"why", how.message}});
    co_await stop_containers(held);
    co_await release_pod(held);
    report(*held, how.state, std::move(how.reason), std::move(how.message));
}

/// The stop signal to all, at most the grace period, then the end.
awaitable<> node_agent::impl::stop_containers(record_ptr held) {
    auto const grace_ends = ports_.time.now() + held->pod().grace_period;
    std::vector<std::string> stopping;
    for (auto const& each : held->pod().containers) {
        auto const told = co_await ports_.containers.stop_container(key_of(*held, each.name));
        if (told || !is_waiting_or_gone(told.error())) stopping.push_back(each.name);
    }
    for (auto const& name : stopping) {
        auto ending = ports_.containers.wait_container(key_of(*held, name));
        auto ended = co_await with_deadline(ports_.time, grace_ends, std::move(ending));
        if (!ended && ended.error().code == errc::timed_out) {
            auto const killed = co_await ports_.containers.kill_container(key_of(*held, name));
            if (!killed && !is_waiting_or_gone(killed.error()))
                options_.out.error(
                    "container not killed",
                    {{"instance", held->fields.name}, {"container", name}, {"error", to_string(killed.error())}});
            ended = co_await ports_.containers.wait_container(key_of(*held, name));
        }
        auto* const status = held->find(name);
        if (ended && status != nullptr && status->state == container_state::running)
            detail::set_exited(*status, *ended);
    }
}

/// Frees what a finished instance needs no more: its containers' mounts and cgroups, its address, its host ports.
awaitable<> node_agent::impl::release_pod(record_ptr held) {
    for (auto const& each : held->pod().containers) {
        auto const removed = co_await ports_.containers.remove_container(key_of(*held, each.name));
        if (!removed)
            options_.out.error(
                "container not removed",
                {{"instance", held->fields.name}, {"container", each.name}, {"error", to_string(removed.error())}});
    }
    auto const detached = co_await ports_.pods.detach(held->id());
    if (!detached)
        options_.out.error("network not detached",
                           {{"instance", held->fields.name}, {"error", to_string(detached.error())}});
    give_back_address(*held);
}

/// Nothing of the instance is left when it is said to be gone; what cannot be removed is tried again.
awaitable<> node_agent::impl::tear_down(record_ptr held) {
    auto pause = limits::reconnect_pause_min;
    co_await stop_containers(held);
    for (;;) {
        auto const detached = co_await ports_.pods.detach(held->id());
        auto const removed = co_await ports_.containers.remove_sandbox(held->id());
        if (detached && removed) break;
        auto const& why = detached ? removed.error() : detached.error();
        options_.out.error("instance not removed; trying again",
                           {{"instance", held->fields.name}, {"error", to_string(why)}});
        co_await ports_.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
    give_back_address(*held);
    auto const fence = held->fields.binding->fence;
    disk_.remove("instance", held->id().text());
    disk_.put("node", "floor", fmt::format("{}", floor_));
    auto const on_disk = co_await disk_.wait_durable();
    if (!on_disk) co_return;  // the agent stops; the next one finds the record and says it again
    gone_[held->id()] = fence;
    options_.out.info("instance removed", {{"instance", held->fields.name}});
    auto const release = held->fields.pod_release->id;
    records_.erase(held->id());
    auto const is_last = std::none_of(records_.begin(), records_.end(), [&](auto const& other) {
        return other.second->fields.pod_release->id == release;
    });
    if (is_last) {
        releases_.erase(release);
        disk_.remove("release", release.text());
    }
    due_.notify();
}

result<void> node_agent::impl::take_address(record& held) {
    if (!held.status().addresses.empty()) return {};
    auto address = addresses_->take();
    if (!address) {
        auto why = address.error();
        why.field = "NetworkFailed";
        return why;
    }
    held.status().addresses.push_back(std::move(*address));
    keep(held);
    return {};
}

void node_agent::impl::give_back_address(record& held) {
    for (auto const& address : held.status().addresses)
        if (addresses_) addresses_->give_back(address);
    held.status().addresses.clear();
}

pod_attachment node_agent::impl::attachment_of(record const& held, std::filesystem::path network_namespace) const {
    pod_attachment made{.instance = held.fields.id, .network_namespace = std::move(network_namespace)};
    made.address = held.fields.status.addresses.empty() ? std::string() : held.fields.status.addresses.front();
    made.host_ports = host_ports(held.fields.pod_release->pod);
    return made;
}

}  // namespace rik

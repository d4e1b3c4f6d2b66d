// From an order to running containers.
#include "admission_detail.hpp"
#include "impl_detail.hpp"
#include "requests_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

awaitable<> node_agent::impl::bring_up(node_instance_ptr mine) {
    mine->status().containers = detail::waiting_containers(mine->spec());
    mine->warnings.clear();
    auto const began = ports_.time.now();
    if (std::exchange(mine->boot_id, facts_.boot_id) != facts_.boot_id)
        disk_.put("boot", mine->id().text(), facts_.boot_id);
    report(*mine, instance_state::creating, "Preparing", "its images are pulled and its containers made");
    auto const started = co_await start_when_possible(mine);
    if (!started) {
        if (disk_.has_failed()) co_return;  // the agent stops; the next one starts it, if the order was kept
        auto const failure = started.error();
        detail::instance_end how{instance_state::failed, failure.reason, to_string(failure.why)};
        co_return co_await finish(mine, std::move(how));
    }
    auto const took = to_short_string(ports_.time.now() - began);
    report(*mine, instance_state::running, "Started",
           fmt::format("all containers run, {} after the order{}", took, mine->warnings));
    options_.out.info("instance started", {{"instance", mine->fields.name}, {"took", took}});
    co_await watch_containers(mine);
}

/// A machine that is short of something now may have it later: such a start is made again, from nothing.
awaitable<node_agent::impl::start_result<void>> node_agent::impl::start_when_possible(node_instance_ptr mine) {
    for (auto pause = limits::reconnect_pause_min;; pause = std::min(pause * 2, limits::start_pause_max)) {
        auto const started = co_await start_containers(mine);
        if (started || disk_.has_failed() || started.error().why.code != errc::exhausted) co_return started;
        complain(*mine, instance_state::creating, started.error().reason, started.error().why);
        co_await remove_pod(mine, instance_state::creating, leaving::nothing);
        mine->status().containers = detail::waiting_containers(mine->spec());
        co_await ports_.time.sleep_for(pause);
    }
}

awaitable<node_agent::impl::start_result<std::vector<image_ptr>>> node_agent::impl::pull_images(
    node_instance_ptr mine) {
    auto const release = mine->fields.made_from;  // as it is now, whatever comes meanwhile
    std::vector<image_ptr> pulled;
    for (auto const& container : release->spec().containers) {
        auto image = co_await ports_.pulled.ensure(container.image, container.pull_policy);
        auto const forbidden = image ? detail::find_root(container, (*image)->config) : std::nullopt;
        if (image && !forbidden) {
            if (auto* const status = mine->find(container.name)) status->image_digest = (*image)->digest;
            if (!(*image)->warning.empty()) mine->warnings += fmt::format("; {}", (*image)->warning);
            pulled.push_back(std::move(*image));
            continue;
        }
        auto failure = forbidden ? start_failure{"CreateContainerConfigError", *forbidden}
                                 : start_failure{"ImagePullFailed", image.error()};
        if (auto* const status = mine->find(container.name))
            detail::set_not_started(*status, failure.reason, failure.why.message);
        co_return failure;
    }
    co_return pulled;
}

awaitable<node_agent::impl::start_result<void>> node_agent::impl::make_sandbox(node_instance_ptr mine) {
    auto const addressed = allocate_address(*mine);
    if (!addressed) co_return addressed.error();
    auto request = detail::make_sandbox_request(mine->fields);
    auto const made = co_await ports_.containers.create_sandbox(std::move(request));
    if (!made) co_return start_failure{"SandboxFailed", made.error()};
    if (!made->warning.empty()) mine->warnings += fmt::format("; {}", made->warning);
    if (mine->spec().has_host_network) co_return start_result<void>();
    auto attachment = attachment_of(*mine, made->network_namespace);
    auto const attached = co_await ports_.pods.attach(std::move(attachment));
    if (!attached) co_return start_failure{"NetworkFailed", attached.error()};
    co_return start_result<void>();
}

/// The check at the binding was made with what this machine offered then, and without what it did not know of. What
/// runs is never stopped for room.
awaitable<> node_agent::impl::wait_for_room(node_instance_ptr mine) {
    while (!mine->has_room) {
        auto why = lacks_room(*mine);
        mine->has_room = !why;
        if (mine->has_room) break;
        if (mine->status().message != *why) report(*mine, instance_state::creating, "WaitingForRoom", std::move(*why));
        co_await room_changed_.wait();
    }
    if (mine->status().reason == "WaitingForRoom")
        report(*mine, instance_state::creating, "Preparing", "there is room for it now; its containers are made");
}

std::optional<std::string> node_agent::impl::lacks_room(node_instance const& mine) const {
    if (!running_orphans_.empty())
        return fmt::format("waits until {} Pods that belong to no instance are removed", running_orphans_.size());
    resources taken;
    for (auto const& [id, each] : instances_)
        if (each->has_room) taken.add(each->fields.made_from->requests);
    return detail::lacks_room(facts_.capacity, taken, mine.fields.made_from->requests);
}

void node_agent::impl::give_back_room(node_instance& mine) {
    if (std::exchange(mine.has_room, false)) room_changed_.notify();
}

awaitable<node_agent::impl::start_result<void>> node_agent::impl::start_containers(node_instance_ptr mine) {
    // With the order, so that one flush is enough for both. As long as the subnet is not known, make_sandbox takes it.
    auto const has_subnet = addresses_ || mine->spec().has_host_network;
    auto const addressed = has_subnet ? allocate_address(*mine) : start_result<void>();
    if (!addressed) co_return addressed.error();
    auto const images = co_await pull_images(mine);
    if (!images) co_return images.error();
    if (!mine->spec().has_host_network) co_await network_ready(mine);
    co_await wait_for_room(mine);
    auto starting = start_with(mine, *images);
    co_return co_await starts_.run_lent(ports_.time, limits::start_place_max, std::move(starting));
}

awaitable<node_agent::impl::start_result<void>> node_agent::impl::start_with(node_instance_ptr mine,
                                                                             std::vector<image_ptr> images) {
    auto const release = mine->fields.made_from;  // as it is now, whatever comes meanwhile
    auto const made = co_await make_sandbox(mine);
    if (!made) co_return made.error();
    // Nothing runs whose order or address could be lost. A sandbox without an order is nobody's, and the next agent
    // removes it, so it is made while the disk writes.
    auto const on_disk = co_await disk_.wait_durable(mine->kept_at);
    if (!on_disk) co_return start_failure{"StartFailed", on_disk.error()};
    for (std::size_t i = 0; i < images.size(); ++i) {
        auto definition = release->spec().containers[i];
        auto const started = co_await start_container(mine, std::move(definition), images[i]);
        if (!started) co_return started.error();
    }
    co_return start_result<void>();
}

awaitable<node_agent::impl::start_result<void>> node_agent::impl::start_container(node_instance_ptr mine,
                                                                                  container_definition definition,
                                                                                  image_ptr from) {
    auto const name = definition.name;
    auto const facts = detail::facts_of(mine->fields, facts_);
    auto request = detail::make_container_request(facts, std::move(definition), std::move(from));
    auto started = request ? result<void>() : request.error();
    if (request) started = co_await ports_.containers.start_container(std::move(*request));
    auto* const status = mine->find(name);
    if (started) {
        detail::set_running(*status, ports_.time.wall());
        co_return start_result<void>();
    }
    start_failure failure{"StartFailed", started.error()};
    auto const prefix = fmt::format("container {}: ", name);
    if (!failure.why.message.starts_with(prefix)) failure.why.message.insert(0, prefix);
    detail::set_not_started(*status, failure.reason, failure.why.message);
    co_return failure;
}

}  // namespace rik

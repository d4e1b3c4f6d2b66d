// From an order to running containers.
#include "impl_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

awaitable<> node_agent::impl::bring_up(record_ptr held) {
    held->status().containers = detail::waiting_containers(held->spec());
    held->warnings.clear();
    auto const began = ports_.time.now();
    if (std::exchange(held->boot_id, facts_.boot_id) != facts_.boot_id)
        disk_.put("boot", held->id().text(), facts_.boot_id);
    report(*held, instance_state::creating, "Preparing", "its images are pulled and its containers made");
    auto const started = co_await start_when_possible(held);
    if (!started) {
        if (disk_.has_failed()) co_return;  // the agent stops; the next one starts it, if the order was kept
        auto const failure = started.error();
        detail::instance_end how{instance_state::failed, failure.reason, to_string(failure.why)};
        co_return co_await finish(held, std::move(how));
    }
    auto const took = to_short_string(ports_.time.now() - began);
    report(*held, instance_state::running, "Started",
           fmt::format("all containers run, {} after the order{}", took, held->warnings));
    options_.out.info("instance started", {{"instance", held->fields.name}, {"took", took}});
    co_await watch_containers(held);
}

/// A machine that is short of something now may have it later: such a start is made again, from nothing.
awaitable<node_agent::impl::start_result<void>> node_agent::impl::start_when_possible(record_ptr held) {
    for (auto pause = limits::reconnect_pause_min;; pause = std::min(pause * 2, limits::start_pause_max)) {
        auto const started = co_await start_containers(held);
        if (started || disk_.has_failed() || started.error().why.code != errc::exhausted) co_return started;
        complain(*held, instance_state::creating, started.error().reason, started.error().why);
        co_await remove_pod(held, instance_state::creating, leaving::nothing);
        held->status().containers = detail::waiting_containers(held->spec());
        co_await ports_.time.sleep_for(pause);
    }
}

awaitable<node_agent::impl::start_result<std::vector<image_ptr>>> node_agent::impl::pull_images(record_ptr held) {
    auto const release = held->fields.made_from;  // as it is now, whatever comes meanwhile
    std::vector<image_ptr> pulled;
    for (auto const& container : release->spec().containers) {
        auto image = co_await ports_.pulled.ensure(container.image, container.pull_policy);
        if (image) {
            if (auto* const status = held->find(container.name)) status->image_digest = (*image)->digest;
            if (!(*image)->warning.empty()) held->warnings += fmt::format("; {}", (*image)->warning);
            pulled.push_back(std::move(*image));
            continue;
        }
        start_failure failure{"ImagePullFailed", image.error()};
        if (auto* const status = held->find(container.name))
            detail::set_not_started(*status, failure.reason, failure.why.message);
        co_return failure;
    }
    co_return pulled;
}

awaitable<node_agent::impl::start_result<void>> node_agent::impl::make_sandbox(record_ptr held) {
    auto const addressed = take_address(*held);
    if (!addressed) co_return addressed.error();
    auto const& hostname = held->spec().hostname;
    sandbox_request request{.instance = held->id(), .hostname = hostname.empty() ? held->fields.name : hostname};
    request.addresses = held->status().addresses;
    auto const made = co_await ports_.containers.create_sandbox(std::move(request));
    if (!made) co_return start_failure{"SandboxFailed", made.error()};
    if (!made->warning.empty()) held->warnings += fmt::format("; {}", made->warning);
    auto attachment = attachment_of(*held, made->network_namespace);
    auto const attached = co_await ports_.pods.attach(std::move(attachment));
    if (!attached) co_return start_failure{"NetworkFailed", attached.error()};
    co_return start_result<void>();
}

awaitable<node_agent::impl::start_result<void>> node_agent::impl::start_containers(record_ptr held) {
    // With the order, so that one flush is enough for both. As long as the subnet is not known, make_sandbox takes it.
    auto const addressed = addresses_ ? take_address(*held) : start_result<void>();
    if (!addressed) co_return addressed.error();
    auto const images = co_await pull_images(held);
    if (!images) co_return images.error();
    co_await network_ready(held);
    auto starting = start_with(held, *images);
    co_return co_await starts_.run_lent(ports_.time, limits::start_place_max, std::move(starting));
}

awaitable<node_agent::impl::start_result<void>> node_agent::impl::start_with(record_ptr held,
                                                                             std::vector<image_ptr> images) {
    auto const release = held->fields.made_from;  // as it is now, whatever comes meanwhile
    auto const made = co_await make_sandbox(held);
    if (!made) co_return made.error();
    // Nothing runs whose order or address could be lost. A sandbox without an order is nobody's, and the next agent
    // removes it, so it is made while the disk writes.
    auto const on_disk = co_await disk_.wait_durable(held->kept_at);
    if (!on_disk) co_return start_failure{"StartFailed", on_disk.error()};
    for (std::size_t i = 0; i < images.size(); ++i) {
        auto definition = release->spec().containers[i];
        auto const started = co_await start_container(held, std::move(definition), images[i]);
        if (!started) co_return started.error();
    }
    co_return start_result<void>();
}

awaitable<node_agent::impl::start_result<void>> node_agent::impl::start_container(record_ptr held,
                                                                                  container_definition definition,
                                                                                  image_ptr from) {
    auto const name = definition.name;
    container_request request{.key = key_of(*held, name), .definition = std::move(definition)};
    request.from = std::move(from);
    auto const started = co_await ports_.containers.start_container(std::move(request));
    auto* const status = held->find(name);
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

#include <rik/runtime/oci/oci_runtime.hpp>

#include "container_detail.hpp"
#include "container_log_detail.hpp"
#include "inventory_detail.hpp"
#include "machine_detail.hpp"
#include "sandbox_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace rik {

using detail::machine;

struct oci_runtime::state {
    explicit state(machine opened) : on(std::move(opened)), tasks(on.options.executor) {}

    void warm_up();

    machine on;
    bool is_warming_up = false;
    task_group tasks;
};

namespace {

/// Completes when `process` has ended.
awaitable<> ended(asio::any_io_executor executor, detail::unique_fd process) {
    asio::posix::stream_descriptor pidfd(executor, process.release());
    auto const wanted = asio::posix::stream_descriptor::wait_read;
    auto const [failure] = co_await pidfd.async_wait(wanted, asio::as_tuple(asio::use_awaitable));
    if (failure == asio::error::operation_aborted) throw cancelled{};
}

awaitable<> warmed_up(machine const& on, bool& is_warming_up) {
    auto warming = [&] { on.groups.warm_up(); };
    co_await offload(on.options.pool, std::move(warming));
    is_warming_up = false;
}

}  // namespace

/// Beside whatever is on the way to a start: see cgroups::warm_up.
void oci_runtime::state::warm_up() {
    if (std::exchange(is_warming_up, true)) return;
    tasks.spawn(warmed_up(on, is_warming_up));
}

oci_runtime::oci_runtime(std::unique_ptr<state> inner) : state_(std::move(inner)) {}
oci_runtime::~oci_runtime() = default;

result<std::unique_ptr<oci_runtime>> oci_runtime::open(oci_options options, clock& time) {
    auto opened = detail::open_machine(std::move(options), time);
    if (!opened) return opened.error();
    auto inner = std::make_unique<state>(std::move(*opened));
    inner->tasks.spawn(detail::rotate_logs(inner->on));
    return std::unique_ptr<oci_runtime>(new oci_runtime(std::move(inner)));
}

awaitable<> oci_runtime::stop() { return state_->tasks.stop(); }

awaitable<result<void>> oci_runtime::remove_all() { return detail::remove_everything(state_->on); }

awaitable<result<sandbox>> oci_runtime::create_sandbox(sandbox_request request) {
    auto const& on = state_->on;
    state_->warm_up();
    auto const paths = on.paths.pod(request.instance);
    auto making = [&] { return detail::make_sandbox(paths, request, on.options.shm_bytes); };
    auto const made = co_await offload(on.options.namespace_thread, std::move(making));
    if (!made) co_return made.error();
    co_return sandbox{.network_namespace = paths.network_namespace()};
}

awaitable<result<void>> oci_runtime::start_container(container_request request) {
    state_->warm_up();
    return detail::start_container(state_->on, std::move(request));
}

awaitable<result<container_exit>> oci_runtime::wait_container(container_key key) {
    auto const& on = state_->on;
    auto const paths = on.paths.container(key);
    while (true) {
        auto looking = [&] { return detail::view_container(on, paths); };
        auto seen = co_await offload(on.options.pool, std::move(looking));
        if (!seen) co_return seen.error();
        if (seen->exit) co_return *seen->exit;
        co_await ended(on.options.executor, std::move(seen->monitor));
    }
}

awaitable<result<void>> oci_runtime::stop_container(container_key key) {
    auto const paths = state_->on.paths.container(key);
    auto stopping = [&] { return detail::signal_container(state_->on, paths); };
    co_return co_await offload(state_->on.options.pool, std::move(stopping));
}

awaitable<result<void>> oci_runtime::kill_container(container_key key) {
    auto const paths = state_->on.paths.container(key);
    auto killing = [&] { return detail::kill_container(state_->on, paths); };
    co_return co_await offload(state_->on.options.pool, std::move(killing));
}

awaitable<result<void>> oci_runtime::remove_container(container_key key) {
    return detail::remove_container(state_->on, state_->on.paths.container(key));
}

awaitable<result<void>> oci_runtime::remove_sandbox(instance_id instance) {
    return detail::remove_sandbox(state_->on, instance);
}

awaitable<result<std::vector<found_sandbox>>> oci_runtime::list() {
    auto listing = [this] { return detail::list_sandboxes(state_->on); };
    co_return co_await offload(state_->on.options.pool, std::move(listing));
}

awaitable<result<std::unique_ptr<log_reader>>> oci_runtime::open_log(container_key key, log_options options) {
    auto const paths = state_->on.paths.container(key);
    auto opening = [&] { return detail::open_log_reader(state_->on, paths, options); };
    co_return co_await offload(state_->on.options.pool, std::move(opening));
}

}  // namespace rik

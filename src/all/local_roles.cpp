#include "role_parts_detail.hpp"

#include <rik/all/roles.hpp>
#include <rik/async/notifier.hpp>
#include <rik/async/shield.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include <optional>
#include <utility>
#include <variant>

namespace rik {

class local_roles::impl {
public:
    impl(asio::any_io_executor executor, roles_options options)
        : executor_(std::move(executor)), options_(std::move(options)) {}

    awaitable<result<void>> start() {
        auto started = co_await open_place();
        if (started && options_.roles.scheduler) started = co_await start_scheduler();
        if (started && options_.roles.primary) started = co_await start_primary();
        if (started && options_.roles.node) started = co_await start_node();
        if (!started) co_await undo();
        co_return started;
    }

    awaitable<> stop() {
        co_await stop_roles();
        if (machine_) co_await on_strand(machine_->strand, machine_->stop());
    }

    awaitable<error> failure() {
        using namespace asio::experimental::awaitable_operators;
        if (!primary_ && !node_) co_return co_await never();
        if (!node_) co_return co_await primary_->failure();
        if (!primary_) co_return co_await node_->failure();
        auto first = co_await (primary_->failure() || node_->failure());
        co_return std::visit([](auto& why) { return std::move(why); }, first);
    }

    awaitable<role_health> health() {
        role_health all;
        if (primary_) {
            auto more = co_await primary_->health();
            add(all, std::move(more));
        }
        if (scheduler_) {
            auto more = co_await scheduler_->health();
            add(all, std::move(more));
        }
        if (node_) {
            auto more = co_await node_->health();
            add(all, std::move(more));
        }
        co_return all;
    }

    operations* api() { return primary_ ? &primary_->api() : nullptr; }
    std::string link_address() const { return scheduler_ ? scheduler_->address() : std::string(); }

private:
    /// What lasts: a node's adapters have it too, and a scheduler keeps nothing.
    awaitable<result<void>> open_place() {
        auto const& local = options_.local;
        if (options_.roles.node) {
            machine_.emplace(executor_);
            co_return co_await on_strand(machine_->strand, machine_->open(local));
        }
        if (!options_.roles.primary) co_return result<void>();
        co_return own_place_.emplace().claim(local);
    }
    detail::directories const& place() const { return machine_ ? machine_->place : *own_place_; }
    std::string const& scheduler_address() const { return scheduler_ ? scheduler_->address() : options_.scheduler; }

    awaitable<result<void>> start_scheduler() {
        scheduler_.emplace(executor_, options_.link_listen, options_.local);
        return scheduler_->start();
    }
    awaitable<result<void>> start_primary() {
        primary_.emplace(executor_, place(), scheduler_address(), options_.local);
        return primary_->start();
    }
    awaitable<result<void>> start_node() {
        node_.emplace(*machine_, scheduler_address(), options_.local);
        return node_->start();
    }

    /// They go before what was made for them.
    awaitable<> stop_roles() {
        if (node_) co_await node_->stop();
        if (primary_) co_await primary_->stop();
        if (scheduler_) co_await scheduler_->stop();
        node_.reset();
        primary_.reset();
        scheduler_.reset();
    }
    awaitable<> undo() {
        co_await stop_roles();
        if (machine_) co_await on_strand(machine_->strand, machine_->clean_up(options_.local.out));
        if (own_place_) clean_up_place();
    }

    void clean_up_place() {
        auto const removed = own_place_->is_new() ? own_place_->remove(options_.local.out) : result<void>();
        if (!removed)
            options_.local.out.warning("not all of a refused start could be removed",
                                       {{"error", to_string(removed.error())}});
        own_place_->undo();
    }

    static awaitable<error> never() {
        notifier nothing(co_await asio::this_coro::executor);
        for (;;) co_await nothing.wait();
    }

    asio::any_io_executor executor_;
    roles_options options_;
    std::optional<detail::directories> own_place_;
    std::optional<detail::adapters> machine_;
    std::optional<detail::scheduler_part> scheduler_;
    std::optional<detail::primary_part> primary_;
    std::optional<detail::node_part> node_;
};

local_roles::local_roles(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
local_roles::~local_roles() = default;
operations* local_roles::api() { return impl_->api(); }
std::string local_roles::link_address() const { return impl_->link_address(); }
awaitable<role_health> local_roles::health() { return impl_->health(); }
awaitable<error> local_roles::failure() { return impl_->failure(); }
awaitable<> local_roles::stop() { return shield(impl_->stop()); }

awaitable<result<void>> local_roles::start(impl& inner) {
    auto started = co_await inner.start();
    if (!started) co_await inner.stop();
    co_return started;
}

awaitable<result<std::unique_ptr<local_roles>>> local_roles::open(asio::any_io_executor executor,
                                                                  roles_options options) {
    auto inner = std::make_unique<impl>(std::move(executor), std::move(options));
    auto const started = co_await shield(start(*inner));
    if (!started) co_return started.error();
    co_return std::unique_ptr<local_roles>(new local_roles(std::move(inner)));
}

}  // namespace rik

// One role each, with its adapters: what rik::local_roles is made of.
#pragma once

#include "adapters_detail.hpp"

#include <rik/link/grpc_link.hpp>
#include <rik/node/node_agent.hpp>
#include <rik/primary/primary.hpp>
#include <rik/scheduler/scheduler.hpp>
#include <rik/store/sqlite_journal.hpp>

#include <memory>
#include <optional>
#include <string>

namespace rik::detail {

/// Of each part: `stop` after `start`, also after one that failed; then nothing of it runs any more.
class scheduler_part {
public:
    scheduler_part(asio::any_io_executor executor, std::string listen, local_options const& options);

    awaitable<result<void>> start();
    awaitable<role_health> health();
    awaitable<> stop();
    std::string const& address() const { return links_.address(); }

private:
    awaitable<result<void>> start_here();
    awaitable<> stop_here();

    asio::any_io_executor strand_;
    system_clock time_;
    grpc_link_server links_;
    scheduler role_;
    bool is_started_ = false;
};

/// `place` is claimed already, and outlives it.
class primary_part {
public:
    primary_part(asio::any_io_executor executor, directories const& place, std::string const& scheduler,
                 local_options const& options);

    awaitable<result<void>> start();
    awaitable<error> failure();
    awaitable<role_health> health();
    awaitable<> stop();
    operations& api() { return role_; }

private:
    asio::any_io_executor strand_;
    system_clock time_;
    system_entropy random_;
    lone_thread disk_thread_;
    sqlite_journal disk_;
    grpc_primary_link link_;
    primary role_;
    bool is_started_ = false;
};

/// `machine` is open already, and outlives it.
class node_part {
public:
    node_part(adapters& machine, std::string const& scheduler, local_options const& options);

    awaitable<result<void>> start();
    awaitable<error> failure();
    awaitable<role_health> health();
    awaitable<> stop();

private:
    adapters& machine_;
    sqlite_journal disk_;
    grpc_node_link link_;
    node_agent role_;
    bool is_started_ = false;
};

}  // namespace rik::detail

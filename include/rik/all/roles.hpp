// Some of the roles in this process, linked over gRPC with those of other processes. Target rik::all, built with gRPC.
#pragma once

#include <rik/all.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace rik {

struct role_set {
    bool primary = false;
    bool scheduler = false;
    bool node = false;
    friend bool operator==(role_set const&, role_set const&) = default;
};

/// "primary,node", in the order of the members.
std::string to_string(role_set const& roles);
/// Parses names joined by commas. Errors: invalid, a name is none of them, or is there twice, or there is none.
result<role_set> parse_role_set(std::string_view text);

inline constexpr char const* usual_link_address = "127.0.0.1:4997";

struct roles_options {
    role_set roles = {};
    /// Of the primary: state_dir, run_dir, cluster_cidr, policy. Of the scheduler: policy. Of the node: the rest.
    local_options local = {};
    /// Where the scheduler listens: "IP:PORT"; port 0: any that is free.
    std::string link_listen = usual_link_address;
    /// Where the primary and the node find the scheduler. If it is one of the roles here, it is where that listens.
    std::string scheduler = usual_link_address;
};

/// The roles of this process. The calls may be made from any thread. Instances outlive it: the next one with the same
/// state directory takes them over.
class local_roles {
public:
    /// Starts the roles. The other processes need not be there yet. `executor` belongs to the embedding program.
    /// Errors: those of local_cluster::open for what the roles need; unavailable, nothing can listen at link_listen.
    /// Then nothing was started. Cancel: waits for the end. What it returns then has to be stopped as well.
    static awaitable<result<std::unique_ptr<local_roles>>> open(asio::any_io_executor executor, roles_options options);
    /// Precondition: `stop` has returned.
    ~local_roles();

    /// Null without a primary.
    operations* api();
    /// Where the scheduler listens, with the port that was picked; empty without a scheduler.
    std::string link_address() const;
    /// How the roles here are: the first reason why one cannot do its work, and the numbers of all.
    awaitable<role_health> health();
    /// Completes when a role cannot go on, with the reason; call `stop` then.
    awaitable<error> failure();
    /// Ends the roles. No instance is stopped. Cancel: waits for the end.
    awaitable<> stop();

private:
    class impl;
    static awaitable<result<void>> start(impl& inner);
    explicit local_roles(std::unique_ptr<impl> inner);
    std::unique_ptr<impl> impl_;
};

}  // namespace rik

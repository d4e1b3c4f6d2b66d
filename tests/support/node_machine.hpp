// A private machine with the real network of a node on it.
#pragma once

#include "support/machine.hpp"
#include "support/run.hpp"

#include <rik/network/linux/linux_network.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rik::test {

inline constexpr char const* tag = "0123abcd";
inline constexpr char const* other_tag = "ffffffff";

inline std::string read_sysctl(std::string const& name) {
    std::string value;
    std::ifstream("/proc/sys/net/ipv4/" + name) >> value;
    return value;
}

/// A private machine with a node's network on it, and Pods.
class node_machine {
public:
    node_machine() { start(); }

    /// What a new process of the same node would be.
    void restart() {
        network_.reset();
        start();
    }

    template <class T>
    T run(awaitable<T> work) {
        asio::io_context context;
        auto got = testing::run(context, std::move(work));
        context.run();  // a thread of the network may still be letting go of it
        return got;
    }

    result<void> open(std::vector<pod_attachment> present = {}) {
        auto const opened =
            run(network_->open({.pod_subnet = "10.210.3.0/24", .cluster_cidr = "10.210.0.0/16"}, std::move(present)));
        if (!opened) return opened.error();
        lost = *opened;
        return {};
    }
    result<void> repair() {
        auto const repaired = run(network_->repair());
        if (!repaired) return repaired.error();
        lost = *repaired;
        return {};
    }
    std::uint32_t mtu = 0;       ///< of the next `restart`
    log logger;                  ///< the same
    std::vector<lost_pod> lost;  ///< of the last `open` or `repair`

    result<void> attach(pod_attachment const& pod) { return run(network_->attach(pod)); }
    result<void> detach(pod_attachment const& pod) { return run(network_->detach(pod.instance)); }
    result<void> remove_all() { return run(network_->remove_all()); }
    network& get() { return *network_; }

    /// A second node on the same machine.
    result<void> open_other() {
        other_ = make_network(other_tag);
        auto const opened = run(other_->open({.pod_subnet = "10.210.4.0/24", .cluster_cidr = "10.210.0.0/16"}, {}));
        if (!opened) return opened.error();
        return {};
    }
    result<void> remove_other() { return run(other_->remove_all()); }

    /// A Pod number `number` with the address 10.210.3.NUMBER; its namespace is there, nothing else.
    pod_attachment make_pod(int number, std::vector<container_port> ports = {}) {
        auto const& pinned = pods_.emplace_back(state_.path() / ("pod" + std::to_string(number)));
        return {.instance = instance_id::generate(random_),
                .network_namespace = pinned.path(),
                .address = "10.210.3." + std::to_string(number),
                .host_ports = std::move(ports)};
    }

    /// Drops the Pods' namespaces, the way a runtime does.
    void drop_pods() { pods_.clear(); }

private:
    void start() { network_ = make_network(tag); }

    std::unique_ptr<linux_network> make_network(std::string whose) {
        return std::make_unique<linux_network>(linux_network_options{.tag = std::move(whose),
                                                                     .namespace_executor = namespaces_.get_executor(),
                                                                     .pool_executor = pool_.get_executor(),
                                                                     .mtu = mtu,
                                                                     .logger = logger});
    }

    struct entered {
        entered() { enter_private_machine(); }
    } entered_;  // before any thread
    scratch_directory state_;
    seeded_entropy random_{42};
    std::deque<pinned_namespace> pods_;
    asio::thread_pool namespaces_{1};
    asio::thread_pool pool_{2};
    std::unique_ptr<linux_network> network_;
    std::unique_ptr<linux_network> other_;
};

inline std::vector<container_port> const web_port{{.port = 80, .host_port = 8080}};

inline std::string links() { return shell("ip -o link"); }
inline bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

}  // namespace rik::test

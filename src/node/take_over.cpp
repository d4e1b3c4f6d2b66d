// The first minute of an agent: what is on disk, what runs, what belongs to nobody.
#include "impl_detail.hpp"

#include <rik/model/codec.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace rik {

namespace {

/// The releases that were read so far, for decoding instances.
class known_releases final : public release_source {
public:
    explicit known_releases(std::map<release_id, release_ptr> const& all) : all_(all) {}
    release_ptr find_release(release_id const& id) const override {
        auto const found = all_.find(id);
        return found == all_.end() ? nullptr : found->second;
    }

private:
    std::map<release_id, release_ptr> const& all_;
};

revision parse_revision(std::string const& text) {
    revision value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

}  // namespace

result<void> node_agent::impl::read_rows(journal_contents const& contents) {
    for (auto const& row : contents.rows) {
        if (row.table != "release" || !row.value) continue;
        auto decoded = decode_release(*row.value);
        if (!decoded) return decoded.error();
        releases_[decoded->id] = std::make_shared<release const>(std::move(*decoded));
    }
    for (auto const& row : contents.rows) {
        if (!row.value) continue;
        if (row.table == "instance") {
            auto const decoded = decode_instance(*row.value, known_releases(releases_));
            if (!decoded) return decoded.error();
            if (!decoded->binding())
                return error{errc::corrupt,
                             fmt::format("instance {} on the node's disk has no binding", decoded->name())};
            records_[decoded->id()] = std::make_shared<record>(strand_, decoded->fields());
        } else if (row.table == "node" && row.key == "id") {
            auto const id = node_id::parse(*row.value);
            if (!id) return id.error();
            id_ = *id;
        } else if (row.table == "node" && row.key == "cluster") {
            auto const id = cluster_id::parse(*row.value);
            if (!id) return id.error();
            cluster_ = *id;
        } else if (row.table == "node" && row.key == "floor") {
            floor_ = parse_revision(*row.value);
        } else if (row.table == "node" && row.key == "network") {
            auto const space = row.value->find(' ');
            if (space == std::string::npos) return error{errc::corrupt, "the network on the node's disk is damaged"};
            auto const set = set_network(row.value->substr(0, space), row.value->substr(space + 1));
            if (!set) return set.error();
        }
    }
    if (id_.is_nil()) {
        id_ = node_id::generate(ports_.random);
        disk_.put("node", "id", id_.text());
    }
    return {};
}

result<void> node_agent::impl::set_network(std::string pod_subnet, std::string cluster_cidr) {
    auto const subnet = ipv4_subnet::parse(pod_subnet);
    if (!subnet) return subnet.error();
    pod_subnet_ = std::move(pod_subnet);
    cluster_cidr_ = std::move(cluster_cidr);
    addresses_.emplace(*subnet);
    network_changed_.notify();
    return {};
}

/// Matches what is on disk with what is on the machine. Everything of ours that no record owns is removed.
awaitable<result<void>> node_agent::impl::take_over() {
    auto found = co_await ports_.containers.list();
    if (!found) co_return found.error();
    for (auto& sandbox : *found) {
        auto const owner = records_.find(sandbox.instance);
        if (owner != records_.end()) {
            owner->second->found = std::move(sandbox);
            continue;
        }
        options_.out.warning("removing what belongs to no instance", {{"instance", sandbox.instance.text()}});
        auto const removed = co_await ports_.containers.remove_sandbox(sandbox.instance);
        if (!removed)
            options_.out.error("not removed",
                               {{"instance", sandbox.instance.text()}, {"error", to_string(removed.error())}});
    }
    for (auto const& [id, held] : records_) {
        for (auto const& address : held->fields.status.addresses) {
            auto const reserved = addresses_ ? addresses_->reserve(address) : result<void>{};
            if (!reserved)
                options_.out.error("address not kept",
                                   {{"instance", held->fields.name}, {"error", to_string(reserved.error())}});
        }
        held->is_dirty = true;
        tasks_.spawn(supervise(held));
    }
    co_return result<void>{};
}

std::vector<pod_attachment> node_agent::impl::present_pods() {
    std::vector<pod_attachment> present;
    for (auto const& [id, held] : records_)
        if (held->found && held->found->is_whole && !held->fields.status.addresses.empty())
            present.push_back(attachment_of(*held, held->found->network_namespace));
    return present;
}

/// Opens the network as soon as it is known which it is; retries, since what stands in its way may go.
awaitable<> node_agent::impl::open_network() {
    auto pause = limits::reconnect_pause_min;
    while (!is_network_open_) {
        while (pod_subnet_.empty()) co_await network_changed_.wait();
        node_network what{.pod_subnet = pod_subnet_, .cluster_cidr = cluster_cidr_};
        auto present = present_pods();
        auto const opened = co_await ports_.pods.open(std::move(what), std::move(present));
        if (opened) {
            is_network_open_ = true;
            network_changed_.notify();
            co_return;
        }
        options_.out.error("the Pod network cannot be opened; Pods wait for it",
                           {{"error", to_string(opened.error())}});
        network_problem_ = to_string(opened.error());
        network_changed_.notify();
        co_await ports_.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

awaitable<> node_agent::impl::network_ready(record_ptr held) {
    while (!is_network_open_) {
        auto const& said = held->status().message;
        if (!network_problem_.empty() && said != network_problem_)
            report(*held, instance_state::creating, "NetworkNotReady", network_problem_);
        co_await network_changed_.wait();
    }
}

}  // namespace rik

// The first minute of an agent: what is on disk, what runs, what belongs to nobody.
#include "impl_detail.hpp"

#include <rik/model/codec.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

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

bool has_running(found_sandbox const& found) {
    return std::ranges::any_of(found.containers, [](found_container const& each) { return each.running; });
}

result<revision> parse_revision(std::string const& text) {
    revision value = 0;
    auto const* const last = text.data() + text.size();
    auto const [end, failure] = std::from_chars(text.data(), last, value);
    if (failure == std::errc{} && end == last) return value;
    return error{errc::corrupt, "the floor on the node's disk is damaged"};
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
        result<void> read;
        if (row.table == "instance") read = read_instance_row(row);
        if (row.table == "node") read = read_node_row(row.key, *row.value);
        if (!read) return read;
    }
    for (auto const& row : contents.rows) {
        auto const id = instance_id::parse(row.key);
        auto const owner = id ? instances_.find(*id) : instances_.end();
        if (owner == instances_.end() || !row.value) continue;
        if (row.table == "boot") owner->second->boot_id = *row.value;
        if (row.table != "end") continue;
        owner->second->end = detail::parse_end(*row.value);
        if (!owner->second->end) return error{errc::corrupt, "the end of an instance on the node's disk is damaged"};
    }
    if (id_.is_nil()) {
        id_ = node_id::generate(ports_.random);
        disk_.put("node", "id", id_.text());
    }
    drop_unused_releases();
    return {};
}

result<void> node_agent::impl::read_instance_row(journal_entry const& row) {
    auto const decoded = decode_instance(*row.value, known_releases(releases_));
    if (!decoded) return decoded.error();
    if (!decoded->binding())
        return error{errc::corrupt, fmt::format("instance {} on the node's disk has no binding", decoded->name())};
    auto const mine = std::make_shared<node_instance>(strand_, decoded->fields());
    instances_[decoded->id()] = mine;
    count(*mine);
    return {};
}

result<void> node_agent::impl::read_node_row(std::string const& key, std::string const& value) {
    if (key == "id") {
        auto const id = node_id::parse(value);
        if (!id) return id.error();
        id_ = *id;
    } else if (key == "cluster") {
        auto const id = cluster_id::parse(value);
        if (!id) return id.error();
        cluster_ = *id;
    } else if (key == "floor") {
        auto const floor = parse_revision(value);
        if (!floor) return floor.error();
        floor_ = *floor;
    } else if (key == "network") {
        auto const space = value.find(' ');
        if (space == std::string::npos) return error{errc::corrupt, "the network on the node's disk is damaged"};
        return set_network(value.substr(0, space), value.substr(space + 1));
    }
    return {};
}

void node_agent::impl::drop_unused_releases() {
    std::set<release_id> used;
    for (auto const& [id, mine] : instances_) used.insert(mine->fields.made_from->id);
    std::erase_if(releases_, [&](auto const& each) {
        if (used.contains(each.first)) return false;
        disk_.remove("release", each.first.text());
        return true;
    });
}

/// Matches what is on disk with what is on the machine. Everything of ours that no record owns is removed.
awaitable<result<void>> node_agent::impl::take_over() {
    auto found = co_await ports_.containers.list();
    if (!found) co_return found.error();
    for (auto& sandbox : *found) {
        auto const owner = instances_.find(sandbox.instance);
        if (owner != instances_.end()) {
            owner->second->has_room = has_running(sandbox);
            owner->second->found = std::move(sandbox);
            continue;
        }
        options_.out.warning("removing what belongs to no instance", {{"instance", sandbox.instance.text()}});
        if (has_running(sandbox)) running_orphans_.insert(sandbox.instance);
        orphans_[sandbox.instance] = std::nullopt;
        tasks_.spawn(remove_orphan(sandbox.instance));
    }
    for (auto const& [id, mine] : instances_) {
        auto& addresses = mine->fields.status.addresses;
        auto const is_pooled = !mine->spec().has_host_network;
        std::erase_if(addresses, [&, is_pooled, &name = mine->fields.name](std::string const& address) {
            auto const reserved = addresses_ && is_pooled ? addresses_->reserve(address) : result<void>{};
            if (!reserved)
                options_.out.error("address not kept", {{"instance", name}, {"error", to_string(reserved.error())}});
            return !reserved;
        });
        tasks_.spawn(supervise(mine));
    }
    co_return result<void>{};
}

awaitable<> node_agent::impl::remove_orphan(instance_id instance) {
    auto pause = limits::reconnect_pause_min;
    std::string last_problem;
    for (;;) {
        auto const detached = co_await ports_.pods.detach(instance);
        auto removed = co_await ports_.containers.remove_sandbox(instance);
        if (removed) removed = detached;
        if (removed) break;
        auto problem = to_string(removed.error());
        if (problem != last_problem)
            options_.out.error("what belongs to no instance is not removed; trying again",
                               {{"instance", instance.text()}, {"error", problem}});
        last_problem = std::move(problem);
        co_await ports_.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
    auto const fence = orphans_.at(instance);
    orphans_.erase(instance);
    if (running_orphans_.erase(instance) > 0) room_changed_.notify();
    if (fence) gone_[instance] = *fence;
    if (fence) due_.notify();
    orphan_gone_.notify();
}

}  // namespace rik

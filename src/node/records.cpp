#include "records_detail.hpp"

#include <rik/model/codec.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rik::detail {

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

}  // namespace

node_instance_ptr node_records::find(instance_id const& id) const {
    auto const found = all_.find(id);
    return found == all_.end() ? nullptr : found->second;
}

result<void> node_records::read(journal_contents const& contents) {
    for (auto const& row : contents.rows) {
        if (row.table != "release" || !row.value) continue;
        auto decoded = decode_release(*row.value);
        if (!decoded) return decoded.error();
        releases_[decoded->id] = std::make_shared<release const>(std::move(*decoded));
    }
    for (auto const& row : contents.rows) {
        if (row.table != "instance" || !row.value) continue;
        if (auto const read = read_instance(row); !read) return read;
    }
    for (auto const& row : contents.rows) {
        auto const id = instance_id::parse(row.key);
        auto const owner = id ? find(*id) : nullptr;
        if (owner == nullptr || !row.value) continue;
        if (auto const read = read_addition(*owner, row); !read) return read;
    }
    drop_unused_releases();
    return {};
}

result<void> node_records::read_instance(journal_entry const& row) {
    auto const decoded = decode_instance(*row.value, known_releases(releases_));
    if (!decoded) return decoded.error();
    if (!decoded->binding())
        return error{errc::corrupt, fmt::format("instance {} on the node's disk has no binding", decoded->name())};
    all_[decoded->id()] = std::make_shared<node_instance>(strand_, decoded->fields());
    return {};
}

result<void> node_records::read_addition(node_instance& mine, journal_entry const& row) {
    if (row.table == "boot") mine.boot_id = *row.value;
    if (row.table == "memory") mine.memory = *row.value;
    if (row.table != "end") return {};
    mine.end = parse_end(*row.value);
    if (!mine.end) return error{errc::corrupt, "the end of an instance on the node's disk is damaged"};
    return {};
}

void node_records::drop_unused_releases() {
    std::set<release_id> used;
    for (auto const& [id, mine] : all_) used.insert(mine->fields.made_from->id);
    std::erase_if(releases_, [&](auto const& each) {
        if (used.contains(each.first)) return false;
        disk_.remove("release", each.first.text());
        return true;
    });
}

node_instance_ptr node_records::add(order const& what, node_id const& here) {
    auto& shared = releases_[what.made_from->id];
    if (shared == nullptr) {
        shared = what.made_from;
        disk_.put("release", shared->id.text(), encode(*shared));
    }
    instance_fields fields{.id = what.instance, .name = what.name};
    fields.owner = shared->workload;
    fields.made_from = shared;
    fields.created_at = time_.wall();
    fields.binding = node_binding{.node = here, .fence = what.fence};
    fields.restarts = what.restarts;  // nothing of it runs yet that could be restarted
    fields.status.restarts = what.restarts;
    fields.exposed_port = what.exposed_port;
    fields.index = what.index;
    auto mine = std::make_shared<node_instance>(strand_, std::move(fields));
    all_[what.instance] = mine;
    keep(*mine);
    return mine;
}

void node_records::forget(node_instance& mine) {
    mine.is_forgotten = true;
    auto const key = mine.id().text();
    disk_.remove("instance", key);
    if (!mine.boot_id.empty()) disk_.remove("boot", key);
    if (!mine.memory.empty()) disk_.remove("memory", key);
    if (mine.end) disk_.remove("end", key);
    auto const release = mine.fields.made_from->id;
    auto const is_used = std::ranges::any_of(all_, [&](auto const& other) {
        return !other.second->is_forgotten && other.second->fields.made_from->id == release;
    });
    if (is_used) return;
    releases_.erase(release);
    disk_.remove("release", release.text());
}

void node_records::keep(node_instance& mine) {
    disk_.put("instance", mine.id().text(), encode(instance(mine.fields)));
    mine.kept_at = disk_.last();
}

void node_records::keep_end(node_instance& mine, instance_end how) {
    out_.info("instance ended",
              {{"instance", mine.fields.name}, {"state", std::string(to_string(how.state))}, {"why", how.message}});
    disk_.put("end", mine.id().text(), encode_end(how));
    mine.end = std::move(how);
}

void node_records::drop_end(node_instance& mine) {
    mine.end.reset();
    disk_.remove("end", mine.id().text());
}

void node_records::keep_boot(node_instance& mine, std::string boot_id) {
    if (mine.boot_id == boot_id) return;
    mine.boot_id = std::move(boot_id);
    disk_.put("boot", mine.id().text(), mine.boot_id);
}

void node_records::keep_memory(node_instance& mine, std::string memory) {
    if (mine.memory == memory || mine.is_forgotten) return;
    mine.memory = std::move(memory);
    disk_.put("memory", mine.id().text(), mine.memory);
}

void node_records::publish(node_instance& mine) {
    ++mine.status().seq;
    mine.is_dirty = true;
    keep(mine);
    news_.notify();
}

void node_records::report(node_instance& mine, instance_state state, std::string reason, std::string message) {
    auto& status = mine.status();
    if (status.state != state) status.since = time_.wall();
    if (state != instance_state::running) set_ready(mine, false);
    status.state = state;
    status.reason = std::move(reason);
    status.message = std::move(message);
    explain_unstarted(status);
    publish(mine);
}

void node_records::complain(node_instance& mine, instance_state state, std::string reason, error const& why) {
    auto message = to_string(why);
    auto const& said = mine.status();
    if (said.state == state && said.reason == reason && said.message == message) return;
    out_.error("instance has a problem; trying again",
               {{"instance", mine.fields.name}, {"reason", reason}, {"error", message}});
    report(mine, state, std::move(reason), std::move(message));
}

void node_records::set_ready(node_instance& mine, bool is_ready) {
    auto& status = mine.status();
    if (status.ready != is_ready) status.ready_since = is_ready ? std::optional(time_.wall()) : std::nullopt;
    status.ready = is_ready;
}

}  // namespace rik::detail

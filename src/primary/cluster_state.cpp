#include "cluster_state_detail.hpp"

#include "job_ends_detail.hpp"

#include <rik/base/limits.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

namespace rik::detail {

namespace {

// Of an instance: its row, its event and the oldest event, which goes; and what is left of its workload: its row, its
// release, its event, and again the oldest.
constexpr std::size_t slice_changes_max = 8 * limits::instances_per_slice_max;
constexpr std::size_t slice_bytes_max = limits::unflushed_bytes_max / 4;

/// A JSON string.
result<cluster_id> parse_identity(std::string_view json) {
    auto const is_quoted = json.size() > 2 && json.front() == '"' && json.back() == '"';
    auto parsed = cluster_id::parse(is_quoted ? json.substr(1, json.size() - 2) : "");
    if (!parsed) return error{errc::corrupt, "the stored identity of the cluster is damaged"};
    return parsed;
}

/// Most news of an instance leaves alone what it takes of its node.
bool has_same_room(instance const* before, instance const* now) {
    if (before == nullptr || now == nullptr || before->occupies_room() != now->occupies_room()) return false;
    return !now->occupies_room() ||
           (before->binding()->node == now->binding()->node && before->made_from() == now->made_from());
}

}  // namespace

/// What a transaction changes beside its rows.
struct cluster_state::consequences {
    struct instance_change {
        std::shared_ptr<instance const> before;
        std::shared_ptr<instance const> now;
    };
    std::vector<event_ledger::entry> told = {};
    std::vector<event_backlog::row> held = {};     ///< of each that was told; nullptr: it is in the commit
    std::vector<std::uint64_t> gone = {};          ///< the numbers of events
    std::vector<document_key> held_removals = {};  ///< some of these
    std::vector<std::string> ended_tenants = {};
    struct release_change {
        release_ptr before;
        release_ptr now;
    };
    std::vector<instance_change> instances = {};
    std::vector<release_change> releases = {};
    std::vector<transaction::write<node>> nodes = {};
    std::vector<release_id> left =
        {};  ///< releases that a workload has named as its current one, and does not any more
};

cluster_state::cluster_state(asio::any_io_executor strand, journal& disk, entropy& random, clock& time)
    : strand_(strand),
      random_(random),
      time_(time),
      store_(strand, disk, random),
      failure_(strand),
      unused_due_(strand),
      events_held_(strand) {}

awaitable<result<void>> cluster_state::open() {
    auto const opened = co_await store_.open();
    if (!opened) co_return opened.error();
    auto const identified = read_identity();
    if (identified) derive();
    co_return identified;
}

result<void> cluster_state::read_identity() {
    document_key const identity{"identity", "", "cluster"};
    if (auto const known = head().find<document>(identity)) {
        auto const parsed = parse_identity(known->json);
        if (!parsed) return parsed.error();
        cluster_ = *parsed;
        return {};
    }
    cluster_ = cluster_id::generate(random_);
    transaction first;
    first.put(document{identity, "", '"' + cluster_.text() + '"'}, 0);
    auto const applied = store_.apply(std::move(first));
    if (!applied) return applied.error();
    return {};
}

void cluster_state::derive() {
    for (auto const& each : head().list<node>()) ledger_.set_node(candidate_of(*each));
    for (auto const& each : head().list<instance>()) track(nullptr, each.row.get());
    for (auto const& each : head().list<release>()) {
        ports_.add(*each);
        note_unused(each->id);
    }
    for (auto const& each : head().list<document>(kind_index(event_kind))) events_.add(event_ledger::read(*each));
}

awaitable<> cluster_state::flush() {
    failed_ = co_await store_.run();
    failure_.notify();
}

awaitable<> cluster_state::write_held_events() {
    for (;;) {
        while (backlog_.empty()) co_await events_held_.wait();
        co_await time_.sleep_for(burst_period);
        auto const written = co_await write_backlog();
        if (!written) co_return;
    }
}

/// Slice by slice, so that the strand is not held long. What comes meanwhile waits for the next time.
awaitable<result<void>> cluster_state::write_backlog() {
    for (auto left = backlog_.size(); left > 0 && !backlog_.empty();) {
        auto const room = co_await wait_for_slice();
        if (!room) co_return room;
        auto const count = std::min(left, limits::instances_per_slice_max);
        auto const written = write_events(count);
        if (!written) co_return written;
        left -= count;
        co_await asio::post(strand_, asio::use_awaitable);
    }
    co_return result<void>{};
}

result<void> cluster_state::write_events(std::size_t count_max) {
    auto const part = backlog_.next(count_max);
    transaction late;
    for (auto const& each : part.told) late.put(document(*each), 0);
    for (auto const& each : part.gone)
        if (auto const row = head().find<document>(each)) late.remove<document>(each, row.changed_at);
    auto const applied = store_.apply(std::move(late));
    if (!applied) return applied.error();
    backlog_.written(part);
    return {};
}

awaitable<error> cluster_state::failure() {
    while (!failed_) co_await failure_.wait();
    co_return *failed_;
}

result<void> cluster_state::apply(transaction changes) {
    count_job_ends(head(), std::exchange(excused_, {}), time_.wall(), changes);
    auto follows = read(changes);
    expected_events_.clear();
    drop_old_events(changes, follows);
    auto const applied = store_.apply(std::move(changes));
    if (!applied) return applied.error();
    follow(std::move(follows));
    return {};
}

void cluster_state::expect(event_ledger::entry told) {
    auto const sequence = told.sequence;
    expected_events_.insert_or_assign(sequence, std::move(told));
}

event_ledger::entry cluster_state::read_event(document const& from) {
    auto expected = expected_events_.extract(event_ledger::sequence_of(from.key));
    return expected ? std::move(expected.mapped()) : event_ledger::read(from);
}

std::shared_ptr<document const> cluster_state::find_event(document_key const& which) const {
    auto held = backlog_.find(event_ledger::sequence_of(which));
    return held ? held : head().find<document>(which).row;
}

/// Returns true if it is an event that is held back.
bool cluster_state::read_document(transaction::write<document> const& written, consequences& found) {
    if (written.key.kind == tenant_kind && !written.row) found.ended_tenants.push_back(written.key.name);
    if (written.key.kind != event_kind) return false;
    if (!written.row) {
        found.gone.push_back(event_ledger::sequence_of(written.key));
        return false;
    }
    found.told.push_back(read_event(*written.row));
    auto const is_held = backlog_.count(found.told.back().group, time_.now());
    found.held.push_back(is_held ? written.row : nullptr);
    return is_held;
}

/// What is held back is taken out of the changes.
cluster_state::consequences cluster_state::read(transaction& changes) {
    consequences found;
    std::erase_if(changes.writes(), [&](auto const& each) {
        auto const* const written = std::get_if<transaction::write<document>>(&each);
        return written != nullptr && read_document(*written, found);
    });
    for (auto const& each : changes.writes()) {
        if (auto const* const one = std::get_if<transaction::write<instance>>(&each)) {
            found.instances.push_back({head().find<instance>(one->key).row, one->row});
        } else if (auto const* const made = std::get_if<transaction::write<release>>(&each)) {
            found.releases.push_back({head().find<release>(made->key).row, made->row});
        } else if (auto const* const machine = std::get_if<transaction::write<node>>(&each)) {
            found.nodes.push_back(*machine);
        } else if (auto const* const owner = std::get_if<transaction::write<workload>>(&each)) {
            auto const before = head().find<workload>(owner->key);
            if (before && owner->row && before->current_release != owner->row->current_release)
                found.left.push_back(before->current_release);
        }
    }
    return found;
}

void cluster_state::drop_old_events(transaction& changes, consequences& of) const {
    auto const drop = [&](event_ledger::entry const& which) {
        of.gone.push_back(which.sequence);
        if (backlog_.find(which.sequence)) return;
        if (backlog_.is_in_burst(which.group)) return of.held_removals.push_back(which.key);
        if (auto const row = head().find<document>(which.key)) changes.remove<document>(which.key, row.changed_at);
    };
    for (auto const& each : of.told)
        if (auto const* const replaced = events_.find(each.replaces)) drop(*replaced);
    auto const at_once = std::max(of.told.size(), limits::instances_per_slice_max);
    for (auto const oldest : events_.find_excess(of.told, of.gone, at_once)) drop(*events_.find(oldest));
}

void cluster_state::follow_events(consequences& of) {
    for (auto const& name : of.ended_tenants) {
        auto const held = backlog_.list_in(name);
        of.gone.insert(of.gone.end(), held.begin(), held.end());
    }
    for (auto const each : of.gone) {
        events_.remove(each);
        backlog_.drop(each);
    }
    for (auto& each : of.held_removals) backlog_.hold_removal(std::move(each));
    for (std::size_t i = 0; i < of.told.size(); ++i) {
        if (of.held[i]) backlog_.hold(of.told[i], std::move(of.held[i]));
        events_.add(std::move(of.told[i]));
    }
    if (!backlog_.empty()) events_held_.notify();
}

void cluster_state::follow(consequences of) {
    follow_events(of);
    for (auto const& [before, now] : of.instances) track(before.get(), now.get());
    for (auto const& [before, now] : of.releases) {
        if (now) ports_.add(*now);
        if (before) ports_.remove(*before);
    }
    for (auto const& each : of.left) note_unused(each);
    for (auto const& each : of.nodes) {
        if (each.row)
            ledger_.set_node(candidate_of(*each.row));
        else
            ledger_.remove_node(each.key);
    }
}

/// Nearly always an instance stays made from what it was made from.
void cluster_state::count_releases(instance const* before, instance const* now) {
    if (before != nullptr && now != nullptr && before->made_from()->id == now->made_from()->id) return;
    if (now != nullptr) ++made_from_[now->made_from()->id];
    if (before == nullptr) return;
    auto const found = made_from_.find(before->made_from()->id);
    if (--found->second > 0) return;
    made_from_.erase(found);
    note_unused(before->made_from()->id);
}

void cluster_state::note_unused(release_id const& which) {
    auto const row = head().find<release>(which);
    if (!row || count_made_from(which) > 0) return;
    auto const owner = head().find<workload>(row->workload);
    if (owner && owner->current_release == which) return;
    unused_.insert(which);
    unused_due_.notify();
}

std::size_t cluster_state::count_made_from(release_id const& which) const {
    auto const found = made_from_.find(which);
    return found == made_from_.end() ? 0 : found->second;
}

awaitable<std::set<release_id>> cluster_state::wait_unused_releases() {
    while (unused_.empty()) co_await unused_due_.wait();
    co_return std::exchange(unused_, {});
}

/// Precondition: one of the two is there.
void cluster_state::track(instance const* before, instance const* now) {
    count_releases(before, now);
    if (now != nullptr) instance_counts_.add(*now);
    if (before != nullptr) instance_counts_.remove(*before);
    if (before != nullptr && is_finished(before->state())) finished_.remove(*before);
    if (now != nullptr && is_finished(now->state())) finished_.add(*now);
    if (now != nullptr) ports_.add(*now);
    if (before != nullptr) ports_.remove(*before);
    if (has_same_room(before, now)) return;
    if (now != nullptr && now->occupies_room())
        ledger_.reserve(now->id(), now->binding()->node, now->made_from(), now->exposed_port());
    else
        ledger_.unreserve(now != nullptr ? now->id() : before->id());
}

awaitable<result<void>> cluster_state::commit(transaction changes) {
    auto const applied = apply(std::move(changes));
    if (!applied) co_return applied;
    co_return co_await wait_durable();
}

awaitable<result<void>> cluster_state::wait_durable() { return store_.wait_durable(head().at()); }

awaitable<error> cluster_state::when_durable(error why) {
    auto const durable = co_await wait_durable();
    co_return durable ? why : durable.error();
}

awaitable<result<void>> cluster_state::wait_for_slice() {
    while (store_.unflushed_count() + slice_changes_max > limits::unflushed_count_max ||
           store_.unflushed_bytes() + slice_bytes_max > limits::unflushed_bytes_max) {
        auto const caught_up = co_await wait_durable();
        if (!caught_up) co_return caught_up;
    }
    co_return result<void>{};
}

}  // namespace rik::detail

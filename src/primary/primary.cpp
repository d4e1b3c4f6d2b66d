#include <rik/primary/primary.hpp>

#include "impl_detail.hpp"
#include "tidy_detail.hpp"

#include <rik/base/ipv4.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace rik {

namespace {

// Of an instance: its row, its event and the oldest event, which goes; and what is left of its workload.
constexpr std::size_t slice_changes_max = 4 * limits::instances_per_slice_max;
constexpr std::size_t slice_bytes_max = limits::unflushed_bytes_max / 4;

}  // namespace

primary::impl::impl(asio::any_io_executor strand, primary_ports ports, primary_options options)
    : strand_(strand),
      ports_(ports),
      options_(std::move(options)),
      store_(strand, ports.disk, ports.random),
      due_(strand),
      failure_(strand),
      visitor_left_(strand),
      stopping_(strand),
      tasks_(strand) {}

awaitable<result<void>> primary::impl::start() {
    auto const range = parse_cluster_cidr(options_.cluster_cidr, options_.node_prefix_bits);
    if (!range) co_return range.error();
    auto const opened = co_await store_.open();
    if (!opened) co_return opened.error();
    auto const read = read_state();
    if (!read) co_return read.error();
    is_open_ = true;
    tasks_.spawn(flush());
    tasks_.spawn(mark_due_instances());
    tasks_.spawn(mark_due_nodes());
    tasks_.spawn(finish_deletions());
    tasks_.spawn(trim_events());
    tasks_.spawn(dispatch());
    co_return result<void>{};
}

/// Rebuilds what is derived from the stored rows; makes the cluster's identity on the first start.
result<void> primary::impl::read_state() {
    document_key const identity{"identity", "", "cluster"};
    auto const& head = store_.head();
    if (auto const known = head.find<document>(identity)) {
        std::string_view const json = known->json;  // its uid in quotes
        auto const is_quoted = json.size() > 2 && json.front() == '"' && json.back() == '"';
        auto const parsed = cluster_id::parse(is_quoted ? json.substr(1, json.size() - 2) : "");
        if (!parsed) return error{errc::corrupt, "the stored identity of the cluster is damaged"};
        cluster_ = *parsed;
    } else {
        cluster_ = cluster_id::generate(ports_.random);
        transaction first;
        first.put(document{identity, "", '"' + cluster_.text() + '"'}, 0);
        auto const applied = store_.apply(std::move(first));
        if (!applied) return applied.error();
    }
    for (auto const& each : head.list<node>()) ledger_.set_node(candidate_of(each->id, each->facts));
    for (auto const& each : head.list<instance>()) track(nullptr, each.row.get());
    for (auto const& each : head.list<document>(kind_index(event_kind))) events_.add(detail::event_ledger::read(*each));
    event_sequence_ = events_.last_sequence();  // a new start goes on above all that are left
    return {};
}

/// A deletion that a crash cut short goes on.
awaitable<> primary::impl::finish_deletions() {
    auto const workloads = store_.head().list<workload>();
    for (auto const& each : workloads) {
        if (!each->deleting_since) continue;
        auto const id = each->id;
        auto const done = co_await remove_instances(id);
        if (!done)
            options_.out.error("deletion not finished", {{"workload", id.text()}, {"error", to_string(done.error())}});
    }
}

/// There may be more events than the limit when another release wrote them.
awaitable<> primary::impl::trim_events() {
    while (events_.size() > limits::events_count_max) {
        transaction nothing_new;
        auto const done = co_await commit(std::move(nothing_new));
        if (done) continue;
        options_.out.error("old events not removed", {{"error", to_string(done.error())}});
        co_return;
    }
}

awaitable<> primary::impl::flush() {
    failed_ = co_await store_.run();
    failure_.notify();
}

awaitable<error> primary::impl::failure() {
    while (!failed_) co_await failure_.wait();
    error told = *failed_;
    told.message = fmt::format("the primary's store cannot be written: {}", told.message);
    co_return told;
}

awaitable<> primary::impl::wait_for_visitors() {
    while (visitors_ > 0) co_await visitor_left_.wait();
}

awaitable<> primary::impl::wait_for_stop() {
    while (is_open_) co_await stopping_.wait();
}

awaitable<> primary::impl::stop() {
    is_open_ = false;
    stopping_.notify();
    if (connection_) connection_->link->close();
    co_await wait_for_visitors();  // while the disk still takes what they have to finish, or to take back
    // What rides along is not lost by an orderly stop. After a failed flush this returns at once.
    auto const flushed = co_await store_.wait_durable(store_.head().at());
    if (!flushed)
        options_.out.warning("stopped with changes that are not on disk", {{"error", to_string(flushed.error())}});
    co_await tasks_.stop();
}

/// The one way into the store. Past their limits old events go with it. Ledger, events and finished instances follow
/// the head: what is refused changes none of them.
result<void> primary::impl::apply(transaction changes) {
    std::vector<detail::event_ledger::entry> told;
    std::vector<document_key> gone;
    std::vector<std::pair<std::shared_ptr<instance const>, std::shared_ptr<instance const>>> changed;
    std::vector<std::shared_ptr<node const>> nodes;
    for (auto const& each : changes.writes()) {
        if (auto const* const written = std::get_if<transaction::write<document>>(&each)) {
            if (written->key.kind != event_kind) continue;
            if (written->row)
                told.push_back(detail::event_ledger::read(*written->row));
            else
                gone.push_back(written->key);
        } else if (auto const* const one = std::get_if<transaction::write<instance>>(&each)) {
            changed.emplace_back(store_.head().find<instance>(one->key).row, one->row);
        } else if (auto const* const machine = std::get_if<transaction::write<node>>(&each)) {
            nodes.push_back(machine->row);
        }
    }
    auto const at_once = std::max(told.size(), limits::instances_per_slice_max);
    for (auto& oldest : events_.find_excess(told, gone, at_once)) {
        auto const row = store_.head().find<document>(oldest);
        if (row) changes.remove<document>(oldest, row.changed_at);
        gone.push_back(std::move(oldest));
    }

    auto const applied = store_.apply(std::move(changes));
    if (!applied) return applied.error();
    for (auto const& each : gone) events_.remove(each);
    for (auto& each : told) events_.add(std::move(each));
    for (auto const& [before, now] : changed) track(before.get(), now.get());
    for (auto const& each : nodes) ledger_.set_node(candidate_of(each->id, each->facts));
    return {};
}

/// `apply`, and waits until it is durable.
awaitable<result<void>> primary::impl::commit(transaction changes) {
    auto const applied = apply(std::move(changes));
    if (!applied) co_return applied;
    co_return co_await store_.wait_durable(store_.head().at());
}

/// Waits while the journal is too far behind for one slice more. A reader of reports that waits here makes the
/// scheduler wait, too.
awaitable<result<void>> primary::impl::wait_for_room() {
    while (store_.unflushed_count() + slice_changes_max > limits::unflushed_count_max ||
           store_.unflushed_bytes() + slice_bytes_max > limits::unflushed_bytes_max) {
        auto const caught_up = co_await store_.wait_durable(store_.head().at());
        if (!caught_up) co_return caught_up;
    }
    co_return result<void>{};
}

/// Keeps the ledger and the list of finished instances in step with the head. One of the two is there.
void primary::impl::track(instance const* before, instance const* now) {
    if (before != nullptr && is_finished(before->state())) finished_.erase({before->status().since, before->id()});
    if (now != nullptr && is_finished(now->state())) finished_.emplace(now->status().since, now->id());
    if (now != nullptr && now->takes_room())
        ledger_.hold(now->id(), now->binding()->node, now->pod_release());
    else
        ledger_.release(now != nullptr ? now->id() : before->id());
}

event primary::impl::about(workload const& subject) const {
    event made{.object_kind = "workload", .object_id = subject.id.text(), .object_name = subject.name};
    made.tenant = subject.tenant;
    made.source = "primary";
    made.at = ports_.time.wall();
    return made;
}

event primary::impl::about(instance const& subject) const {
    event made{.object_kind = "instance", .object_id = subject.id().text(), .object_name = subject.name()};
    made.tenant = subject.tenant();
    if (subject.owner()) made.owner_id = subject.owner()->text();
    made.source = "primary";
    made.at = ports_.time.wall();
    return made;
}

event primary::impl::about(node const& subject) const {
    event made{.object_kind = "node", .object_id = subject.id.text(), .object_name = subject.facts.name};
    made.source = "primary";
    made.at = ports_.time.wall();
    return made;
}

/// Adds an event to a commit. What has happened before takes the place of that, and counts. A commit that is refused
/// leaves a gap in the numbers, which nobody minds. Precondition: `into` has no event about the same object.
void primary::impl::note(transaction& into, event happened) {
    happened = detail::tidied(std::move(happened));
    auto const content = detail::event_ledger::content_of(happened);
    if (auto const* const same = events_.find_same(happened.object_id, content)) {
        auto const row = store_.head().find<document>(*same);
        auto const before = row ? parse_event(*row) : result<event>();
        if (before && before->is_same_as(happened)) {
            happened.count = before->count + 1;
            happened.first_at = before->first_at.value_or(before->at);
            into.remove<document>(*same, row.changed_at);
        }
    }
    into.put(to_document(happened, ++event_sequence_), 0);
}

primary::primary(asio::any_io_executor strand, primary_ports ports, primary_options options)
    : strand_(strand), impl_(std::make_unique<impl>(strand, ports, std::move(options))) {}
primary::~primary() = default;
awaitable<result<void>> primary::start() { return impl_->start(); }
cluster_id primary::cluster() const { return impl_->cluster(); }
awaitable<error> primary::failure() { return impl_->failure(); }
awaitable<> primary::stop() { return impl_->stop(); }

}  // namespace rik

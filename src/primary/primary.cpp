#include <rik/primary/primary.hpp>

#include "impl_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/base/limits.hpp>

#include <algorithm>
#include <charconv>

namespace rik {

primary::impl::impl(asio::any_io_executor strand, primary_ports ports, primary_options options)
    : strand_(strand),
      ports_(ports),
      options_(std::move(options)),
      store_(strand, ports.disk),
      due_(strand),
      failure_(strand),
      visitor_left_(strand),
      tasks_(strand) {}

awaitable<result<void>> primary::impl::start() {
    auto const opened = co_await store_.open();
    if (!opened) co_return opened.error();
    auto const read = read_state();
    if (!read) co_return read.error();
    is_open_ = true;
    tasks_.spawn(flush());
    tasks_.spawn(mark_instances());
    tasks_.spawn(mark_nodes());
    tasks_.spawn(finish_deletions());
    tasks_.spawn(dispatch());
    co_return result<void>{};
}

/// Rebuilds what is derived from the stored rows; makes the cluster's identity on the first start.
result<void> primary::impl::read_state() {
    static constexpr std::string_view identity_kind = "identity";
    document_key const identity{std::string(identity_kind), "", "cluster"};
    auto const& head = store_.head();
    if (auto const known = head.find<document>(identity)) {
        auto const parsed = cluster_id::parse(std::string_view(known->json).substr(1, 36));
        if (!parsed) return error{errc::corrupt, "the stored identity of the cluster is damaged"};
        cluster_ = *parsed;
    } else {
        cluster_ = cluster_id::generate(ports_.random);
        transaction first;
        first.put(document{identity, "", '"' + cluster_.text() + '"'}, 0);
        auto const applied = store_.apply(std::move(first));
        if (!applied) return applied.error();
    }
    for (auto const& each : head.list<node>()) {
        candidate offered{.id = each->id, .name = each->facts.name, .capacity = each->facts.capacity};
        offered.runtimes = each->facts.runtimes;
        ledger_.set_node(offered);
    }
    for (auto const& each : head.list<instance>()) track(*each);
    for (auto const& each : head.list<document>(kind_index(event_kind))) events_.push_back(each->key);
    std::sort(events_.begin(), events_.end(), [](auto const& a, auto const& b) { return a.name < b.name; });
    // Names of events are their numbers, zero-padded; a new start goes on above all that are left.
    if (!events_.empty()) {
        auto const& last = events_.back().name;
        std::from_chars(last.data(), last.data() + last.size(), event_sequence_);
    }
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

awaitable<> primary::impl::flush() {
    failed_ = co_await store_.run();
    options_.out.error("the store cannot be written; the primary stops", {{"error", to_string(*failed_)}});
    failure_.notify();
}

awaitable<error> primary::impl::failure() {
    while (!failed_) co_await failure_.wait();
    co_return *failed_;
}

awaitable<> primary::impl::wait_for_visitors() {
    while (visitors_ > 0) co_await visitor_left_.wait();
}

awaitable<> primary::impl::stop() {
    is_open_ = false;
    if (connection_) connection_->link->close();
    // What rides along is not lost by an orderly stop. After a failed flush this returns at once.
    auto const flushed = co_await store_.wait_durable(store_.head().at());
    if (!flushed)
        options_.out.warning("stopped with changes that are not on disk", {{"error", to_string(flushed.error())}});
    co_await tasks_.stop();
    co_await wait_for_visitors();
}

/// Keeps the ledger and the list of finished instances in step with the head.
void primary::impl::track(instance const& now) {
    if (now.takes_room())
        ledger_.hold(now.id(), now.binding()->node, now.pod_release());
    else
        ledger_.release(now.id());
    if (is_finished(now.state())) finished_.emplace(now.status().since, now.id());
}

event primary::impl::about(instance const& subject) const {
    event made{.object_kind = "instance", .object_id = subject.id().text(), .object_name = subject.name()};
    made.tenant = subject.tenant();
    made.source = "primary";
    made.at = ports_.time.wall();
    return made;
}

/// Adds an event to a commit; past the limit the oldest goes with it.
void primary::impl::note(transaction& into, event happened) {
    auto made = to_document(happened, ++event_sequence_);
    events_.push_back(made.key);
    into.put(std::move(made), 0);
    if (events_.size() <= limits::events_count_max) return;
    if (auto const oldest = store_.head().find<document>(events_.front()))
        into.remove<document>(events_.front(), oldest.changed_at);
    events_.pop_front();
}

primary::primary(asio::any_io_executor strand, primary_ports ports, primary_options options)
    : strand_(strand), impl_(std::make_unique<impl>(strand, ports, std::move(options))) {}
primary::~primary() = default;
awaitable<result<void>> primary::start() { return impl_->start(); }
awaitable<error> primary::failure() { return impl_->failure(); }
awaitable<> primary::stop() { return impl_->stop(); }

}  // namespace rik

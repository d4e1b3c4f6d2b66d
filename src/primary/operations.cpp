// What users ask for: each call hops to the strand, decides on the head, and returns when its change is durable.
#include "impl_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/base/limits.hpp>

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

namespace rik {

namespace {

error name_taken(workload const& by) {
    auto const what = fmt::format("{} {}", to_string(by.kind), by.name);
    if (by.deleting_since)
        return error{errc::conflict, what + " is being deleted", "name",
                     "wait until it is gone, or choose another name"};
    return error{errc::conflict, what + " exists already", "name", "choose another name, or delete it first"};
}

// Other kinds are the primary's own: its identity, events.
constexpr std::array kept_kinds{tenant_kind};

/// May `who` change this document? Names are checked where one is made: what has another is not found.
std::optional<error> check_key(caller const& who, document_key const& key) {
    if (std::find(kept_kinds.begin(), kept_kinds.end(), key.kind) == kept_kinds.end())
        return error{errc::invalid, fmt::format("documents of kind '{}' are not kept for users", key.kind), "kind",
                     fmt::format("one of: {}", fmt::join(kept_kinds, ", "))};
    if (who.role != caller_role::admin && key.tenant != who.tenant)
        return error{errc::denied, fmt::format("{} may not change documents of tenant '{}'", who.subject, key.tenant),
                     "tenant"};
    return check_name(key.tenant, "tenant");
}

}  // namespace

error no_such_object(std::string_view kind, std::string_view name) {
    return error{errc::not_found, fmt::format("{} {} does not exist", kind, name)};
}

/// What follows from the head is told when it is durable: else somebody hears of a change that a power loss takes back.
awaitable<error> primary::impl::when_durable(error why) {
    auto const durable = co_await store_.wait_durable(store_.head().at());
    co_return durable ? why : durable.error();
}

awaitable<result<stored<workload>>> primary::impl::create_workload(workload_definition definition) {
    visit const here(*this);
    if (auto const why = closed_because()) co_return *why;
    auto const name = workload_name(definition.tenant, definition.kind, definition.name);
    if (auto const holder = store_.head().find_named<workload>(name))
        co_return co_await when_durable(name_taken(*holder));
    workload made{.id = workload_id::generate(ports_.random), .tenant = definition.tenant, .name = definition.name};
    made.kind = definition.kind;
    made.labels = std::move(definition.labels);
    made.annotations = std::move(definition.annotations);
    made.replicas = definition.replicas;
    made.definition = std::move(definition.text);
    made.created_at = ports_.time.wall();
    release first{.id = release_id::generate(ports_.random), .workload = made.id, .pod = std::move(definition.pod)};
    first.requests = effective_requests(first.pod);
    made.current_release = first.id;

    auto happened = about(made);
    happened.reason = "Created";
    happened.message = "the workload was created";
    // Kept: by the time that it is durable somebody may have deleted it.
    stored<workload> const row{std::make_shared<workload const>(made), store_.next_revision()};
    transaction creation;
    note(creation, std::move(happened));
    creation.put(std::move(first), 0);
    creation.put(std::move(made), 0);
    auto const done = co_await commit(std::move(creation));
    if (!done) co_return done.error();
    co_return row;
}

/// A pending instance goes at once; a bound one when its node confirms.
void primary::impl::condemn(transaction& into, stored<instance> const& which, std::string message) {
    auto happened = about(*which);
    happened.reason = "Deleting";
    happened.message = fmt::format("{}: {}", which->is_pending() ? "terminated" : "destroying", message);
    note(into, std::move(happened));
    if (which->is_pending()) return into.remove<instance>(which->id(), which.changed_at);
    auto next = which->fields();
    next.binding->condemned = true;
    next.deleting_since = ports_.time.wall();
    next.status.state = instance_state::destroying;
    next.status.since = *next.deleting_since;
    next.status.reason = "Deleting";
    next.status.message = std::move(message);
    next.status.ready = false;
    explain_unstarted(next.status);
    into.put(instance(std::move(next)), which.changed_at);
}

/// The record of a workload that is being deleted goes with the last of its instances: `leaving_count` of them go in
/// this commit.
void primary::impl::remove_if_empty(transaction& into, workload_id const& which, std::size_t leaving_count) {
    auto const& head = store_.head();
    auto const row = head.find<workload>(which);
    if (!row || !row->deleting_since || head.count<instance>(owner_index(which)) > leaving_count) return;
    auto happened = about(*row);
    happened.reason = "Deleted";
    happened.message = "the workload and all its instances are gone";
    note(into, std::move(happened));
    for (auto const& each : head.list<release>("workload/" + which.text()))
        into.remove<release>(each->id, each.changed_at);
    into.remove<workload>(which, row.changed_at);
}

/// Asked again, it goes on where it stopped.
awaitable<result<void>> primary::impl::delete_workload(workload_id which) {
    visit const here(*this);
    if (auto const why = closed_because()) co_return *why;
    auto const row = store_.head().find<workload>(which);
    if (!row) co_return co_await when_durable(no_such_object("workload", which.text()));
    if (!row->deleting_since) {
        transaction deletion;
        auto next = *row;
        next.deleting_since = ports_.time.wall();
        ++next.generation;
        deletion.put(std::move(next), row.changed_at);
        auto const marked = apply(std::move(deletion));
        if (!marked) co_return marked;
    }
    // Nobody else goes on with it before the next start: so a caller that is cancelled stays for its end.
    co_return co_await shield(remove_instances(which));
}

/// Condemns what is left of a workload that is being deleted.
awaitable<result<void>> primary::impl::remove_instances(workload_id which) {
    std::vector<instance_id> left;  // no more are made of a workload that is being deleted
    for (auto const& each : store_.head().list<instance>(owner_index(which)))
        if (!each->is_condemned()) left.push_back(each->id());
    return remove_all(std::move(left), which, "its workload is being deleted");
}

/// Slice by slice, so that neither a commit nor the strand is held long. Returns when all of it is durable. With the
/// last goes `of`, if it is given.
awaitable<result<void>> primary::impl::remove_all(std::vector<instance_id> left, std::optional<workload_id> of,
                                                  std::string message) {
    do {
        auto const room = co_await wait_for_room();
        if (!room) co_return room;
        transaction slice;
        std::size_t leaving_count = 0;
        auto const from = left.size() - std::min(left.size(), limits::instances_per_slice_max);
        for (auto const& id : std::span(left).subspan(from)) {
            auto const row = store_.head().find<instance>(id);
            if (!row || row->is_condemned()) continue;
            leaving_count += row->is_pending() ? 1 : 0;
            condemn(slice, row, message);
        }
        left.resize(from);
        if (of) remove_if_empty(slice, *of, leaving_count);
        auto const done = co_await commit(std::move(slice));
        if (!done) co_return done;
    } while (!left.empty());
    co_return result<void>{};
}

awaitable<result<void>> primary::impl::delete_instance(instance_id which) {
    visit const here(*this);
    if (auto const why = closed_because()) co_return *why;
    auto const row = store_.head().find<instance>(which);
    if (!row) co_return co_await when_durable(no_such_object("instance", which.text()));
    if (row->is_condemned()) co_return co_await store_.wait_durable(row.changed_at);
    transaction deletion;
    condemn(deletion, row, "deleted by a user");
    co_return co_await commit(std::move(deletion));
}

result<stored<workload>> primary::impl::get_workload(caller const& who, object_ref const& which) const {
    if (auto const id = workload_id::parse(which.id_or_name))
        if (auto row = durable().find<workload>(*id)) return row;
    std::vector<stored<workload>> found;
    for (auto const kind : {workload_kind::pod, workload_kind::function}) {
        if (which.kind && *which.kind != kind) continue;
        if (auto row = durable().find_named<workload>(workload_name(who.tenant, kind, which.id_or_name)))
            found.push_back(std::move(row));
    }
    if (found.empty()) return no_such_object("workload", which.id_or_name);
    if (found.size() > 1)
        return error{errc::conflict, fmt::format("{} names a Pod and a Function", which.id_or_name), "kind",
                     "say which kind is meant"};
    return std::move(found.front());
}

result<stored<instance>> primary::impl::get_instance(caller const& who, object_ref const& which) const {
    if (auto const id = instance_id::parse(which.id_or_name))
        if (auto row = durable().find<instance>(*id)) return row;
    if (auto row = durable().find_named<instance>(instance_name(who.tenant, which.id_or_name))) return row;
    return no_such_object("instance", which.id_or_name);
}

result<stored<node>> primary::impl::get_node(object_ref const& which) const {
    if (auto const id = node_id::parse(which.id_or_name))
        if (auto row = durable().find<node>(*id)) return row;
    stored<node> found;
    for (auto const& row : durable().list<node>()) {
        if (row->facts.name != which.id_or_name) continue;
        if (found)
            return error{
                errc::conflict, fmt::format("several nodes are named {}", which.id_or_name), {}, "name it by its id"};
        found = row;
    }
    if (!found) return no_such_object("node", which.id_or_name);
    return found;
}

awaitable<result<void>> primary::impl::put_document(caller who, document what) {
    visit const here(*this);
    if (auto const why = closed_because()) co_return *why;
    if (auto const wrong = check_key(who, what.key)) co_return *wrong;
    if (auto const wrong = check_name(what.key.name, "name")) co_return *wrong;
    transaction change;
    auto const expected = store_.head().find<document>(what.key).changed_at;
    change.put(std::move(what), expected);
    co_return co_await commit(std::move(change));
}

awaitable<result<void>> primary::impl::delete_document(caller who, document_key which) {
    visit const here(*this);
    if (auto const why = closed_because()) co_return *why;
    if (auto const wrong = check_key(who, which)) co_return *wrong;
    auto const row = store_.head().find<document>(which);
    if (!row) co_return co_await when_durable(no_such_object(which.kind, which.name));
    transaction change;
    change.remove<document>(which, row.changed_at);
    co_return co_await commit(std::move(change));
}

std::optional<error> primary::impl::closed_because() const {
    if (is_open_) return std::nullopt;
    return error{errc::unavailable, "the primary is starting or stopping", {}, "try again"};
}

result<void> primary::impl::ready() const {
    if (failed_) return error{errc::unavailable, "the store has stopped: " + failed_->message, {}, failed_->remedy};
    if (!connection_) return error{errc::unavailable, "no scheduler is connected"};
    return {};
}

}  // namespace rik

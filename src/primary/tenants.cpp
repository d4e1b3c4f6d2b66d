#include "tenants_detail.hpp"

#include "listing_detail.hpp"
#include "lookup_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace rik::detail {

namespace {

error name_taken(std::string_view name, bool is_leaving) {
    auto const what = fmt::format("tenant {}", name);
    if (is_leaving)
        return error{errc::conflict, what + " is being deleted", "name",
                     "wait until it is gone, or choose another name"};
    return error{errc::conflict, what + " exists already", "name", "choose another name"};
}

error cannot_be_deleted() {
    return error{errc::denied,
                 fmt::format("tenant {} cannot be deleted: what names no tenant belongs to it", default_tenant),
                 {},
                 "delete what is in it"};
}

bool may_see(caller const& who, std::string_view name) { return !authorize(who, verb::get, object_kind::tenant, name); }

std::size_t size_of(string_map const& texts) {
    std::size_t bytes = 0;
    for (auto const& [key, value] : texts) bytes += key.size() + value.size();
    return bytes;
}

/// Errors: invalid; exhausted.
std::optional<error> check_texts(tenant_record const& of) {
    for (auto const& [key, value] : of.labels)
        if (auto wrong = check_label(key, value)) return wrong;
    if (of.annotations.contains(""))
        return error{errc::invalid, "an annotation has no key", "annotations", "give it one"};
    if (size_of(of.labels) + size_of(of.annotations) <= limits::tenant_texts_bytes_max) return std::nullopt;
    return error{
        errc::exhausted,
        fmt::format("labels and annotations of a tenant have at most {} bytes", limits::tenant_texts_bytes_max),
        "annotations"};
}

result<stored<tenant_record>> read_row(stored<document> const& row) {
    auto parsed = parse_tenant(*row);
    if (!parsed) return parsed.error();
    return stored<tenant_record>{std::make_shared<tenant_record const>(std::move(*parsed)), row.changed_at};
}

}  // namespace

tenant_record primary_tenants::make_record(std::string name) const {
    tenant_record made{.id = tenant_id::generate(random_), .name = std::move(name)};
    made.created_at = made.updated_at = time_.wall();
    return made;
}

// --- what must be there

result<void> primary_tenants::adopt() {
    auto const kept = state_.head().list<document>(kind_index(tenant_kind));
    for (auto const& each : kept) {
        if (!is_old_tenant(*each)) continue;
        if (auto const done = adopt_old(*each, each.changed_at); !done) return done;
    }
    std::set<std::string> names{std::string(default_tenant)};
    for (auto const& each : state_.head().list<workload>()) names.insert(each->tenant);
    for (auto const& each : names)
        if (auto const done = ensure(each); !done) return done;
    return {};
}

/// Of several that have one name, the first is kept: they have never meant anything else.
result<void> primary_tenants::adopt_old(document const& from, revision at) {
    transaction change;
    change.remove<document>(from.key, at);
    auto const parsed = parse_old_tenant(from, time_.wall());
    if (!parsed)
        out_.warning("a stored tenant is damaged, and removed", {{"error", to_string(parsed.error())}});
    else if (!state_.head().find<document>(tenant_key(parsed->name)))
        change.put(to_document(*parsed), 0);
    return state_.apply(std::move(change));
}

result<void> primary_tenants::ensure(std::string const& name) {
    if (state_.head().find<document>(tenant_key(name))) return {};
    transaction change;
    change.put(to_document(make_record(name)), 0);
    return state_.apply(std::move(change));
}

// --- operations

awaitable<result<stored<tenant_record>>> primary_tenants::create(caller who, new_tenant what) {
    auto refusal = authorize(who, verb::create, object_kind::tenant, what.name);
    return gate_.enter(std::move(refusal), create_here(std::move(what)));
}

awaitable<result<stored<tenant_record>>> primary_tenants::create_here(new_tenant what) {
    if (auto const wrong = check_tenant_name(what.name, "name")) co_return *wrong;
    auto made = make_record(std::move(what.name));
    made.labels = std::move(what.labels);
    made.annotations = std::move(what.annotations);
    made.verb = std::move(what.verb);
    made.resource = std::move(what.resource);
    if (auto const wrong = check_texts(made)) co_return *wrong;
    auto const& head = state_.head();
    if (head.find<document>(tenant_key(made.name)))
        co_return co_await state_.when_durable(name_taken(made.name, is_leaving(head, made.name)));
    if (head.count<document>(kind_index(tenant_kind)) >= limits::tenants_max)
        co_return error{errc::exhausted,
                        fmt::format("there are {} tenants, and no more are kept", limits::tenants_max),
                        {},
                        "delete some"};
    auto happened = events_.about(made);
    happened.reason = "Created";
    happened.message = "the tenant was created";
    transaction creation;
    events_.note(creation, std::move(happened));
    creation.put(to_document(made), 0);
    co_return co_await commit(std::move(creation), std::move(made));
}

/// `next` as `change` leaves it: by the time that it is durable somebody may have changed it again.
awaitable<result<stored<tenant_record>>> primary_tenants::commit(transaction change, tenant_record next) {
    stored<tenant_record> const row{std::make_shared<tenant_record const>(std::move(next)), state_.next_revision()};
    auto const done = co_await state_.commit(std::move(change));
    if (!done) co_return done.error();
    co_return row;
}

awaitable<result<stored<tenant_record>>> primary_tenants::update(caller who, object_ref which, tenant_change what,
                                                                 expected_revision expected) {
    auto refusal = authorize(who, verb::update, object_kind::tenant, {});
    return gate_.enter(std::move(refusal), update_here(std::move(who), std::move(which), std::move(what), expected));
}

awaitable<result<stored<tenant_record>>> primary_tenants::update_here(caller who, object_ref which, tenant_change what,
                                                                      expected_revision expected) {
    auto const found = find_tenant(state_.head(), who, which);
    if (!found) co_return co_await state_.when_durable(found.error());
    if (auto const moved = check_revision(expected, found->changed_at, object_kind::tenant, (*found)->name))
        co_return co_await state_.when_durable(*moved);
    auto next = **found;
    change_labels(next.labels, what.labels);
    change_labels(next.annotations, what.annotations);
    if (auto const wrong = check_texts(next)) co_return *wrong;
    next.updated_at = time_.wall();
    ++next.generation;
    transaction change;
    change.put(to_document(next), found->changed_at);
    co_return co_await commit(std::move(change), std::move(next));
}

awaitable<result<tenant_contents>> primary_tenants::remove(caller who, object_ref which, expected_revision expected) {
    auto refusal = authorize(who, verb::remove, object_kind::tenant, {});
    return gate_.enter(std::move(refusal), remove_here(std::move(who), std::move(which), expected));
}

awaitable<result<tenant_contents>> primary_tenants::remove_here(caller who, object_ref which,
                                                                expected_revision expected) {
    auto const found = find_tenant(state_.head(), who, which);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& row = *found;
    if (row->name == default_tenant) co_return cannot_be_deleted();
    if (auto const moved = check_revision(expected, row.changed_at, object_kind::tenant, row->name))
        co_return co_await state_.when_durable(*moved);
    if (!row->deleting_since) {
        auto next = *row;
        next.deleting_since = next.updated_at = time_.wall();
        ++next.generation;
        auto happened = events_.about(next);
        happened.reason = "Deleting";
        happened.message = "deleted by a user, with all that is in it";
        transaction deletion;
        events_.note(deletion, std::move(happened));
        deletion.put(to_document(next), row.changed_at);
        auto const marked = state_.apply(std::move(deletion));
        if (!marked) co_return marked.error();
    }
    // Nobody else goes on with it before the next start: so a caller that is cancelled stays for its end.
    co_return co_await shield(removals_.remove_contents_of(row->name));
}

awaitable<result<stored<tenant_record>>> primary_tenants::get(caller who, object_ref which) {
    auto refusal = authorize(who, verb::get, object_kind::tenant, {});
    return gate_.read(std::move(refusal), [this, who = std::move(who), which = std::move(which)] {
        return find_tenant(state_.durable(), who, which);
    });
}

namespace {

/// Names are the order of the documents under the index. There are few enough to read all of them at once.
result<listing<tenant_record>> part_of_tenants(cluster_state const& state, caller const& who, page const& part) {
    listing<tenant_record> found{.at = state.position()};
    for (auto const& each : state.durable().list<document>(kind_index(tenant_kind))) {
        if (each->key.name <= part.after || !may_see(who, each->key.name)) continue;
        if (part.count_max != 0 && found.rows.size() == part.count_max) {
            found.next = found.rows.back()->name;
            break;
        }
        auto row = read_row(each);
        if (!row) return row.error();
        found.rows.push_back(std::move(*row));
    }
    return found;
}

}  // namespace

awaitable<result<listing<tenant_record>>> primary_tenants::list(caller who, page part) {
    auto refusal = authorize(who, verb::list, object_kind::tenant, {});
    return gate_.read(std::move(refusal), [this, who = std::move(who), part = std::move(part)] {
        return part_of_tenants(state_, who, part);
    });
}

awaitable<result<std::unique_ptr<watch_source>>> primary_tenants::watch(caller who, watch_after after) {
    auto refusal = authorize(who, verb::watch, object_kind::tenant, {});
    subscription wanted{.table = table_id::document, .index_key = kind_index(tenant_kind)};
    wanted.after = after;
    auto meant = either_side<document>(
        [who = std::move(who)](document const& row) { return !is_old_tenant(row) && may_see(who, row.key.name); });
    return gate_.read(std::move(refusal), [this, wanted = std::move(wanted), meant = std::move(meant)] {
        return result(open_watch(strand_, state_, wanted, meant));
    });
}

}  // namespace rik::detail

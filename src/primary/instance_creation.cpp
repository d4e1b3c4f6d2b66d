#include "instance_creation_detail.hpp"

#include "lookup_detail.hpp"
#include "names_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/model/variables.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

constexpr int name_attempts_max = 100;
/// The instance, its event, and the oldest event, which goes.
constexpr std::size_t changes_per_creation = 3;

}  // namespace

/// Room in front of the journal, held while something is made slice by slice.
class instance_creation::promise {
public:
    promise(std::size_t& sum, std::size_t count) : sum_(sum), count_(count) { sum_ += count_; }
    promise(promise const&) = delete;
    promise& operator=(promise const&) = delete;
    ~promise() { sum_ -= count_; }
    void keep(std::size_t part) {
        sum_ -= part;
        count_ -= part;
    }

private:
    std::size_t& sum_;
    std::size_t count_;
};

instance instance_creation::make(workload const& owner, new_instance what) const {
    instance_fields fields{
        .id = instance_id::generate(random_), .tenant = owner.tenant, .name = std::move(what.name), .owner = owner.id};
    fields.made_from = std::move(what.from);
    fields.created_at = time_.wall();
    fields.index = what.index;
    auto const& definition = *fields.made_from->definition;
    if (auto own = labels_by_kind(definition, owner.id.text(), what.index); !own.empty()) {
        for (auto const& [key, value] : definition.spec.labels) own.emplace(key, value);
        fields.labels = std::move(own);
    }
    fields.meant_for = what.meant_for;
    fields.binding = what.binding;
    fields.exposed_port = what.exposed_port;
    fields.status.since = fields.created_at;
    fields.status.reason = what.binding ? "Scheduled" : what.meant_for ? "Unschedulable" : "Created";
    fields.status.message = what.binding     ? "placed on the node that it is meant for"
                            : what.meant_for ? "waits until the node that it is meant for has room"
                                             : "waits to be placed on a node";
    return instance(std::move(fields));
}

/// A generated name that neither the store has nor `promised` contains.
result<std::string> instance_creation::free_name(std::string const& tenant, std::set<std::string> const& promised) {
    for (int attempt = 0; attempt < name_attempts_max; ++attempt) {
        auto name = make_name(random_);
        if (!promised.contains(name) && !state_.head().find_named<instance>(instance_name(tenant, name))) return name;
    }
    return error{errc::exhausted, "no free name was found for the instance", "name", "give it one"};
}

/// What a failed journal did not take does not come back.
awaitable<result<std::vector<instance_id>>> instance_creation::make(creation_request what) {
    auto const cost = what.replicas * changes_per_creation;
    if (state_.unflushed_count() + promised_changes_count_ + cost > limits::unflushed_count_max)
        co_return error{errc::exhausted, "the disk is too slow: too many changes wait for it", {}, "try again"};
    promise held(promised_changes_count_, cost);
    std::vector<instance_id> made;
    auto const done = co_await make_slices(std::move(what), held, made);
    if (done) co_return made;
    auto why = done.error();
    if (made.empty()) co_return co_await state_.when_durable(std::move(why));
    auto removing =
        removals_.remove_all(std::move(made), "not all that were asked for could be made", departure::asked);
    auto const removed = co_await std::move(removing);
    if (!removed && !state_.failed())
        out_.error("instances not removed that were made in vain", {{"error", to_string(removed.error())}});
    co_return why;
}

/// Slice by slice, so that neither a commit nor the strand is held long. `made` has those that were made, also when not
/// all are.
awaitable<result<void>> instance_creation::make_slices(creation_request what, promise& held,
                                                       std::vector<instance_id>& made) {
    while (made.size() < what.replicas) {
        if (!made.empty()) co_await asio::post(strand_, asio::use_awaitable);
        if (auto const why = gate_.closed_because()) co_return *why;
        auto const room = co_await state_.wait_for_slice();
        if (!room) co_return room;
        auto const owner = state_.head().find<workload>(what.workload);
        if (!owner || owner->deleting_since)
            co_return error{errc::conflict, "its workload has been deleted meanwhile", {}, "create the workload again"};
        if (auto const closed = check_open(state_.head(), owner->tenant)) co_return *closed;
        auto const before = made.size();
        auto slice = plan_slice(what, *owner, made);
        if (!slice) co_return slice.error();
        auto const applied = state_.apply(std::move(*slice));
        if (!applied) {
            made.resize(before);
            co_return applied;
        }
        held.keep((made.size() - before) * changes_per_creation);
    }
    co_return result<void>{};
}

result<instance_id> instance_creation::add(transaction& into, workload const& owner, new_instance what) {
    if (state_.head().find_named<instance>(instance_name(owner.tenant, what.name)))
        return error{errc::conflict, fmt::format("instance {} exists already", what.name), "name",
                     "choose another name"};
    auto const port = ports_.choose(what.from->spec(), into);
    if (!port) return port.error();
    what.exposed_port = *port;
    auto one = make(owner, std::move(what));
    auto const id = one.id();
    auto happened = events_.about(one);
    happened.reason = "Created";
    happened.message = fmt::format("pending: created from workload {}", owner.name);
    events_.note(into, std::move(happened));
    into.put(std::move(one), 0);
    return id;
}

/// The next slice of what was asked for; what it makes is added to `made`.
result<transaction> instance_creation::plan_slice(creation_request const& what, workload const& owner,
                                                  std::vector<instance_id>& made) {
    auto const current = state_.head().find<release>(owner.current_release).row;
    transaction slice;
    std::set<std::string> promised;
    std::vector<instance_id> added;
    auto const count = std::min<std::size_t>(what.replicas - made.size(), limits::instances_per_slice_max);
    while (added.size() < count) {
        auto name = what.name.empty() ? free_name(owner.tenant, promised) : result<std::string>(what.name);
        if (!name) return name.error();
        promised.insert(*name);
        auto const one = add(slice, owner, {.from = current, .name = std::move(*name)});
        if (!one) return one.error();
        added.push_back(*one);
    }
    made.insert(made.end(), added.begin(), added.end());
    return slice;
}

}  // namespace rik::detail

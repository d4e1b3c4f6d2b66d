// Instances that users ask for: all of a request or none, made slice by slice.
#include "impl_detail.hpp"
#include "names_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace rik {

namespace {

constexpr int name_attempts_max = 100;
/// The instance, its event, and the oldest event, which goes.
constexpr std::size_t changes_per_creation = 3;

instance make_pending(primary_ports const& ports, workload const& owner, release_ptr pod, std::string name) {
    instance_fields fields{
        .id = instance_id::generate(ports.random), .tenant = owner.tenant, .name = std::move(name), .owner = owner.id};
    fields.pod_release = std::move(pod);
    fields.created_at = ports.time.wall();
    fields.status.since = fields.created_at;
    fields.status.reason = "Created";
    fields.status.message = "waits to be placed on a node";
    return instance(std::move(fields));
}

}  // namespace

/// Room in front of the journal, held while something is made slice by slice.
class primary::impl::promise {
public:
    promise(std::size_t& sum, std::size_t count) : sum_(sum), count_(count) { sum_ += count_; }
    promise(promise const&) = delete;
    ~promise() { sum_ -= count_; }
    void keep(std::size_t part) {
        sum_ -= part;
        count_ -= part;
    }

private:
    std::size_t& sum_;
    std::size_t count_;
};

std::optional<error> check(create_instances_request const& what) {
    if (what.replicas < 1 || what.replicas > limits::replicas_per_request_max)
        return error{errc::invalid, fmt::format("{} replicas were asked for", what.replicas), "replicas",
                     fmt::format("ask for 1 to {}", limits::replicas_per_request_max)};
    if (what.name.empty()) return std::nullopt;
    if (what.replicas > 1)
        return error{errc::invalid, "a name was given for several replicas", "name",
                     "leave it out, or ask for one replica"};
    return check_object_name(what.name, "name");
}

/// A generated name that neither the store has nor `promised` contains.
result<std::string> primary::impl::free_name(std::string const& tenant, std::set<std::string> const& promised) {
    for (int attempt = 0; attempt < name_attempts_max; ++attempt) {
        auto name = detail::make_name(ports_.random);
        if (!promised.contains(name) && !store_.head().find_named<instance>(instance_name(tenant, name))) return name;
    }
    return error{errc::exhausted, "no free name was found for the instance", "name", "give it one"};
}

awaitable<result<std::vector<stored<instance>>>> primary::impl::create_instances(create_instances_request what) {
    visit const here(*this);
    if (auto const why = closed_because()) co_return *why;
    if (auto const wrong = check(what)) co_return *wrong;
    auto const owner = store_.head().find<workload>(what.workload);
    if (!owner) co_return co_await when_durable(no_such_object("workload", what.workload.text()));
    if (owner->deleting_since) {
        error going{errc::conflict, fmt::format("workload {} is being deleted", owner->name)};
        going.remedy = "wait until it is gone, and create it again";
        co_return co_await when_durable(std::move(going));
    }
    // A caller that is cancelled between two slices stays for the rest, so that all or none are made.
    auto making = shield(make_instances(std::move(what)));
    auto const made = co_await std::move(making);
    if (!made) co_return made.error();
    auto const durable = co_await store_.wait_durable(store_.head().at());
    if (!durable) co_return durable.error();
    std::vector<stored<instance>> rows;
    for (auto const& id : *made)
        if (auto row = store_.durable().find<instance>(id)) rows.push_back(std::move(row));
    co_return rows;
}

/// All, or none: after an error those that were made already are removed. What a failed journal did not take does not
/// come back.
awaitable<result<std::vector<instance_id>>> primary::impl::make_instances(create_instances_request what) {
    auto const cost = what.replicas * changes_per_creation;
    if (store_.unflushed_count() + promised_changes_ + cost > limits::unflushed_count_max)
        co_return error{errc::exhausted, "the disk is too slow: too many changes wait for it", {}, "try again"};
    promise held(promised_changes_, cost);
    std::vector<instance_id> made;
    auto const done = co_await make_slices(std::move(what), held, made);
    if (done) co_return made;
    auto why = done.error();
    if (made.empty()) co_return co_await when_durable(std::move(why));
    auto removing = remove_all(std::move(made), std::nullopt, "not all that were asked for could be made");
    auto const removed = co_await std::move(removing);
    if (!removed && !failed_)
        options_.out.error("instances not removed that were made in vain", {{"error", to_string(removed.error())}});
    co_return why;
}

/// Slice by slice, so that neither a commit nor the strand is held long. `made` has those that were made, also when not
/// all are.
awaitable<result<void>> primary::impl::make_slices(create_instances_request what, promise& held,
                                                   std::vector<instance_id>& made) {
    while (made.size() < what.replicas) {
        if (!made.empty()) co_await asio::post(strand_, asio::use_awaitable);
        if (auto const why = closed_because()) co_return *why;
        auto const room = co_await wait_for_room();
        if (!room) co_return room;
        auto const owner = store_.head().find<workload>(what.workload);
        if (!owner || owner->deleting_since)
            co_return error{errc::conflict, "its workload has been deleted meanwhile", {}, "create the workload again"};
        auto const before = made.size();
        auto slice = plan_instances(what, *owner, made);
        if (!slice) co_return slice.error();
        auto const applied = apply(std::move(*slice));
        if (!applied) co_return applied;
        held.keep((made.size() - before) * changes_per_creation);
    }
    co_return result<void>{};
}

/// The next slice of what was asked for; what it makes is added to `made`.
result<transaction> primary::impl::plan_instances(create_instances_request const& what, workload const& owner,
                                                  std::vector<instance_id>& made) {
    auto const pod = store_.head().find<release>(owner.current_release).row;
    transaction slice;
    std::set<std::string> promised;
    std::vector<instance_id> added;
    auto const count = std::min<std::size_t>(what.replicas - made.size(), limits::instances_per_slice_max);
    while (added.size() < count) {
        auto name = what.name.empty() ? free_name(owner.tenant, promised) : result<std::string>(what.name);
        if (!name) return name.error();
        if (store_.head().find_named<instance>(instance_name(owner.tenant, *name)))
            return error{errc::conflict, fmt::format("instance {} exists already", *name), "name",
                         "choose another name"};
        promised.insert(*name);
        auto const one = make_pending(ports_, owner, pod, std::move(*name));
        auto happened = about(one);
        happened.reason = "Created";
        happened.message = fmt::format("pending: created from workload {}", owner.name);
        note(slice, std::move(happened));
        added.push_back(one.id());
        slice.put(one, 0);
    }
    made.insert(made.end(), added.begin(), added.end());
    return slice;
}

}  // namespace rik

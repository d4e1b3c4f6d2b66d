// A user in a storm, who remembers what was answered.
#pragma once

#include <rik/async/deadline.hpp>
#include <rik/sim/cluster.hpp>

#include <fmt/format.h>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace rik::testing {

using namespace std::chrono_literals;

inline constexpr duration patience = 1min;

/// Four of the first fill a node; the second end by themselves; of the third a node takes one. The fourth nearly fills
/// one and stops slowly, the fifth, too, and has two ports; the sixth ends as failed, with a sidecar that has to be
/// stopped. The seventh crashes and is restarted, after an init container. The eighth is a Function whose port is
/// chosen; the ninth one that names a port of those that are chosen, and ends by itself.
inline constexpr std::array<std::string_view, 9> definitions{
    R"({{"apiVersion":"v1","kind":"Pod","name":"{}","spec":{{"containers":[{{"name":"main","image":"web:1",
        "resources":{{"requests":{{"cpu":"1"}}}}}}]}}}})",
    R"({{"apiVersion":"v1","kind":"Pod","name":"{}","spec":{{"containers":[{{"name":"main","image":"brief:1",
        "resources":{{"requests":{{"memory":"3Gi"}}}}}}]}}}})",
    R"({{"apiVersion":"v1","kind":"Pod","name":"{}","spec":{{"containers":[{{"name":"main","image":"web:1",
        "ports":[{{"containerPort":80,"hostPort":8080}}]}}]}}}})",
    R"({{"apiVersion":"v1","kind":"Pod","name":"{}","spec":{{"restartPolicy":"Always","containers":[{{"name":"main",
        "image":"slow:1","resources":{{"requests":{{"cpu":"3500m"}}}}}}]}}}})",
    R"({{"apiVersion":"v1","kind":"Pod","name":"{}","spec":{{"terminationGracePeriodSeconds":3,"containers":[
        {{"name":"main","image":"slow:1","resources":{{"requests":{{"memory":"6Gi"}}}},
        "ports":[{{"containerPort":80,"hostPort":8080}},{{"containerPort":53,"hostPort":53,"protocol":"UDP"}}]}}]}}}})",
    R"({{"apiVersion":"v1","kind":"Pod","name":"{}","spec":{{"containers":[{{"name":"side","role":"sidecar",
        "image":"slow:1","resources":{{"requests":{{"cpu":"500m"}}}}}},{{"name":"main","image":"failing:1",
        "ports":[{{"containerPort":53,"hostPort":53,"protocol":"UDP"}}]}}]}}}})",
    R"({{"apiVersion":"v1","kind":"Pod","name":"{}","spec":{{"restartPolicy":"Always","containers":[{{"name":"init",
        "role":"init","image":"brief:1"}},{{"name":"main","image":"failing:1",
        "readinessProbe":{{"httpGet":{{"port":80}},"periodSeconds":1}}}}]}}}})",
    R"({{"apiVersion":"v1","kind":"Function","name":"{}","spec":{{"function":{{"execution":{{"rootfs":"/srv/web.ext4"}},
        "resources":{{"limits":{{"cpu":"1"}}}}}}}}}})",
    R"({{"apiVersion":"v1","kind":"Function","name":"{}","spec":{{"function":{{"execution":{{"rootfs":"/srv/brief.ext4"}},
        "exposure":{{"port":45007}}}}}}}})"};

/// How a call ended, for whoever made it. After `unknown` its change may be there or not.
enum class answer { acknowledged, refused, unknown };

template <class T>
answer answer_of(result<T> const& said) {
    if (said) return answer::acknowledged;
    // A primary that stops, a call that is given up, a store that is too far behind: nothing else may be unknown.
    switch (said.error().code) {
        case errc::unavailable:
        case errc::timed_out:
        case errc::exhausted: return answer::unknown;
        default: return answer::refused;  // no user of the storm asks for what is to be refused
    }
}

/// What must be true in the end. `missed`: it is gone, and this user has not asked for that: an operator has.
enum class fate { there, gone, unknown, missed };

/// Returns true if an operator has removed an instance.
using is_taken = std::function<bool(instance_id const&)>;

[[noreturn]] inline void fail(std::string const& why) { throw std::runtime_error(why); }

/// A user who makes one call after another and remembers what was answered.
class user {
public:
    user(sim::cluster& cluster, sim::world& world, std::string name)
        : cluster_(cluster), world_(world), name_(std::move(name)) {}

    awaitable<> work_until(time_point end) {
        while (world_.time().now() < end) {
            co_await world_.time().sleep_for(random_time(800ms));
            if (!cluster_.has_primary()) continue;
            switch (world_.random().below(8)) {
                case 0: co_await create_workload(); break;
                case 1:
                case 2:
                case 3: co_await create_instances(); break;
                case 4:
                case 5: co_await delete_instance(); break;
                case 6: co_await read_back(); break;
                default:
                    if (world_.random().below(4) == 0) co_await delete_workload();
                    break;
            }
        }
    }

    /// Throws if an acknowledged change is lost. What is this user's is taken out of `rows` and `workloads`.
    void check(std::map<instance_id, stored<instance>>& rows, std::map<workload_id, stored<workload>>& workloads,
               is_taken const& taken) {
        for (auto const& [id, known] : instances_) {
            auto const is_there = rows.erase(id) > 0;
            auto const is_wanted = known.expected == fate::there || known.expected == fate::missed;
            if (is_wanted && !is_there && !taken(id)) fail("an instance is lost: " + id.text());
            if ((known.expected == fate::gone || known.expected == fate::missed) && is_there)
                fail("a deleted instance is there: " + id.text());
            if (is_there && !workloads.contains(known.owner)) fail("an instance has no workload: " + id.text());
        }
        for (auto const& [id, known] : workloads_) {
            // Calls without an answer may have made some.
            auto unasked_count =
                std::erase_if(rows, [owner = id](auto const& row) { return row.second->owner() == owner; });
            if (unasked_count > known.unanswered_count) fail("instances that nobody asked for are there");
            auto const is_there = workloads.erase(id) > 0;
            if (known.expected == fate::there && !is_there) fail("a workload is lost: " + id.text());
            if (known.expected == fate::gone && is_there) fail("a deleted workload is there: " + id.text());
        }
        std::erase_if(workloads, [&](auto const& row) { return unanswered_names_.contains(row.second->name); });
    }

private:
    struct known_workload {
        fate expected = fate::there;
        std::size_t unanswered_count = 0;  ///< instances that may have been made
    };
    struct known_instance {
        workload_id owner;
        fate expected = fate::there;
    };

    duration random_time(duration max) {
        return duration(world_.random().below(static_cast<std::uint64_t>(max.count())));
    }

    /// Some users give up soon, whatever becomes of their call.
    time_point deadline() {
        auto const is_short = world_.random().below(4) == 0;
        return world_.time().now() + (is_short ? random_time(40ms) : patience);
    }

    template <class T>
    awaitable<result<T>> ask(awaitable<result<T>> call) {
        return with_deadline(world_.time(), deadline(), std::move(call));
    }

    /// One of those that are expected to be there.
    template <class Id, class Known>
    std::optional<Id> choose(std::map<Id, Known> const& from) {
        std::vector<Id> there;
        for (auto const& [id, known] : from)
            if (known.expected == fate::there) there.push_back(id);
        if (there.empty()) return std::nullopt;
        return there[world_.random().below(there.size())];
    }

    awaitable<> create_workload() {
        auto const kind = world_.random().below(definitions.size());
        auto const name = fmt::format("{}-{}", name_, ++name_count_);
        auto parsed = parse_definition(fmt::format(fmt::runtime(definitions.at(kind)), name));
        auto const made = co_await ask(cluster_.api().workloads().create(caller(), std::move(parsed.definition)));
        switch (answer_of(made)) {
            case answer::acknowledged: workloads_[made->row->id]; break;
            case answer::refused: fail(to_string(made.error()));
            case answer::unknown: unanswered_names_.insert(name); break;
        }
    }

    awaitable<> create_instances() {
        auto const owner = choose(workloads_);
        if (!owner) co_return;
        create_instances_request what{.workload = *owner};
        what.replicas = static_cast<std::uint32_t>(1 + world_.random().below(3));
        auto const made = co_await ask(cluster_.api().instances().create(caller(), what));
        switch (answer_of(made)) {
            case answer::acknowledged:
                for (auto const& row : *made) instances_[row->id()] = known_instance{*owner};
                if (made->size() != what.replicas) fail("fewer instances were made than acknowledged");
                break;
            case answer::refused: fail(to_string(made.error()));
            case answer::unknown: workloads_[*owner].unanswered_count += what.replicas; break;
        }
    }

    awaitable<> delete_instance() {
        auto const which = choose(instances_);
        if (!which) co_return;
        auto const deleted = co_await ask(cluster_.api().instances().remove(caller(), *which, any_revision));
        switch (answer_of(deleted)) {
            case answer::acknowledged: instances_[*which].expected = fate::gone; break;
            case answer::refused: miss(*which, deleted.error()); break;
            case answer::unknown: instances_[*which].expected = fate::unknown; break;
        }
    }

    /// An operator has removed it meanwhile; nothing else is to be refused.
    void miss(instance_id const& which, error const& why) {
        if (why.code != errc::not_found) fail(to_string(why));
        instances_[which].expected = fate::missed;
    }

    awaitable<> delete_workload() {
        auto const which = choose(workloads_);
        if (!which) co_return;
        auto const deleted = co_await ask(cluster_.api().workloads().remove(caller(), *which, any_revision));
        auto const said = answer_of(deleted);
        if (said == answer::refused) fail(to_string(deleted.error()));
        auto const expected = said == answer::acknowledged ? fate::gone : fate::unknown;
        workloads_[*which].expected = expected;
        if (expected == fate::gone) workloads_[*which].unanswered_count = 0;
        for (auto& [id, known] : instances_)
            if (known.owner == *which && known.expected != fate::gone && known.expected != fate::missed)
                known.expected = expected;
    }

    /// What was acknowledged is read at once; a log comes whole, or with an error.
    awaitable<> read_back() {
        auto const which = choose(instances_);
        if (!which) co_return;
        object_ref by_id{which->text()};
        auto const row = co_await ask(cluster_.api().instances().get(caller(), std::move(by_id)));
        if (answer_of(row) == answer::refused) co_return miss(*which, row.error());
        if (!cluster_.has_primary()) co_return;
        container_log_request what{.instance = *which};
        auto const log = co_await ask(cluster_.api().streams().open_container_log(caller(), std::move(what)));
        if (!log) co_return;
        auto const lines = co_await ask((*log)->read());
        if (lines && !lines->empty() && *lines != "hello\n") fail("a log has lost its beginning");
    }

    sim::cluster& cluster_;
    sim::world& world_;
    std::string name_;
    int name_count_ = 0;
    std::map<workload_id, known_workload> workloads_;
    std::map<instance_id, known_instance> instances_;
    std::set<std::string> unanswered_names_;  ///< of workloads
};

}  // namespace rik::testing

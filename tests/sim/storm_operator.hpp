// An operator in a storm, who keeps nodes free, empties, forgets and gives them up.
#pragma once

#include <sim/storm_user.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

/// What operators were told to have done.
struct deeds {
    std::size_t drained_count = 0;
    std::size_t removed_count = 0;
    std::size_t given_up_count = 0;
    std::size_t tenants_deleted_count = 0;
    void add(deeds const& more) {
        drained_count += more.drained_count;
        removed_count += more.removed_count;
        given_up_count += more.given_up_count;
        tenants_deleted_count += more.tenants_deleted_count;
    }
};

/// Works on one node after the other, whatever the users do meanwhile.
class node_operator {
public:
    node_operator(sim::cluster& cluster, sim::world& world) : cluster_(cluster), world_(world) {}

    awaitable<> work_until(time_point end) {
        while (world_.time().now() < end) {
            co_await world_.time().sleep_for(random_time(5s));
            auto const which = co_await choose();
            if (which) co_await work_on(which);
        }
        co_await leave_all_in_service();
    }

    deeds const& done() const { return done_; }
    /// Returns true if it was asked to give this node up, to drain it, or to drive away what is there.
    bool may_have_emptied(node_id const& which) const { return emptied_.contains(which); }

private:
    duration random_time(duration max) {
        return duration(world_.random().below(static_cast<std::uint64_t>(max.count())));
    }
    bool is_one_of(std::uint64_t count) { return world_.random().below(count) == 0; }

    awaitable<std::vector<stored<node>>> list() {
        if (!cluster_.has_primary()) co_return std::vector<stored<node>>{};
        auto const listed = co_await ask(cluster_.api().nodes().list(caller(), page()));
        co_return listed ? listed->rows : std::vector<stored<node>>{};
    }
    /// One that is not heard, if there is one: that is rare.
    awaitable<stored<node>> choose() {
        auto const all = co_await list();
        if (all.empty()) co_return stored<node>{};
        auto const unheard = std::ranges::find(all, node_state::unheard, [](auto const& row) { return row->state; });
        if (unheard != all.end()) co_return *unheard;
        co_return all[world_.random().below(all.size())];
    }

    template <class T>
    awaitable<result<T>> ask(awaitable<result<T>> call) {
        return with_deadline(world_.time(), world_.time().now() + patience, std::move(call));
    }
    /// Another state than the one that was read, a node that has gone: all else is not to be refused.
    template <class T>
    static bool is_done(result<T> const& said) {
        if (answer_of(said) != answer::refused) return said.has_value();
        if (said.error().code == errc::conflict || said.error().code == errc::not_found) return false;
        fail(to_string(said.error()));
    }

    awaitable<> work_on(stored<node> which) {
        if (!cluster_.has_primary()) co_return;
        if (which->state == node_state::unheard && is_one_of(2)) co_return co_await give_up(which);
        switch (world_.random().below(8)) {
            case 0: co_await drain(which, drain_options()); break;
            case 1: co_await take_out_of_service(which); break;
            case 2: co_await taint(which); break;
            case 3: co_await set_cordoned(which, true); break;
            default: co_await put_into_service(which); break;
        }
    }

    awaitable<> set_cordoned(stored<node> which, bool is_cordoned) {
        node_change what{.is_cordoned = is_cordoned};
        auto changing = cluster_.api().nodes().update(caller(), which->id, std::move(what), any_revision);
        auto const changed = co_await ask(std::move(changing));
        (void)is_done(changed);
    }

    awaitable<> taint(stored<node> which) {
        node_change what;
        what.taints.push_back({{"storm", "", static_cast<taint_effect>(world_.random().below(2))}});
        auto const drives_away = is_one_of(8);
        if (drives_away) what.taints.push_back({{"storm", "", taint_effect::no_execute}});
        if (drives_away) emptied_.insert(which->id);
        auto changing = cluster_.api().nodes().update(caller(), which->id, std::move(what), any_revision);
        auto const changed = co_await ask(std::move(changing));
        (void)is_done(changed);
    }

    /// Returns true if nothing is in its way any more.
    awaitable<bool> put_into_service(stored<node> which) {
        node_change what{.is_cordoned = false};
        for (auto const& each : which->standing.taints) what.taints.push_back({each, true});
        auto changing = cluster_.api().nodes().update(caller(), which->id, std::move(what), any_revision);
        auto const changed = co_await ask(std::move(changing));
        co_return is_done(changed);
    }

    awaitable<> drain(stored<node> which, drain_options how) {
        emptied_.insert(which->id);
        auto draining = cluster_.api().nodes().drain(caller(), which->id, how);
        auto const drained = co_await ask(std::move(draining));
        if (is_done(drained)) done_.drained_count += drained->leaving.size();
    }

    awaitable<> take_out_of_service(stored<node> which) {
        if (!is_one_of(2)) co_return;
        drain_options const force{.forces = true};
        co_await drain(which, force);
        co_await world_.time().sleep_for(random_time(8s));
        co_await remove(which);
    }

    awaitable<> remove(stored<node> which) {
        if (!cluster_.has_primary()) co_return;
        auto removing = cluster_.api().nodes().remove(caller(), which->id, any_revision);
        auto const removed = co_await ask(std::move(removing));
        if (is_done(removed)) ++done_.removed_count;
    }

    awaitable<> give_up(stored<node> which) {
        emptied_.insert(which->id);
        auto declaring = cluster_.api().nodes().declare_dead(caller(), which->id, which->facts.name);
        auto const declared = co_await ask(std::move(declaring));
        if (!is_done(declared)) co_return;
        done_.given_up_count += declared->size();
        if (is_one_of(2)) co_await remove(which);
    }

    awaitable<> leave_all_in_service() {
        for (;;) {
            auto const all = co_await list();
            auto done_count = std::size_t{0};
            for (std::size_t i = 0; i < all.size() && cluster_.has_primary(); ++i) {
                auto const done = co_await put_into_service(all[i]);
                done_count += done ? 1 : 0;
            }
            if (done_count == all.size() && done_count > 0) co_return;
            co_await world_.time().sleep_for(1s);
        }
    }

    sim::cluster& cluster_;
    sim::world& world_;
    std::set<node_id> emptied_;
    deeds done_;
};

}  // namespace rik::testing

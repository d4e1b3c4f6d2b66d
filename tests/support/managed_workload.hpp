// A managed workload with instances, as its controller sees it: for tests of controllers.
#pragma once

#include <rik/controllers/controller.hpp>

#include <rik/base/entropy.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

/// Instances are named by letters or numbers of the test's choice; their ids come in the order in which they are made.
class managed_workload {
public:
    managed_workload(workload_kind kind, std::uint32_t replicas) {
        definition_.kind = kind;
        definition_.name = "web";
        definition_.form = definition_form::kubernetes;
        definition_.upkeep = usual_upkeep(kind);
        row_.name = "web";
        row_.kind = kind;
        row_.replicas = replicas;
        row_.id = id<workload_tag>();
        add_release();
    }

    workload_definition& definition() { return definition_; }
    workload_upkeep& upkeep() { return definition_.upkeep; }
    void set_replicas(std::uint32_t count) { row_.replicas = count; }
    workload& row() { return row_; }
    std::optional<restart_course> const& restart() const { return restart_; }
    std::uint32_t replicas() const { return row_.replicas; }

    /// A new release becomes the current one.
    release_id add_release() {
        releases_.push_back({.id = id<release_tag>(), .number = releases_.size() + 1});
        row_.releases_made = releases_.size();
        return row_.current_release = releases_.back().id;
    }
    void set_current(release_id const& which) { row_.current_release = which; }
    release_id current() const { return row_.current_release; }
    std::vector<seen_release>& releases() { return releases_; }

    /// One that runs, on a node of its own.
    seen_instance& add(release_id const& made_from, bool is_ready = true) {
        auto& made = instances_.emplace_back();
        made.id = id<instance_tag>();
        made.made_from = made_from;
        made.state = instance_state::running;
        made.node = id<node_tag>();
        made.created_at = now_;
        made.state_since = now_;
        made.is_ready = is_ready;
        if (is_ready) made.ready_since = now_;
        return made;
    }
    void add_many(std::size_t count, release_id const& made_from, bool is_ready = true) {
        for (std::size_t i = 0; i < count; ++i) {
            auto const index = static_cast<std::uint32_t>(instances_.size());
            add(made_from, is_ready).index = index;
        }
    }
    std::deque<seen_instance>& instances() { return instances_; }
    seen_instance* find(instance_id const& which) {
        for (auto& each : instances_)
            if (each.id == which) return &each;
        return nullptr;
    }

    node& add_node(std::string name) {
        auto& made = nodes_.emplace_back();
        made.id = id<node_tag>();
        made.facts.name = std::move(name);
        return made;
    }
    std::deque<node>& nodes() { return nodes_; }

    wall_time now() const { return now_; }
    void pass(duration time) { now_ += std::chrono::duration_cast<wall_time::duration>(time); }
    template <class Kind>
    uid<Kind> id() {
        auto bytes = detail::uid_bytes{};
        auto number = ++ids_;
        for (std::size_t i = bytes.size(); i > 0; --i, number >>= 8) bytes[i - 1] = static_cast<std::uint8_t>(number);
        return uid<Kind>::from_bytes(bytes);
    }

    /// Asks the controller, and keeps what it says of progress.
    workload_plan plan() {
        row_.definition = std::make_shared<workload_definition const>(definition_);
        std::vector<seen_instance> const seen(instances_.begin(), instances_.end());
        std::vector<node const*> nodes;
        for (auto const& each : nodes_) nodes.push_back(&each);
        workload_view view{.wanted = row_, .instances = seen, .releases = releases_, .nodes = nodes, .now = now_};
        view.before = has_progress_ ? &progress_ : nullptr;
        view.changes_max = changes_max_;
        view.restart = restart_ ? &*restart_ : nullptr;
        auto made = plan_workload(view);
        if (made.restart) restart_ = made.restart;
        progress_ = made.progress;
        has_progress_ = true;
        return made;
    }
    /// What it says of the same by its counts; nullopt: it is not at rest.
    std::optional<workload_plan> plan_by_counts() const {
        if (!has_progress_ || !is_at_rest(row_, counts())) return std::nullopt;
        workload_view view{.wanted = row_, .releases = releases_, .now = now_, .before = &progress_};
        return plan_at_rest(view, counts());
    }
    instance_counts counts() const {
        instance_counts sum;
        for (auto const& each : instances_) {
            ++sum.all;
            ++sum.of_release[each.made_from];
            sum.restarting += each.is_restarting ? 1 : 0;
            auto const is_active = !each.is_leaving && !is_finished(each.state);
            sum.active += is_active ? 1 : 0;
            sum.ready += is_active && each.is_ready ? 1 : 0;
            sum.leaving += each.is_leaving ? 1 : 0;
        }
        return sum;
    }
    void set_changes_max(std::size_t count) { changes_max_ = count; }

    void keep_sizes(workload_plan const& plan) {
        for (auto const& each : plan.sizes)
            for (auto& one : releases_)
                if (one.id == each.release) one.size = each.size;
    }
    void remove(to_remove const& which) {
        if (auto* found = find(which.instance)) found->is_leaving = true;
    }
    seen_instance& create(to_create const& what) {
        auto& made = add(what.release, false);
        made.index = what.index;
        made.meant_for = what.node;
        made.node = std::nullopt;
        made.state = instance_state::pending;
        return made;
    }
    void forget(workload_plan const& plan) {
        for (auto const& each : plan.forgotten)
            std::erase_if(releases_, [&](seen_release const& one) { return one.id == each; });
    }
    void adopt(workload_plan const& plan) {
        for (auto const& each : plan.adopted)
            if (auto* found = find(each.instance)) {
                found->is_own = true;
                found->index = each.index;
            }
        for (auto const& each : plan.let_go)
            if (auto* found = find(each)) found->is_own = false;
    }
    /// All of it, and what was created runs and is ready.
    void carry_out(workload_plan const& plan) {
        keep_sizes(plan);
        adopt(plan);
        for (auto const& each : plan.removals) remove(each);
        for (auto const& each : plan.creations) {
            auto& made = create(each);
            made.node = made.meant_for ? *made.meant_for : id<node_tag>();
            made.state = instance_state::running;
            made.is_ready = true;
            made.ready_since = now_;
        }
        std::erase_if(instances_, [](seen_instance const& each) { return each.is_leaving; });
        forget(plan);
    }

private:
    workload_definition definition_;
    workload row_;
    std::vector<seen_release> releases_;
    std::deque<seen_instance> instances_;
    std::deque<node> nodes_;
    wall_time now_ = wall_time(std::chrono::hours(1'000'000));
    workload_progress progress_;
    std::optional<restart_course> restart_;
    bool has_progress_ = false;
    std::size_t changes_max_ = 10'000;
    std::uint64_t ids_ = 0;
};

}  // namespace rik::testing

// StatefulSets: instances with ordinals, of which there is never more than one of each.
#include "common_detail.hpp"

#include <rik/model/variables.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace rik {

namespace {

using namespace detail;

/// What has ended so soon after it was made is not made again at once.
constexpr auto short_life = std::chrono::minutes(10);
constexpr auto pause_after_end = std::chrono::seconds(10);

/// All that is there of one ordinal. Nothing is made as long as there is anything.
struct ordinal_place {
    seen_instance const* active = nullptr;
    seen_instance const* ended = nullptr;  ///< finished, and nobody wants it to go
    bool is_leaving = false;
    bool is_wanted = false;

    bool is_empty() const { return active == nullptr && ended == nullptr && !is_leaving; }
};

class stateful_planner {
public:
    stateful_planner(workload_view const& of, workload_plan& plan)
        : of_(of), plan_(plan), is_available_(of), stable_(stable_release()) {
        auto const wanted = of.wanted.wanted_replicas();
        for (std::uint32_t i = 0; i < wanted; ++i) places_[own().first_ordinal + i].is_wanted = true;
        for (auto const& each : of.instances) put(each);
    }

    void plan() {
        auto const waits = create_missing();
        remove_ended();
        // Source: Kubernetes: what is too much stays until all that is wanted is available.
        if (!is_ordered() || !waits) remove_unwanted();
        if (plan_.creations.empty() && policy() == update_policy::rolling) roll();
    }

    void settle_progress() {
        instance_list active;
        for (auto const& [ordinal, each] : places_)
            if (each.active != nullptr) active.push_back(each.active);
        count_progress(of_, active, plan_);
        auto& progress = plan_.progress;
        progress.wanted = of_.wanted.wanted_replicas();
        progress.unavailable = 0;
        auto is_settled = true;
        auto is_current = true;
        for (auto const& [ordinal, each] : places_) {
            if (each.is_wanted && !is_there(each)) ++progress.unavailable;
            if (each.is_wanted ? !is_there(each) : !each.is_empty()) is_settled = false;
            if (each.active != nullptr && !is_new(*each.active)) is_current = false;
            if (each.active != nullptr && !has_its_release(ordinal, *each.active)) is_settled = false;
        }
        progress.is_complete = is_settled;
        progress.stable = is_settled && is_current ? of_.wanted.current_release : stable_;
    }

private:
    workload_definition const& definition() const { return *of_.wanted.definition; }
    stateful_set_upkeep const& own() const { return *definition().upkeep.stateful; }
    update_policy policy() const { return definition().upkeep.policy; }
    bool is_ordered() const { return own().management == pod_management::ordered_ready; }
    bool is_new(seen_instance const& which) const { return which.made_from == of_.wanted.current_release; }
    bool is_there(ordinal_place const& at) const { return at.active != nullptr && is_available_(*at.active); }

    /// The release below the partition: that which the last complete rollout has come to.
    release_id stable_release() const {
        if (of_.before == nullptr || find_release(of_, of_.before->stable) == nullptr)
            return of_.wanted.current_release;
        return of_.before->stable;
    }

    // What is where

    void put(seen_instance const& each) {
        auto const ordinal = each.is_own ? each.index : ordinal_of(each);
        if (!ordinal) {
            if (each.is_own) remove(each, "It has no ordinal.");
            return;
        }
        auto& at = places_[*ordinal];
        if (!each.is_own) return adopt(each, *ordinal, at);
        if (is_active(each))
            at.active = &each;
        else if (is_finished(each.state) && !each.is_leaving)
            at.ended = &each;
        else
            at.is_leaving = true;
    }

    /// Of a stranger that has the name of an instance that is wanted.
    std::optional<std::uint32_t> ordinal_of(seen_instance const& stranger) const {
        auto const digits = stranger.name.substr(std::min(stranger.name.rfind('-'), stranger.name.size() - 1) + 1);
        std::uint32_t ordinal = 0;
        auto const [stop, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
        if (failed != std::errc() || ordinal_name(definition(), ordinal) != stranger.name) return std::nullopt;
        auto const found = places_.find(ordinal);
        return found != places_.end() && found->second.is_wanted ? std::optional(ordinal) : std::nullopt;
    }
    void adopt(seen_instance const& stranger, std::uint32_t ordinal, ordinal_place& at) {
        if (!is_active(stranger)) return;
        plan_.adopted.push_back({stranger.id, ordinal});
        at.active = &stranger;
    }

    // As many as are wanted

    /// Returns true if one that is wanted is not available.
    bool create_missing() {
        auto waits = false;
        for (auto const& [ordinal, each] : places_) {
            if (!each.is_wanted) continue;
            if (each.is_empty() && !(is_ordered() && waits))
                add_creation(of_, plan_, {.release = release_of(ordinal), .index = ordinal});
            waits = waits || !is_there(each);
        }
        return waits;
    }

    /// Only a rolling update keeps the lower ones as they were.   Source: Kubernetes, isCurrentRevisionNeeded
    bool is_kept_stable(std::uint32_t ordinal) const {
        return policy() == update_policy::rolling && ordinal - own().first_ordinal < own().partition;
    }
    release_id release_of(std::uint32_t ordinal) const {
        return is_kept_stable(ordinal) ? stable_ : of_.wanted.current_release;
    }
    bool has_its_release(std::uint32_t ordinal, seen_instance const& which) const {
        return policy() == update_policy::on_delete || is_kept_stable(ordinal) || is_new(which);
    }

    void remove(seen_instance const& which, std::string why) { add_removal(of_, plan_, which, std::move(why)); }

    void remove_ended() {
        for (auto const& [ordinal, each] : places_) {
            if (each.ended == nullptr) continue;
            auto const& which = *each.ended;
            auto const lived_long = which.state_since - which.created_at >= short_life;
            auto const due = which.state_since + pause_after_end;
            if (each.is_wanted && !lived_long && due > of_.now)
                look_again_at(plan_, due);
            else
                remove(which, each.is_wanted ? "It has ended, and another one takes its ordinal." : too_many());
        }
    }

    /// The highest goes first. In order, each must be gone before the next.
    void remove_unwanted() {
        for (auto each = places_.rbegin(); each != places_.rend(); ++each) {
            auto const& at = each->second;
            if (at.is_wanted || at.is_empty()) continue;
            if (at.active != nullptr && at.active->is_own) remove(*at.active, too_many());
            if (is_ordered()) return;
        }
    }
    std::string too_many() const {
        auto const count = of_.wanted.wanted_replicas();
        return fmt::format("{} {} wanted, from ordinal {} on.", number_text(count, "instance"),
                           count == 1 ? "is" : "are", own().first_ordinal);
    }

    // Coming to a new release

    /// From the highest down. One that is not available is of no use as it is, so it goes before those that are: then a
    /// release that never became ready does not hold up the one that repairs it.
    void roll() {
        instance_list broken;
        instance_list good;
        std::int64_t changing = 0;
        std::int64_t unavailable = 0;
        for (auto place = places_.rbegin(); place != places_.rend(); ++place) {
            auto const& [ordinal, at] = *place;
            if (!at.is_wanted) continue;
            auto const is_old = at.active != nullptr && !has_its_release(ordinal, *at.active);
            if (is_old) (is_there(at) ? good : broken).push_back(at.active);
            if (is_there(at)) continue;
            ++unavailable;
            if (!is_old && !at.is_empty()) ++changing;  // an empty place waits for a lower one
        }
        auto const wanted = static_cast<std::int64_t>(of_.wanted.wanted_replicas());
        auto const bound = std::max<std::int64_t>(rounded_up(definition().upkeep.max_unavailable, wanted), 1);
        for (auto const* each : broken)
            if (!each->is_unheard && changing++ < bound)
                replace(*each, "It is of an older release, and not available.");
        for (auto const* each : good)
            if (unavailable++ < bound) replace(*each, "It is of an older release.");
    }
    void replace(seen_instance const& which, std::string why) {
        if (which.is_own) remove(which, std::move(why));
    }

    workload_view const& of_;
    workload_plan& plan_;
    availability is_available_;
    release_id stable_;
    std::map<std::uint32_t, ordinal_place> places_;
};

}  // namespace

workload_plan plan_stateful_set(workload_view const& of) {
    workload_plan plan;
    stateful_planner planner(of, plan);
    planner.plan();
    planner.settle_progress();
    forget_releases(of, of.wanted.definition->upkeep.history_max, plan);
    return plan;
}

}  // namespace rik

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
/// What waits for room for so long may wait for the room of what is too much.
constexpr auto patience_for_room = std::chrono::seconds(30);

/// All that is there of one ordinal. Nothing is made as long as there is anything.
struct ordinal_place {
    seen_instance const* active = nullptr;
    seen_instance const* ended = nullptr;  ///< finished, and nobody wants it to go
};

class stateful_planner {
public:
    stateful_planner(workload_view const& of, workload_plan& plan)
        : of_(of), plan_(plan), is_available_(of), stable_(stable_release()) {
        for (auto const& each : of.instances) put(each);
    }

    void plan() {
        create_missing();
        remove_ended();
        // Source: Kubernetes: what is too much stays until all that is wanted is available.
        auto const is_whole = available_count() == wanted_count();
        if (!is_ordered() || is_whole || waits_for_room()) remove_unwanted();
        if (policy() == update_policy::rolling && (plan_.creations.empty() || !is_ordered())) roll();
    }

    void settle_progress() {
        instance_list active;
        auto is_current = true;
        auto is_as_said = true;
        for (auto const& [ordinal, each] : places_) {
            if (each.active == nullptr) continue;
            active.push_back(each.active);
            is_current = is_current && is_new(*each.active);
            is_as_said = is_as_said && has_its_release(ordinal, *each.active);
        }
        count_progress(of_, active, plan_);
        auto& progress = plan_.progress;
        progress.wanted = wanted_count();
        progress.unavailable = wanted_count() - available_count();
        progress.is_complete = progress.unavailable == 0 && !has_unwanted() && is_as_said;
        // Of none that is there nothing can be said: a pause ends no canary.
        auto const has_come = progress.is_complete && is_current && !active.empty();
        progress.stable = has_come ? of_.wanted.current_release : stable_;
    }

private:
    workload_definition const& definition() const { return *of_.wanted.definition; }
    stateful_set_upkeep const& own() const { return *definition().upkeep.stateful; }
    update_policy policy() const { return definition().upkeep.policy; }
    bool is_ordered() const { return own().management == pod_management::ordered_ready; }
    std::int64_t wanted_count() const { return of_.wanted.wanted_replicas(); }
    bool is_wanted(std::uint32_t ordinal) const {
        return ordinal >= own().first_ordinal && ordinal - own().first_ordinal < of_.wanted.wanted_replicas();
    }
    bool is_new(seen_instance const& which) const { return which.made_from == of_.wanted.current_release; }
    bool is_there(ordinal_place const& at) const {
        return at.active != nullptr && !at.active->is_restarting && is_available_(*at.active);
    }

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
        if (!each.is_own && !each.is_leaving) plan_.adopted.push_back({each.id, *ordinal});
        if (is_active(each))
            at.active = &each;
        else if (is_finished(each.state) && !each.is_leaving)
            at.ended = &each;
    }

    /// Of a stranger that was made with an identity, and has the name of one of its own.
    std::optional<std::uint32_t> ordinal_of(seen_instance const& stranger) const {
        if (!stranger.has_identity) return std::nullopt;
        auto const digits = stranger.name.substr(std::min(stranger.name.rfind('-'), stranger.name.size() - 1) + 1);
        std::uint32_t ordinal = 0;
        auto const [stop, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
        if (failed != std::errc() || ordinal_name(definition(), ordinal) != stranger.name) return std::nullopt;
        return ordinal;
    }

    std::int64_t available_count() const {
        return std::ranges::count_if(places_,
                                     [&](auto const& each) { return is_wanted(each.first) && is_there(each.second); });
    }
    bool has_unwanted() const {
        return std::ranges::any_of(places_, [&](auto const& each) { return !is_wanted(each.first); });
    }

    // As many as are wanted

    /// In order, only what is missing above others that are available.
    void create_missing() {
        for (std::uint32_t i = 0; i < of_.wanted.wanted_replicas() && !plan_.has_more; ++i) {
            auto const ordinal = own().first_ordinal + i;
            auto const place = places_.find(ordinal);
            if (place == places_.end()) add_creation(of_, plan_, {.release = release_of(ordinal), .index = ordinal});
            if (is_ordered() && (place == places_.end() || !is_there(place->second))) return;
        }
    }

    /// Only a rolling update keeps the lower ones as they were.   Source: Kubernetes, isCurrentRevisionNeeded
    bool is_kept_stable(std::uint32_t ordinal) const {
        return policy() == update_policy::rolling && is_wanted(ordinal) &&
               ordinal - own().first_ordinal < own().partition;
    }
    release_id release_of(std::uint32_t ordinal) const {
        return is_kept_stable(ordinal) ? stable_ : of_.wanted.current_release;
    }
    bool has_its_release(std::uint32_t ordinal, seen_instance const& which) const {
        return policy() == update_policy::on_delete || is_kept_stable(ordinal) || is_new(which);
    }

    void remove(seen_instance const& which, std::string why) {
        if (which.is_own) add_removal(of_, plan_, which, std::move(why));
    }

    void remove_ended() {
        for (auto const& [ordinal, each] : places_) {
            if (each.ended == nullptr) continue;
            auto const& which = *each.ended;
            auto const lived_long = which.state_since - which.created_at >= short_life;
            auto const due = which.state_since + pause_after_end;
            if (is_wanted(ordinal) && !lived_long && due > of_.now)
                look_again_at(plan_, due);
            else
                remove(which, is_wanted(ordinal) ? ended(which) : too_many());
        }
    }
    static std::string ended(seen_instance const& which) {
        auto const how = which.reason.empty() ? to_string(which.state) : which.reason;
        return fmt::format("It has ended ({}), and another one takes its ordinal.", how);
    }

    /// One that is wanted has found no node for long.
    bool waits_for_room() {
        auto waits = false;
        for (auto const& [ordinal, each] : places_) {
            if (!is_wanted(ordinal) || each.active == nullptr || each.active->node) continue;
            auto const due = each.active->created_at + patience_for_room;
            if (due <= of_.now)
                waits = true;
            else
                look_again_at(plan_, due);
        }
        return waits;
    }

    /// The highest goes first. In order, each must be gone before the next.
    void remove_unwanted() {
        for (auto each = places_.rbegin(); each != places_.rend(); ++each) {
            if (is_wanted(each->first)) continue;
            if (each->second.active != nullptr) remove(*each->second.active, too_many());
            if (is_ordered()) return;
        }
    }
    std::string too_many() const {
        return fmt::format("{} {} wanted, from ordinal {} on.", number_text(wanted_count(), "instance"),
                           wanted_count() == 1 ? "is" : "are", own().first_ordinal);
    }

    // Coming to a new release

    /// From the highest down. One that is not available is of no use as it is, so it goes before those that are: then a
    /// release that never became ready does not hold up the one that repairs it. In order, what is too much goes before
    /// what is available.
    void roll() {
        instance_list broken;
        instance_list good;
        std::int64_t changing = 0;
        for (auto place = places_.rbegin(); place != places_.rend(); ++place) {
            auto const& [ordinal, at] = *place;
            if (!is_wanted(ordinal)) continue;
            auto const is_old = at.active != nullptr && !has_its_release(ordinal, *at.active);
            if (is_old) (is_there(at) ? good : broken).push_back(at.active);
            if (!is_old && !is_there(at)) ++changing;
        }
        auto const bound = std::max<std::int64_t>(rounded_up(definition().upkeep.max_unavailable, wanted_count()), 1);
        for (auto const* each : broken)
            if (!each->is_unheard && changing++ < bound) remove(*each, "It is of an older release, and not available.");
        if (is_ordered() && has_unwanted()) return;
        auto unavailable = wanted_count() - available_count();
        for (auto const* each : good)
            if (unavailable++ < bound) remove(*each, "It is of an older release.");
    }

    workload_view const& of_;
    workload_plan& plan_;
    availability is_available_;
    release_id stable_;
    std::map<std::uint32_t, ordinal_place> places_;  ///< of which there is anything
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

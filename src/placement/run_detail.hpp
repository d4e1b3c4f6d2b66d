// One run of placement: what it has taken, and how it finds nodes by a policy that is not the default one.
#pragma once

#include "node_index_detail.hpp"

#include <rik/placement/placement.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace rik::detail {

/// Returns true if a policy has the filters and scores of `default_policy`, for which there is an index.
bool is_default(placement_policy const& policy);
demand demand_of(release const& asked, bool by_default);

/// The nodes as candidates. Those of which a run has taken something are copies, made when somebody looks.
class run_candidates {
public:
    struct use {
        slot which;
        instance_id instance;
        release_ptr asked;
    };
    explicit run_candidates(node_index const& nodes) : nodes_(nodes) {}

    void take(use what) { uses_.push_back(std::move(what)); }
    std::vector<use> const& uses() const { return uses_; }
    /// In the order of slots, with all that was taken.
    std::vector<candidate const*> const& all();

private:
    node_index const& nodes_;
    std::vector<use> uses_;
    std::size_t counted_ = 0;  ///< of uses_
    std::map<slot, candidate> changed_;
    std::vector<candidate const*> all_;
};

/// The nodes that can take one release by any policy, as a heap with the best on top. After the first look at all,
/// only those are looked at again of which something was taken.
class contest {
public:
    contest(run_candidates& nodes, release_ptr asked, placement_policy const& policy);
    std::optional<slot> best();

private:
    struct contender {
        std::int64_t score;
        node_id id;
        slot which;
        std::size_t look;  ///< a later look at the node makes it void
        friend bool operator<(contender const& one, contender const& other) {
            return one.score != other.score ? one.score < other.score : other.id < one.id;
        }
    };
    void look_at(slot which);
    void look_at_used();
    bool is_void(contender const& which) const;

    run_candidates& nodes_;
    release_ptr asked_;
    placement_policy const& policy_;
    std::vector<contender> standing_;
    std::map<slot, std::size_t> looks_;  ///< the last one, of those that were looked at again
    std::size_t seen_ = 0;               ///< of nodes_.uses()
};

}  // namespace rik::detail

namespace rik {

class placement_run::impl {
public:
    impl(detail::node_index& nodes, placement_policy const& policy, instance_names const& names);
    ~impl();

    outcome place(place_request const& request);
    std::vector<placement_failure> take_failures();

private:
    struct taking {
        detail::slot which;
        detail::query asked;
    };
    static outcome fail(placement_failure& by, place_request const& request);
    void take(detail::slot which, detail::query asked, place_request const& request);
    bool is_in_index(demand const& asked) const { return is_indexed_ && asked.chooser.is_nil(); }
    std::optional<detail::slot> best(release_ptr const& asked, demand const& wanted, detail::query const& query);
    placement_failure explain(release const& asked, demand const& wanted, detail::query const& query);

    detail::node_index& nodes_;
    placement_policy const& policy_;
    instance_names const& names_;
    bool const is_default_;
    bool const is_indexed_;
    detail::run_candidates candidates_;
    std::map<release_id, detail::contest> contests_;  ///< of what the index does not know
    std::vector<taking> taken_;                       ///< in the index
    std::deque<placement_failure> failures_;
    std::map<demand, placement_failure*> failed_;
};

}  // namespace rik

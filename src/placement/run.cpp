#include "run_detail.hpp"

#include "explain_detail.hpp"

#include <algorithm>
#include <iterator>

namespace rik {

namespace detail {

/// Contests of a run that are kept: each knows all nodes.
constexpr std::size_t contests_count_max = 64;

std::vector<candidate const*> const& run_candidates::all() {
    for (auto which = static_cast<slot>(all_.size()); which < nodes_.size(); ++which)
        all_.push_back(&nodes_.node(which));
    for (; counted_ < uses_.size(); ++counted_) {
        auto const& each = uses_[counted_];
        auto& node = changed_.try_emplace(each.which, *all_[each.which]).first->second;
        node.reserve(*each.asked, each.instance);
        all_[each.which] = &node;
    }
    return all_;
}

contest::contest(run_candidates& nodes, release_ptr asked, placement_policy const& policy)
    : nodes_(nodes), asked_(std::move(asked)), policy_(policy), seen_(nodes.uses().size()) {
    auto const count = nodes_.all().size();
    for (slot which = 0; which < count; ++which) look_at(which);
    std::make_heap(standing_.begin(), standing_.end());
}

void contest::look_at(slot which) {
    auto const& node = *nodes_.all()[which];
    if (refuse(node, *asked_, policy_)) return;
    std::int64_t sum = 0;
    for (auto const& each : policy_.scores) sum += each(node, *asked_);
    standing_.push_back({sum, node.id, which, seen_});
}

void contest::look_at_used() {
    while (seen_ < nodes_.uses().size()) {
        auto const which = nodes_.uses()[seen_++].which;
        looks_[which] = seen_;
        auto const before = standing_.size();
        look_at(which);
        if (standing_.size() > before) std::push_heap(standing_.begin(), standing_.end());
    }
}

bool contest::is_void(contender const& which) const {
    auto const last = looks_.find(which.which);
    return last != looks_.end() && last->second != which.look;
}

std::optional<slot> contest::best() {
    look_at_used();
    while (!standing_.empty() && is_void(standing_.front())) {
        std::pop_heap(standing_.begin(), standing_.end());
        standing_.pop_back();
    }
    if (standing_.empty()) return std::nullopt;
    return standing_.front().which;
}

}  // namespace detail

placement_run::impl::impl(detail::node_index& nodes, placement_policy const& policy, instance_names const& names)
    : nodes_(nodes),
      policy_(policy),
      names_(names),
      is_default_(detail::is_default(policy)),
      is_indexed_(is_default_ && nodes.is_whole()),
      candidates_(nodes) {}

placement_run::impl::~impl() {
    for (auto each = taken_.rbegin(); each != taken_.rend(); ++each) nodes_.give_back(each->which, each->asked);
}

placement_run::outcome placement_run::impl::place(place_request const& request) {
    auto asked = detail::demand_of(*request.made_from, is_default_);
    if (auto const known = failed_.find(asked); known != failed_.end()) return fail(*known->second, request);
    auto query = nodes_.query_of(asked);
    query.release = request.made_from->id;
    if (auto const which = best(request.made_from, asked, query)) {
        take(*which, std::move(query), request);
        return {nodes_.node(*which).id};
    }
    auto& failure = failures_.emplace_back(explain(*request.made_from, asked, query));
    failed_.emplace(std::move(asked), &failure);
    return fail(failure, request);
}

placement_run::outcome placement_run::impl::fail(placement_failure& by, place_request const& request) {
    by.instances.push_back(request.instance);
    return {std::nullopt, &by};
}

void placement_run::impl::take(detail::slot which, detail::query asked, place_request const& request) {
    candidates_.take({which, request.instance, request.made_from});
    if (!is_indexed_) return;
    nodes_.take(which, asked, request.instance);
    taken_.push_back({which, std::move(asked)});
}

std::optional<detail::slot> placement_run::impl::best(release_ptr const& asked, demand const& wanted,
                                                      detail::query const& query) {
    if (is_in_index(wanted)) return nodes_.best(query);
    if (contests_.size() == detail::contests_count_max && !contests_.contains(asked->id)) contests_.clear();
    return contests_.try_emplace(asked->id, candidates_, asked, policy_).first->second.best();
}

placement_failure placement_run::impl::explain(release const& asked, demand const& wanted, detail::query const& query) {
    if (is_in_index(wanted) && detail::is_countable(query))
        return detail::explain(nodes_, query, asked.spec().form, names_);
    return detail::explain(candidates_.all(), asked, policy_, names_);
}

std::vector<placement_failure> placement_run::impl::take_failures() {
    return {std::make_move_iterator(failures_.begin()), std::make_move_iterator(failures_.end())};
}

placement_run::placement_run(cluster_view const& nodes, placement_policy const& policy, instance_names const& names)
    : impl_(std::make_unique<impl>(nodes.index(), policy, names)) {}
placement_run::~placement_run() = default;
placement_run::outcome placement_run::place(place_request const& request) { return impl_->place(request); }
std::vector<placement_failure> placement_run::take_failures() { return impl_->take_failures(); }

}  // namespace rik

#include "node_registry_detail.hpp"

#include "tidy_detail.hpp"

#include <rik/base/ipv4.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace rik::detail {

namespace {

node_state state_of(bool is_heard, node_facts const& said) {
    if (!is_heard) return node_state::unheard;
    return said.troubles.empty() ? node_state::ready : node_state::not_ready;
}

/// It stands with the node's own troubles as long as that is why it is not heard.
node_trouble const no_scheduler{"NoScheduler",
                                "no scheduler is connected, so no node is heard, and what is on it is not given up: "
                                "start the scheduler, or look whether the primary reaches it"};

bool is_no_scheduler(node_trouble const& of) { return of.reason == no_scheduler.reason; }

bool is_part(ipv4_subnet const& whole, std::string_view text, unsigned prefix_bits) {
    auto const part = ipv4_subnet::parse(text);
    return part && part->prefix_bits() == prefix_bits && whole.contains(part->network());
}

}  // namespace

bool lacks_scheduler(node const& which) { return std::ranges::any_of(which.facts.troubles, is_no_scheduler); }

node_registry::node_registry(clock& time, cluster_state& state, event_writer& events, due_facts& due,
                             subnet_plan subnets, log const& out)
    : time_(time), state_(state), events_(events), due_(due), subnets_(std::move(subnets)), out_(out) {}

void node_registry::note_load(load_report news) {
    if (!state_.head().find<node>(news.node)) return;
    loads_.insert_or_assign(news.node, tidied(std::move(news.metrics)));
}

node_metrics const* node_registry::find_load(node_id const& node) const {
    auto const found = loads_.find(node);
    return found == loads_.end() ? nullptr : &found->second;
}

result<void> node_registry::handle(node_report const& news) {
    if (news.heard)
        note_heard();
    else
        loads_.erase(news.node);
    auto const known = state_.head().find<node>(news.node);
    auto const facts = news.facts ? std::optional(tidied(*news.facts)) : std::nullopt;
    if (!known) return facts ? add(news.node, *facts) : result<void>();
    return change(known, after(*known, news.heard, facts));
}

result<void> node_registry::handle_absence(node_id const& which) {
    hearing_since_.reset();
    loads_.erase(which);
    auto const known = state_.head().find<node>(which);
    if (!known || known->state == node_state::unheard) return {};
    auto next = after(*known, false, std::nullopt);
    next.facts.troubles.insert(next.facts.troubles.begin(), no_scheduler);
    return change(known, std::move(next));
}

/// Before a row says so: from then on nodes have their time to be heard, too.
void node_registry::note_heard() {
    auto const is_first = state_.head().count<node>(unheard_index) == state_.head().count<node>();
    if (!hearing_since_ || is_first) hearing_since_ = time_.wall();
}

result<void> node_registry::change(stored<node> const& known, node next) {
    auto const is_changed = next.state != known->state || next.facts.troubles != known->facts.troubles;
    if (!is_changed && next.facts == known->facts && next.standing == known->standing) {
        due_.mark(known->id);  // it said Hello: the scheduler waits for its registration
        return {};
    }
    transaction update;
    if (is_changed) events_.note(update, change_of(next, known->state));
    update.put(std::move(next), known.changed_at);
    return state_.apply(std::move(update));
}

node node_registry::after(node known, bool is_heard, std::optional<node_facts> const& said) const {
    if (said) known.facts = *said;
    std::erase_if(known.facts.troubles, is_no_scheduler);  // a scheduler tells of it again
    settle_labels(known);
    auto const state = state_of(is_heard, known.facts);
    if (state != known.state) known.state_since = time_.wall();
    known.state = state;
    settle_death(known);
    return known;
}

/// Precondition: its state has changed, or its troubles have.
event node_registry::change_of(node const& now, node_state before) const {
    auto happened = events_.about(now);
    happened.type = now.state == node_state::ready ? event_type::normal : event_type::warning;
    switch (now.state) {
        case node_state::ready:
            happened.reason = "NodeReady";
            happened.message = before == node_state::unheard ? "the node is heard again"
                                                             : "the node takes instances again: its trouble is over";
            break;
        case node_state::not_ready:
            happened.reason = now.facts.troubles.front().reason;
            happened.message = now.facts.troubles.front().message;
            break;
        case node_state::unheard:
            happened.reason = "NodeUnheard";
            happened.message = fmt::format("the node is not heard{}; its instances are in an unknown state",
                                           lacks_scheduler(now) ? ", since no scheduler is connected" : "");
            break;
    }
    return happened;
}

result<void> node_registry::add(node_id const& id, node_facts const& said) {
    auto const subnet = free_subnet(said.pod_subnet);
    if (!subnet) {
        out_.error("node refused", {{"node", said.name}, {"error", to_string(subnet.error())}});
        return {};
    }
    node made{.id = id, .facts = said, .pod_subnet = *subnet};
    made.standing.taints = said.taints;
    settle_labels(made);
    made.created_at = time_.wall();
    made.state_since = made.created_at;
    made.state = state_of(true, said);
    auto happened = events_.about(made);
    happened.reason = "NodeRegistered";
    happened.message = fmt::format("the node has joined, with Pod subnet {}", *subnet);
    transaction registration;
    events_.note(registration, std::move(happened));
    if (made.state != node_state::ready) events_.note(registration, change_of(made, node_state::ready));
    registration.put(std::move(made), 0);
    if (auto applied = state_.apply(std::move(registration)); !applied) return applied;
    out_.info("node registered", {{"node", said.name}, {"subnet", *subnet}});
    return {};
}

/// The part of the cluster's network that is wanted, else the lowest, of those that no node has.
result<std::string> node_registry::free_subnet(std::string_view wanted) const {
    auto const whole = ipv4_subnet::parse(subnets_.cluster_cidr);
    if (!whole) return whole.error();
    std::vector<std::uint32_t> taken;
    for (auto const& each : state_.head().list<node>())
        if (auto const part = ipv4_subnet::parse(each->pod_subnet)) taken.push_back(part->network());
    std::ranges::sort(taken);
    auto const is_taken = [&](std::uint32_t network) { return std::ranges::binary_search(taken, network); };
    if (is_part(*whole, wanted, subnets_.node_prefix_bits) && !is_taken(ipv4_subnet::parse(wanted)->network()))
        return std::string(wanted);
    for (std::uint64_t index = 0;; ++index) {
        auto const part = whole->part(index, subnets_.node_prefix_bits);
        if (!part)
            return error{errc::exhausted,
                         fmt::format("every Pod subnet of {} is taken", subnets_.cluster_cidr),
                         {},
                         "start the cluster with a larger --cluster-cidr"};
        if (!is_taken(part->network())) return part->text();
    }
}

}  // namespace rik::detail

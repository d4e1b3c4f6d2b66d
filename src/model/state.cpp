#include <rik/model/state.hpp>

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <ostream>

namespace rik {

namespace {

constexpr std::size_t index_of(auto state) { return static_cast<std::size_t>(state); }

constexpr std::array<std::string_view, instance_state_count> instance_words{
    "pending", "creating", "running", "succeeded", "failed", "destroying", "terminated"};
constexpr std::array<std::string_view, 3> container_words{"waiting", "running", "exited"};
constexpr std::array<std::string_view, workload_state_count> workload_words{
    "provisioning", "active", "scaling", "deploying", "paused", "succeeded", "failed", "destroying", "destroyed"};
constexpr std::array<std::string_view, 3> node_words{"ready", "notReady", "unheard"};

template <class State>
std::optional<State> find_word(auto const& words, std::string_view text) {
    for (std::size_t i = 0; i < words.size(); ++i)
        if (words[i] == text) return static_cast<State>(i);
    return std::nullopt;
}

/// A set of states, one bit each.
template <class State>
class state_set {
public:
    constexpr state_set(std::initializer_list<State> states) {
        for (auto const state : states) bits_ |= 1u << index_of(state);
    }
    constexpr bool contains(State state) const { return (bits_ >> index_of(state) & 1u) != 0; }

private:
    unsigned bits_ = 0;
};

namespace of_instance {

using enum instance_state;

/// What may follow each state, besides itself. Steps may be left out, because reports can be missed; nothing that
/// has ended begins again, because an instance is replaced and never revived.
constexpr std::array<state_set<instance_state>, instance_state_count> legal_next{{
    {creating, running, succeeded, failed, destroying, terminated},  // pending
    {running, succeeded, failed, destroying, terminated},            // creating
    {creating, succeeded, failed, destroying, terminated},           // running; creating: its node rebooted
    {destroying, terminated},                                        // succeeded
    {destroying, terminated},                                        // failed
    {terminated},                                                    // destroying
    {},                                                              // terminated
}};

constexpr bool follows(instance_state from, instance_state to) {
    return from == to || legal_next[index_of(from)].contains(to);
}

static_assert(follows(pending, creating) && follows(pending, running), "a report of creating may be missed");
static_assert(follows(creating, succeeded), "a report of running may be missed");
static_assert(follows(running, creating), "a node that was rebooted starts its instances again");
static_assert(!follows(creating, pending) && !follows(running, pending), "a binding is not taken back");
static_assert(!follows(failed, running) && !follows(succeeded, running), "what has ended is not revived");
static_assert(!follows(failed, succeeded) && !follows(succeeded, failed), "an end is told once");
static_assert(follows(destroying, terminated) && !follows(destroying, failed), "destroying ends in terminated only");
static_assert(follows(terminated, terminated) && !follows(terminated, pending), "terminated is the last state");

}  // namespace of_instance

namespace of_workload {

using enum workload_state;

/// What may follow each state, besides itself.
constexpr std::array<state_set<workload_state>, workload_state_count> legal_next{{
    {active, failed, destroying},                                 // provisioning
    {scaling, deploying, paused, succeeded, failed, destroying},  // active
    {active, failed, destroying},                                 // scaling
    {active, failed, destroying},                                 // deploying
    {active, scaling, succeeded, failed, destroying},             // paused; the ends are those of a Job
    {destroying},                                                 // succeeded
    {provisioning, active, scaling, destroying},                  // failed; a Job stays so
    {destroyed},                                                  // destroying
    {},                                                           // destroyed
}};

}  // namespace of_workload

}  // namespace

std::string_view to_string(instance_state state) { return instance_words[index_of(state)]; }
std::string_view to_string(container_state state) { return container_words[index_of(state)]; }
std::string_view to_string(workload_state state) { return workload_words[index_of(state)]; }
std::string_view to_string(node_state state) { return node_words[index_of(state)]; }

std::optional<instance_state> parse_instance_state(std::string_view text) {
    return find_word<instance_state>(instance_words, text);
}
std::optional<container_state> parse_container_state(std::string_view text) {
    return find_word<container_state>(container_words, text);
}
std::optional<node_state> parse_node_state(std::string_view text) { return find_word<node_state>(node_words, text); }

std::optional<workload_state> parse_workload_state(std::string_view text) {
    return find_word<workload_state>(workload_words, text);
}

std::ostream& operator<<(std::ostream& out, instance_state state) { return out << to_string(state); }
std::ostream& operator<<(std::ostream& out, workload_state state) { return out << to_string(state); }

bool may_follow(instance_state from, instance_state to) { return of_instance::follows(from, to); }
bool may_follow(workload_state from, workload_state to) {
    return from == to || of_workload::legal_next[index_of(from)].contains(to);
}

result<instance_state> advance(instance_state from, instance_state to) {
    if (may_follow(from, to)) return to;
    return error{errc::conflict, fmt::format("an instance cannot go from {} to {}", to_string(from), to_string(to))};
}

}  // namespace rik

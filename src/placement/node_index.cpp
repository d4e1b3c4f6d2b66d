#include "node_index_detail.hpp"

#include <algorithm>
#include <bit>

namespace rik::detail {

namespace {

constexpr std::array common_dimensions{resource::cpu, resource::memory, resource::storage, resource::pods};

/// A logarithm in eighths, near enough: amounts of one class differ by an eighth at most.
std::uint8_t size_class(std::int64_t capacity) {
    if (capacity <= 0) return 0;
    auto const amount = static_cast<std::uint64_t>(capacity);
    auto const width = std::bit_width(amount);
    auto const top = width > 4 ? amount >> (width - 4) : amount << (4 - width);
    return static_cast<std::uint8_t>(width * 4 + static_cast<int>(top & 7) / 2);
}

constexpr unsigned oci_bit = 1;
constexpr unsigned microvm_bit = 2;

unsigned runtimes_of(candidate const& node) {
    unsigned bits = 0;
    for (auto const& each : node.runtimes) bits |= each == "oci" ? oci_bit : each == "microvm" ? microvm_bit : 0;
    return bits;
}

bool is_common(std::string_view name) { return std::ranges::find(common_dimensions, name) != common_dimensions.end(); }

}  // namespace

unsigned runtime_bit(instance_form form) { return form == instance_form::function ? microvm_bit : oci_bit; }

void node_index::follow(std::map<node_id, candidate> const& nodes) {
    if (needs_rebuild(nodes)) rebuild(nodes);
    for (auto const& id : changed_) {
        auto const which = slots_.at(id);
        delist(which);
        rows_[which] = row_of(nodes.at(id));
        enlist(which);
        settle(which);
    }
    changed_.clear();
}

/// The order of the slots follows from who is there and how large.
bool node_index::needs_rebuild(std::map<node_id, candidate> const& nodes) const {
    if (slots_.size() != nodes.size()) return true;
    return std::ranges::any_of(changed_, [&](node_id const& id) {
        auto const& node = nodes.at(id);
        auto const is_known = [&](auto const& entry) { return dimension_of(entry.first).has_value(); };
        auto const knows = [&](resources const& some) { return std::ranges::all_of(some.entries(), is_known); };
        if (is_whole_ && !(knows(node.capacity) && knows(node.reserved))) return true;
        return size_of(node) != rows_[slots_.at(id)].size;
    });
}

void node_index::rebuild(std::map<node_id, candidate> const& nodes) {
    find_dimensions(nodes);
    rows_.clear();
    for (auto const& [id, node] : nodes) rows_.push_back(row_of(node));
    std::ranges::stable_sort(rows_, {}, &row::size);
    slots_.clear();
    out_of_service_.clear();
    by_runtimes_.clear();
    holders_.clear();
    leaf_count_ = std::bit_ceil(std::max(rows_.size(), std::size_t{1}));
    tree_.assign(2 * leaf_count_, {});
    for (slot which = 0; which < rows_.size(); ++which) {
        slots_.emplace(rows_[which].node->id, which);
        enlist(which);
        tree_[leaf_count_ + which] = summary_of(rows_[which]);
    }
    for (auto at = leaf_count_ - 1; at > 0; --at) tree_[at] = joined(tree_[2 * at], tree_[2 * at + 1]);
    changed_.clear();
}

void node_index::find_dimensions(std::map<node_id, candidate> const& nodes) {
    std::set<std::string, std::less<>> others;
    for (auto const& [id, node] : nodes)
        for (auto const* const some : {&node.capacity, &node.reserved})  // a device that is gone may still be held
            for (auto const& [name, amount] : some->entries())
                if (!is_common(name)) others.insert(name);
    dimensions_.assign(common_dimensions.begin(), common_dimensions.end());
    is_whole_ = dimensions_.size() + others.size() <= dimensions_max;
    if (is_whole_) dimensions_.insert(dimensions_.end(), others.begin(), others.end());
}

std::optional<std::size_t> node_index::dimension_of(std::string_view name) const {
    auto const found = std::ranges::find(dimensions_, name);
    if (found == dimensions_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - dimensions_.begin());
}

std::array<std::uint8_t, dimensions_max> node_index::size_of(candidate const& node) const {
    std::array<std::uint8_t, dimensions_max> size{};
    for (std::size_t i = 0; i < dimensions_.size(); ++i) size[i] = size_class(node.capacity.get(dimensions_[i]));
    return size;
}

node_index::row node_index::row_of(candidate const& node) const {
    row made{.node = &node, .runtimes = runtimes_of(node), .missing_runtimes = node.missing_runtimes};
    made.size = size_of(node);
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
        made.capacity[i] = node.capacity.get(dimensions_[i]);
        made.left[i] = resources::left_of(dimensions_[i], node.capacity, node.reserved);
    }
    for (auto const& each : node.host_ports_reserved)
        made.ports.emplace_back(host_port(each.port.host_port, each.port.protocol), each.holder);
    if (auto const why = detail::out_of_service(node)) made.out_of_service_by = why->cause;
    made.penalty = -scores::fewest_taints(node, undemanding()) - scores::least_loaded(node, undemanding());
    return made;
}

void node_index::enlist(slot which) {
    auto const& node = rows_[which];
    if (!node.out_of_service_by.empty()) {
        out_of_service_[node.out_of_service_by].insert(which);
        return;
    }
    by_runtimes_[{node.runtimes, node.missing_runtimes}].insert(which);
    for (auto const& [port, holder] : node.ports) holders_[port].insert(which);
}

void node_index::delist(slot which) {
    auto const leave = [which](auto& sets, auto const& key) {
        auto const found = sets.find(key);
        if (found == sets.end()) return;
        found->second.erase(which);
        if (found->second.empty()) sets.erase(found);
    };
    auto const& node = rows_[which];
    leave(out_of_service_, node.out_of_service_by);
    leave(by_runtimes_, runtimes_offered{node.runtimes, node.missing_runtimes});
    for (auto const& [port, holder] : node.ports) leave(holders_, port);
}

void node_index::settle(slot which) {
    auto at = leaf_count_ + which;
    tree_[at] = summary_of(rows_[which]);
    for (at /= 2; at > 0; at /= 2) tree_[at] = joined(tree_[2 * at], tree_[2 * at + 1]);
}

node_index::summary node_index::summary_of(row const& from) const {
    summary made;
    if (!from.out_of_service_by.empty()) return made;
    made.count = 1;
    made.runtimes = from.runtimes;
    made.id_min = from.node->id;
    auto const penalty = static_cast<double>(from.penalty);
    made.scarcest_max = share_unlimited;
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
        auto const capacity = static_cast<double>(from.capacity[i]);
        auto const is_offered = from.capacity[i] > 0;
        auto const inverse = is_offered ? 1000.0 / capacity : 0;
        auto const share = is_offered ? static_cast<double>(from.left[i]) * inverse - penalty : share_unlimited;
        made.of[i] = {share, inverse, from.left[i], from.left[i]};
        made.scarcest_max = std::min(made.scarcest_max, share);
    }
    return made;
}

node_index::summary node_index::joined(summary const& one, summary const& other) const {
    if (one.count == 0) return other;
    if (other.count == 0) return one;
    summary both;
    both.count = one.count + other.count;
    both.runtimes = one.runtimes | other.runtimes;
    both.id_min = std::min(one.id_min, other.id_min);
    both.scarcest_max = std::max(one.scarcest_max, other.scarcest_max);
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
        both.of[i].share_max = std::max(one.of[i].share_max, other.of[i].share_max);
        both.of[i].inverse_min = std::min(one.of[i].inverse_min, other.of[i].inverse_min);
        both.of[i].left_max = std::max(one.of[i].left_max, other.of[i].left_max);
        both.of[i].left_min = std::min(one.of[i].left_min, other.of[i].left_min);
    }
    return both;
}

query node_index::query_of(demand const& from) const {
    query made{.ports = from.ports, .runtime = runtime_bit(from.form)};
    for (auto const& [name, amount] : from.requests) {
        if (auto const dimension = dimension_of(name))
            made.asked[*dimension] = amount;
        else if (amount > 0)
            made.unoffered.emplace(name, amount);
        if (amount > 0 && !is_common(name)) ++made.uncommon_count;
    }
    return made;
}

void node_index::take(slot which, query const& asked, instance_id const& holder) {
    auto& node = rows_[which];
    for (std::size_t i = 0; i < dimensions_.size(); ++i) node.left[i] -= asked.asked[i];
    node.taken_of.push_back(asked.release);
    for (auto const& port : asked.ports) {
        node.ports.emplace_back(port, holder);
        holders_[port].insert(which);
    }
    settle(which);
}

void node_index::give_back(slot which, query const& asked) {
    auto& node = rows_[which];
    for (std::size_t i = 0; i < dimensions_.size(); ++i) node.left[i] += asked.asked[i];
    node.taken_of.pop_back();
    for (auto const& port : asked.ports) {
        auto const found = holders_.find(port);
        found->second.erase(which);
        if (found->second.empty()) holders_.erase(found);
    }
    node.ports.resize(node.ports.size() - asked.ports.size());
    settle(which);
}

}  // namespace rik::detail

#include "staged_facts_detail.hpp"

#include <rik/link/batch.hpp>

#include <fmt/format.h>

#include <iterator>
#include <utility>
#include <vector>

namespace rik::detail {

namespace {

template <class Part>
void append(std::vector<Part>& to, std::vector<Part>&& more) {
    std::move(more.begin(), more.end(), std::back_inserter(to));
}

void join(facts& whole, facts part) {
    whole.at = part.at;
    whole.everything |= part.everything;
    whole.cluster = part.cluster;
    whole.cluster_cidr = std::move(part.cluster_cidr);
    append(whole.items, std::move(part.items));
    append(whole.removed, std::move(part.removed));
    append(whole.refused, std::move(part.refused));
    append(whole.nodes, std::move(part.nodes));
    append(whole.removed_nodes, std::move(part.removed_nodes));
    append(whole.streams, std::move(part.streams));
}

template <class Part>
std::size_t sum_of(std::vector<Part> const& parts) {
    std::size_t sum = 0;
    for (auto const& each : parts) sum += approximate_bytes(each);
    return sum;
}

}  // namespace

/// A definition that many items have is kept once.
std::size_t staged_facts::bytes_of(facts const& part) {
    auto sum = sum_of(part.items) + sum_of(part.removed) + sum_of(part.refused) + sum_of(part.nodes) +
               sum_of(part.streams) + part.removed_nodes.size() * sizeof(node_id);
    for (auto const& each : part.items)
        if (each.made_from && releases_.insert(each.made_from).second) sum += each.made_from->definition->text.size();
    return sum;
}

result<std::optional<facts>> staged_facts::add(facts part) {
    auto const is_last = part.complete;
    if (!is_last) bytes_ += bytes_of(part);
    if (bytes_ > bytes_max_)
        return error{errc::exhausted,
                     fmt::format("its facts are more than {} bytes, and not complete yet", bytes_max_)};
    join(whole_, std::move(part));
    if (!is_last) return std::optional<facts>();
    bytes_ = 0;
    releases_.clear();
    return std::optional(std::exchange(whole_, {}));
}

}  // namespace rik::detail

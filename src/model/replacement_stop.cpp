#include <rik/model/replacement_stop.hpp>

#include "model/members_detail.hpp"

#include <fmt/format.h>

namespace rik {

namespace detail {

template <>
inline constexpr auto members_of<replacement_stop> = std::tuple(needed("since", &replacement_stop::since),
                                                                needed("unheard", &replacement_stop::unheard_count),
                                                                needed("nodes", &replacement_stop::nodes_count),
                                                                usual("lifted", &replacement_stop::is_lifted));

}  // namespace detail

namespace {

constexpr std::size_t unheard_nodes_min = 3;

}  // namespace

bool is_mass_absence(node_counts of) { return of.unheard >= unheard_nodes_min && 3 * of.unheard > of.all; }

std::optional<replacement_stop> next_stop(std::optional<replacement_stop> before, node_counts seen, wall_time now) {
    auto const is_massive = is_mass_absence(seen);
    if (!before && is_massive)
        return replacement_stop{.since = now, .unheard_count = seen.unheard, .nodes_count = seen.all};
    if (!before || seen.unheard == 0) return std::nullopt;
    if (before->is_lifted && !is_massive) return std::nullopt;
    return before;
}

document_key replacement_stop_key() { return {std::string(replacement_stop_kind), {}, "cluster"}; }

document to_document(replacement_stop const& from) {
    return document{.key = replacement_stop_key(), .json = detail::text_of(from)};
}

result<replacement_stop> parse_replacement_stop(document const& from) {
    if (from.key.kind != replacement_stop_kind)
        return error{errc::corrupt, fmt::format("document {}: its kind is '{}'", from.key.name, from.key.kind)};
    replacement_stop found;
    auto const read = detail::read_text(from.json, "replacement stop", [&](auto const& value, auto& failure) {
        detail::read_value(value, found, failure);
    });
    if (!read) return read.error();
    return found;
}

}  // namespace rik

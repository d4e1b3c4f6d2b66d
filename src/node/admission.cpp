#include "admission_detail.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik::detail {

std::optional<std::string> lacks_room(resources const& capacity, resources const& taken, resources const& asked) {
    if (capacity.empty()) return std::nullopt;
    auto const lacking = asked.first_lacking(capacity, taken);
    if (!lacking) return std::nullopt;
    auto const left = std::max<std::int64_t>(0, resources::left_of(*lacking, capacity, taken));
    return fmt::format("not enough {} on its node: asks for {}, {} of {} is free; it starts when there is room",
                       *lacking, amount_text(*lacking, asked.get(*lacking)), amount_text(*lacking, left),
                       amount_text(*lacking, capacity.get(*lacking)));
}

std::optional<std::string> lacks_permit(start_claim const& of) {
    auto const has_begun = !of.boot.empty() && of.begun_in == of.boot;
    if (!of.has_identity || of.is_permitted || has_begun) return std::nullopt;
    return fmt::format("{}it starts when the primary has confirmed that no other node runs it",
                       of.begun_in.empty() ? "" : "the node was rebooted; ");
}

}  // namespace rik::detail

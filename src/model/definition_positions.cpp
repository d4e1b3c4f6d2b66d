#include "model/definition_positions.hpp"

#include "model/definition_fields.hpp"

#include <rik/model/definition_place.hpp>

#include <fmt/format.h>

#include <utility>

namespace rik::detail {

namespace {

/// "spec.containers[0]" for "spec.containers[0].image"; empty at the top.
std::string_view parent_of(std::string_view path) {
    auto const end = path.find_last_of(".[");
    return end == path.npos ? std::string_view() : path.substr(0, end);
}

/// Of `path`, or of the innermost thing around it that is there.
std::optional<text_position> find_position(place_map const& places, std::string_view path) {
    for (; !path.empty(); path = parent_of(path))
        if (auto const at = places.find(path); at != places.end()) return at->second;
    return std::nullopt;
}

bool has_field(error const& problem) { return !problem.field.empty(); }

/// Syntax and doubled keys tell where they are themselves.
bool tells_its_place(error const& problem) { return problem.message.starts_with("line "); }

}  // namespace

void position_teller::tell(problems& found, std::string const& at) {
    for (auto& each : found) {
        if (!has_field(each) || tells_its_place(each)) continue;
        if (!places_) places_ = find_places(text_, from_);
        if (auto const where = find_position(*places_, at.empty() ? each.field : path_of(at, each.field)))
            each.message += fmt::format(", {}", to_string(*where));
    }
}

}  // namespace rik::detail

namespace rik {

void tell_place(error& problem, std::string_view text) {
    problems alone{std::move(problem)};
    detail::position_teller(text, {}).tell(alone);
    problem = std::move(alone.front());
}

}  // namespace rik

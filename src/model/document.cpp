#include <rik/model/document.hpp>

#include "model/members_detail.hpp"

#include <fmt/format.h>

namespace rik {

static constexpr std::string_view to_string(event_type type) {
    return type == event_type::warning ? "warning" : "normal";
}

static std::optional<event_type> parse_event_type(std::string_view text) {
    if (text == "normal") return event_type::normal;
    if (text == "warning") return event_type::warning;
    return std::nullopt;
}

namespace detail {

template <>
inline constexpr auto parser_of<event_type> = parse_event_type;

// Its tenant is that of the document.
template <>
inline constexpr auto members_of<event> = std::tuple(
    needed("object_kind", &event::object_kind), needed("object_id", &event::object_id),
    usual("object_name", &event::object_name), needed("type", &event::type), needed("reason", &event::reason),
    usual("message", &event::message), usual("source", &event::source), needed("at", &event::at),
    usual("count", &event::count), usual("first_at", &event::first_at), usual("owner_id", &event::owner_id));

}  // namespace detail

bool event::is_same_as(event const& other) const {
    return object_id == other.object_id && type == other.type && reason == other.reason && message == other.message &&
           source == other.source;
}

document to_document(event const& happened, std::uint64_t sequence) {
    // Twenty digits hold every number, so that the order of names is the order of numbers.
    return document{.key = {std::string(event_kind), happened.tenant, fmt::format("{:020}", sequence)},
                    .about = happened.object_id,
                    .json = detail::text_of(happened)};
}

result<event> parse_event(document const& from) {
    if (from.key.kind != event_kind)
        return error{errc::corrupt,
                     fmt::format("document {}: its kind is '{}', not an event", from.key.name, from.key.kind)};
    event happened;
    happened.tenant = from.key.tenant;
    auto const read = detail::read_text(from.json, "event " + from.key.name, [&](auto const& value, auto& failure) {
        detail::read_value(value, happened, failure);
    });
    if (!read) return read.error();
    return happened;
}

}  // namespace rik

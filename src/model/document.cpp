#include <rik/model/document.hpp>

#include "model/json_detail.hpp"

#include <fmt/format.h>

namespace rik {

namespace {

constexpr std::string_view to_string(event_type type) { return type == event_type::warning ? "warning" : "normal"; }

std::optional<event_type> parse_event_type(std::string_view text) {
    if (text == "normal") return event_type::normal;
    if (text == "warning") return event_type::warning;
    return std::nullopt;
}

}  // namespace

namespace detail {

static void read_value(json::value const& from, event_type& into, read_failure& failure) {
    read_word(from, into, parse_event_type, failure);
}

static void read_value(json::value const& from, event& into, read_failure& failure) {
    auto const* object = object_in(from, failure);
    if (object == nullptr) return;
    member_reader members(*object, failure);
    members.need("object_kind", into.object_kind);
    members.need("object_id", into.object_id);
    members.get("object_name", into.object_name);
    members.get("type", into.type);
    members.need("reason", into.reason);
    members.get("message", into.message);
    members.get("source", into.source);
    members.need("at", into.at);
    members.get("count", into.count);
    members.get("first_at", into.first_at);
    members.get("owner_id", into.owner_id);
}

}  // namespace detail

bool event::is_same_as(event const& other) const {
    return object_id == other.object_id && type == other.type && reason == other.reason && message == other.message &&
           source == other.source;
}

document to_document(event const& happened, std::uint64_t sequence) {
    detail::json_arena arena;
    detail::object_writer members(arena);
    members.put("object_kind", happened.object_kind);
    members.put("object_id", happened.object_id);
    members.put_some("object_name", happened.object_name);
    members.put("type", to_string(happened.type));
    members.put("reason", happened.reason);
    members.put_some("message", happened.message);
    members.put_some("source", happened.source);
    members.put("at", happened.at);
    if (happened.count > 1) members.put("count", happened.count);
    members.put_some("first_at", happened.first_at);
    members.put_some("owner_id", happened.owner_id);
    // Twenty digits hold every number, so that the order of names is the order of numbers.
    return document{.key = {std::string(event_kind), happened.tenant, fmt::format("{:020}", sequence)},
                    .about = happened.object_id,
                    .json = boost::json::serialize(members.take())};
}

result<event> parse_event(document const& from) {
    if (from.key.kind != event_kind)
        return error{errc::corrupt,
                     fmt::format("document {}: its kind is '{}', not an event", from.key.name, from.key.kind)};
    boost::json::parse_options options;
    options.allow_invalid_utf8 = true;
    boost::json::error_code failed;
    detail::json_arena arena;
    auto const parsed = boost::json::parse(from.json, failed, arena.storage(), options);
    if (failed) return error{errc::corrupt, fmt::format("event {}: {}", from.key.name, failed.message())};
    event happened;
    happened.tenant = from.key.tenant;
    detail::read_failure failure;
    detail::read_value(parsed, happened, failure);
    if (failure.happened()) return failure.as_error(fmt::format("event {}", from.key.name));
    return happened;
}

}  // namespace rik

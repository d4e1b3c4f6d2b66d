#include "images_detail.hpp"

#include "lookup_detail.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>

namespace rik::detail {

namespace {

/// A list changes nothing; all else does.
verb verb_of(image_call const& what) { return std::holds_alternative<list_images>(what) ? verb::list : verb::update; }

}  // namespace

awaitable<result<std::vector<node_image>>> primary_images::call(caller who, object_ref on, image_call what) {
    auto refusal = authorize(who, verb_of(what), object_kind::image, {});
    return gate_.enter(std::move(refusal), call_here(std::move(on), std::move(what)));
}

awaitable<result<std::vector<node_image>>> primary_images::call_here(object_ref on, image_call what) {
    auto const holder = find_node(state_.durable(), on);
    if (!holder) co_return holder.error();
    if ((*holder)->state != node_state::ready || !dispatcher_.is_connected())
        co_return error{errc::unavailable, fmt::format("node {} is not heard", (*holder)->facts.name)};
    auto const stream = co_await streams_.open(*holder, std::move(what));
    if (!stream) co_return stream.error();
    auto reading = read_answer(**stream);
    auto const text = co_await gate_.while_open(std::move(reading));
    if (!text) co_return text.error();
    co_return decode_node_images(*text);
}

}  // namespace rik::detail

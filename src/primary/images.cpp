// Images of nodes: a question that the node answers on a stream.
#include "impl_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/async/unless.hpp>

#include <fmt/format.h>

namespace rik {

namespace {

constexpr std::size_t answer_bytes_max = 16u << 20;

awaitable<result<std::string>> read_all(byte_stream& from) {
    std::string text;
    for (;;) {
        auto const piece = co_await from.read();
        if (!piece) co_return piece.error();
        if (piece->empty()) co_return std::move(text);
        text += *piece;
        if (text.size() > answer_bytes_max) co_return error{errc::exhausted, "the node has too many images to list"};
    }
}

awaitable<result<std::vector<held_image>>> refused(error why) { co_return why; }

}  // namespace

awaitable<result<std::vector<held_image>>> primary::impl::call_images(node_id on, image_call what) {
    visit const here(*this);
    if (auto const why = closed_because()) co_return *why;
    auto const holder = durable().find<node>(on);
    if (!holder) co_return no_such_object("node", on.text());
    if (holder->state != node_state::ready || !connection_)
        co_return error{errc::unavailable, fmt::format("node {} is not heard", holder->facts.name)};
    auto const stream = co_await open_stream(holder, std::move(what));
    if (!stream) co_return stream.error();
    auto reading = read_all(**stream);
    auto const text = co_await unless(wait_for_stop(), std::move(reading));
    if (!text) co_return error{errc::unavailable, "the primary stops"};
    if (!*text) co_return text->error();
    co_return decode_held_images(**text);
}

awaitable<result<std::vector<held_image>>> primary::call_images(caller who, node_id on, image_call what) {
    if (who.role != caller_role::admin)
        return refused({errc::denied, fmt::format("{} is no admin, and images belong to all", who.subject)});
    return on_strand(strand_, impl_->call_images(on, std::move(what)));
}

}  // namespace rik

#include "node_streams_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <string>
#include <utility>

namespace rik::detail {

awaitable<result<std::unique_ptr<byte_stream>>> node_streams::open(stored<node> from, stream_call what) {
    stream_request request{.stream = stream_id::generate(random_), .node = from->id, .what = std::move(what)};
    auto const stream = request.stream;
    due_.ask(std::move(request));
    auto const patience = time_.now() + limits::stream_dial_timeout;
    auto dialled = with_deadline(time_, patience, listener_.expect(stream));
    auto opened = co_await entrance_.while_open(std::move(dialled));
    if (!opened && opened.error().code == errc::timed_out)
        co_return error{errc::unavailable, fmt::format("node {} did not answer in time", from->facts.name)};
    co_return opened;
}

awaitable<result<std::string>> read_answer(byte_stream& from) {
    constexpr std::size_t bytes_max = 16u << 20;
    std::string text;
    for (;;) {
        auto const piece = co_await from.read();
        if (!piece) co_return piece.error();
        if (piece->empty()) co_return std::move(text);
        text += *piece;
        if (text.size() > bytes_max) co_return error{errc::exhausted, "the node's answer is too long"};
    }
}

}  // namespace rik::detail

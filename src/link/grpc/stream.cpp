#include "stream_detail.hpp"

#include "session_detail.hpp"

#include <rik/base/limits.hpp>

#include <utility>

namespace rik::detail {

namespace {

wire::StreamPart opening_of(stream_id const& stream, link_identity const& own) {
    wire::StreamPart made;
    open_with(made, own);
    made.set_stream(stream.bytes().data(), stream.bytes().size());
    return made;
}

}  // namespace

grpc_stream::~grpc_stream() {
    if (is_finished_)
        pipe_->finish();
    else
        pipe_->close();
}

awaitable<result<void>> grpc_stream::dial(stream_id stream, link_identity own) {
    auto first = opening_of(stream, own);
    auto const sent = co_await pipe_->send(std::move(first));
    if (!sent) co_return sent;
    auto const joined = co_await pipe_->receive();
    if (!joined) co_return joined.error();
    co_return result<void>();
}

awaitable<result<void>> grpc_stream::expect(stream_id stream, link_identity own) {
    auto const dialled = co_await dial(stream, std::move(own));
    if (!dialled) co_return dialled;
    wire::StreamPart here;
    co_return co_await pipe_->send(std::move(here));
}

awaitable<result<void>> grpc_stream::write(std::string chunk) {
    auto const pipe = pipe_;
    for (std::size_t begin = 0; begin < chunk.size(); begin += limits::container_log_chunk_bytes_max) {
        wire::StreamPart part;
        part.set_data(chunk.substr(begin, limits::container_log_chunk_bytes_max));
        auto const sent = co_await pipe->send(std::move(part));
        if (!sent) co_return sent;
    }
    co_return result<void>();
}

awaitable<result<std::string>> grpc_stream::read() {
    while (!is_read_) {
        auto part = co_await pipe_->receive();
        if (!part) co_return part.error();
        is_read_ = part->is_end();
        if (part->has_why()) co_return from_wire(part->why());
        if (!part->data().empty()) co_return std::move(*part->mutable_data());
    }
    co_return std::string();
}

awaitable<result<void>> grpc_stream::finish(std::optional<error> why) {
    wire::StreamPart last;
    last.set_is_end(true);
    if (why) *last.mutable_why() = to_wire(*why);
    auto sent = co_await pipe_->send(std::move(last));
    is_finished_ = sent.has_value();
    co_return sent;
}

}  // namespace rik::detail

// Streams of bytes over pipes.
#pragma once

#include "pipe_detail.hpp"
#include "wire_detail.hpp"

#include <rik/link/grpc_link.hpp>

#include <memory>
#include <optional>
#include <string>

namespace rik::detail {

using part_pipe = pipe<wire::StreamPart, wire::StreamPart>;
using part_pipe_ptr = std::shared_ptr<part_pipe>;

/// One end, of a node or the primary. The scheduler joins the two.
class grpc_stream final : public byte_stream {
public:
    explicit grpc_stream(part_pipe_ptr over) : pipe_(std::move(over)) {}
    ~grpc_stream() override;

    /// The node's end says whose stream it is, and waits until the scheduler has joined it. Errors: not_found;
    /// unavailable.
    awaitable<result<void>> dial(stream_id stream, link_identity own);
    /// The primary's end likewise waits for the node's, and says that it is still there.
    awaitable<result<void>> expect(stream_id stream, link_identity own);

    awaitable<result<void>> write(std::string chunk) override;
    awaitable<result<std::string>> read() override;
    awaitable<result<void>> finish(std::optional<error> why) override;

private:
    part_pipe_ptr pipe_;
    bool is_read_ = false;
    bool is_finished_ = false;
};

}  // namespace rik::detail

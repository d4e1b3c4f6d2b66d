// What nodes send when they are asked for a stream, played by a test.
#pragma once

#include <rik/async/notifier.hpp>
#include <rik/async/unless.hpp>
#include <rik/link/link.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rik::testing {

/// Has one log for every container, and the same images on every node. Lives on one strand.
class played_node {
public:
    played_node(asio::any_io_executor strand, stream_dialer& primary)
        : primary_(primary), log_grew_(std::move(strand)) {}

    /// Dials the stream and serves it until either end has had enough.
    awaitable<> answer(stream_request asked) {
        auto const opened = co_await primary_.dial(asked.stream);
        if (!opened) co_return;
        auto& stream = **opened;
        if (auto const* const log = std::get_if<container_log_call>(&asked.what)) {
            ++open_logs_count;
            auto sending = send_log(stream, log->how);
            co_await unless(wait_closed(stream), std::move(sending));
            --open_logs_count;
            co_return;
        }
        if (std::holds_alternative<usage_call>(asked.what)) {
            auto const told = co_await stream.write(encode(usage));
            if (told) (void)co_await stream.finish(usage_end);
            co_return;
        }
        image_calls.push_back(std::get<image_call>(asked.what));
        auto const sent = co_await stream.write(encode(images));
        if (sent) (void)co_await stream.finish(std::nullopt);
    }

    void write_log(std::string const& text) {
        log_text_ += text;
        log_grew_.notify();
    }
    void end_log(std::optional<error> why) {
        log_end_ = std::move(why);
        log_has_ended_ = true;
        log_grew_.notify();
    }

    int open_logs_count = 0;
    std::vector<usage_row> usage;  ///< the answer to every call about usage
    std::optional<error> usage_end;
    std::vector<node_image> images;       ///< the answer to every call about images
    std::vector<image_call> image_calls;  ///< that were made

private:
    static awaitable<> wait_closed(byte_stream& stream) {
        for (;;) {
            auto const said = co_await stream.read();
            if (!said || said->empty()) co_return;
        }
    }

    awaitable<result<void>> send_log(byte_stream& to, container_log_options how) {
        for (std::size_t sent_count = 0;;) {
            while (how.follow && !log_has_ended_ && sent_count == log_text_.size()) co_await log_grew_.wait();
            auto piece = log_text_.substr(sent_count);
            if (piece.empty()) co_return co_await to.finish(log_end_);
            sent_count += piece.size();
            if (how.is_framed) piece = framed(piece);
            auto const sent = co_await to.write(std::move(piece));
            if (!sent) co_return sent;
        }
    }

    static std::string framed(std::string const& piece) {
        std::string frame;
        append_container_log_frame(frame, container_log_origin::standard_output, piece);
        return frame;
    }

    stream_dialer& primary_;
    std::string log_text_;
    bool log_has_ended_ = false;
    std::optional<error> log_end_;
    notifier log_grew_;
};

}  // namespace rik::testing

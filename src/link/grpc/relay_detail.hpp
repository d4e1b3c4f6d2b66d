// The scheduler's part in streams of bytes: it joins those that nodes dial with the primary that expects them.
#pragma once

#include "stream_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/async/notifier.hpp>
#include <rik/async/task_group.hpp>

#include <map>
#include <memory>

namespace rik::detail {

/// It reads no byte of what it passes on. On the scheduler's strand.
class stream_relay {
public:
    stream_relay(asio::any_io_executor strand, clock& time, link_identity own)
        : strand_(strand), time_(time), own_(std::move(own)), expected_more_(strand), tasks_(strand) {}

    /// Takes the primary's end, or a node's.
    void take_expected(part_pipe_ptr from);
    void take_dialled(part_pipe_ptr from) { tasks_.spawn(serve_dialled(std::move(from))); }

    awaitable<> stop() { return tasks_.stop(); }

private:
    struct expectation {
        expectation(asio::any_io_executor strand, part_pipe_ptr from)
            : pipe(std::move(from)), decided(std::move(strand)) {}
        part_pipe_ptr pipe;
        bool is_decided = false;
        bool is_there = false;  ///< whoever expects has answered that it is still there
        notifier decided;
    };
    using expectation_ptr = std::shared_ptr<expectation>;

    awaitable<> serve_expected(part_pipe_ptr from);
    /// No longer than whoever expects waits himself.
    awaitable<> wait_dialled(part_pipe_ptr from, stream_id stream);
    awaitable<> serve_dialled(part_pipe_ptr from);
    /// Whose stream it is; the pipe is closed if that is not said well, or not soon.
    awaitable<std::optional<stream_id>> read_opening(part_pipe_ptr from);
    /// Takes out who expects it; null if nobody does, and nobody comes soon.
    awaitable<expectation_ptr> find_expected(stream_id stream);
    awaitable<result<expectation_ptr>> wait_expected(stream_id stream);
    /// Returns false if it has gone meanwhile.
    awaitable<bool> claim(expectation_ptr which);
    awaitable<> join(part_pipe_ptr dialled, part_pipe_ptr expected);

    asio::any_io_executor strand_;
    clock& time_;
    link_identity own_;
    std::map<stream_id, expectation_ptr> expected_;
    notifier expected_more_;
    std::size_t expecting_count_ = 0;  ///< tasks of those that expect
    task_group tasks_;                 // last member
};

}  // namespace rik::detail

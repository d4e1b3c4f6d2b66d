// Logs of containers, and answers about images, on streams that the node dials when it is asked.
#pragma once

#include "records_detail.hpp"
#include "usage_watch_detail.hpp"

#include <rik/async/task_group.hpp>
#include <rik/link/link.hpp>
#include <rik/node/node_agent.hpp>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rik::detail {

struct stream_context {
    clock& time;
    stream_dialer& dialer;
    std::vector<node_runtime> const& runtimes;
    node_records const& records;
    usage_watch& usage;
    log out;
};

/// Use it from one strand only.
class stream_server {
public:
    stream_server(asio::any_io_executor strand, stream_context on)
        : strand_(strand), on_(std::move(on)), tasks_(std::move(strand)) {}

    /// Dials, answers, and ends, beside the caller. Dropped if there are too many already.
    void answer(stream_request asked);
    awaitable<> stop();

private:
    /// Somebody reads a log, or waits for the answer about images.
    struct dialled_stream {
        dialled_stream(asio::any_io_executor strand, stream_request what, std::unique_ptr<byte_stream> reader)
            : asked(std::move(what)), to(std::move(reader)), done(strand), work(strand) {}
        void end() {
            is_done = true;
            done.notify();
        }
        stream_request asked;
        std::unique_ptr<byte_stream> to;
        bool is_done = false;  ///< one of the two ends is, and so the other is ended
        notifier done;
        task_group work;
    };
    using dialled_stream_ptr = std::shared_ptr<dialled_stream>;

    awaitable<> serve(stream_request asked);
    awaitable<> pump(dialled_stream_ptr stream);
    awaitable<> watch_reader(dialled_stream_ptr stream);
    awaitable<std::optional<error>> send_answer(dialled_stream_ptr stream);
    awaitable<std::optional<error>> send_log(dialled_stream_ptr stream, container_log_call asked);
    awaitable<std::optional<error>> send_usage(dialled_stream_ptr stream);
    result<container_key> key_of(container_log_call const& asked) const;
    runtime* runtime_of(instance_id const& id) const;

    // images.cpp
    awaitable<std::optional<error>> send_images(dialled_stream_ptr stream, image_call asked);
    awaitable<result<std::vector<node_image>>> answer_call(image_call asked);
    awaitable<result<std::vector<node_image>>> node_images();
    awaitable<result<std::vector<node_image>>> pull_image(std::string name);
    awaitable<result<std::vector<node_image>>> remove_image(std::string name_or_digest);
    void note_users(std::vector<node_image>& all) const;
    /// Those of containers.
    images& pulled() const { return on_.runtimes.front().pulled; }

    asio::any_io_executor strand_;
    stream_context on_;
    std::list<dialled_stream_ptr> dialled_;
    std::size_t request_count_ = 0;  ///< of all that are being answered, also by a refusal
    task_group tasks_;               // last member: the tasks use everything above
};

}  // namespace rik::detail

#include "start_fifo_detail.hpp"

#include "readiness_detail.hpp"

#include <array>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace rik::detail {

std::optional<start_fifo> start_fifo::open(container_paths const& paths, process_identity const& container) {
    // The process first: from the moment the fifo has a reader the container runs, and may have ended the next.
    auto process = open_process(container);
    if (!process || !*process) return std::nullopt;
    unique_fd fifo(::open(paths.start_fifo().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fifo) return std::nullopt;
    return start_fifo(paths.start_fifo(), std::move(fifo), std::move(*process));
}

result<bool> start_fifo::try_start(int wait_ms) {
    std::array<pollfd, 2> events{pollfd{fifo_.get(), POLLIN, 0}, pollfd{process_.get(), POLLIN, 0}};
    ::poll(events.data(), events.size(), wait_ms);
    char byte = 0;
    if (::read(fifo_.get(), &byte, 1) == 1) {
        ::unlink(path_.c_str());  // for runc the container runs once this is gone
        return true;
    }
    if (has_ended(process_)) return error{errc::internal, "the container ended before it was started"};
    return false;
}

awaitable<result<void>> start_fifo::start(asio::any_io_executor executor) {
    readiness either(executor);
    for (auto const* each : {&fifo_, &process_}) {
        if (auto added = either.add(*each); !added) co_return std::move(added);
    }
    while (true) {
        co_await either.wait();
        auto const started = try_start(0);
        if (!started) co_return started.error();
        if (*started) co_return result<void>{};
    }
}

}  // namespace rik::detail

#include "start_fifo_detail.hpp"

#include "readiness_detail.hpp"

#include <array>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace rik::detail {

namespace {

error ended_before_start() { return error{errc::internal, "the container ended before it was started"}; }

}  // namespace

std::optional<start_fifo> start_fifo::open(container_paths const& paths, process_identity const& container,
                                           oci_maker maker) {
    // The process first: from the moment the fifo has a reader the container runs, and may have ended the next.
    auto process = open_process(container);
    if (!process || !*process) return std::nullopt;
    // For both: a byte for one who has died must not kill us with SIGPIPE.
    auto const direction = maker == oci_maker::crun ? O_RDWR : O_RDONLY;
    unique_fd fifo(::open(paths.start_fifo().c_str(), direction | O_NONBLOCK | O_CLOEXEC));
    if (!fifo) return std::nullopt;
    return start_fifo(paths.start_fifo(), std::move(fifo), std::move(*process), maker);
}

bool start_fifo::pass_byte() {
    char byte = '0';
    if (maker_ == oci_maker::crun) return ::write(fifo_.get(), &byte, 1) == 1;
    return ::read(fifo_.get(), &byte, 1) == 1;
}

result<bool> start_fifo::try_start(int wait_ms) {
    short const ready = maker_ == oci_maker::crun ? POLLOUT : POLLIN;
    std::array<pollfd, 2> events{pollfd{fifo_.get(), ready, 0}, pollfd{process_.get(), POLLIN, 0}};
    ::poll(events.data(), events.size(), wait_ms);
    if (maker_ == oci_maker::crun && has_ended(process_)) return ended_before_start();
    if (pass_byte()) {
        ::unlink(path_.c_str());  // for either program the container runs once this is gone
        return true;
    }
    if (has_ended(process_)) return ended_before_start();
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

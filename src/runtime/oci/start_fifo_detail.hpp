// Starts a container that runc or crun has made, without either.
#pragma once

#include "context_detail.hpp"
#include "layout_detail.hpp"
#include "process_identity_detail.hpp"
#include "unique_fd_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>

#include <filesystem>
#include <optional>

namespace rik::detail {

/// runc's first process waits until somebody reads the byte that it writes to this fifo, and then becomes the
/// container's program. To read it is all that `runc start` does, in 0.5 ms instead of 4. crun's waits to read one.
/// Source: runc 1.1, libcontainer, Container.exec; crun 1.8, libcrun_status_write_exec_fifo
class start_fifo {
public:
    /// Nothing if it cannot be opened: then the program must be asked. Once it is open it must be used to the end: if
    /// it were closed at the wrong moment, the byte would kill the one who writes it.
    static std::optional<start_fifo> open(container_paths const& paths, process_identity const& container,
                                          oci_maker maker);

    /// True when the container was started; false when the byte has not come for `wait_ms`. Blocks.
    /// Errors: internal, the container's process has ended.
    result<bool> try_start(int wait_ms);
    /// The same, without blocking and without a limit.
    awaitable<result<void>> start(asio::any_io_executor executor);

private:
    start_fifo(std::filesystem::path path, unique_fd fifo, unique_fd process, oci_maker maker)
        : path_(std::move(path)), fifo_(std::move(fifo)), process_(std::move(process)), maker_(maker) {}
    bool pass_byte();

    std::filesystem::path path_;
    unique_fd fifo_;
    unique_fd process_;
    oci_maker maker_;
};

}  // namespace rik::detail

// The threads on which gRPC tells its clients what has come.
#pragma once

namespace rik::detail {

/// Call it before a channel is made. gRPC (1.51, at least) ends those threads with the last channel of the process and
/// begins them with the next; when the two meet it aborts ("ref_counted.h: assertion failed: prior > 0"), once in 150
/// runs of the contract of streams, six at a time on two cores. So one channel, which is connected with nothing, stays
/// for ever. Any thread.
void keep_callback_threads();

}  // namespace rik::detail

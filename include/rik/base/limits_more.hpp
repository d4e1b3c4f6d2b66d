// Limits (to be moved into limits.hpp).
#pragma once

#include <rik/base/limits.hpp>

namespace rik::limits {

inline constexpr std::size_t watch_queues_count_max = 1'000'000;  ///< of all watchers: the longest queue goes first
inline constexpr std::size_t watch_batch_bytes_max = 32u << 10;   ///< that a watcher fetches at once, or one commit
inline constexpr std::size_t store_epochs_max = 64;               ///< openings of a journal that it remembers
inline constexpr std::size_t unflushed_bytes_max = 64u << 20;     ///< past it no further transaction is taken
inline constexpr std::size_t stream_queue_count_max = 4;          ///< chunks of a log on their way
inline constexpr duration start_pause_max = 1min;  ///< between tries of a start for which the machine lacks something
inline constexpr std::size_t http_requests_bytes_max = 64u << 20;
inline constexpr std::size_t http_replies_bytes_max = 64u << 20;

}  // namespace rik::limits

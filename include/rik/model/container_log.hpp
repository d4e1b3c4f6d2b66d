// What is asked of a container's log, and frames that tell its streams apart.
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>
#include <rik/model/container_log_position.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rik {

/// Where a piece of a log comes from. The numbers are those of its frames.
enum class container_log_origin : std::uint8_t {
    standard_output = 1,
    standard_error = 2,
    problem = 3,  ///< not output: why there is no more of it
    mark = 4,     ///< not output: a container_log_mark
};

struct container_log_options {
    bool follow = false;
    bool is_of_previous = false;  ///< of the attempt before the newest one
    bool timestamps = false;
    std::optional<std::uint64_t> tail_lines = {};   ///< nullopt: all that is kept
    std::optional<container_log_origin> only = {};  ///< nullopt: standard output and standard error
    bool must_be_whole = false;                     ///< refused if its beginning is not kept any more
    bool is_framed = false;                         ///< false: the bytes of both streams as one text
    bool has_marks = false;               ///< with is_framed: frames of container_log_origin::mark among the others
    std::optional<wall_time> since = {};  ///< nothing that was written before
    /// Where to go on. `tail_lines` and `since` then are those of the request that the position comes from.
    std::optional<container_log_position> after = {};
};

struct container_log_piece {
    container_log_origin from = container_log_origin::standard_output;
    std::string bytes = {};
};

/// Appends `bytes` to `to` as one frame: the origin, three zeros, the size in four bytes (big-endian), the bytes.
/// Source: Docker Engine API, "Stream format"; the origin 3 is the "system error" of its clients.
void append_container_log_frame(std::string& to, container_log_origin from, std::string_view bytes);

inline constexpr std::size_t container_log_frame_head_bytes = 8;
/// The media type of a stream of frames, and of nothing else. Source: Docker Engine API 1.42.
inline constexpr std::string_view framed_container_log_type = "application/vnd.docker.multiplexed-stream";
/// The same with marks, which Docker's clients do not know.
inline constexpr std::string_view marked_container_log_type = "application/vnd.rik.log-stream";

/// What a frame of container_log_origin::mark says: where to go on if the connection breaks, or that something is
/// missing.
struct container_log_mark {
    std::string after = {};  ///< a container_log_position as text, of what came before the mark; empty: not known
    bool is_gap = false;     ///< here something is missing that was written, or may be
    std::optional<wall_time> gap_begin = {};  ///< when the last output before the gap was written
    std::optional<wall_time> gap_end = {};    ///< when the first output after it was written
};
/// As JSON.
std::string to_text(container_log_mark const& mark);
/// Errors: corrupt, `text` is not a mark. Unknown members are ignored.
result<container_log_mark> parse_container_log_mark(std::string_view text);

/// Returns the size of the frames at the beginning of `bytes` that fit into `bytes_max`. Precondition: `bytes` consists
/// of frames.
std::size_t whole_frames(std::string_view bytes, std::size_t bytes_max);

/// Splits a stream of frames into its frames.
class container_log_frame_parser {
public:
    /// Adds the next bytes, which may be cut anywhere.
    void feed(std::string_view bytes);
    /// Returns the next whole frame that is not empty; nullopt if there is none yet. Errors: corrupt, these are not
    /// frames, or one is too long; every later call returns the same error.
    result<std::optional<container_log_piece>> next();
    /// Returns true if a frame has begun that is not whole yet.
    bool is_inside() const { return taken_ < fed_.size(); }

private:
    std::string fed_;
    std::size_t taken_ = 0;
};

}  // namespace rik

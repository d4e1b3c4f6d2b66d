// What is asked of a container's log, and frames that tell its streams apart.
#pragma once

#include <rik/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rik {

/// Where a piece of a log comes from. The numbers are those of its frames.
enum class log_origin : std::uint8_t {
    standard_output = 1,
    standard_error = 2,
    problem = 3,  ///< no output: why there is no more of it
};

struct log_options {
    bool follow = false;
    bool timestamps = false;
    std::optional<std::uint64_t> tail_lines = {};  ///< nullopt: all that is kept
    std::optional<log_origin> only = {};           ///< nullopt: standard output and standard error
    bool must_be_whole = false;                    ///< refused if its beginning is not kept any more
    bool is_framed = false;                        ///< false: lines as they are, of both streams as one text
};

struct log_piece {
    log_origin from = log_origin::standard_output;
    std::string bytes = {};
};

/// Appends `bytes` to `to` as one frame: the origin, three zeros, the size in four bytes (big-endian), the bytes.
/// Source: Docker Engine API, "Stream format"; the origin 3 is the "system error" of its clients.
void append_log_frame(std::string& to, log_origin from, std::string_view bytes);

inline constexpr std::size_t log_frame_head_bytes = 8;
/// The media type of a stream of frames, and of nothing else. Source: Docker Engine API 1.42.
inline constexpr std::string_view framed_log_type = "application/vnd.docker.multiplexed-stream";

/// How many of `bytes` the frames at its beginning take that fit into `bytes_max`. Precondition: it is made of frames.
std::size_t whole_frames(std::string_view bytes, std::size_t bytes_max);

/// Takes a stream of frames apart.
class log_frame_parser {
public:
    /// The next bytes, cut anywhere.
    void feed(std::string_view bytes);
    /// The next whole frame that is not empty; nullopt if there is none yet. Errors: corrupt, these are no frames, or
    /// one is too long; it stays that way.
    result<std::optional<log_piece>> next();
    /// Has a frame begun that is not whole?
    bool is_inside() const { return taken_ < fed_.size(); }

private:
    std::string fed_;
    std::size_t taken_ = 0;
};

}  // namespace rik

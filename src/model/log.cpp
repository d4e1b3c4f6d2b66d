#include <rik/model/log.hpp>

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rik {

namespace {

struct frame_head {
    log_origin from;
    std::size_t size;
};

std::optional<frame_head> parse_head(std::string_view head) {
    auto const byte_at = [&](std::size_t at) { return static_cast<unsigned char>(head[at]); };
    auto const origin = byte_at(0);
    auto const is_known = origin >= static_cast<unsigned>(log_origin::standard_output) &&
                          origin <= static_cast<unsigned>(log_origin::problem);
    if (!is_known || byte_at(1) != 0 || byte_at(2) != 0 || byte_at(3) != 0) return std::nullopt;
    std::size_t size = 0;
    for (std::size_t at = 4; at < log_frame_head_bytes; ++at) size = size << 8 | byte_at(at);
    return frame_head{static_cast<log_origin>(origin), size};
}

}  // namespace

void append_log_frame(std::string& to, log_origin from, std::string_view bytes) {
    std::array<char, log_frame_head_bytes> head{static_cast<char>(from)};
    for (std::size_t at = 0; at < 4; ++at) head[4 + at] = static_cast<char>(bytes.size() >> (24 - 8 * at) & 0xff);
    to.append(head.data(), head.size()).append(bytes);
}

std::size_t whole_frames(std::string_view bytes, std::size_t bytes_max) {
    std::size_t whole = 0;
    while (bytes.size() - whole >= log_frame_head_bytes) {
        auto const head = parse_head(bytes.substr(whole, log_frame_head_bytes));
        auto const end = whole + log_frame_head_bytes + (head ? head->size : 0);
        if (!head || end > std::min(bytes.size(), bytes_max)) break;
        whole = end;
    }
    return whole;
}

void log_frame_parser::feed(std::string_view bytes) {
    fed_.erase(0, taken_);
    taken_ = 0;
    fed_ += bytes;
}

result<std::optional<log_piece>> log_frame_parser::next() {
    while (fed_.size() - taken_ >= log_frame_head_bytes) {
        auto const left = std::string_view(fed_).substr(taken_);
        auto const head = parse_head(left.substr(0, log_frame_head_bytes));
        if (!head) return error{errc::corrupt, "the log is not made of frames"};
        if (head->size > limits::log_chunk_bytes_max)
            return error{errc::corrupt, fmt::format("the log has a frame of {} bytes", head->size)};
        if (left.size() < log_frame_head_bytes + head->size) break;
        taken_ += log_frame_head_bytes + head->size;
        if (head->size == 0) continue;
        return std::optional(log_piece{head->from, std::string(left.substr(log_frame_head_bytes, head->size))});
    }
    return std::optional<log_piece>();
}

}  // namespace rik

#include <rik/model/container_log.hpp>

#include <rik/base/limits.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace rik {

namespace {

struct frame_head {
    container_log_origin from;
    std::size_t size;
};

std::optional<frame_head> parse_head(std::string_view head) {
    auto const byte_at = [&](std::size_t at) { return static_cast<unsigned char>(head[at]); };
    auto const origin = byte_at(0);
    auto const is_known = origin >= static_cast<unsigned>(container_log_origin::standard_output) &&
                          origin <= static_cast<unsigned>(container_log_origin::mark);
    if (!is_known || byte_at(1) != 0 || byte_at(2) != 0 || byte_at(3) != 0) return std::nullopt;
    std::size_t size = 0;
    for (std::size_t at = 4; at < container_log_frame_head_bytes; ++at) size = size << 8 | byte_at(at);
    return frame_head{static_cast<container_log_origin>(origin), size};
}

}  // namespace

void append_container_log_frame(std::string& to, container_log_origin from, std::string_view bytes) {
    std::array<char, container_log_frame_head_bytes> head{static_cast<char>(from)};
    for (std::size_t at = 0; at < 4; ++at) head[4 + at] = static_cast<char>(bytes.size() >> (24 - 8 * at) & 0xff);
    to.append(head.data(), head.size()).append(bytes);
}

std::string to_text(container_log_mark const& mark) {
    boost::json::object object;
    if (!mark.after.empty()) object["after"] = mark.after;
    if (mark.is_gap) {
        auto const time = [](std::optional<wall_time> const& when) {
            return when ? boost::json::value(to_string(*when)) : boost::json::value();
        };
        object["missing"] = {{"after", time(mark.gap_begin)}, {"before", time(mark.gap_end)}};
    }
    return boost::json::serialize(object);
}

namespace {

std::string text_at(boost::json::object const& of, std::string_view member) {
    auto const* const found = of.if_contains(member);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::optional<wall_time> time_at(boost::json::object const& of, std::string_view member) {
    auto const when = parse_wall_time(text_at(of, member));
    return when ? std::optional(*when) : std::nullopt;
}

}  // namespace

result<container_log_mark> parse_container_log_mark(std::string_view text) {
    boost::system::error_code failure;
    auto const parsed = boost::json::parse({text.data(), text.size()}, failure);
    auto const* const object = parsed.if_object();
    if (failure || object == nullptr) return error{errc::corrupt, "a mark in the log cannot be read"};
    container_log_mark mark{.after = text_at(*object, "after")};
    auto const* const missing = object->if_contains("missing");
    mark.is_gap = missing != nullptr && missing->is_object();
    if (!mark.is_gap) return mark;
    mark.gap_begin = time_at(missing->get_object(), "after");
    mark.gap_end = time_at(missing->get_object(), "before");
    return mark;
}

std::size_t whole_frames(std::string_view bytes, std::size_t bytes_max) {
    std::size_t whole = 0;
    while (bytes.size() - whole >= container_log_frame_head_bytes) {
        auto const head = parse_head(bytes.substr(whole, container_log_frame_head_bytes));
        auto const end = whole + container_log_frame_head_bytes + (head ? head->size : 0);
        if (!head || end > std::min(bytes.size(), bytes_max)) break;
        whole = end;
    }
    return whole;
}

void container_log_frame_parser::feed(std::string_view bytes) {
    fed_.erase(0, taken_);
    taken_ = 0;
    fed_ += bytes;
}

result<std::optional<container_log_piece>> container_log_frame_parser::next() {
    while (fed_.size() - taken_ >= container_log_frame_head_bytes) {
        auto const left = std::string_view(fed_).substr(taken_);
        auto const head = parse_head(left.substr(0, container_log_frame_head_bytes));
        if (!head) return error{errc::corrupt, "the log is not made of frames"};
        if (head->size > limits::container_log_chunk_bytes_max)
            return error{errc::corrupt, fmt::format("the log has a frame of {} bytes", head->size)};
        if (left.size() < container_log_frame_head_bytes + head->size) break;
        taken_ += container_log_frame_head_bytes + head->size;
        if (head->size == 0) continue;
        return std::optional(
            container_log_piece{head->from, std::string(left.substr(container_log_frame_head_bytes, head->size))});
    }
    return std::optional<container_log_piece>();
}

}  // namespace rik

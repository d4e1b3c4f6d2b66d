// A container's log file may be damaged, and what it holds is whatever a container wrote; frames come from a server.
#include <rik/base/assert.hpp>
#include <rik/model/container_log.hpp>

#include "runtime/oci/container_log_format_detail.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

/// No line of an input is longer: conmon writes none, and what is longer is cut where the bytes were cut.
constexpr std::size_t take_bytes_max = 64u << 10;

std::string all_of(std::string_view log, std::size_t step, bool is_framed) {
    rik::detail::container_log_decoder decoder({.is_framed = is_framed}, take_bytes_max);
    std::string all;
    auto const take = [&] {
        for (auto part = decoder.take(); !part.empty(); part = decoder.take()) {
            RIK_ASSERT(part.size() <= take_bytes_max);
            all += part;
        }
    };
    for (; !log.empty(); log.remove_prefix(std::min(step, log.size()))) {
        decoder.feed(log.substr(0, step));
        take();
    }
    decoder.finish();
    take();
    return all;
}

/// The text in frames, which are all whole.
std::string text_of(std::string const& frames) {
    rik::container_log_frame_parser parser;
    parser.feed(frames);
    std::string text;
    for (;;) {
        auto const next = parser.next();
        RIK_ASSERT(next.has_value());
        if (!*next) break;
        text += (*next)->bytes;
    }
    RIK_ASSERT(!parser.is_inside());
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size > take_bytes_max / 2) return 0;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const whole = all_of(text, text.size() + 1, false);
    RIK_ASSERT(all_of(text, 3, false) == whole);
    RIK_ASSERT(text_of(all_of(text, 5, true)) == whole);
    rik::detail::tail_search search(2, {});
    if (auto const begin = search.look(text)) RIK_ASSERT(*begin < text.size());
    if (auto const position = rik::parse_container_log_position(text))
        RIK_ASSERT(rik::parse_container_log_position(rik::to_string(*position)).value() == *position);
    if (auto const mark = rik::parse_container_log_mark(text))
        RIK_ASSERT(rik::parse_container_log_mark(rik::to_text(*mark)).has_value());
    rik::container_log_frame_parser parser;
    parser.feed(text);
    for (auto next = parser.next(); next && *next; next = parser.next()) {
    }
    return 0;
}

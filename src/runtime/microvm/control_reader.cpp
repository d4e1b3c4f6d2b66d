#include "control_reader_detail.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace rik::detail {

namespace {

using what = guest_word::what;

std::optional<std::string_view> text_behind(std::string_view line, std::string_view word) {
    if (!line.starts_with(word)) return std::nullopt;
    return line.substr(word.size());
}

std::optional<guest_word> read_exit(std::string_view text) {
    guest_word word{.kind = what::exited};
    auto const* const last = text.data() + text.size();
    auto const [end, failure] = std::from_chars(text.data(), last, word.code);
    if (failure != std::errc{} || word.code < 0 || word.code > 255) return std::nullopt;
    std::string_view const rest(end, static_cast<std::size_t>(last - end));
    if (rest != "" && rest != " memory") return std::nullopt;
    word.is_out_of_memory = !rest.empty();
    return word;
}

/// " BEGAN READY NOW", by the clock of the machine.
std::optional<guest_times> read_times(std::string_view text) {
    std::array<std::int64_t, 3> numbers{};
    for (auto& each : numbers) {
        if (!text.starts_with(' ')) return std::nullopt;
        auto const* const last = text.data() + text.size();
        auto const [end, failure] = std::from_chars(text.data() + 1, last, each);
        if (failure != std::errc{} || each < 0) return std::nullopt;
        text = std::string_view(end, static_cast<std::size_t>(last - end));
    }
    auto const [began, ready, now] = numbers;
    if (!text.empty() || began > ready || ready > now) return std::nullopt;
    return guest_times{.began_ms_ago = now - began, .ready_ms_ago = now - ready};
}

std::optional<guest_word> read_line(std::string_view line) {
    if (line == "up") return guest_word{.kind = what::up};
    if (auto const text = text_behind(line, "up"); text && text->starts_with(' '))
        return guest_word{.kind = what::up, .times = read_times(*text)};
    if (line == "stopped") return guest_word{.kind = what::stopped};
    if (auto const text = text_behind(line, "failed "))
        return guest_word{.kind = what::failed, .text = std::string(*text)};
    if (auto const text = text_behind(line, "refused "))
        return guest_word{.kind = what::refused, .text = std::string(*text)};
    if (auto const text = text_behind(line, "exit ")) return read_exit(*text);
    return std::nullopt;
}

}  // namespace

void control_reader::feed(std::string_view bytes) {
    bytes = bytes.substr(0, bytes_max - std::min(fed_, bytes_max));
    fed_ += bytes.size();
    text_ += bytes;
}

bool control_reader::fits(guest_word const& word) {
    auto const is_first = word.kind == what::up || word.kind == what::failed || word.kind == what::refused;
    if (is_over_ || is_first == is_up_) return false;
    is_up_ = true;
    is_over_ = word.kind != what::up;
    return true;
}

std::optional<guest_word> control_reader::next() {
    for (;;) {
        auto const end = text_.find('\n');
        if (end == text_.npos) {
            // The beginning of a line that is too long stays so that its end is not taken for a line.
            if (text_.size() > line_bytes_max + 1) text_.resize(line_bytes_max + 1);
            return std::nullopt;
        }
        auto const line = text_.substr(0, end);
        text_.erase(0, end + 1);
        if (line.size() > line_bytes_max) continue;
        auto word = read_line(line);
        // Whether an init fails before it is up or has become another program: the second is a word behind "up", too.
        if (word && fits(*word)) return word;
    }
}

}  // namespace rik::detail

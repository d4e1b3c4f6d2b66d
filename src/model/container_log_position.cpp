#include <rik/model/container_log_position.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <concepts>

namespace rik {

namespace {

constexpr std::string_view form = "1";  // of the text
constexpr char separator = '_';

std::string text_of(std::optional<wall_time> const& when) {
    return when ? fmt::format("{}", when->time_since_epoch().count()) : std::string("-");
}

std::string text_of(container_log_position::stream_state const& of) {
    return fmt::format("{:d}{}{}", of.is_inside_line, separator, of.skipped_entries);
}

/// Takes words apart, each once, in their order; what is none of the wanted form is remembered.
class word_reader {
public:
    explicit word_reader(std::string_view text) : left_(text) {}

    std::string_view word() {
        if (is_at_end_) refuse();
        auto const end = std::min(left_.find(separator), left_.size());
        auto const found = left_.substr(0, end);
        is_at_end_ = end == left_.size();
        left_.remove_prefix(is_at_end_ ? end : end + 1);
        return found;
    }
    template <std::integral Number>
    Number number() {
        return parse<Number>(word());
    }
    bool flag() { return number<unsigned>() != 0; }
    std::optional<wall_time> time() {
        auto const text = word();
        if (text == "-") return std::nullopt;
        return wall_time(std::chrono::microseconds(parse<std::int64_t>(text)));
    }
    container_log_position::stream_state stream() {
        auto const is_inside = flag();
        return {is_inside, number<std::uint64_t>()};
    }
    bool was_right() const { return is_right_ && is_at_end_; }
    void refuse() { is_right_ = false; }

private:
    template <std::integral Number>
    Number parse(std::string_view text) {
        Number value = 0;
        auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (failure != std::errc() || end != text.data() + text.size()) refuse();
        return value;
    }

    std::string_view left_;
    bool is_at_end_ = false;
    bool is_right_ = true;
};

}  // namespace

std::string to_string(container_log_position const& position) {
    return fmt::format("{1}{0}{2}{0}{3}{0}{4}{0}{5}{0}{6}{0}{7}{0}{8}{0}{9}{0}{10}", separator, form,
                       position.instance.text(), position.attempt, position.file, position.file_born, position.offset,
                       text_of(position.output), text_of(position.errors), text_of(position.last_written),
                       text_of(position.since));
}

result<container_log_position> parse_container_log_position(std::string_view text) {
    word_reader words(text);
    if (words.word() != form) words.refuse();
    container_log_position position;
    if (auto const instance = instance_id::parse(words.word()))
        position.instance = *instance;
    else
        words.refuse();
    position.attempt = words.number<std::uint32_t>();
    position.file = words.number<std::uint64_t>();
    position.file_born = words.number<std::int64_t>();
    position.offset = words.number<std::uint64_t>();
    position.output = words.stream();
    position.errors = words.stream();
    position.last_written = words.time();
    position.since = words.time();
    if (words.was_right()) return position;
    return error{errc::invalid, fmt::format("'{}' is no place in a log", text.substr(0, 64))};
}

}  // namespace rik

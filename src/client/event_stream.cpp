#include <rik/client/event_stream.hpp>

#include <fmt/format.h>

#include <utility>

namespace rik {

result<void> event_stream_parser::feed(std::string_view bytes) {
    for (auto const byte : bytes) {
        auto const follows_carriage_return = std::exchange(after_carriage_return_, byte == '\r');
        if (byte == '\n' && follows_carriage_return) continue;  // the second half of one line end
        if (byte == '\n' || byte == '\r') {
            read_line();
            line_.clear();
            continue;
        }
        if (line_.size() + data_.size() >= stream_event_bytes_max)
            return error{errc::exhausted,
                         fmt::format("an event of a watch is longer than {} bytes", stream_event_bytes_max)};
        line_ += byte;
    }
    return {};
}

std::optional<stream_event> event_stream_parser::next() {
    if (ready_.empty()) return std::nullopt;
    auto event = std::move(ready_.front());
    ready_.pop();
    return event;
}

void event_stream_parser::read_line() {
    std::string_view line = line_;
    if (std::exchange(is_first_line_, false) && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    if (line.empty()) return finish_event();
    auto const colon = line.find(':');
    if (colon == 0) return;  // a comment
    auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    read_field(line.substr(0, colon), value);
}

void event_stream_parser::read_field(std::string_view name, std::string_view value) {
    if (name == "data") {
        if (std::exchange(has_data_, true)) data_ += '\n';
        data_ += value;
    } else if (name == "event") {
        type_ = value;
    } else if (name == "id" && value.find('\0') == std::string_view::npos) {
        last_id_ = value;
    }
}

void event_stream_parser::finish_event() {
    whole_id_ = last_id_;
    if (has_data_ || !type_.empty()) {
        stream_event event{last_id_, type_.empty() ? "message" : std::move(type_), std::move(data_)};
        ready_.push(std::move(event));
    }
    type_.clear();
    data_.clear();
    has_data_ = false;
}

}  // namespace rik

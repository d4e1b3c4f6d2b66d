#include "qmp_reader_detail.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace rik::detail {

namespace {

namespace json = boost::json;

std::string_view text_at(json::object const& in, std::string_view key) {
    auto const* const found = in.if_contains({key.data(), key.size()});
    if (found == nullptr || !found->is_string()) return {};
    auto const& text = found->get_string();
    return {text.data(), text.size()};
}

std::string_view data_of(json::object const& event, std::string_view key) {
    auto const* const data = event.if_contains("data");
    return data != nullptr && data->is_object() ? text_at(data->get_object(), key) : std::string_view();
}

qmp_word read_migration(json::object const& event) {
    auto const status = data_of(event, "status");
    if (status == "completed") return qmp_word::saved;
    return status == "failed" ? qmp_word::refused : qmp_word::other;
}

qmp_word read_shutdown(json::object const& event) {
    auto const reason = data_of(event, "reason");
    if (reason == "guest-shutdown") return qmp_word::off;
    if (reason == "guest-reset") return qmp_word::reset;
    return reason == "guest-panic" ? qmp_word::panicked : qmp_word::other;
}

qmp_word read_said(std::string_view line) {
    boost::system::error_code failure;
    auto const parsed = json::parse({line.data(), line.size()}, failure);
    auto const* const said = parsed.if_object();
    if (failure || said == nullptr) return qmp_word::other;
    if (said->contains("QMP")) return qmp_word::greeting;
    if (said->contains("return")) return qmp_word::returned;
    if (said->contains("error")) return qmp_word::refused;
    auto const event = text_at(*said, "event");
    if (event == "MIGRATION") return read_migration(*said);
    if (event == "RESUME") return qmp_word::resumed;
    if (event == "GUEST_PANICKED") return qmp_word::panicked;
    return event == "SHUTDOWN" ? read_shutdown(*said) : qmp_word::other;
}

}  // namespace

void qmp_reader::feed(std::string_view bytes) {
    bytes = bytes.substr(0, bytes_max - std::min(fed_, bytes_max));
    fed_ += bytes.size();
    text_ += bytes;
}

std::optional<qmp_word> qmp_reader::next() {
    auto const end = text_.find('\n');
    if (end == text_.npos) {
        if (text_.size() > line_bytes_max + 1) text_.resize(line_bytes_max + 1);
        return std::nullopt;
    }
    auto const line = text_.substr(0, end);
    text_.erase(0, end + 1);
    return line.size() > line_bytes_max ? qmp_word::other : read_said(line);
}

}  // namespace rik::detail

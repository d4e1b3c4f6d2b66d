#include "record_detail.hpp"

#include "files_detail.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <charconv>
#include <csignal>
#include <cstring>

namespace rik::detail {

namespace {

namespace json = boost::json;

constexpr std::size_t record_bytes_max = 4096;

template <class Number>
Number number_at(json::object const& document, std::string_view key) {
    auto const* const found = document.if_contains({key.data(), key.size()});
    boost::system::error_code failure;
    auto const number = found != nullptr ? found->to_number<Number>(failure) : Number{};
    return failure ? Number{} : number;
}

std::string text_at(json::object const& document, std::string_view key) {
    auto const* const found = document.if_contains({key.data(), key.size()});
    if (found == nullptr || !found->is_string()) return {};
    return std::string(found->get_string());
}

}  // namespace

std::string record_text(container_record const& record) {
    json::object const document{{"boot_id", record.boot_id},
                                {"container_pid", record.container.pid},
                                {"container_start_ticks", record.container.start_ticks},
                                {"monitor_pid", record.monitor.pid},
                                {"monitor_start_ticks", record.monitor.start_ticks},
                                {"started_at", to_string(record.started_at)},
                                {"stop_signal", record.stop_signal}};
    return json::serialize(document);
}

result<container_record> parse_record(std::string_view text) {
    boost::system::error_code failure;
    auto const parsed = json::parse({text.data(), text.size()}, failure);
    auto const* const document = parsed.if_object();
    if (failure || document == nullptr) return error{errc::corrupt, "container record: is no JSON object"};
    auto const started = parse_wall_time(text_at(*document, "started_at"));
    container_record const record{
        .boot_id = text_at(*document, "boot_id"),
        .container = {.pid = number_at<pid_t>(*document, "container_pid"),
                      .start_ticks = number_at<std::uint64_t>(*document, "container_start_ticks")},
        .monitor = {.pid = number_at<pid_t>(*document, "monitor_pid"),
                    .start_ticks = number_at<std::uint64_t>(*document, "monitor_start_ticks")},
        .started_at = started ? *started : wall_time{},
        .stop_signal = number_at<int>(*document, "stop_signal")};
    if (record.boot_id.empty() || record.container.pid <= 0 || record.monitor.pid <= 0 || record.stop_signal <= 0) {
        return error{errc::corrupt, "container record: a field is missing"};
    }
    return record;
}

result<container_record> read_record(container_paths const& paths) {
    auto const text = read_file(paths.record(), record_bytes_max);
    if (!text) return text.error();
    return parse_record(*text);
}

int parse_signal(std::string_view text) {
    int number = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure == std::errc{} && end == text.data() + text.size()) {
        return number > 0 && number <= SIGRTMAX ? number : SIGTERM;
    }
    if (text.starts_with("SIG")) text.remove_prefix(3);
    if (text.starts_with("RTMIN+")) {
        std::from_chars(text.data() + 6, text.data() + text.size(), number);
        return SIGRTMIN + number <= SIGRTMAX ? SIGRTMIN + number : SIGTERM;
    }
    for (int each = 1; each < SIGRTMIN; ++each) {
        auto const* const name = ::sigabbrev_np(each);
        if (name != nullptr && text == name) return each;
    }
    return SIGTERM;
}

}  // namespace rik::detail

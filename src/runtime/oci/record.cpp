#include "record_detail.hpp"

#include "files_detail.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstring>

namespace rik::detail {

namespace {

namespace json = boost::json;

constexpr std::size_t record_bytes_max = 4096;

struct signal_alias {
    std::string_view name;
    int number;
};
/// Source: Docker, moby/sys/signal; man 7 signal
constexpr std::array signal_aliases{signal_alias{"IO", SIGIO}, signal_alias{"CLD", SIGCHLD},
                                    signal_alias{"IOT", SIGABRT}, signal_alias{"UNUSED", SIGSYS}};

std::optional<int> parse_number(std::string_view text) {
    int number = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

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

std::optional<int> parse_signal(std::string_view text) {
    if (text.empty()) return SIGTERM;
    std::string name(text);
    std::ranges::transform(name, name.begin(), [](unsigned char each) { return std::toupper(each); });
    if (auto const number = parse_number(name)) {
        return *number > 0 && *number <= SIGRTMAX ? number : std::nullopt;
    }
    if (name.starts_with("SIG")) name.erase(0, 3);
    if (name == "RTMIN" || name == "RTMAX") return name == "RTMIN" ? SIGRTMIN : SIGRTMAX;
    if (name.starts_with("RTMIN+") || name.starts_with("RTMAX-")) {
        auto const distance = parse_number(std::string_view(name).substr(6));
        if (!distance || *distance < 0 || *distance > SIGRTMAX - SIGRTMIN) return std::nullopt;
        return name[4] == 'N' ? SIGRTMIN + *distance : SIGRTMAX - *distance;
    }
    for (auto const& each : signal_aliases) {
        if (name == each.name) return each.number;
    }
    for (int each = 1; each < SIGRTMIN; ++each) {
        auto const* const known = ::sigabbrev_np(each);
        if (known != nullptr && name == known) return each;
    }
    return std::nullopt;
}

}  // namespace rik::detail

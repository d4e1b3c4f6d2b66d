#include "logging.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace rik::app {

namespace {

spdlog::level::level_enum level_of(log_level level) {
    switch (level) {
        case log_level::debug: return spdlog::level::debug;
        case log_level::info: return spdlog::level::info;
        case log_level::warning: return spdlog::level::warn;
        case log_level::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

std::string escaped(std::string_view text) {
    std::string safe;
    for (auto const c : text) {
        if (c == '"' || c == '\\') {
            safe += '\\';
            safe += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            safe += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
            safe += c;
        }
    }
    return safe;
}

}  // namespace

stderr_log::stderr_log(log_level least, bool is_text) : is_text_(is_text) {
    auto logger = spdlog::stderr_logger_mt("rik");
    logger->set_level(level_of(least));
    logger->set_pattern(is_text ? "%Y-%m-%dT%H:%M:%S.%e%z %L %v" : R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z",%v})");
    spdlog::set_default_logger(std::move(logger));
}

void stderr_log::write(log_level level, std::string_view message, std::span<log_field const> fields) {
    auto const to = level_of(level);
    if (!spdlog::should_log(to)) return;
    auto line = is_text_ ? std::string(message)
                         : fmt::format(R"("level":"{}","message":"{}")", to_string(level), escaped(message));
    for (auto const& each : fields)
        line += is_text_ ? fmt::format(" {}=\"{}\"", each.name, escaped(each.value))
                         : fmt::format(R"(,"{}":"{}")", each.name, escaped(each.value));
    spdlog::log(to, "{}", line);
}

}  // namespace rik::app

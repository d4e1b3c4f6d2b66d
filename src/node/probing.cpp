#include "probing_detail.hpp"

#include <rik/base/utf8.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>
#include <variant>

namespace rik::detail {

namespace {

constexpr std::size_t shown_bytes_max = 256;
constexpr std::size_t command_bytes_max = 48;

/// The beginning of what a program has written, in one line.
std::string shown(std::string output) {
    output.resize(std::min(output.size(), shown_bytes_max));
    while (!output.empty() && (output.back() == '\n' || output.back() == ' ')) output.pop_back();
    for (auto& each : output)
        if (each == '\n') each = ' ';
    return output;
}

std::string place_of(http_action const& what) {
    return fmt::format("{} {}:{}{}", what.is_https ? "https" : "http", what.host, what.port, what.path);
}

std::string place_of(tcp_action const& what) { return fmt::format("tcp {}:{}", what.host, what.port); }

std::string place_of(grpc_action const& what) {
    return fmt::format("grpc :{}{}{}", what.port, what.service.empty() ? "" : " ", what.service);
}

std::string place_of(exec_action const& what) {
    auto text = shown(fmt::format("exec {}", fmt::join(what.command, " ")));
    if (text.size() <= command_bytes_max) return text;
    text.resize(command_bytes_max);
    return to_utf8(text) + "...";
}

}  // namespace

std::optional<probe_definition> const& probe_of(container_definition const& container, probe_kind kind) {
    if (kind == probe_kind::startup) return container.startup;
    return kind == probe_kind::readiness ? container.readiness : container.liveness;
}

network_probe network_part(probe_action what) {
    if (auto* const http = std::get_if<http_action>(&what)) return std::move(*http);
    if (auto* const tcp = std::get_if<tcp_action>(&what)) return std::move(*tcp);
    return std::move(std::get<grpc_action>(what));
}

probe_action action_of(hook_action what) {
    if (auto* const program = std::get_if<exec_action>(&what)) return std::move(*program);
    if (auto* const http = std::get_if<http_action>(&what)) return std::move(*http);
    return std::move(std::get<tcp_action>(what));
}

result<probe_answer> answer_of(result<exec_result> const& ended) {
    if (!ended && ended.error().code == errc::timed_out) return probe_answer{false, ended.error().message};
    if (!ended && ended.error().code == errc::invalid) return probe_answer{false, ended.error().message};
    if (!ended) return ended.error();
    auto const said = shown(ended->output);
    auto message = fmt::format("exited with {}{}{}", ended->exit_code, said.empty() ? "" : ": ", said);
    return probe_answer{ended->exit_code == 0, std::move(message)};
}

std::string describe_probe(probe_kind kind, probe_action const& asked, std::string_view answer) {
    static constexpr std::array names{"startup", "readiness", "liveness"};
    auto const place = std::visit([](auto const& each) { return place_of(each); }, asked);
    return fmt::format("its {} probe failed: {}: {}", names.at(static_cast<std::size_t>(kind)), place, answer);
}

std::string describe_hook(hook_kind kind, std::string_view answer) {
    return fmt::format("its {} hook failed: {}", kind == hook_kind::post_start ? "postStart" : "preStop", answer);
}

}  // namespace rik::detail

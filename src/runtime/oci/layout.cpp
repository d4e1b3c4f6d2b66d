#include "layout_detail.hpp"

#include <fmt/format.h>

#include <charconv>

namespace rik::detail {

layout::layout(std::filesystem::path run_dir, std::filesystem::path state_dir, std::string_view tag)
    : run_dir_(std::move(run_dir)), state_dir_(std::move(state_dir)), cgroup_(fmt::format("/rik-{}", tag)) {}

pod_paths layout::pod(instance_id const& instance) const {
    auto const uid = instance.text();
    auto const state = fmt::format("{}/pods/{}", state_dir_.native(), uid);
    auto const run = fmt::format("{}/pods/{}", run_dir_.native(), uid);
    return pod_paths{.state = state,
                     .run = run,
                     .namespaces = run + "/ns",
                     .etc = state + "/etc",
                     .shm = run + "/shm",
                     .ready = run + "/ready",
                     .logs = state + "/logs",
                     .cgroup = fmt::format("{}/{}", cgroup_, uid)};
}

container_paths layout::container(container_key const& key) const {
    auto const uid = key.instance.text();
    auto const directory = container_directory(key);
    auto const id = fmt::format("{}-{}", uid, directory);
    auto const cgroup = fmt::format("{}/{}/{}", cgroup_, uid, directory);
    return container_paths{.id = id,
                           .state = fmt::format("{}/pods/{}/containers/{}", state_dir_.native(), uid, directory),
                           .bundle = fmt::format("{}/pods/{}/containers/{}", run_dir_.native(), uid, directory),
                           .runtime_state = fmt::format("{}/runc/{}", run_dir_.native(), id),
                           .log = fmt::format("{}/pods/{}/logs/{}.log", state_dir_.native(), uid, directory),
                           .cgroup = cgroup,
                           .monitor_cgroup = cgroup + ".monitor"};
}

std::string container_directory(container_key const& key) { return fmt::format("{}-{}", key.name, key.attempt); }

std::optional<container_key> parse_container_directory(instance_id const& instance, std::string_view name) {
    auto const dash = name.rfind('-');
    if (dash == std::string_view::npos || dash == 0) return std::nullopt;
    container_key key{.instance = instance, .name = std::string(name.substr(0, dash))};
    auto const digits = name.substr(dash + 1);
    auto const [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), key.attempt);
    if (failure != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return key;
}

std::filesystem::path rotated_log(std::filesystem::path const& log, std::size_t rotation) {
    if (rotation == 0) return log;
    auto path = log;
    path += fmt::format(".{}", rotation);
    return path;
}

std::filesystem::path kept_log(std::filesystem::path const& log) {
    auto path = log;
    path += ".kept";
    return path;
}

std::filesystem::path next_log(std::filesystem::path const& log) {
    auto path = log;
    path += ".tmp";
    return path;
}

std::filesystem::path cut_log_mark(std::filesystem::path const& log) {
    auto path = log;
    path += ".cut";
    return path;
}

}  // namespace rik::detail

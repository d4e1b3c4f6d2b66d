// Whether a program can make such containers as rik needs.
#include "container_config_detail.hpp"
#include "files_detail.hpp"
#include "oci_program_detail.hpp"
#include "runtime/clean_text_detail.hpp"

#include <rik/runtime/process.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <cerrno>
#include <memory>
#include <utility>

#include <sys/stat.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr char const* program_inside = "/rik-launch";
constexpr duration trial_time_max = std::chrono::seconds(5);
constexpr std::size_t trial_message_bytes_max = 500;
constexpr std::size_t passed_bytes_max = 4096;
constexpr std::int64_t trial_memory_bytes = 64 << 20;

/// Another version is another file.
std::string identity_of(oci_program const& with) {
    std::string text;
    for (auto const& each : {with.path, with.launcher}) {
        struct stat about {};
        if (::stat(each.c_str(), &about) != 0) return {};
        text += fmt::format("{} {} {} {}.{}\n", each.string(), about.st_ino, about.st_size, about.st_mtim.tv_sec,
                            about.st_mtim.tv_nsec);
    }
    return text;
}

/// One trial: its directory, and its place among the groups.
struct trial {
    fs::path directory;
    std::string id;
    std::string cgroup;

    fs::path bundle() const { return directory / "bundle"; }
};

trial trial_of(runtime_context const& on) { return {on.paths.trial(), "trial", on.paths.cgroup() + "/trial"}; }

/// Without what only a Pod has: its namespaces, and the files that are mounted.
void keep_to_itself(json::object& config) {
    json::array mounts;
    for (auto const& each : config["mounts"].as_array())
        if (each.at("type").as_string() != "bind") mounts.push_back(each);
    config["mounts"] = std::move(mounts);
    for (auto& each : config["linux"].as_object()["namespaces"].as_array()) each.as_object().erase("path");
}

result<std::string> trial_config(runtime_context const& on, oci_program const& with, trial const& of) {
    container_request request;
    request.definition.name = of.id;
    request.definition.command = {program_inside, "--nothing"};
    request.definition.limits.set(resource::memory, trial_memory_bytes);
    request.from = std::make_shared<image>(image{.name = of.id, .digest = "", .tree = of.bundle() / "rootfs"});
    pod_paths const pod;
    container_paths paths;
    paths.cgroup = of.cgroup;
    auto config = container_config({.request = request,
                                    .user = {},
                                    .pod = pod,
                                    .container = paths,
                                    .mounts = {{with.launcher, program_inside, true}},
                                    .host = on.host,
                                    .hostname = of.id,
                                    .has_host_network = true});
    if (!config) return config.error();
    keep_to_itself(*config);
    return json::serialize(*config);
}

/// Blocks.
result<void> make_trial(runtime_context const& on, oci_program const& with, trial const& of) {
    auto const rootfs = of.bundle() / "rootfs";
    for (auto const& each : {of.directory, of.bundle(), rootfs})
        if (::mkdir(each.c_str(), 0755) != 0 && errno != EEXIST) return system_error(each, "mkdir", errno);
    std::error_code failure;
    fs::copy_file(with.launcher, rootfs / fs::path(program_inside).filename(), failure);
    if (failure) return system_error(rootfs, "copy", failure.value());
    auto const config = trial_config(on, with, of);
    return config ? write_file(of.bundle() / "config.json", *config) : config.error();
}

command trial_command(runtime_context const& on, oci_program const& with, trial const& of) {
    auto const words = words_to_create(on.groups, with);
    command made{.program = words.front()};
    made.arguments.assign(words.begin() + 1, words.end());
    auto const root = (of.directory / "root").string();
    for (auto const& each :
         {std::string("--root"), root, std::string("run"), std::string("--bundle"), of.bundle().string(), of.id})
        made.arguments.push_back(each);
    return made;
}

/// Blocks.
void end_trial(runtime_context const& on, trial const& of) {
    on.groups.kill(of.cgroup);
    [[maybe_unused]] auto const no_group = on.groups.remove(of.cgroup);
    [[maybe_unused]] auto const no_files = remove_tree(of.directory);
}

result<void> outcome_of(oci_program const& with, result<process_output> const& ran) {
    if (!ran) return ran.error();
    if (ran->exit.code == 0) return {};
    auto said = clean_text(ran->err, trial_message_bytes_max);
    if (said.empty()) said = fmt::format("it ends with code {}", ran->exit.code);
    return error{says_shortage(said) ? errc::exhausted : errc::unsupported,
                 fmt::format("{} cannot make containers on this machine: {}", with.path.string(), said), "",
                 "use runc: rik --oci-runtime runc"};
}

}  // namespace

awaitable<result<void>> try_oci_program(runtime_context const& on, oci_program with) {
    auto const identity = identity_of(with);
    auto const passed = read_file_if_there(on.paths.trial_passed(), passed_bytes_max);
    if (passed && *passed && !identity.empty() && **passed == identity) co_return result<void>{};
    auto const mine = trial_of(on);
    end_trial(on, mine);  // that somebody has cut short
    auto done = make_trial(on, with, mine);
    if (done) {
        auto running = run_process(trial_command(on, with, mine), on.time.now() + trial_time_max);
        auto const ran = co_await std::move(running);
        done = outcome_of(with, ran);
    }
    end_trial(on, mine);
    if (done) done = write_file(on.paths.trial_passed(), identity);
    co_return std::move(done);
}

}  // namespace rik::detail

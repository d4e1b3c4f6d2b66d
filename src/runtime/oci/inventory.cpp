#include "inventory_detail.hpp"

#include "container_detail.hpp"
#include "files_detail.hpp"
#include "mounts_detail.hpp"
#include "sandbox_detail.hpp"
#include "trash_detail.hpp"

#include <rik/async/shield.hpp>

#include <algorithm>
#include <set>
#include <string>

#include <unistd.h>

namespace rik::detail {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr duration removal_time_max = 10s;
constexpr duration removal_pause = 10ms;

std::set<std::string> names_in(fs::path const& directory) {
    std::set<std::string> names;
    std::error_code failure;
    for (fs::directory_iterator each(directory, failure), end; !failure && each != end; each.increment(failure)) {
        names.insert(each->path().filename().string());
    }
    return names;
}

std::set<std::string> names_in_both(fs::path const& first, fs::path const& second) {
    auto names = names_in(first);
    names.merge(names_in(second));
    return names;
}

found_container describe(machine const& on, container_key key) {
    auto const paths = on.paths.container(key);
    found_container found{.key = std::move(key)};
    auto seen = view_container(on, paths);
    if (!seen || (seen->is_running() && !has_started(paths))) return found;
    found.running = seen->is_running();
    found.exit = seen->exit;
    found.started_at = seen->record.started_at;
    return found;
}

/// Kills first and looks later: the containers of an instance end at the same time.
void kill_containers(machine const& on, std::vector<container_key> const& keys) {
    for (auto const& each : keys) on.groups.kill(on.paths.container(each).cgroup);
}

/// A group and the directories whose processes and mounts it holds.
struct remains {
    std::string cgroup;
    std::vector<fs::path> directories;
};

/// Errors: conflict, something is in use yet.
result<void> remove_rest(machine const& on, remains const& what) {
    if (auto const removed = on.groups.remove(what.cgroup); !removed) return removed;
    // Before anything is deleted: what is mounted below, by whomever, is not ours to delete.
    if (auto const clean = unmount_below(what.directories); !clean) return clean;
    for (auto const& each : what.directories) {
        if (auto const removed = discard(on, each); !removed) return removed;
    }
    return {};
}

awaitable<result<void>> remove_patiently(machine const& on, remains what) {
    auto const give_up_at = on.time.now() + removal_time_max;
    while (true) {
        auto removing = [&] { return remove_rest(on, what); };
        auto removed = co_await offload(on.options.pool, std::move(removing));
        if (removed || removed.error().code != errc::conflict) co_return std::move(removed);
        if (on.time.now() >= give_up_at) co_return error{errc::timed_out, removed.error().message};
        co_await on.time.sleep_for(removal_pause);
    }
}

/// The containers first, then the rest of the Pod: its group and `directories`.
awaitable<result<void>> remove_pod(machine const& on, instance_id instance, std::vector<fs::path> directories) {
    std::vector<container_key> keys;
    auto killing = [&] {
        keys = find_containers(on, instance);
        kill_containers(on, keys);
    };
    co_await offload(on.options.pool, std::move(killing));
    for (auto const& key : keys) {
        auto paths = on.paths.container(key);
        auto const removed = co_await remove_container(on, std::move(paths));
        if (!removed) co_return removed.error();
    }
    remains rest{.cgroup = on.paths.pod(instance).cgroup, .directories = std::move(directories)};
    co_return co_await remove_patiently(on, std::move(rest));
}

/// Only for `rik reset`: afterwards this runtime is of no use. Others may keep files in these directories.
result<void> remove_directories(machine const& on) {
    empty_trash(on);
    auto const& paths = on.paths;
    for (auto const& each : {paths.run_pods(), paths.run_trash(), paths.runtime_root(), paths.boot_id(),
                             paths.state_pods(), paths.state_trash()}) {
        if (auto const removed = remove_tree(each); !removed) return removed;
    }
    ::rmdir(paths.run_dir().c_str());  // stays if it is not empty
    return {};
}

}  // namespace

std::vector<instance_id> find_instances(machine const& on) {
    std::vector<instance_id> found;
    for (auto const& name : names_in_both(on.paths.state_pods(), on.paths.run_pods())) {
        if (auto const instance = instance_id::parse(name)) found.push_back(*instance);
    }
    return found;
}

std::vector<container_key> find_containers(machine const& on, instance_id const& instance) {
    auto const pod = on.paths.pod(instance);
    std::vector<container_key> found;
    for (auto const& name : names_in_both(pod.state / "containers", pod.run / "containers")) {
        if (auto key = parse_container_directory(instance, name)) found.push_back(std::move(*key));
    }
    return found;
}

result<std::vector<found_sandbox>> list_sandboxes(machine const& on) {
    std::vector<found_sandbox> found;
    for (auto const& instance : find_instances(on)) {
        auto const pod = on.paths.pod(instance);
        found_sandbox each{.instance = instance, .network_namespace = pod.network_namespace(), .containers = {}};
        each.is_whole = is_whole(pod);
        for (auto& key : find_containers(on, instance)) each.containers.push_back(describe(on, std::move(key)));
        found.push_back(std::move(each));
    }
    return found;
}

awaitable<result<void>> release_sandbox(machine const& on, instance_id instance) {
    auto const pod = on.paths.pod(instance);
    std::vector<fs::path> all_but_logs{pod.run, pod.state / "containers"};
    return remove_pod(on, instance, std::move(all_but_logs));
}

awaitable<result<void>> remove_sandbox(machine const& on, instance_id instance) {
    auto const pod = on.paths.pod(instance);
    std::vector<fs::path> everything{pod.run, pod.state};
    return remove_pod(on, instance, std::move(everything));
}

awaitable<result<void>> remove_everything(machine const& on) {
    for (auto const& instance : find_instances(on)) {
        auto const gone = co_await remove_sandbox(on, instance);
        if (!gone) co_return gone.error();
    }
    remains rest{.cgroup = on.paths.cgroup(), .directories = {on.paths.run_pods(), on.paths.state_pods()}};
    auto const removed = co_await remove_patiently(on, std::move(rest));
    if (!removed) co_return removed.error();
    auto removing = [&] { return remove_directories(on); };
    co_return co_await offload(on.options.pool, std::move(removing));
}

}  // namespace rik::detail

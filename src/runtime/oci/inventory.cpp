#include "inventory_detail.hpp"

#include "container_detail.hpp"
#include "files_detail.hpp"
#include "mounts_detail.hpp"
#include "overlay_probe_detail.hpp"
#include "process_scan_detail.hpp"
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

constexpr duration orphan_removal_time_max = 10s;
constexpr duration orphan_removal_pause = 10ms;

/// What is in either; a directory that is not there is empty.
result<std::set<std::string>> names_in(fs::path const& first, fs::path const& second) {
    std::set<std::string> names;
    for (auto const& directory : {first, second}) {
        std::error_code failure;
        for (fs::directory_iterator each(directory, failure), end; !failure && each != end; each.increment(failure)) {
            names.insert(each->path().filename().string());
        }
        if (failure && failure != std::errc::no_such_file_or_directory) {
            return system_error(directory, "list", failure.value());
        }
    }
    return names;
}

/// One that was never started is neither running nor ended.
result<found_container> describe(runtime_context const& on, container_key key) {
    auto const paths = on.paths.container(key);
    found_container found{.key = std::move(key)};
    auto const started = has_started(paths);
    if (!started) return started.error();
    auto const seen = view_container(on, paths);
    if (!seen && !is_no_record(seen.error())) return seen.error();
    if (!seen || (seen->is_running() && !*started)) return found;
    found.running = seen->is_running();
    found.exit = seen->exit;
    found.started_at = seen->record.started_at;
    return found;
}

result<found_sandbox> describe(runtime_context const& on, instance_id const& instance) {
    auto const pod = on.paths.pod(instance);
    found_sandbox found{.instance = instance, .network_namespace = pod.network_namespace(), .containers = {}};
    found.is_whole = is_whole(pod);
    if (found.is_whole && has_host_network(pod)) found.network_namespace.clear();
    auto keys = find_containers(on, instance);
    if (!keys) return keys.error();
    for (auto& key : *keys) {
        auto container = describe(on, std::move(key));
        if (!container) return container.error();
        found.containers.push_back(std::move(*container));
    }
    return found;
}

/// Kills first and looks later: the containers of an instance end at the same time.
void kill_containers(runtime_context const& on, std::vector<container_key> const& keys) {
    for (auto const& each : keys) on.groups.kill(on.paths.container(each).cgroup);
}

/// What is on a file system that cannot be written stays, and keeps nothing else from being removed.
bool stays(result<void> const& removed) { return !removed && removed.error().code == errc::denied; }

/// A group and the directories whose processes and mounts it holds.
struct remains {
    std::string cgroup;
    std::vector<fs::path> directories;
};

/// Errors: conflict, something is in use yet.
result<void> remove_rest(runtime_context const& on, remains const& what) {
    if (auto const removed = on.groups.remove(what.cgroup); !removed) return removed;
    // Before anything is deleted: what is mounted below, by whomever, is not ours to delete.
    if (auto const clean = unmount_below(what.directories); !clean) return clean;
    result<void> done;
    for (auto const& each : what.directories) {
        auto removed = discard(on, each);
        if (!removed && !stays(removed)) return removed;
        if (!removed) done = std::move(removed);
    }
    return done;
}

awaitable<result<void>> remove_patiently(runtime_context const& on, remains what) {
    auto const give_up_at = on.time.now() + orphan_removal_time_max;
    while (true) {
        auto removing = [&] { return remove_rest(on, what); };
        auto removed = co_await offload(on.options.pool, std::move(removing));
        if (removed || removed.error().code != errc::conflict) co_return std::move(removed);
        if (on.time.now() >= give_up_at) co_return error{errc::timed_out, removed.error().message};
        co_await on.time.sleep_for(orphan_removal_pause);
    }
}

/// The containers first, then the rest of the Pod: its group and `directories`.
awaitable<result<void>> remove_pod(runtime_context const& on, instance_id instance, std::vector<fs::path> directories) {
    auto killing = [&] {
        auto keys = find_containers(on, instance);
        if (keys) kill_containers(on, *keys);
        return keys;
    };
    auto const keys = co_await offload(on.options.pool, std::move(killing));
    if (!keys) co_return keys.error();
    for (auto const& key : *keys) {
        auto paths = on.paths.container(key);
        auto const removed = co_await remove_container(on, std::move(paths));
        if (!removed && !stays(removed)) co_return removed.error();
    }
    remains rest{.cgroup = on.paths.pod(instance).cgroup, .directories = std::move(directories)};
    co_return co_await remove_patiently(on, std::move(rest));
}

/// Only for `rik reset`: afterwards this runtime is of no use. Others may keep files in these directories.
result<void> remove_directories(runtime_context const& on) {
    kill_image_tools(on.paths.images());  // their directories are removed next, by whoever knows of images
    empty_trash(on, std::stop_token());
    auto const& paths = on.paths;
    result<void> done;
    for (auto const& each :
         {paths.run_pods(), paths.run_trash(), paths.runtime_root(), paths.trial(), paths.trial_passed(),
          paths.boot_id(), paths.state_pods(), paths.state_trash(), on.options.state_dir / probe_directory}) {
        auto removed = remove_tree(each);
        if (!removed && !stays(removed)) return removed;
        if (!removed) done = std::move(removed);
    }
    ::rmdir(paths.run_dir().c_str());  // stays if it is not empty
    return done;
}

}  // namespace

result<std::vector<instance_id>> find_instances(runtime_context const& on) {
    auto const names = names_in(on.paths.state_pods(), on.paths.run_pods());
    if (!names) return names.error();
    std::vector<instance_id> found;
    for (auto const& name : *names) {
        if (auto const instance = instance_id::parse(name)) found.push_back(*instance);
    }
    return found;
}

result<std::vector<container_key>> find_containers(runtime_context const& on, instance_id const& instance) {
    auto const pod = on.paths.pod(instance);
    auto const names = names_in(pod.state / "containers", pod.run / "containers");
    if (!names) return names.error();
    std::vector<container_key> found;
    for (auto const& name : *names) {
        if (auto key = parse_container_directory(instance, name)) found.push_back(std::move(*key));
    }
    return found;
}

result<std::vector<found_sandbox>> list_sandboxes(runtime_context const& on) {
    auto const instances = find_instances(on);
    if (!instances) return instances.error();
    std::vector<found_sandbox> found;
    for (auto const& instance : *instances) {
        auto each = describe(on, instance);
        if (!each) return each.error();
        found.push_back(std::move(*each));
    }
    return found;
}

awaitable<result<void>> vacate_sandbox(runtime_context const& on, instance_id instance) {
    auto const pod = on.paths.pod(instance);
    std::vector<fs::path> all_but_logs{pod.run, pod.etc, pod.state / "containers", pod.state / "volumes"};
    return remove_pod(on, instance, std::move(all_but_logs));
}

awaitable<result<void>> remove_sandbox(runtime_context const& on, instance_id instance) {
    auto const pod = on.paths.pod(instance);
    std::vector<fs::path> everything{pod.run, pod.state};
    return remove_pod(on, instance, std::move(everything));
}

awaitable<result<void>> remove_everything(runtime_context const& on) {
    auto const instances = find_instances(on);
    if (!instances) co_return instances.error();
    for (auto const& instance : *instances) {
        auto const gone = co_await remove_sandbox(on, instance);
        if (!gone && !stays(gone)) co_return gone.error();
    }
    remains rest{.cgroup = on.paths.cgroup(), .directories = {on.paths.run_pods(), on.paths.state_pods()}};
    auto const removed = co_await remove_patiently(on, std::move(rest));
    if (!removed && !stays(removed)) co_return removed.error();
    auto removing = [&] { return remove_directories(on); };
    co_return co_await offload(on.options.pool, std::move(removing));
}

}  // namespace rik::detail

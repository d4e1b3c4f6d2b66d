#include "conmon_detail.hpp"
#include "container_log_detail.hpp"
#include "inventory_detail.hpp"

#include <rik/async/shield.hpp>

#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

void shift(std::filesystem::path const& log, std::size_t files_max) {
    for (auto rotation = files_max - 1; rotation > 0; --rotation) {
        // Renaming replaces: the oldest goes.
        ::rename(rotated_log(log, rotation - 1).c_str(), rotated_log(log, rotation).c_str());
    }
}

void rotate(machine const& on, container_paths const& paths) {
    struct stat about {};
    auto const is_there = ::stat(paths.log.c_str(), &about) == 0;
    if (is_there && static_cast<std::size_t>(about.st_size) < on.options.log_file_bytes_max) return;
    // Without conmon it does not grow. Not there: it was renamed, but conmon has not heard of it.
    if (::access(paths.control_fifo().c_str(), F_OK) != 0) return;
    if (is_there) shift(paths.log, on.options.log_files_max);
    reopen_log(paths);
}

void rotate_all(machine const& on) {
    auto const instances = find_instances(on);
    if (!instances) return;  // the next time
    for (auto const& instance : *instances) {
        auto const keys = find_containers(on, instance);
        if (!keys) return;
        for (auto const& key : *keys) rotate(on, on.paths.container(key));
    }
}

}  // namespace

awaitable<> rotate_logs(machine const& on) {
    while (true) {
        co_await on.time.sleep_for(on.options.log_check_period);
        auto rotating = [&] { rotate_all(on); };
        co_await offload(on.options.pool, std::move(rotating));
    }
}

}  // namespace rik::detail

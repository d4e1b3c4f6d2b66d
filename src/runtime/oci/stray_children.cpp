#include "stray_children_detail.hpp"

#include "files_detail.hpp"
#include "process_identity_detail.hpp"
#include "small_file_detail.hpp"

#include <rik/async/shield.hpp>

#include <fmt/format.h>

#include <charconv>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36: has no linkage for C++
}

namespace rik::detail {

namespace {

constexpr int stray_end_ms = 100;
constexpr duration stray_pause = std::chrono::milliseconds(200);
/// What follows the end of its OCI runtime comes soon; and something that was not seen is looked for at the next
/// occasion.
constexpr int empty_looks_max = 5;

void add_numbers(std::string_view text, std::vector<pid_t>& to) {
    for (auto const *at = text.data(), *end = at + text.size(); at < end; ++at) {
        pid_t number = 0;
        auto const read = std::from_chars(at, end, number);
        if (read.ec == std::errc{}) to.push_back(number);
        at = read.ptr;
    }
}

bool inherits_orphans() {
    int is_subreaper = 0;
    ::prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
    return is_subreaper != 0 || ::getpid() == 1;
}

}  // namespace

bool is_run_in_container(std::string_view status) {
    constexpr std::string_view key = "\nNSpid:";
    auto const at = status.find(key);
    if (at == std::string_view::npos) return false;
    auto line = status.substr(at + key.size());
    line = line.substr(0, line.find('\n'));
    std::vector<pid_t> numbers;
    add_numbers(line, numbers);
    return numbers.size() > 1 && numbers.back() != 1;
}

std::vector<pid_t> own_children() {
    std::vector<pid_t> found;
    std::error_code failure;
    for (std::filesystem::directory_iterator each("/proc/self/task", failure), end; !failure && each != end;
         each.increment(failure))
        add_numbers(try_read_file(each->path() / "children").value_or(""), found);
    return found;
}

std::size_t end_stray_children() {
    if (!inherits_orphans()) return 0;
    std::vector<unique_fd> strays;
    for (auto const child : own_children()) {
        unique_fd pidfd(::pidfd_open(child, 0));
        if (!pidfd || !is_run_in_container(small_file(fmt::format("/proc/{}/status", child)).text())) continue;
        ::pidfd_send_signal(pidfd.get(), SIGKILL, nullptr, 0);
        strays.push_back(std::move(pidfd));
    }
    std::size_t left = 0;
    for (auto const& each : strays) {
        if (has_ended(each, stray_end_ms))
            reap(each);
        else
            ++left;
    }
    return left;
}

awaitable<> stray_children::run() {
    for (;;) {
        co_await lost_.wait();
        for (int empty_looks = 0; empty_looks < empty_looks_max; ++empty_looks) {
            auto ending = [] { return end_stray_children(); };
            auto const left = co_await offload(on_.options.pool, std::move(ending));
            if (left > 0) empty_looks = 0;
            co_await on_.time.sleep_for(stray_pause);
        }
    }
}

}  // namespace rik::detail

#include "process_metrics.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

namespace rik::app {

namespace {

// The usual names of the clients of Prometheus.   Source: Prometheus, "Writing client libraries", "Process metrics"

double processor_seconds() {
    struct ::rusage used {};
    if (::getrusage(RUSAGE_SELF, &used) != 0) return 0;
    auto const seconds = [](::timeval const& of) {
        return static_cast<double>(of.tv_sec) + static_cast<double>(of.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double resident_bytes() {
    std::ifstream file("/proc/self/statm");
    double whole = 0;
    double resident = 0;
    file >> whole >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_files() {
    std::error_code failure;
    std::filesystem::directory_iterator const all("/proc/self/fd", failure);
    return failure ? 0 : static_cast<double>(std::distance(begin(all), end(all)));
}

double seconds_of(wall_time when) { return std::chrono::duration<double>(when.time_since_epoch()).count(); }

}  // namespace

awaitable<role_health> process_health_of::health() {
    auto all = co_await roles_.health();
    auto& told = all.metrics;
    metric processor{
        .name = "process_cpu_seconds_total", .help = "Processor time used, in seconds.", .type = metric_type::counter};
    processor.samples.push_back({processor_seconds()});
    told.push_back(std::move(processor));
    told.push_back(make_gauge("process_resident_memory_bytes", "Resident memory, in bytes.", resident_bytes()));
    told.push_back(make_gauge("process_open_fds", "Open file descriptors.", open_files()));
    told.push_back(
        make_gauge("process_start_time_seconds", "When the process began, in seconds since 1970.", seconds_of(began_)));
    co_return all;
}

}  // namespace rik::app

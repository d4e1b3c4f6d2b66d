// What one look at what containers use costs, beside reading the same files of the kernel and nothing else; and what
// it costs to tell it: a scrape, and the rows for `rikctl top`, beside the same numbers as lines of text. Needs root.
#include "node/usage_watch_detail.hpp"

#include "support/oci_world.hpp"

#include <rik/base/metric.hpp>
#include <rik/model/codec.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string_view>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace rik::bench {

namespace {

namespace fs = std::filesystem;

double own_processor_ms() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    auto const in_ms = [](timeval const& time) {
        return 1e3 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_usec);
    };
    return in_ms(used.ru_utime) + in_ms(used.ru_stime);
}

/// Processor time of `work`, each time, in milliseconds.
template <class Work>
double cost_of(int rounds, Work work) {
    auto const before = own_processor_ms();
    for (int round = 0; round < rounds; ++round) (void)work();
    return (own_processor_ms() - before) / rounds;
}

void read_file(fs::path const& path) {
    char text[8192];
    auto const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw std::runtime_error(path.native() + " cannot be read");
    while (::read(file, text, sizeof text) > 0) {
    }
    ::close(file);
}

/// The files that have to be read for a container whatever one does with them: its groups' and its network's.
std::set<fs::path> files_of(pid_t pid) {
    std::set<fs::path> files{fmt::format("/proc/{}/net/dev", pid)};
    std::ifstream groups(fmt::format("/proc/{}/cgroup", pid));
    for (std::string line; std::getline(groups, line);) {
        auto const path = line.substr(line.find(':', line.find(':') + 1) + 1);
        for (auto const* name :
             {"cpu.stat", "memory.current", "memory.stat", "pids.current", "cpuacct.usage", "memory.usage_in_bytes"}) {
            for (auto const* hierarchy : {"", "unified", "memory", "pids", "cpuacct"}) {
                auto const file = fs::path("/sys/fs/cgroup") / hierarchy / path.substr(1) / name;
                std::error_code ignored;
                if (fs::exists(file, ignored)) files.insert(file);
            }
        }
    }
    return files;
}

/// The first processes of all containers of `world`, from the files that the OCI runtime wrote.
std::vector<pid_t> pids_of(testing::oci_world const& world) {
    std::vector<pid_t> pids;
    for (auto const& each :
         fs::recursive_directory_iterator(world.root(), fs::directory_options::skip_permission_denied)) {
        if (each.path().filename() != "pid" || each.path().parent_path().filename() == "rootfs") continue;
        pid_t pid = 0;
        if (std::ifstream(each.path()) >> pid) pids.push_back(pid);
    }
    return pids;
}

/// Those of one container, as somebody would write them who has nothing else to do.
void write_plainly(std::string& to, std::string_view tenant, std::string_view pod, container_usage const& of) {
    auto const line = [&](std::string_view name, double value) {
        fmt::format_to(std::back_inserter(to), "{}{{namespace=\"{}\",pod=\"{}\",container=\"{}\"}} {}\n", name, tenant,
                       pod, of.name, value);
    };
    line("container_cpu_usage_seconds_total", std::chrono::duration<double>(of.cpu_time).count());
    line("container_memory_working_set_bytes", static_cast<double>(of.memory_bytes));
    line("container_processes", static_cast<double>(of.process_count));
    line("container_fs_usage_bytes", static_cast<double>(of.written_bytes));
}

/// Of Pods that have been looked at, as the node holds them.
void measure_telling(testing::oci_world& world, std::vector<instance_id> const& pods, int rounds) {
    constexpr char const* tenant = "default";
    auto const name_of = [&](instance_id const& pod) { return "web-5f7d9c6b84-" + pod.text().substr(0, 5); };
    detail::usage_watch watch(world.time(), log(), [&] {
        std::vector<detail::measured_instance> all;
        for (auto const& each : pods) all.push_back({each, tenant, name_of(each), &world.runtime()});
        return all;
    });
    for (int looked = 0; looked < 2; ++looked) world.run(watch.measure());
    auto const used = world.get(world.runtime().measure_usage(pods));
    auto const write_all = [&] {
        std::string text;
        for (auto const& each : used) {
            auto const pod = name_of(each.instance);
            for (auto const& one : each.containers) write_plainly(text, tenant, pod, one);
            fmt::format_to(std::back_inserter(text),
                           "container_network_receive_bytes_total{{namespace=\"{0}\",pod=\"{1}\"}} {2}\n"
                           "container_network_transmit_bytes_total{{namespace=\"{0}\",pod=\"{1}\"}} {3}\n",
                           tenant, pod, static_cast<double>(each.received_bytes), static_cast<double>(each.sent_bytes));
        }
        return text;
    };
    auto const lines_of = [](std::string const& text) { return std::ranges::count(text, '\n'); };
    auto const scraped = prometheus_text(watch.metrics());
    constexpr int head_lines = 2 * 6;
    if (lines_of(scraped) != lines_of(write_all()) + head_lines) throw std::runtime_error("a number is missing");
    auto const many = rounds * 10;
    auto const bare = cost_of(many, write_all);
    auto const scrape = cost_of(many, [&] { return prometheus_text(watch.metrics()); });
    auto const rows = cost_of(many, [&] { return encode(watch.rows()); });
    fmt::print(
        "a scrape of them: {:.2f} ms of a processor, {} bytes; its lines alone: {:.2f} ms; ratio {:.2f}\n"
        "what the node answers for `rikctl top`: {:.2f} ms\n",
        scrape, scraped.size(), bare, scrape / bare, rows);
}

void measure(int containers, int rounds) {
    testing::oci_world world;
    std::vector<instance_id> pods;
    for (int made = 0; made < containers; ++made) {
        pods.push_back(world.make_sandbox());
        world.start(world.request(pods.back(), {"sleep", "1000"}));
    }
    std::set<fs::path> files;
    auto const pids = pids_of(world);
    for (auto const& pid : pids) files.merge(files_of(pid));
    if (static_cast<int>(pids.size()) != containers)
        throw std::runtime_error(fmt::format("{} containers run, not {}", pids.size(), containers));
    auto const look = [&] {
        if (world.get(world.runtime().measure_usage(pods)).size() != pods.size())
            throw std::runtime_error("a container was not measured");
    };
    auto const read_all = [&] {
        for (auto const& each : files) read_file(each);
    };
    look();  // the first one walks over what they have written
    auto const bare = cost_of(rounds, read_all);
    auto const looks = cost_of(rounds, look);
    fmt::print(
        "a look at {} containers: {:.2f} ms of a processor; their {} files of the kernel alone: {:.2f} ms; ratio "
        "{:.2f}\n",
        containers, looks, files.size(), bare, looks / bare);
    measure_telling(world, pods, rounds);
}

int number(std::string_view text) {
    int value = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size() || value <= 0)
        throw std::invalid_argument(fmt::format("\"{}\" is no number above 0", text));
    return value;
}

}  // namespace

}  // namespace rik::bench

int main(int argc, char** argv) {
    int containers = 100;
    int rounds = 20;
    try {
        for (int at = 1; at + 1 < argc; at += 2) {
            auto const name = std::string_view(argv[at]);
            if (name != "--containers" && name != "--rounds")
                throw std::invalid_argument(fmt::format("no option {}", name));
            (name == "--rounds" ? rounds : containers) = rik::bench::number(argv[at + 1]);
        }
        if (argc % 2 == 0) throw std::invalid_argument("an option has no value");
        rik::bench::measure(containers, rounds);
    } catch (std::exception const& failed) {
        fmt::print(stderr, "rik_usage_bench: {}\nusage: rik_usage_bench [--containers N] [--rounds N]\n",
                   failed.what());
        return 1;
    }
}

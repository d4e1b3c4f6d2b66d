// The yardstick of RIK's figures: how fast Pods start when a program makes them by hand, with the same kernel steps and
// tools and nothing else: no API, no store, no scheduler, no records, no seccomp profile. What RIK takes longer is
// RIK's.
//
//   rik_bare_loop [COUNT CONCURRENCY] [--rootfs DIR] [--start runc|fifo] [--root DIR]
//
// CONCURRENCY 1 makes one Pod after the other, and a latency is one Pod's. With more threads all Pods are wanted at the
// beginning, and a latency is the time from there until a Pod runs. Without numbers: 100 in sequence, 50 at once.
#include "bare_pod.hpp"
#include "measure.hpp"

#include <rik/base/hash.hpp>

#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>

#include <unistd.h>

namespace rik::bench {

namespace {

struct load {
    int count = 0;
    int concurrency = 1;
};

struct arguments {
    bare_options options;
    std::vector<load> loads;
};

std::vector<std::unique_ptr<detail::node_interfaces>> make_links(bare_options const& options, int threads) {
    std::vector<std::unique_ptr<detail::node_interfaces>> made;
    for (int thread = 0; thread < threads; ++thread) {
        auto& links = made.emplace_back(std::make_unique<detail::node_interfaces>(options.tag));
        auto const opened = links->open_bridge(ipv4_subnet::parse(options.subnet).value());
        if (!opened) throw std::runtime_error(to_string(opened.error()));
    }
    return made;
}

void print(bare_options const& options, load const& what, std::vector<double> const& latencies, double wall) {
    auto const longest = percentile(latencies, 1);
    fmt::print(
        R"({{"pods": {}, "concurrency": {}, "start": "{}", "p50_ms": {:.1f}, "p99_ms": {:.1f}, "max_ms": {:.1f}, "wall_ms": {:.1f}}})"
        "\n",
        what.count, what.concurrency, options.start == start_step::fifo ? "fifo" : "runc", percentile(latencies, 0.5),
        percentile(latencies, 0.99), longest, wall);
    std::fflush(stdout);
}

void run(bare_options const& options, load const& what) {
    auto links = make_links(options, what.concurrency);
    std::vector<bare_pod> pods;
    for (int number = 0; number < what.count; ++number) pods.emplace_back(options, number);
    std::vector<double> latencies(pods.size());
    std::exception_ptr thrown;
    try {
        auto const begin = steady::now();
        for_each_on(what.concurrency, what.count, [&](int thread, int number) {
            auto const wanted = what.concurrency == 1 ? steady::now() : begin;
            pods[static_cast<std::size_t>(number)].start(*links[static_cast<std::size_t>(thread)]);
            latencies[static_cast<std::size_t>(number)] = milliseconds(steady::now() - wanted);
        });
        print(options, what, latencies, milliseconds(steady::now() - begin));
    } catch (...) {
        thrown = std::current_exception();
    }
    for_each_on(2, what.count, [&](int, int number) { pods[static_cast<std::size_t>(number)].remove(); });
    auto const removed = links.front()->remove_all();
    if (!removed) fmt::print(stderr, "{}\n", to_string(removed.error()));
    remove_cgroups("rik-bare-" + options.tag);
    if (thrown) std::rethrow_exception(thrown);
}

arguments parse(std::vector<std::string> const& given) {
    arguments parsed;
    parsed.options.root = "/run";
    std::vector<int> numbers;
    for (std::size_t i = 0; i < given.size(); ++i) {
        auto const value = [&] { return i + 1 < given.size() ? given[++i] : throw std::runtime_error("no value"); };
        if (given[i] == "--rootfs") {
            parsed.options.rootfs = value();
        } else if (given[i] == "--root") {
            parsed.options.root = value();
        } else if (given[i] == "--start") {
            parsed.options.start = value() == "runc" ? start_step::runc : start_step::fifo;
        } else {
            numbers.push_back(std::stoi(given[i]));
        }
    }
    parsed.loads = {{.count = 100, .concurrency = 1}, {.count = 50, .concurrency = 3}};
    if (numbers.size() == 2) parsed.loads = {{.count = numbers[0], .concurrency = numbers[1]}};
    return parsed;
}

void run_all(arguments what) {
    auto pattern = (what.options.root / "rik-bare-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    what.options.root = pattern;
    what.options.tag = short_tag(pattern);
    what.options.subnet = free_ranges(1).front();
    std::exception_ptr thrown;
    try {
        if (what.options.rootfs.empty()) {
            what.options.rootfs = what.options.root / "image";
            make_busybox_rootfs(what.options.rootfs);
        }
        for (auto const& each : what.loads) run(what.options, each);
    } catch (...) {
        thrown = std::current_exception();
    }
    fs::remove_all(pattern);
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

}  // namespace rik::bench

int main(int count, char** given) try {
    rik::bench::run_all(rik::bench::parse({given + 1, given + count}));
} catch (std::exception const& failure) {
    fmt::print(stderr, "rik_bare_loop: {}\n", failure.what());
    return 1;
}

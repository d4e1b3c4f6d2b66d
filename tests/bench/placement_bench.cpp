// How many placements a second on 5,000 nodes, beside a bare lower bound in the same run: the best of 5,000 plain
// numbers, found by looking at each of them, for every request. Processor time, so that a busy machine changes little.
// rik_placement_bench [NODES]
#include <rik/placement/placement.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace rik;

namespace {

constexpr unsigned requests_per_run = 1'000;
constexpr double round_s = 0.5;
constexpr std::int64_t mebi = std::int64_t{1} << 20;

double processor_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Seconds of processor time that one call of `work` takes.
double time_of(std::function<void()> const& work) {
    work();
    auto const begun = processor_s();
    unsigned calls = 0;
    for (; processor_s() - begun < round_s; ++calls) work();
    return (processor_s() - begun) / calls;
}

struct asking {
    std::int64_t cpu = 100;
    std::int64_t memory = 64 * mebi;
    std::uint16_t host_port = 0;
};

class bench {
public:
    explicit bench(unsigned node_count) : node_count_(node_count) {
        for (unsigned i = 0; i < node_count; ++i)
            nodes_.set_node(candidate_of(node_id::generate(random_), facts_of(i)));
    }

    /// Nodes differ in what they hold: `percent` of all, more or less.
    void fill(unsigned percent) {
        std::vector<node_id> ids;
        for (auto const& [id, node] : nodes_.nodes()) ids.push_back(id);
        auto const each_cpu = 64'000 * static_cast<std::int64_t>(percent) / 100 / 10;
        for (auto const& id : ids)
            for (int i = 0; i < 10; ++i) {
                auto const cpu =
                    each_cpu / 2 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(each_cpu)));
                auto const memory = static_cast<std::int64_t>(random_.below(2 * percent * 262 / 10)) * mebi;
                nodes_.reserve(instance_id::generate(random_), id, make({cpu, memory}));
            }
    }

    /// Machines are in use, whoever uses them.
    void load() {
        std::vector<node_id> ids;
        for (auto const& [id, node] : nodes_.nodes()) ids.push_back(id);
        for (auto const& id : ids) nodes_.set_load(id, static_cast<std::int64_t>(random_.below(8)));
    }

    release_ptr make(asking const& what) {
        release made{.id = release_id::generate(random_)};
        container_definition container{.name = "main", .image = "web:1"};
        if (what.host_port != 0) container.ports.push_back({.port = 80, .host_port = what.host_port});
        workload_definition definition;
        definition.spec.containers.push_back(std::move(container));
        made.definition = std::make_shared<workload_definition const>(std::move(definition));
        made.requests.set(resource::cpu, what.cpu);
        made.requests.set(resource::memory, what.memory);
        made.requests.set(resource::pods, 1);
        return std::make_shared<release const>(std::move(made));
    }

    void measure(std::string_view what, std::size_t releases, std::function<asking(unsigned)> const& of,
                 placement_policy const& policy = default_policy()) {
        std::vector<release_ptr> made;
        for (unsigned i = 0; i < releases; ++i) made.push_back(make(of(i)));
        std::vector<place_request> requests;
        for (unsigned i = 0; i < requests_per_run; ++i)
            requests.push_back({instance_id::generate(random_), made[i % releases]});
        measure(what, requests, policy);
    }

    void measure_one() {
        std::vector<place_request> const one{{instance_id::generate(random_), make({})}};
        measure("one request a call", one, default_policy());
    }

    std::uint64_t random(std::uint64_t below) { return random_.below(below); }

private:
    static node_facts facts_of(unsigned number) {
        node_facts facts{.name = fmt::format("node-{}", number), .runtimes = {"oci"}};
        facts.capacity.set(resource::cpu, 64'000);
        facts.capacity.set(resource::memory, (std::int64_t{256} << 30) - number % 7 * 4096);
        facts.capacity.set(resource::storage, std::int64_t{1} << 40);
        facts.capacity.set(resource::pods, 400);
        return facts;
    }

    void measure(std::string_view what, std::vector<place_request> const& requests, placement_policy const& policy) {
        std::size_t placed = 0;
        auto const run_s = time_of([&] { placed = place(nodes_, requests, policy).placed.size(); });
        auto const each_us = 1e6 * run_s / static_cast<double>(requests.size());
        fmt::print("{:<56} {:>9.2f} {:>12.0f} {:>8} {:>9.2f}\n", what, each_us, 1e6 / each_us, placed,
                   each_us / bare_us());
    }

    /// The least that looking at every node costs: one number each.
    double bare_us() {
        if (bare_us_ != 0) return bare_us_;
        std::vector<std::int64_t> left(node_count_);
        for (auto& each : left) each = static_cast<std::int64_t>(random_.below(1'000));
        std::uint64_t volatile sum = 0;
        auto const scan = [&] {
            std::size_t best = 0;
            for (std::size_t i = 1; i < left.size(); ++i)
                if (left[i] > left[best]) best = i;
            sum = sum + best;
            --left[best];
        };
        auto const scans = [&] {
            for (unsigned i = 0; i < requests_per_run; ++i) scan();
        };
        return bare_us_ = 1e6 * time_of(scans) / requests_per_run;
    }

    unsigned node_count_;
    seeded_entropy random_{1};
    cluster_view nodes_;
    double bare_us_ = 0;
};

void measure_all(bench& on) {
    auto const equal = [](unsigned) { return asking{}; };
    auto const distinct = [](unsigned i) { return asking{100 + i, (64 + i % 50) * mebi}; };
    on.measure("1 release", 1, equal);
    on.measure("10 releases of equal requests, in turn", 10, equal);
    on.measure("1,000 releases of equal requests", 1'000, equal);
    on.measure("1,000 releases of distinct requests", 1'000, distinct);
    on.measure("1,000 distinct requests of random sizes", 1'000, [&on](unsigned) {
        auto const cpu = static_cast<std::int64_t>(50 + on.random(4'000));
        return asking{cpu, static_cast<std::int64_t>(16 + on.random(16'000)) * mebi};
    });
    on.measure("1,000 distinct requests, each with one of 20 host ports", 1'000, [&](unsigned i) {
        return asking{100 + i, 64 * mebi, static_cast<std::uint16_t>(8'000 + i % 20)};
    });
    on.measure("1,000 distinct requests, a tenth fits nowhere", 1'000, [&](unsigned i) {
        return i % 10 == 0 ? asking{100'000 + i, 64 * mebi} : distinct(i);
    });
    on.measure("1,000 releases of equal requests that fit nowhere", 1'000, [](unsigned) { return asking{100'000}; });
    on.measure("1,000 distinct requests that fit nowhere", 1'000, [](unsigned i) { return asking{100'000 + i}; });
    on.measure("1,000 distinct requests, some nodes lack one, all another", 1'000, [](unsigned i) {
        return asking{20'000 + i * 20, (std::int64_t{300} << 30) + i};
    });
    on.measure_one();
}

}  // namespace

int main(int argc, char* argv[]) {
    auto const node_count = static_cast<unsigned>(argc > 1 ? std::atoi(argv[1]) : 5'000);
    bench on(node_count);
    fmt::print("{:<56} {:>9} {:>12} {:>8} {:>9}\n", fmt::format("{} nodes, empty", node_count), "us each", "a second",
               "placed", "x bare");
    measure_all(on);
    on.fill(60);
    fmt::print("{} nodes, some 60 % taken\n", node_count);
    measure_all(on);
    on.load();
    fmt::print("the same, machines in use by 0 to 7 eighths at random\n");
    measure_all(on);
}

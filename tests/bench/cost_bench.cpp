// What many instances cost, on the real roles in virtual time, in processor time: from creation until all are bound,
// one status report in the primary, one look of the keeper at a workload, and memory. Beside each a bare lower bound:
// the texts of the same rows in a plain std::map, for looks a visit of each row, for memory the text. Each figure comes
// from a process of its own.
//
// Creation has everything in it that the process does until the last is bound: primary, scheduler, the nodes, which
// start what is bound to them meanwhile, and the simulation's links, disk and clock. Not in it: the start of the
// cluster, and the events that are written a second later (see event_backlog: 1,000 at most, for the one workload).
//
//   rik_cost_bench [--only creation|ready|reports|looks|memory] [--sizes N,N,...] [--nodes N,N,...] [--create N]
//   [--reports N]
#include "filled_cluster.hpp"
#include "measured_primary.hpp"

#include "primary/count_ledger_detail.hpp"
#include "primary/workload_scene_detail.hpp"

#include <rik/sim/cluster.hpp>
#include <rik/store/store.hpp>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::bench {

namespace {

using namespace std::chrono_literals;

struct arguments {
    std::string only = {};
    std::vector<std::size_t> sizes = {10'000, 100'000, 1'000'000};
    std::vector<std::size_t> look_sizes = {1'000, 10'000, 100'000};
    std::vector<std::size_t> nodes = {1'000, 5'000};
    std::size_t create = 10'000;
    std::size_t reports = 10'000;
};

double processor_us() { return 1e6 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Figures of a process must not depend on what another figure has left in its memory.
void in_a_child(std::function<void()> const& work) {
    std::fflush(stdout);
    auto const child = ::fork();
    if (child < 0) give_up("fork has failed");
    if (child == 0) {
        work();
        std::fflush(stdout);
        std::_Exit(0);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0) give_up("a measurement has failed");
}

std::size_t allocated_bytes() {
    auto const info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

std::size_t resident_bytes() {
    ::malloc_trim(0);
    std::ifstream file("/proc/self/statm");
    std::size_t total = 0;
    std::size_t resident = 0;
    file >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// The least that there is to do for a row: to find its place, make its text, and keep that.
class plain_rows {
public:
    void put(instance const& row) { texts_[row.id()] = encode(row); }

private:
    std::map<instance_id, std::string> texts_;
};

// Creation

double bare_creation_us(std::size_t count) {
    filled_cluster const filled({.instances = count, .nodes = 1, .state = instance_state::pending});
    auto const rows = decoded_instances(filled.contents());
    plain_rows kept;
    auto const begun = processor_us();
    for (auto const& row : rows) kept.put(row);
    for (auto const& row : rows) kept.put(row);
    return (processor_us() - begun) / static_cast<double>(count);
}

std::string deployment_of(std::size_t replicas) {
    return fmt::format(
        R"({{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"web"}},"spec":{{)"
        R"("replicas":{},"selector":{{"matchLabels":{{"app":"web"}}}},"template":{{"metadata":{{)"
        R"("labels":{{"app":"web"}}}},"spec":{{"containers":[{{"name":"main","image":"web:1"}}]}}}}}}}})",
        replicas);
}

awaitable<> apply(sim::cluster& cluster, std::string definition) {
    auto parsed = parse_definition(definition);
    auto applying = cluster.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
    auto const applied = co_await std::move(applying);
    if (!applied) give_up(to_string(applied.error()));
}

awaitable<> create_bare(sim::cluster& cluster, std::size_t count) {
    std::string const pod =
        R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"containers":[{"name":"main","image":"web:1"}]}})";
    auto const id = co_await cluster.create(pod, static_cast<std::uint32_t>(std::min<std::size_t>(count, 10'000)));
    for (auto done = std::min<std::size_t>(count, 10'000); done < count; done += 10'000) {
        create_instances_request request{.workload = id};
        request.replicas = static_cast<std::uint32_t>(std::min<std::size_t>(count - done, 10'000));
        auto const made = co_await cluster.api().instances().create(caller(), std::move(request));
        if (!made) give_up(to_string(made.error()));
    }
}

/// Counted by the primary's ledger, which costs no look at the instances: a thousandth of what is measured.
awaitable<> until_bound(sim::cluster& cluster, sim::world& world, std::size_t count) {
    auto const listed = co_await cluster.api().nodes().list(caller(), page());
    std::vector<node_id> ids;
    for (auto const& each : listed->rows) ids.push_back(each->id);
    for (;;) {
        auto const used = co_await cluster.api().nodes().usage(caller(), ids);
        std::size_t bound = 0;
        for (auto const& each : *used) bound += each.instances_count;
        if (bound == count) co_return;
        co_await world.time().sleep_for(1ms);
    }
}

awaitable<> create(sim::cluster& cluster, sim::world& world, std::size_t count, bool is_kept) {
    auto creating = is_kept ? apply(cluster, deployment_of(count)) : create_bare(cluster, count);
    co_await std::move(creating);
    co_await until_bound(cluster, world, count);
}

void measure_creation(std::size_t nodes, std::size_t count, bool is_kept) {
    sim::world world(1);
    sim::cluster_options options{.nodes = nodes, .is_checked = false};
    sim::cluster cluster(world, options);
    world.run(cluster.start());
    auto const begun = processor_us();
    world.run(create(cluster, world, count, is_kept));
    auto const each_us = (processor_us() - begun) / static_cast<double>(count);
    auto const bare_us = bare_creation_us(count);
    fmt::print("{:<42} {:>9.1f} {:>11.0f} {:>9.1f}\n",
               fmt::format("{} {}, {} nodes", count, is_kept ? "of a Deployment" : "bare", nodes), each_us,
               1e6 / each_us, each_us / bare_us);
    std::fflush(stdout);
    std::_Exit(0);  // the cluster stops as it has started: node by node, which is not measured
}

void measure_creations(arguments const& asked) {
    fmt::print("{:<42} {:>9} {:>11} {:>9}\n", "creation to bound", "us each", "a second", "x bare");
    for (auto const nodes : asked.nodes)
        for (bool const is_kept : {false, true}) in_a_child([&] { measure_creation(nodes, asked.create, is_kept); });
}

// From creation until all are ready, in virtual time, which the load of the machine does not change

awaitable<> until_ready(sim::cluster& cluster, sim::world& world, std::size_t count) {
    for (;;) {
        auto const rows = co_await cluster.api().instances().list(caller(), instance_filter(), page());
        std::size_t ready = 0;
        for (auto const& each : rows->rows) ready += each->status().ready ? 1 : 0;
        if (ready == count) co_return;
        co_await world.time().sleep_for(100us);
    }
}

awaitable<> create_until_ready(sim::cluster& cluster, sim::world& world, std::size_t count, bool is_kept) {
    auto creating = is_kept ? apply(cluster, deployment_of(count)) : create_bare(cluster, count);
    co_await std::move(creating);
    co_await until_ready(cluster, world, count);
}

duration virtual_time_to_ready(std::uint64_t seed, std::size_t count, bool is_kept) {
    sim::world world(seed);
    sim::cluster_options options{.nodes = 5, .is_checked = false};
    options.link_delay_max = options.flush_delay_max = 5ms;
    sim::cluster cluster(world, options);
    world.run(cluster.start());
    auto const begun = world.time().now();
    world.run(create_until_ready(cluster, world, count, is_kept));
    return world.time().now() - begun;
}

/// The median of eleven seeds: links and disks of the simulation are late at random.
void measure_readiness(std::size_t count) {
    auto const median = [&](bool is_kept) {
        std::vector<duration> all;
        for (std::uint64_t seed = 1; seed <= 11; ++seed) all.push_back(virtual_time_to_ready(seed, count, is_kept));
        std::ranges::sort(all);
        return static_cast<double>(all[all.size() / 2].count()) / 1e6;
    };
    auto const bare_ms = median(false);
    auto const kept_ms = median(true);
    fmt::print("{:<42} {:>9.2f} {:>11.2f} {:>9.2f}\n", fmt::format("{}, 5 nodes", count), bare_ms, kept_ms,
               kept_ms / bare_ms);
}

void measure_readinesses() {
    fmt::print("{:<42} {:>9} {:>11} {:>9}\n", "creation to ready, ms of virtual time", "bare", "Deployment", "ratio");
    for (auto const count : {std::size_t{50}, std::size_t{500}}) in_a_child([&] { measure_readiness(count); });
}

// Reports

double bare_report_us(filled_cluster const& filled, std::size_t count) {
    auto const rows = decoded_instances(filled.contents());
    plain_rows kept;
    for (auto const& row : rows) kept.put(row);
    auto const step = std::max<std::size_t>(rows.size() / count, 1);
    auto const begun = processor_us();
    for (std::size_t i = 0; i < count; ++i) kept.put(rows[i * step % rows.size()]);
    return (processor_us() - begun) / static_cast<double>(count);
}

void measure_report(std::size_t instances, std::size_t workloads, std::size_t count) {
    filled_cluster filled({.instances = instances, .workloads = workloads, .state = instance_state::creating});
    auto const bare_us = bare_report_us(filled, count);
    sim::world world(1);
    measured_primary primary(world, filled.take_contents());
    world.run(primary.start());
    auto const all = spread_over(filled.instances(), count);
    auto const half = all.size() / 2;
    auto const measure = [&](std::size_t from, std::size_t to, duration pause) {
        auto const begun = processor_us();
        world.run(primary.report(
            {all.begin() + static_cast<std::ptrdiff_t>(from), all.begin() + static_cast<std::ptrdiff_t>(to)}, pause));
        return (processor_us() - begun) / static_cast<double>(to - from);
    };
    auto const at_once_us = measure(0, half, 0s);
    auto const with_looks_us = measure(half, all.size(), 100ms);
    fmt::print("{:<42} {:>9.1f} {:>9.1f} {:>11.1f}\n", fmt::format("{} of {}", instances, workloads), at_once_us,
               at_once_us / bare_us, with_looks_us);
    std::fflush(stdout);
    std::_Exit(0);
}

void measure_reports(arguments const& asked) {
    fmt::print("{:<42} {:>9} {:>9} {:>11}\n", "a status report; instances of workloads", "us each", "x bare",
               "with looks");
    for (auto const size : asked.sizes)
        for (auto const workloads : {std::size_t{1}, std::max<std::size_t>(size / 100, 1)})
            in_a_child([&] { measure_report(size, workloads, std::min(asked.reports, size)); });
}

// Looks

double look_us(std::function<workload_plan()> const& plan_anew) {
    constexpr double round_us = 3e5;
    std::size_t looks = 0;
    auto const begun = processor_us();
    for (; looks < 3 || processor_us() - begun < round_us; ++looks) {
        auto const plan = plan_anew();
        if (!plan.creations.empty() || !plan.removals.empty()) give_up("the workload is not at rest");
    }
    return (processor_us() - begun) / static_cast<double>(looks);
}

awaitable<> look(store& rows, workload_id which) {
    auto const opened = co_await rows.open();
    if (!opened) give_up(to_string(opened.error()));
    auto const& head = rows.head();
    auto const wanted = head.find<workload>(which);
    auto const now = wanted->created_at + 1h;
    auto const all_us = look_us([&] { return detail::plan_of(detail::look_at(head, wanted, {}, now), nullptr, now); });

    detail::count_ledger ledger;
    for (auto const& each : head.list<instance>()) ledger.add(*each);
    auto const& counts = *ledger.find(which);
    if (!is_at_rest(*wanted, counts)) give_up("the workload is not at rest");
    auto const before = detail::plan_of(detail::look_at(head, wanted, {}, now), nullptr, now).progress;
    auto const counts_us =
        look_us([&] { return detail::plan_of(detail::look_at_releases(head, wanted), counts, before, now); });
    fmt::print("{:<42} {:>9.0f} {:>9.3f} {:>9.1f}", wanted->replicas, all_us, all_us / wanted->replicas, counts_us);
}

/// To visit each row in a plain map once.
double bare_look_us(filled_cluster const& filled) {
    std::map<instance_id, std::shared_ptr<instance const>> kept;
    for (auto const& row : decoded_instances(filled.contents()))
        kept.emplace(row.id(), std::make_shared<instance const>(row));
    std::size_t volatile ready = 0;
    constexpr int rounds = 10;
    auto const begun = processor_us();
    for (int i = 0; i < rounds; ++i)
        for (auto const& [id, row] : kept) ready = ready + (row->status().ready ? 1 : 0);
    return (processor_us() - begun) / rounds;
}

void measure_look(std::size_t instances) {
    filled_cluster filled({.instances = instances});
    auto const bare_us = bare_look_us(filled) / static_cast<double>(instances);
    asio::io_context io(1);
    seeded_entropy random(1);
    filled_journal disk(filled.take_contents());
    store rows(io.get_executor(), disk, random);
    asio::co_spawn(io, look(rows, filled.workloads().front()), [](std::exception_ptr) {});
    io.run();
    fmt::print(" {:>11.3f}\n", bare_us);
}

void measure_looks(arguments const& asked) {
    fmt::print("{:<42} {:>9} {:>9} {:>9} {:>11}\n", "a look at a Deployment of", "us", "us each", "at rest",
               "bare each");
    for (auto const size : asked.look_sizes) in_a_child([&] { measure_look(size); });
}

// Memory

/// Of the releases, nodes and workload, too: they are few.
void measure_memory(std::size_t instances, instance_state state) {
    std::optional<filled_cluster> filled(std::in_place, filling{.instances = instances, .state = state});
    auto const text = static_cast<double>(filled->text_bytes()) / static_cast<double>(instances);
    auto contents = filled->take_contents();
    filled.reset();
    asio::io_context io(1);
    seeded_entropy random(1);
    auto disk = std::make_unique<filled_journal>(std::move(contents));
    store rows(io.get_executor(), *disk, random);
    auto opening = rows.open();
    asio::co_spawn(io, std::move(opening), [&](std::exception_ptr, result<void> const& opened) {
        if (!opened) give_up(to_string(opened.error()));
    });
    io.run();
    auto const allocated = static_cast<double>(allocated_bytes());
    auto const each = allocated / static_cast<double>(instances);
    fmt::print("{:<42} {:>9.0f} {:>11.0f} {:>9.2f}\n", fmt::format("{} {}", instances, to_string(state)), each,
               static_cast<double>(resident_bytes()) / static_cast<double>(instances), each / text);
    std::fflush(stdout);
    std::_Exit(0);
}

void measure_memories(arguments const& asked) {
    fmt::print("{:<42} {:>9} {:>11} {:>9}\n", "store, bytes for each instance", "in use", "resident", "x text");
    for (auto const size : asked.sizes)
        for (auto const state : {instance_state::pending, instance_state::running})
            in_a_child([&] { measure_memory(size, state); });
}

std::vector<std::size_t> parse_numbers(std::string_view text) {
    std::vector<std::size_t> all;
    while (!text.empty()) {
        auto const one = text.substr(0, text.find(','));
        all.push_back(std::strtoull(std::string(one).c_str(), nullptr, 10));
        text.remove_prefix(std::min(one.size() + 1, text.size()));
    }
    return all;
}

arguments parse(int argc, char* argv[]) {
    arguments asked;
    for (int i = 1; i + 1 < argc; i += 2) {
        std::string_view const name = argv[i];
        std::string_view const value = argv[i + 1];
        if (name == "--only") asked.only = value;
        if (name == "--sizes") asked.sizes = asked.look_sizes = parse_numbers(value);
        if (name == "--nodes") asked.nodes = parse_numbers(value);
        if (name == "--create") asked.create = parse_numbers(value).at(0);
        if (name == "--reports") asked.reports = parse_numbers(value).at(0);
    }
    return asked;
}

}  // namespace

}  // namespace rik::bench

int main(int argc, char* argv[]) {
    using namespace rik::bench;
    auto const asked = parse(argc, argv);
    auto const is_wanted = [&](std::string_view part) { return asked.only.empty() || asked.only == part; };
    if (is_wanted("creation")) measure_creations(asked);
    if (is_wanted("ready")) measure_readinesses();
    if (is_wanted("reports")) measure_reports(asked);
    if (is_wanted("looks")) measure_looks(asked);
    if (is_wanted("memory")) measure_memories(asked);
}

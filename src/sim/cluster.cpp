#include <rik/sim/cluster.hpp>

#include "checkers_detail.hpp"
#include "links_detail.hpp"

#include <rik/sim/faulty_disk.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace rik::sim {

namespace {

constexpr duration look_again = std::chrono::milliseconds(10);
error const crashed{errc::unavailable, "the process has crashed"};

node_facts facts_of(std::size_t index, cluster_options const& options) {
    node_facts facts{.name = fmt::format("node-{}", index), .boot_id = "boot-1", .version = "sim"};
    facts.capacity.set(resource::cpu, options.cpu_milli_per_node);
    facts.capacity.set(resource::memory, options.memory_per_node);
    facts.capacity.set(resource::pods, options.pods_per_node);
    return facts;
}

/// Room for any number of nodes, each with a subnet of its own.
primary_options primary_options_for(cluster_options const& options) {
    primary_options made{.policy = options.policy, .out = options.out};
    made.unheard_after = options.unheard_after;
    made.batch = options.batch;
    auto const default_subnets = std::size_t{1} << 8;  // of a /16 in /24
    if (options.nodes <= default_subnets) return made;
    constexpr unsigned whole_bits = 8;
    made.cluster_cidr = "10.0.0.0/8";
    made.node_prefix_bits = std::max(24u, whole_bits + static_cast<unsigned>(std::bit_width(options.nodes - 1)));
    return made;
}

bool offers(cluster_options const& options, std::size_t index, std::string_view runtime) {
    if (index >= options.runtimes.size()) return true;
    return std::ranges::find(options.runtimes[index], runtime) != options.runtimes[index].end();
}

std::vector<node_runtime> runtimes_of(machine& under, std::size_t index, cluster_options const& options) {
    std::vector<node_runtime> all;
    if (offers(options, index, "oci")) all.push_back({under, under});
    if (offers(options, index, "microvm")) all.push_back({under.microvms(), under});
    return all;
}

string_map missing_runtimes_of(std::size_t index, cluster_options const& options) {
    string_map missing;
    for (auto const* const each : {"oci", "microvm"})
        if (!offers(options, index, each)) missing.emplace(each, fmt::format("no runtime {} in this simulation", each));
    return missing;
}

/// Whoever misuses a cluster is told so, where it happens.
void require(bool is_right, std::string_view what) {
    if (!is_right) throw std::logic_error(fmt::format("sim::cluster: {}", what));
}

}  // namespace

/// A process: its role and its view of the disk. The disk's contents outlive it.
struct cluster::primary_process {
    primary_process(world& in, std::shared_ptr<memory_disk> contents, links& wires, cluster_options const& options)
        : disk(in, std::move(contents), options.flush_delay_max),
          role(in.executor(), {in.time(), in.random(), disk, wires.at_primary.uplink, wires.streams},
               primary_options_for(options)) {}
    faulty_disk disk;
    primary role;
};

struct cluster::scheduler_process {
    scheduler_process(world& in, scheduler_doors& doors, cluster_options const& options)
        : role(in.executor(), {in.time(), doors.from_primary, doors.from_nodes},
               {.policy = options.policy,
                .out = options.out,
                .unheard_after = options.unheard_after,
                .batch = options.batch}) {}
    scheduler role;
};

struct cluster::node_process {
    node_process(world& in, std::shared_ptr<memory_disk> contents, links& wires, std::size_t index, machine& under,
                 cluster_options const& options)
        : disk(in, std::move(contents), options.flush_delay_max),
          role(in.executor(),
               {in.time(), in.random(), disk, wires.at_node[index].uplink, wires.at_node[index].streams,
                runtimes_of(under, index, options), under, under, under, missing_runtimes_of(index, options)},
               {.version = "sim", .out = options.out, .batch = options.batch}) {
        disk.fail_with(under.faults.disk_error);
    }
    faulty_disk disk;
    node_agent role;
};

cluster::cluster(world& in, cluster_options options) : world_(in), options_(std::move(options)) {
    links_ = std::make_unique<links>(world_, options_);
    checkers_ = std::make_unique<checkers>();
    nodes_.resize(options_.nodes);
    for (std::size_t index = 0; index < options_.nodes; ++index) {
        auto facts = facts_of(index, options_);
        auto const name = facts.name;
        machines_.push_back(std::make_unique<machine>(world_.executor(), world_.time(), std::move(facts)));
        if (options_.is_checked) checkers_->add(name, *machines_.back());
    }
}

cluster::~cluster() {
    // A scenario that threw left roles behind.
    try {
        world_.run(stop());
    } catch (std::exception const&) {
        // What it threw before is what its test reports.
    }
}

awaitable<> cluster::start() {
    co_await start_primary();
    co_await start_scheduler();
    for (std::size_t index = 0; index < nodes_.size(); ++index) co_await start_node(index);
    for (;;) {
        auto const known = co_await api().nodes().list(caller(), page());
        if (known && known->rows.size() >= nodes_.size()) co_return;
        co_await world_.time().sleep_for(look_again);
    }
}

awaitable<> cluster::stop() {
    for (auto& each : nodes_) {
        if (each) co_await each->role.stop();
        each.reset();
    }
    if (scheduler_) co_await scheduler_->role.stop();
    scheduler_.reset();
    if (old_scheduler_) co_await stop_old_scheduler();
    if (primary_) co_await primary_->role.stop();
    primary_.reset();
    co_await links_->stop();
}

bool cluster::has_primary() const { return primary_ != nullptr; }
operations& cluster::api() {
    require(has_primary(), "there is no primary: it has crashed; call start_primary");
    return primary_->role;
}
machine& cluster::node(std::size_t index) { return *machines_.at(index); }
std::size_t cluster::node_count() const { return machines_.size(); }

awaitable<> cluster::crash_primary() {
    require(has_primary(), "crash_primary: there is no primary to crash");
    primary_->disk.fail(crashed);
    co_await primary_->role.stop();
    primary_.reset();
}

awaitable<> cluster::start_primary() {
    require(!has_primary(), "start_primary: the primary is there already");
    primary_ = std::make_unique<primary_process>(world_, links_->primary_contents, *links_, options_);
    if (options_.is_checked)
        primary_->disk.watch([this](std::vector<journal_entry> const& batch) { checkers_->primary_wrote(batch); });
    auto const started = co_await primary_->role.start();
    if (!started) throw std::runtime_error(to_string(started.error()));
}

awaitable<> cluster::crash_scheduler() {
    require(scheduler_ != nullptr, "crash_scheduler: there is no scheduler to crash");
    auto const crashing = std::move(scheduler_);
    co_await crashing->role.stop();
}

awaitable<> cluster::start_scheduler() {
    require(scheduler_ == nullptr, "start_scheduler: the scheduler is there already");
    scheduler_ = std::make_unique<scheduler_process>(world_, links_->open_doors(), options_);
    scheduler_->role.start();
    co_return;
}

bool cluster::has_scheduler() const { return scheduler_ != nullptr; }

void cluster::leave_scheduler_behind() {
    require(has_scheduler(), "leave_scheduler_behind: there is no scheduler");
    require(old_scheduler_ == nullptr, "leave_scheduler_behind: one was left behind already");
    old_scheduler_ = std::move(scheduler_);
    links_->open_index = 1 - links_->open_index;
    silence_primary_link();
    links_->at_primary.board.turn_to(links_->open_doors().from_primary);
    mend_primary_link();
    for (auto& each : links_->at_node) each.board.turn_to(links_->open_doors().from_nodes);
    scheduler_ = std::make_unique<scheduler_process>(world_, links_->open_doors(), options_);
    scheduler_->role.start();
}

void cluster::dial_old_scheduler(std::size_t index, bool is_old) {
    auto& doors = is_old ? links_->old_doors() : links_->open_doors();
    links_->at_node.at(index).turn_to(doors.from_nodes);
}

awaitable<> cluster::stop_old_scheduler() {
    require(old_scheduler_ != nullptr, "stop_old_scheduler: no scheduler was left behind");
    for (auto& each : links_->at_node) each.board.turn_to(links_->open_doors().from_nodes);
    auto const stopping = std::move(old_scheduler_);
    co_await stopping->role.stop();
}

held_digest cluster::said_digest(std::size_t index) const { return links_->at_node.at(index).digest; }

std::size_t cluster::inventory_count() const {
    std::size_t count = 0;
    for (auto const& each : links_->at_node) count += each.inventories_asked;
    return count;
}

awaitable<> cluster::crash_node(std::size_t index) {
    auto& process = nodes_.at(index);
    require(process != nullptr, fmt::format("crash_node: the agent of node-{} is not there", index));
    process->disk.fail(crashed);
    co_await process->role.stop();
    process.reset();
}

awaitable<> cluster::start_node(std::size_t index) {
    auto const started = co_await try_start_node(index);
    if (!started) throw std::runtime_error(to_string(started.error()));
}

awaitable<result<void>> cluster::try_start_node(std::size_t index) {
    auto& process = nodes_.at(index);
    require(process == nullptr, fmt::format("start_node: the agent of node-{} is there already", index));
    checkers_->power_on(fmt::format("node-{}", index));
    process = std::make_unique<node_process>(world_, links_->node_contents.at(index), *links_, index,
                                             *machines_.at(index), options_);
    auto const started = co_await process->role.start();
    if (!started) process.reset();
    co_return started;
}

awaitable<> cluster::power_off(std::size_t index) {
    if (nodes_.at(index)) co_await crash_node(index);
    machines_.at(index)->power_off();
    checkers_->power_off(fmt::format("node-{}", index));
}

void cluster::cut_link(std::size_t index) { links_->at_node.at(index).cut(); }
void cluster::silence_link(std::size_t index) { links_->at_node.at(index).silence(); }
void cluster::mend_link(std::size_t index) { links_->at_node.at(index).mend(); }
void cluster::cut_primary_link() { links_->at_primary.cut(); }
void cluster::silence_primary_link() { links_->at_primary.silence(); }
void cluster::mend_primary_link() { links_->at_primary.mend(); }
void cluster::fail_primary_disk(error why) {
    require(has_primary(), "fail_primary_disk: there is no primary");
    primary_->disk.fail(std::move(why));
}

std::string const& cluster::violations() const { return checkers_->violations(); }
std::size_t cluster::unused_releases_count() const { return checkers_->unused_releases_count(); }

awaitable<workload_id> cluster::create(std::string definition, std::uint32_t count) {
    auto parsed = parse_definition(definition);
    if (!parsed.found.empty()) throw std::runtime_error(to_string(summarize(parsed.found)));
    auto const made = co_await api().workloads().create(caller(), std::move(parsed.definition));
    if (!made) throw std::runtime_error(to_string(made.error()));
    create_instances_request request{.workload = made->row->id, .replicas = count};
    auto const instances = co_await api().instances().create(caller(), std::move(request));
    if (!instances) throw std::runtime_error(to_string(instances.error()));
    co_return made->row->id;
}

awaitable<> cluster::until(std::function<bool(std::vector<stored<instance>> const&)> is_true, duration limit) {
    auto const end = world_.time().now() + limit;
    for (;;) {
        auto const rows = co_await api().instances().list(caller(), instance_filter(), page());
        if (rows && is_true(rows->rows)) co_return;
        if (world_.time().now() >= end) {
            std::string seen;
            if (rows)
                for (auto const& each : rows->rows)
                    seen += fmt::format("\n  {}: {} {}: {}", each->name(), to_string(each->state()),
                                        each->status().reason, each->status().message);
            throw std::runtime_error("what was waited for has not come true; there is:" + seen);
        }
        co_await world_.time().sleep_for(look_again);
    }
}

std::function<bool(std::vector<stored<instance>> const&)> all_running(std::size_t count) {
    return [count](std::vector<stored<instance>> const& rows) {
        return rows.size() == count && std::all_of(rows.begin(), rows.end(), [](auto const& row) {
                   return row->state() == instance_state::running;
               });
    };
}

bool none_left(std::vector<stored<instance>> const& rows) { return rows.empty(); }

}  // namespace rik::sim

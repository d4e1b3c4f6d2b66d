// What real connections cost with many nodes: hollow nodes, which say that everything they are told to run runs, over
// gRPC to a scheduler in a process of its own, and beside it the same over links in one process.
//
//   rik_link_bench RIK [--nodes N] [--instances N] [--beats SECONDS]
#include "measure.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/task_group.hpp>
#include <rik/link/grpc_link.hpp>
#include <rik/link/local_link.hpp>
#include <rik/model/definition.hpp>
#include <rik/primary/primary.hpp>
#include <rik/runtime/process.hpp>
#include <rik/scheduler/scheduler.hpp>
#include <rik/store/memory_journal.hpp>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rik::bench {

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 5min;

struct arguments {
    std::string program;
    int nodes = 500;
    int instances = 10'000;
    int beats_seconds = 10;  ///< how long nothing but heartbeats is sent
};

template <class T>
T must(result<T> given) {
    if (!given) throw std::runtime_error(to_string(given.error()));
    if constexpr (!std::is_void_v<T>) return std::move(*given);
}

/// A node without a machine.
class hollow_node {
public:
    hollow_node(clock& time, entropy& random, connector<uplink_session>& link, int number)
        : time_(time), link_(link), id_(node_id::generate(random)) {
        facts_ = node_facts{.name = fmt::format("hollow-{}", number), .boot_id = "boot", .version = "bench"};
        facts_.capacity.set(resource::cpu, 1'000'000);
        facts_.capacity.set(resource::memory, std::int64_t{1} << 40);
        facts_.capacity.set(resource::pods, 10'000);
        facts_.runtimes = {"oci"};
    }

    awaitable<> run() {
        auto session = co_await link_.connect();
        while (!session) {
            co_await time_.sleep_for(100ms);
            session = co_await link_.connect();
        }
        hello greeting{.node = id_, .facts = facts_};
        greeting.features = {std::string(link_feature::digests)};
        from_node first = std::move(greeting);
        must(co_await (*session)->send(std::move(first)));
        for (;;) {
            auto receiving = (*session)->receive();
            auto heard = co_await with_deadline(time_, time_.now() + beat_, std::move(receiving));
            if (!heard && heard.error().code != errc::timed_out) co_return;
            auto news = heard ? obey(std::move(*heard)) : held();
            beat_count_ += heard ? 0 : 1;
            news.digest = digest_;
            from_node answer = std::move(news);
            auto const sent = co_await (*session)->send(std::move(answer));
            if (!sent) co_return;
        }
    }

    std::size_t beat_count() const { return beat_count_; }

private:
    held obey(orders said) {
        if (said.beat_period > duration::zero()) beat_ = said.beat_period;
        held news{.inventory = said.send_inventory};
        for (auto const& each : said.due) {
            if (!each.run) continue;
            instance_status status{.state = instance_state::running, .reason = "Started", .since = time_.wall()};
            status.seq = 1;
            digest_.add(each.instance, {each.fence, status.state, status.seq});
            news.states.push_back({each.instance, each.fence, std::move(status)});
        }
        return news;
    }

    clock& time_;
    connector<uplink_session>& link_;
    node_id id_;
    node_facts facts_;
    held_digest digest_;
    duration beat_ = 3s;
    std::size_t beat_count_ = 0;
};

/// What the roles of one run are linked by.
class wiring {
public:
    virtual ~wiring() = default;
    virtual connector<scheduler_session>& of_primary() = 0;
    virtual stream_listener& streams() = 0;
    virtual connector<uplink_session>& of_node(int number) = 0;
    virtual awaitable<> stop() = 0;
    virtual void tell() {}
    /// Processor time of the scheduler so far; nothing if it is in this process.
    virtual std::optional<double> cpu_seconds() const { return std::nullopt; }
};

class local_wiring final : public wiring {
public:
    explicit local_wiring(asio::io_context& on, clock& time)
        : primaries_(on.get_executor()),
          nodes_(on.get_executor()),
          streams_(on.get_executor()),
          scheduler_(on.get_executor(), {time, primaries_, nodes_}, {}) {
        scheduler_.start();
    }
    connector<scheduler_session>& of_primary() override { return primaries_; }
    stream_listener& streams() override { return streams_; }
    connector<uplink_session>& of_node(int) override { return nodes_; }
    awaitable<> stop() override { return scheduler_.stop(); }

private:
    local_primary_edge primaries_;
    local_node_edge nodes_;
    local_streams streams_;
    scheduler scheduler_;
};

std::uint16_t free_port() {
    auto const socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::socklen_t size = sizeof address;
    auto const is_bound = ::bind(socket, reinterpret_cast<::sockaddr*>(&address), size) == 0 &&
                          ::getsockname(socket, reinterpret_cast<::sockaddr*>(&address), &size) == 0;
    ::close(socket);
    if (!is_bound) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
}

/// A scheduler in a process of its own.
class grpc_wiring final : public wiring {
public:
    grpc_wiring(asio::io_context& on, std::string const& program, int nodes)
        : address_(fmt::format("127.0.0.1:{}", free_port())), primary_(address_, {}) {
        command what{.program = std::filesystem::absolute(program).string()};
        what.arguments = {"--role=scheduler",
                          "--link-listen",
                          address_,
                          "--log-level",
                          "error",
                          "--socket",
                          fmt::format("/tmp/rik-link-bench-{}.sock", ::getpid())};
        process_.emplace(must(child_process::start(on.get_executor(), what)));
        for (int i = 0; i < nodes; ++i) links_.push_back(std::make_unique<grpc_node_link>(address_, link_identity()));
    }
    ~grpc_wiring() override {
        links_.clear();
        (void)process_->signal(SIGTERM);
        ::waitpid(process_->pid(), nullptr, 0);
    }
    connector<scheduler_session>& of_primary() override { return primary_; }
    stream_listener& streams() override { return primary_; }
    connector<uplink_session>& of_node(int number) override { return *links_.at(static_cast<std::size_t>(number)); }
    awaitable<> stop() override { co_return; }
    std::optional<double> cpu_seconds() const override {
        ::clockid_t clock{};
        ::timespec used{};
        if (::clock_getcpuclockid(process_->pid(), &clock) == 0) (void)::clock_gettime(clock, &used);
        return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
    }
    void tell() override {
        std::ifstream lines(fmt::format("/proc/{}/smaps_rollup", process_->pid()));
        double rss = 0;
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("Rss:")) rss = std::stod(line.substr(4)) / 1024;
        fmt::print("the scheduler's process: {:.2f} s of processor, {:.1f} MB resident\n", *cpu_seconds(), rss);
    }

private:
    std::string address_;
    grpc_primary_link primary_;
    std::optional<child_process> process_;
    std::vector<std::unique_ptr<grpc_node_link>> links_;
};

struct figures {
    double joined_ms = 0;
    double running_ms = 0;
    double beat_us = 0;  ///< of the scheduler's processor
};

awaitable<> wait_until_joined(clock& time, primary& role, int count) {
    auto const end = time.now() + patience;
    while (time.now() < end) {
        auto const all = must(co_await role.nodes().list(caller(), page()));
        if (static_cast<int>(all.rows.size()) >= count) co_return;
        co_await time.sleep_for(5ms);
    }
    throw std::runtime_error("not all nodes have joined");
}

awaitable<> wait_until_running(clock& time, primary& role, int count) {
    auto const end = time.now() + patience;
    while (time.now() < end) {
        auto const all = must(co_await role.instances().list(caller(), instance_filter(), page()));
        auto const running = std::ranges::count_if(
            all.rows, [](stored<instance> const& each) { return each->state() == instance_state::running; });
        if (running >= count) co_return;
        co_await time.sleep_for(20ms);
    }
    throw std::runtime_error("not all instances run");
}

using hollow_nodes = std::vector<std::unique_ptr<hollow_node>>;

/// What a heartbeat costs the scheduler, in microseconds.
awaitable<double> measure_beats(clock& time, wiring const& links, hollow_nodes const& nodes, int seconds) {
    auto const count = [&nodes] {
        std::size_t sum = 0;
        for (auto const& each : nodes) sum += each->beat_count();
        return sum;
    };
    auto const used_before = links.cpu_seconds();
    auto const count_before = count();
    co_await time.sleep_for(std::chrono::seconds(seconds));
    if (!used_before || count() == count_before) co_return 0;
    co_return (*links.cpu_seconds() - *used_before) * 1e6 / static_cast<double>(count() - count_before);
}

awaitable<figures> measure(clock& time, entropy& random, primary& role, wiring& links, task_group& tasks,
                           hollow_nodes& nodes, arguments const& what) {
    figures found;
    must(co_await role.start());
    auto begin = steady::now();
    for (int i = 0; i < what.nodes; ++i) {
        nodes.push_back(std::make_unique<hollow_node>(time, random, links.of_node(i), i));
        tasks.spawn(nodes.back()->run());
    }
    co_await wait_until_joined(time, role, what.nodes);
    found.joined_ms = milliseconds(steady::now() - begin);
    auto parsed = parse_definition(
        R"({"apiVersion":"v1","kind":"Pod","name":"bench","spec":{"containers":[{"name":"main","image":"none"}]}})");
    must(co_await role.workloads().create(caller(), std::move(parsed.definition)));
    create_instances_request wanted{.workload = object_ref("bench")};
    wanted.replicas = static_cast<std::uint32_t>(what.instances);
    begin = steady::now();
    must(co_await role.instances().create(caller(), std::move(wanted)));
    co_await wait_until_running(time, role, what.instances);
    found.running_ms = milliseconds(steady::now() - begin);
    found.beat_us = co_await measure_beats(time, links, nodes, what.beats_seconds);
    co_await role.stop();
    co_await tasks.stop();
    co_await links.stop();
    co_return found;
}

figures run_with(asio::io_context& on, wiring& links, arguments const& what) {
    system_clock time;
    seeded_entropy random(static_cast<std::uint64_t>(::getpid()));
    memory_journal disk;
    primary_options options{.cluster_cidr = "10.0.0.0/8"};
    primary role(on.get_executor(), {time, random, disk, links.of_primary(), links.streams()}, std::move(options));
    hollow_nodes nodes;
    task_group tasks(on.get_executor());
    std::exception_ptr thrown;
    figures found;
    asio::co_spawn(on, measure(time, random, role, links, tasks, nodes, what),
                   [&](std::exception_ptr failure, figures measured) {
                       thrown = std::move(failure);
                       found = measured;
                       on.stop();
                   });
    on.run();
    if (thrown) std::rethrow_exception(thrown);
    return found;
}

arguments parse(std::vector<std::string> const& given) {
    arguments parsed;
    for (std::size_t i = 0; i < given.size(); ++i) {
        auto const value = [&] { return i + 1 < given.size() ? given[++i] : throw std::runtime_error("no value"); };
        if (given[i] == "--nodes")
            parsed.nodes = std::stoi(value());
        else if (given[i] == "--instances")
            parsed.instances = std::stoi(value());
        else if (given[i] == "--beats")
            parsed.beats_seconds = std::stoi(value());
        else
            parsed.program = given[i];
    }
    if (parsed.program.empty()) throw std::runtime_error("give the path of rik");
    return parsed;
}

/// Each node has a connection of its own.
void raise_open_files_limit() {
    ::rlimit most{};
    if (::getrlimit(RLIMIT_NOFILE, &most) != 0) return;
    most.rlim_cur = most.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &most);
}

void run_all(arguments const& what) {
    raise_open_files_limit();
    system_clock time;
    asio::io_context apart;
    auto over_grpc = std::make_unique<grpc_wiring>(apart, what.program, what.nodes);
    auto const far = run_with(apart, *over_grpc, what);
    over_grpc->tell();
    over_grpc.reset();
    asio::io_context together;
    local_wiring inside(together, time);
    auto const near = run_with(together, inside, what);
    fmt::print("{:<36} {:>9} {:>9} {:>7}\n", "", "gRPC", "local", "ratio");
    fmt::print("{:<36} {:>9.0f} {:>9.0f} {:>7.2f}\n", fmt::format("{} nodes joined, ms", what.nodes), far.joined_ms,
               near.joined_ms, far.joined_ms / near.joined_ms);
    fmt::print("{:<36} {:>9.0f} {:>9.0f} {:>7.2f}\n",
               fmt::format("{} instances placed and confirmed, ms", what.instances), far.running_ms, near.running_ms,
               far.running_ms / near.running_ms);
    fmt::print("{:<36} {:>9.0f}\n", fmt::format("a heartbeat, us of the scheduler, {} nodes", what.nodes), far.beat_us);
}

}  // namespace

}  // namespace rik::bench

int main(int count, char** given) try {
    rik::bench::run_all(rik::bench::parse({given + 1, given + count}));
} catch (std::exception const& failure) {
    fmt::print(stderr, "rik_link_bench: {}\n", failure.what());
    return 1;
}

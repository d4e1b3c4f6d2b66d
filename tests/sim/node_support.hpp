// One node agent on a simulated machine and disk. The test is its scheduler, and who reads its logs.
#pragma once

#include <rik/async/task_group.hpp>
#include <rik/link/local_link.hpp>
#include <rik/model/codec.hpp>
#include <rik/node/node_agent.hpp>
#include <rik/sim/faulty_disk.hpp>
#include <rik/sim/machine.hpp>
#include <rik/sim/world.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rik::sim {

class node_site {
public:
    explicit node_site(world& in)
        : machine_under(in.executor(), in.time(), {.name = "node", .boot_id = {}, .version = "sim"}),
          contents(std::make_shared<memory_disk>()),
          streams(in.executor()),
          world_(in),
          edge_(in.executor()),
          cluster_(cluster_id::generate(in.random())),
          tasks_(in.executor()) {
        tasks_.spawn(serve());
    }
    ~node_site() {
        try {
            world_.run(end());
        } catch (std::exception const&) {
            // What the scenario threw before is what its test reports.
        }
    }

    machine machine_under;
    std::shared_ptr<memory_disk> contents;
    local_streams streams;
    stream_dialer* dialer = &streams;  ///< of the agent that is started next
    log out;                           ///< the same
    duration flush_time = std::chrono::microseconds(100);
    batch_limits batch = {};
    std::string permitted_boot;    ///< of the instances that are ordered next
    bool offers_microvms = false;  ///< the agent that is started next

    clock& time() { return world_.time(); }
    world& in() { return world_; }

    awaitable<result<void>> try_start() {
        process_ = std::make_unique<process>(*this);
        process_->disk.flush_time = flush_time;
        co_return co_await process_->role.start();
    }
    awaitable<> start() {
        auto const started = co_await try_start();
        if (!started) throw std::runtime_error(to_string(started.error()));
    }
    awaitable<> stop() {
        co_await process_->role.stop();
        process_.reset();
    }
    /// What was not flushed is lost.
    awaitable<> crash() {
        process_->disk.fail(error{errc::unavailable, "the process has crashed"});
        co_await stop();
    }
    node_agent& agent() { return process_->role; }
    /// The agent connects again.
    void cut() {
        if (peer_) peer_->close();
    }
    /// Precondition: the agent's `stop` has returned.
    void discard() { process_.reset(); }
    void fail_disk() { process_->disk.fail(error{errc::exhausted, "the disk is full"}); }

    /// Orders an instance of `definition`.
    awaitable<instance_id> run(std::string definition, std::uint16_t exposed_port = 0) {
        auto parsed = parse_definition(definition);
        if (!parsed.found.empty()) throw std::runtime_error(to_string(summarize(parsed.found)));
        auto const id_of_release = release_id::generate(world_.random());
        auto const shared = std::make_shared<workload_definition const>(std::move(parsed.definition));
        auto made = std::make_shared<release const>(
            make_release(id_of_release, workload_id::generate(world_.random()), shared));
        order what{.instance = instance_id::generate(world_.random()), .fence = ++revision_, .run = true};
        what.made_from = std::move(made);
        what.name = shared->name;
        what.exposed_port = exposed_port;
        what.permitted_boot = permitted_boot;
        auto const id = what.instance;
        bound_[id] = what;
        co_await tell(std::move(what));
        co_return id;
    }
    awaitable<> destroy(instance_id id) {
        auto& what = bound_.at(id);
        what.run = false;
        order copy = what;
        co_await tell(std::move(copy));
    }
    /// Says that it may begin in that boot, as to a node that holds it; and again in each session.
    awaitable<> permit(instance_id id, std::string boot) {
        auto& what = bound_.at(id);
        what.permitted_boot = std::move(boot);
        order copy = what;
        copy.made_from.reset();
        co_await tell(std::move(copy));
    }
    /// The orders are sent when the agent connects again.
    void forget(instance_id id) { bound_.erase(id); }

    awaitable<stream_id> ask_for_log(instance_id id, bool follow) {
        container_log_call call{.instance = id, .container = "main"};
        call.how.follow = follow;
        return ask_for(std::move(call));
    }
    awaitable<stream_id> ask_for(stream_call what) {
        stream_request asked{.stream = stream_id::generate(world_.random()), .node = {}, .what = std::move(what)};
        auto const stream = asked.stream;
        orders said{.at = ++revision_};
        said.streams.push_back(std::move(asked));
        if (peer_) co_await send(std::move(said));
        co_return stream;
    }

    instance_status status(instance_id id) const {
        auto const found = said_.find(id);
        return found == said_.end() ? instance_status{} : found->second;
    }
    /// Of the hello and of all that was said since.
    held_digest digest() const { return digest_; }
    std::size_t session_count() const { return session_count_; }
    /// Sends orders of another revision than the newest.
    awaitable<> tell_as_of(revision at, order what) {
        orders said{.at = at};
        said.due.push_back(std::move(what));
        co_await send(std::move(said));
    }
    order order_of(instance_id id) const { return bound_.at(id); }
    revision now() const { return revision_; }
    duration beat_period = {};             ///< in the next welcome
    bool is_inventory_wanted = true;       ///< the same
    std::string refusal;                   ///< the next welcome is this, and nothing else
    std::vector<std::size_t> held_counts;  ///< states in each message
    /// Asks for a restart in place.
    awaitable<> restart(instance_id id) {
        auto& what = bound_.at(id);
        ++what.restarts;
        order copy = what;
        co_await tell(std::move(copy));
    }
    bool is_gone(instance_id id) const { return gone_.contains(id); }
    std::size_t message_count() const { return message_count_; }
    std::size_t start_count(instance_id id) const {
        std::size_t count = 0;
        for (auto const& each : machine_under.starts()) count += each.key.instance == id ? 1 : 0;
        return count;
    }

    /// Waits until `is_true()`, looking again every millisecond of virtual time.
    awaitable<> until(std::function<bool()> is_true, duration limit = std::chrono::minutes(2)) {
        auto const last = time().now() + limit;
        while (!is_true()) {
            if (time().now() >= last) {
                std::string seen;
                for (auto const& [id, status] : said_)
                    seen += "\n  " + std::string(to_string(status.state)) + " " + status.reason + ": " + status.message;
                throw std::runtime_error("what was waited for has not come true; there is:" + seen);
            }
            co_await time().sleep_for(std::chrono::milliseconds(1));
        }
    }
    awaitable<> until_state(instance_id id, instance_state wanted) {
        std::function<bool()> is_so = [this, id, wanted] { return status(id).state == wanted; };
        co_await until(std::move(is_so));
    }

private:
    std::vector<node_runtime> runtimes() {
        std::vector<node_runtime> all{{machine_under, machine_under}};
        if (offers_microvms) all.push_back({machine_under.microvms(), machine_under});
        return all;
    }

    struct process {
        explicit process(node_site& at)
            : disk(at.world_, at.contents),
              role(at.world_.executor(),
                   {at.time(), at.world_.random(), disk, at.edge_, *at.dialer, at.runtimes(), at.machine_under,
                    at.machine_under, at.machine_under},
                   {.version = "sim", .out = at.out, .batch = at.batch}) {}
        faulty_disk disk;
        node_agent role;
    };

    awaitable<> send(orders what) {
        auto const sent = co_await peer_->send(std::move(what));
        if (!sent) throw std::runtime_error(to_string(sent.error()));
    }
    awaitable<> tell(order what) {
        orders said{.at = ++revision_};
        said.due.push_back(std::move(what));
        if (peer_) co_await send(std::move(said));
    }
    awaitable<> serve() {
        for (;;) {
            auto accepted = co_await edge_.accept();
            if (!accepted) co_return;
            auto const peer = std::shared_ptr<node_session>(std::move(*accepted));
            auto const greeting = co_await peer->receive();
            if (!greeting) continue;
            ++session_count_;
            digest_ = std::get<hello>(*greeting).digest;
            if (!refusal.empty()) {
                orders refused{.refusal = refusal};
                auto const told = co_await peer->send(std::move(refused));
                (void)told;
                continue;
            }
            orders welcome{.at = revision_, .cluster = cluster_, .cluster_cidr = "10.210.0.0/16"};
            welcome.pod_subnet = "10.210.3.0/24";
            welcome.send_inventory = is_inventory_wanted;
            welcome.beat_period = beat_period;
            for (auto const& [id, each] : bound_) welcome.due.push_back(each);
            auto const welcomed = co_await peer->send(std::move(welcome));
            peer_ = peer;
            for (;;) {
                auto news = co_await peer->receive();
                if (!news) break;
                take(std::get<held>(std::move(*news)));
            }
            peer_.reset();
        }
    }
    void take(held news) {
        ++message_count_;
        digest_ = news.digest;
        held_counts.push_back(news.states.size());
        for (auto& each : news.states) said_[each.instance] = std::move(each.status);
        for (auto const& each : news.gone) {
            gone_.insert(each.instance);
            bound_.erase(each.instance);
        }
    }
    awaitable<> end() {
        if (process_) co_await stop();
        co_await tasks_.stop();
    }

    world& world_;
    local_node_edge edge_;
    cluster_id cluster_;
    revision revision_ = 1000;
    std::map<instance_id, order> bound_;
    std::map<instance_id, instance_status> said_;
    std::set<instance_id> gone_;
    std::size_t message_count_ = 0;
    std::size_t session_count_ = 0;
    held_digest digest_;
    std::shared_ptr<node_session> peer_;
    std::unique_ptr<process> process_;
    task_group tasks_;  // last member: the tasks use everything above
};

}  // namespace rik::sim

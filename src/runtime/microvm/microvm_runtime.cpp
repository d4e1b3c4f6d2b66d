#include <rik/runtime/microvm/microvm_runtime.hpp>

#include "machine_parts_detail.hpp"
#include "machine_start_detail.hpp"
#include "template_faults_detail.hpp"
#include "template_store_detail.hpp"
#include "uid_pool_detail.hpp"

#include "runtime/oci/context_detail.hpp"
#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/inventory_detail.hpp"

#include <rik/async/limiter.hpp>
#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>
#include <rik/runtime/oci/oci_runtime.hpp>

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <set>
#include <utility>

namespace rik {

using detail::runtime_context;

namespace {

constexpr std::uint32_t uid_first_default = 1u << 30;

/// Some thousand ranges: two riks of one machine have the same by bad luck only, and then share users, not files.
std::uint32_t first_uid_of(microvm_options const& options) {
    if (options.first_uid != 0) return options.first_uid;
    std::uint32_t number = 0;
    std::from_chars(options.tag.data(), options.tag.data() + options.tag.size(), number, 16);
    return uid_first_default + (number & 0xffff) * options.uid_count;
}

oci_options keeping_options(microvm_options const& options, std::filesystem::path keeper,
                            std::filesystem::path monitor) {
    oci_options made{.run_dir = options.run_dir,
                     .state_dir = options.state_dir,
                     .tag = options.tag,
                     .executor = options.executor,
                     .pool = options.pool,
                     .namespace_thread = options.namespace_thread};
    made.trash_thread = options.trash_thread ? options.trash_thread : options.pool;
    made.cgroup_thread = options.cgroup_thread ? options.cgroup_thread : options.pool;
    made.runtime_program = std::move(keeper);
    made.monitor_program = std::move(monitor);
    made.dns_servers = options.dns_servers;
    made.container_log_file_bytes_max = options.console_log_file_bytes_max;
    made.container_log_files_max = options.console_log_files_max;
    made.log = options.log;
    return made;
}

/// A word that is in a set as long as this lives.
class membership {
public:
    membership(std::multiset<std::string>& in, std::string const& word) : in_(in), at_(in.insert(word)) {}
    membership(membership const&) = delete;
    ~membership() { in_.erase(at_); }

private:
    std::multiset<std::string>& in_;
    std::multiset<std::string>::iterator at_;
};

error is_unsupported(std::string what) { return error{errc::unsupported, std::move(what)}; }

}  // namespace

/// conmon keeps machines as it keeps containers, and `kept` knows them as such: their logs, ends and remains.
struct microvm_runtime::state {
    state(microvm_options wanted, runtime_context opened, std::unique_ptr<oci_runtime> keeping)
        : options(std::move(wanted)),
          on(std::move(opened)),
          kept(std::move(keeping)),
          uids(first_uid_of(options), options.uid_count),
          templates(options.state_dir / "templates"),
          preparing(options.executor, 1),
          making_turn(options.executor, 1),
          making(options.executor) {}

    static result<std::unique_ptr<state>> open(microvm_options options, oci_options keeping, runtime_context context);
    result<void> find_uids();
    awaitable<result<void>> make_ready();
    awaitable<result<void>> restore_or_boot(container_request request, detail::start_rules rules);
    awaitable<> forget_template(std::string key, unsigned faults_known, error why);
    void want_template(detail::template_order what);
    awaitable<> add_template(detail::template_order what);
    awaitable<> make_template(detail::template_order what);
    bool blame(std::string const& key, unsigned faults_known, error const& why);
    awaitable<> reap(instance_id instance);
    void add_machine_end(container_key const& key, container_exit& to) const;
    result<void> correct(found_container& found) const;

    microvm_options options;
    runtime_context on;
    std::unique_ptr<oci_runtime> kept;
    detail::uid_pool uids;
    detail::machine_parts parts;
    detail::template_store templates;
    detail::template_faults faults;
    std::multiset<std::string> orders;     ///< templates that are made or wait for that, by their keys
    std::multiset<std::string> restoring;  ///< those from which machines are being restored
    limiter preparing;                     ///< of what all machines share, which the first one does
    limiter making_turn;
    task_group making;  ///< of templates
};

result<std::unique_ptr<microvm_runtime::state>> microvm_runtime::state::open(microvm_options options,
                                                                             oci_options keeping,
                                                                             runtime_context context) {
    auto opened = oci_runtime::open(std::move(keeping), context.time);
    if (!opened) return opened.error();
    return std::make_unique<state>(std::move(options), std::move(context), std::move(*opened));
}

/// Blocks, as much as a few files do.
result<void> microvm_runtime::state::find_uids() {
    auto const instances = detail::find_instances(on);
    if (!instances) return instances.error();
    for (auto const& instance : *instances) {
        auto const keys = detail::find_containers(on, instance);
        if (!keys) return keys.error();
        for (auto const& key : *keys) {
            auto const uid = detail::read_uid(on.paths.container(key));
            if (!uid) return uid.error();
            if (*uid != 0) uids.keep(key, *uid);
        }
    }
    return {};
}

awaitable<result<void>> microvm_runtime::state::make_ready() {
    auto const turn = co_await preparing.acquire();
    if (parts.boot) co_return result<void>{};
    auto completed = parts;
    auto completing = [&] { return detail::complete(completed, options); };
    auto const done = co_await offload(options.pool, std::move(completing));
    if (done) parts = std::move(completed);
    co_return done;
}

/// False if that fault counts already.
bool microvm_runtime::state::blame(std::string const& key, unsigned faults_known, error const& why) {
    if (!faults.add(key, faults_known, on.time.now())) return false;
    auto const pause = std::chrono::duration_cast<std::chrono::seconds>(detail::template_pause(faults_known + 1));
    options.log.warning(
        "template of machines is of no use: they boot",
        {{"template", key}, {"why", to_string(why)}, {"tried_again_after_s", std::to_string(pause.count())}});
    return true;
}

void microvm_runtime::state::want_template(detail::template_order what) {
    if (!orders.contains(what.key) && orders.size() < detail::templates_max)
        making.spawn(add_template(std::move(what)));
}

awaitable<> microvm_runtime::state::add_template(detail::template_order what) {
    membership const mine(orders, what.key);
    auto const turn = co_await making_turn.acquire();
    auto finding = [&] { return templates.find(what.key); };
    auto const found = co_await offload(options.pool, std::move(finding));
    // Whoever wants it may have begun before another one's was there, and taken longer.
    if (!found.empty() || !faults.may_try(what.key, on.time.now())) co_return;
    co_await make_template(std::move(what));
}

awaitable<> microvm_runtime::state::make_template(detail::template_order what) {
    container_key const user{.instance = {}, .name = "template"};
    auto const uid = uids.take(user);
    if (!uid) co_return;
    what.uid = *uid;
    auto const key = what.key;
    auto const faults_known = faults.count(key);
    auto making_one = detail::make_template(on, parts, templates, std::move(what), restoring);
    auto const made = co_await std::move(making_one);
    uids.give_back(user);
    if (!made) blame(key, faults_known, made.error());
}

/// Unless another one has done it: what is there by now is another template.
awaitable<> microvm_runtime::state::forget_template(std::string key, unsigned faults_known, error why) {
    if (!blame(key, faults_known, why)) co_return;
    auto forgetting = [&] { templates.forget(key); };
    co_await offload(options.pool, std::move(forgetting));
}

namespace {

/// Of what the machine itself, or whoever wants it, is not the reason.
bool may_be_of_template(error const& why) { return why.code == errc::internal || why.code == errc::timed_out; }

}  // namespace

/// From a template, if there is one; if that comes to nothing, as if there were none. Whoever boots lets one be made.
awaitable<result<void>> microvm_runtime::state::restore_or_boot(container_request request, detail::start_rules rules) {
    detail::template_order order{.kind = detail::kind_of(request)};
    auto naming = [&] { return detail::key_of(parts, order.kind, options.tag); };
    order.key = co_await offload(options.pool, std::move(naming));
    rules.template_key = order.key;
    auto const faults_known = faults.count(order.key);
    membership const mine(restoring, order.key);
    auto finding = [&] { return templates.find(order.key); };
    if (faults.may_try(order.key, on.time.now())) rules.warm_from = co_await offload(options.pool, std::move(finding));
    auto started = co_await detail::start_machine(on, parts, request, rules);
    if (!started && !rules.warm_from.empty() && may_be_of_template(started.error())) {
        rules.warm_from.clear();
        auto const booted = co_await detail::start_machine(on, parts, std::move(request), rules);
        if (!booted) co_return booted;  // it was something else
        co_await forget_template(order.key, faults_known, started.error());
        started = booted;
    }
    if (!started) co_return started;
    if (rules.warm_from.empty())
        want_template(std::move(order));
    else
        faults.forgive(order.key);
    co_return started;
}

awaitable<> microvm_runtime::state::reap(instance_id instance) {
    auto reaping = [of = uids.find(instance)] { detail::reap_machines(of); };
    co_await offload(options.pool, std::move(reaping));
}

/// What conmon does not know of the end. Blocks.
void microvm_runtime::state::add_machine_end(container_key const& key, container_exit& to) const {
    auto const paths = on.paths.container(key);
    auto const note = detail::read_note(paths);
    if (!note || !note->end) return;
    to.reason = detail::describe(*note->end);
    if (note->end->kind != detail::end_kind::out_of_memory || to.out_of_memory) return;
    to.out_of_memory = true;
    to.memory_kills = std::max<std::uint64_t>(to.memory_kills, 1);
    to.memory_limit_hit = detail::read_memory(paths);
}

/// One that was never up was never started: whoever starts it again begins anew. Blocks.
result<void> microvm_runtime::state::correct(found_container& found) const {
    auto const note = detail::read_note(on.paths.container(found.key));
    if (!note) return note.error();
    if (!note->was_up) {
        found = found_container{.key = found.key};
        return {};
    }
    auto boot = detail::read_boot(on.paths.container(found.key));
    if (!boot) return boot.error();
    found.machine = std::move(*boot);
    if (found.exit) add_machine_end(found.key, *found.exit);
    return {};
}

microvm_runtime::microvm_runtime(std::unique_ptr<state> inner) : state_(std::move(inner)) {}
microvm_runtime::~microvm_runtime() = default;

awaitable<result<std::unique_ptr<microvm_runtime>>> microvm_runtime::open(microvm_options options, clock& time) {
    auto programs = detail::find_machine_programs(options);
    if (!programs) co_return programs.error();
    if (auto const kernel = detail::find_kernel(options.kernel); !kernel) co_return kernel.error();
    auto keeping = keeping_options(options, programs->keeper, programs->monitor);
    auto context = detail::open_context(keeping, time);
    if (!context) co_return context.error();
    auto finding = detail::find_machine_parts(*context, std::move(*programs));
    auto parts = co_await std::move(finding);
    if (!parts) co_return parts.error();
    // From here on tasks run, which only `stop` ends: nothing is awaited before somebody has it.
    auto opened = state::open(std::move(options), std::move(keeping), std::move(*context));
    if (!opened) co_return opened.error();
    std::unique_ptr<microvm_runtime> made(new microvm_runtime(std::move(*opened)));
    made->state_->parts = std::move(*parts);
    auto const& inner = *made->state_;
    auto prepared = inner.options.has_templates ? inner.templates.prepare() : result<void>();
    if (auto const found = prepared ? made->state_->find_uids() : prepared; !found) {
        co_await made->stop();
        co_return found.error();
    }
    co_return std::move(made);
}

result<std::unique_ptr<microvm_runtime>> microvm_runtime::open_to_remove(microvm_options options, clock& time) {
    auto keeping = keeping_options(options, options.keeper_program, options.monitor_program);
    auto context = detail::open_context(keeping, time);
    if (!context) return context.error();
    auto opened = state::open(std::move(options), std::move(keeping), std::move(*context));
    if (!opened) return opened.error();
    return std::unique_ptr<microvm_runtime>(new microvm_runtime(std::move(*opened)));
}

microvm_check microvm_runtime::check(microvm_options const& options) { return detail::check_machine_parts(options); }

acceleration microvm_runtime::accelerated() const {
    return {std::string(detail::name_of(state_->parts.runs_on)), state_->parts.no_kvm};
}

awaitable<> microvm_runtime::stop() {
    co_await state_->making.stop();
    co_await state_->kept->stop();
}

awaitable<result<void>> microvm_runtime::remove_all() {
    state_->making.cancel();
    co_await state_->making.join();
    auto const removed = co_await state_->kept->remove_all();
    // Whatever stays of the state: what is in memory only goes.
    auto removing = [this, removed]() -> result<void> {
        auto const emptied = detail::remove_tree(state_->options.run_dir);
        if (!removed || !emptied) return removed ? emptied : removed;
        return detail::remove_tree(state_->options.state_dir);
    };
    co_return co_await offload(state_->on.options.pool, std::move(removing));
}

awaitable<result<sandbox>> microvm_runtime::create_sandbox(sandbox_request request) {
    if (request.has_host_network) co_return is_unsupported("a machine cannot be on the network of its node");
    if (!request.volumes.empty()) co_return is_unsupported("a machine has no volumes");
    request.limits = {};  // they are those of its only machine, with what QEMU needs beside
    auto made = co_await state_->kept->create_sandbox(std::move(request));
    if (made) made->needs_tap = true;
    co_return made;
}

awaitable<result<container_start>> microvm_runtime::start_container(container_request request) {
    auto& inner = *state_;
    auto const began_at = inner.on.time.now();
    auto const key = request.key;
    auto const ready = co_await inner.make_ready();
    if (!ready) co_return ready.error();
    auto const uid = inner.uids.take(key);
    if (!uid) co_return uid.error();
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(inner.options.boot_cpu_time_max).count();
    detail::start_rules rules{.uid = *uid, .boot_cpu_seconds = static_cast<std::uint32_t>(seconds)};
    rules.began_at = began_at;
    auto starting = inner.options.has_templates
                        ? inner.restore_or_boot(std::move(request), rules)
                        : detail::start_machine(inner.on, inner.parts, std::move(request), rules);
    auto const started = co_await std::move(starting);
    if (!started) co_return started.error();
    auto reading = [&] { return detail::read_boot(inner.on.paths.container(key)); };
    auto boot = co_await offload(inner.options.pool, std::move(reading));
    container_start how;
    if (boot) how.machine = std::move(*boot);  // it runs, whatever is known of how it came to that
    co_return how;
}

awaitable<result<container_exit>> microvm_runtime::wait_container(container_key key) {
    auto ended = co_await state_->kept->wait_container(key);
    if (!ended) co_return ended;
    auto reading = [&] { state_->add_machine_end(key, *ended); };
    co_await offload(state_->on.options.pool, std::move(reading));
    co_return ended;
}

awaitable<result<void>> microvm_runtime::stop_container(container_key key) {
    return state_->kept->stop_container(std::move(key));
}
awaitable<result<void>> microvm_runtime::kill_container(container_key key) {
    return state_->kept->kill_container(std::move(key));
}

awaitable<result<exec_result>> microvm_runtime::exec(exec_request) {
    co_return error{errc::unsupported,
                    "no program can be run in a machine beside its own",
                    {},
                    "let the machine offer a port, and ask that"};
}

awaitable<result<std::vector<instance_usage>>> microvm_runtime::measure_usage(std::vector<instance_id> of) {
    auto measured = co_await state_->kept->measure_usage(std::move(of));
    if (!measured) co_return measured;
    auto adding = [&] {
        for (auto& each : *measured) detail::add_network_usage(state_->on, each);
    };
    co_await offload(state_->on.options.pool, std::move(adding));
    co_return measured;
}

awaitable<result<std::vector<written_files>>> microvm_runtime::measure_written(std::vector<instance_id> of,
                                                                               time_point deadline) {
    return state_->kept->measure_written(std::move(of), deadline);
}
awaitable<result<void>> microvm_runtime::await_deleted(time_point deadline) {
    return state_->kept->await_deleted(deadline);
}

awaitable<result<void>> microvm_runtime::remove_container(container_key key) {
    auto const removed = co_await state_->kept->remove_container(key);
    co_await state_->reap(key.instance);
    if (removed) state_->uids.give_back(key);
    co_return removed;
}
awaitable<result<void>> microvm_runtime::vacate_sandbox(instance_id instance) {
    auto const removed = co_await state_->kept->vacate_sandbox(instance);
    co_await state_->reap(instance);
    if (removed) state_->uids.give_back(instance);
    co_return removed;
}
awaitable<result<void>> microvm_runtime::remove_sandbox(instance_id instance) {
    auto const removed = co_await state_->kept->remove_sandbox(instance);
    co_await state_->reap(instance);
    if (removed) state_->uids.give_back(instance);
    co_return removed;
}

awaitable<result<std::vector<found_sandbox>>> microvm_runtime::list() {
    auto found = co_await state_->kept->list();
    if (!found) co_return found;
    auto correcting = [&]() -> result<void> {
        for (auto& each : *found) {
            each.needs_tap = true;
            for (auto& container : each.containers)
                if (auto const corrected = state_->correct(container); !corrected) return corrected;
        }
        return {};
    };
    auto const corrected = co_await offload(state_->on.options.pool, std::move(correcting));
    if (!corrected) co_return corrected.error();
    co_return found;
}

awaitable<result<std::unique_ptr<container_log_reader>>> microvm_runtime::open_container_log(
    container_key key, container_log_options options) {
    return state_->kept->open_container_log(std::move(key), std::move(options));
}

}  // namespace rik

// The second runtime of a simulated machine.
#pragma once

#include <rik/sim/machine.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace rik::sim {

/// Everything is done by the machine; this remembers for whom.
class machine::microvm_runtime final : public runtime {
public:
    explicit microvm_runtime(machine& on) : on_(on) {}

    std::string_view name() const override { return "microvm"; }
    awaitable<result<sandbox>> create_sandbox(sandbox_request request) override {
        on_.in_microvms_.insert(request.instance);
        return on_.make_sandbox(std::move(request));
    }
    awaitable<result<rik::container_start>> start_container(container_request request) override {
        auto const began_at = on_.time_.now();
        auto started = co_await on_.start_container(std::move(request));
        if (!started) co_return started;
        auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(on_.time_.now() - began_at);
        auto& boot = started->machine.emplace();
        boot.acceleration = "tcg";
        boot.steps.push_back({std::string(boot_step_name::running), took.count()});
        co_return started;
    }
    awaitable<result<container_exit>> wait_container(container_key key) override {
        return on_.wait_container(std::move(key));
    }
    awaitable<result<void>> stop_container(container_key key) override { return on_.stop_container(std::move(key)); }
    awaitable<result<void>> kill_container(container_key key) override { return on_.kill_container(std::move(key)); }
    awaitable<result<exec_result>> exec(exec_request) override { return refuse_exec(); }
    awaitable<result<std::vector<instance_usage>>> measure_usage(std::vector<instance_id> of) override {
        return on_.measure_usage(std::move(of));
    }
    awaitable<result<std::vector<written_files>>> measure_written(std::vector<instance_id> of,
                                                                  time_point deadline) override {
        return on_.measure_written(std::move(of), deadline);
    }
    awaitable<result<void>> await_deleted(time_point deadline) override { return on_.await_deleted(deadline); }
    awaitable<result<void>> remove_container(container_key key) override {
        return on_.remove_container(std::move(key));
    }
    awaitable<result<void>> vacate_sandbox(instance_id instance) override { return on_.vacate_sandbox(instance); }
    awaitable<result<void>> remove_sandbox(instance_id instance) override { return on_.remove_sandbox(instance); }
    awaitable<result<std::vector<found_sandbox>>> list() override { return on_.list_those(true); }
    awaitable<result<std::unique_ptr<container_log_reader>>> open_container_log(
        container_key key, container_log_options options) override {
        return on_.open_container_log(std::move(key), std::move(options));
    }

private:
    static awaitable<result<exec_result>> refuse_exec() {
        co_return error{errc::unsupported, "no program is run inside of a microVM from outside"};
    }

    machine& on_;
};

}  // namespace rik::sim

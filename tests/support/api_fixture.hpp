// The API on a server over loopback, with a primary behind it whose scheduler and nodes the test plays.
#pragma once

#include "support/counted_watches.hpp"
#include "support/http_client.hpp"
#include "support/http_fixture.hpp"
#include "support/played_primary.hpp"

#include <rik/api/api.hpp>

#include <boost/json.hpp>

#include <chrono>
#include <thread>

namespace rik::test {

/// Runs `speed` times as fast as the machine's clock.
class fast_clock final : public rik::clock {
public:
    explicit fast_clock(int speed) : speed_(speed), begin_(real_.now()) {}
    time_point now() const override { return begin_ + (real_.now() - begin_) * speed_; }
    wall_time wall() const override { return real_.wall(); }
    awaitable<> sleep_until(time_point when) override { return real_.sleep_until(begin_ + (when - begin_) / speed_); }

private:
    system_clock real_;
    int speed_;
    time_point begin_;
};

/// Takes the caller's word: a request is of the tenant and the role that its headers say, else of the local admin.
class claimed_callers final : public authenticate {
public:
    awaitable<result<caller>> identify(http_request const& request) override {
        caller who;
        if (auto const tenant = request.header("X-Tenant")) who.tenant = *tenant;
        auto const role = request.header("X-Role").value_or("admin");
        who.role = role == "reader" ? caller_role::reader : role == "editor" ? caller_role::editor : caller_role::admin;
        co_return who;
    }
};

struct api_fixture {
    explicit api_fixture(int speed = 1) : time(speed), server(start()) {}

    http_client connect() { return http_client(server->address()); }
    /// Over the unix socket, where the server sees at once when the client closes.
    http_client connect_locally() { return http_client(path); }
    http_reply get(std::string_view target, std::string_view headers = "") {
        return connect().request("GET", target, "", headers);
    }
    http_reply post(std::string_view target, std::string_view body, std::string_view headers = "") {
        return connect().request("POST", target, body, headers);
    }
    boost::json::value json_at(std::string_view target) { return boost::json::parse(get(target).body); }

    /// Waits until nothing is there any more: what goes with the last of something goes a moment later.
    bool is_gone(std::string_view target) {
        for (int attempt = 0; attempt < 200; ++attempt) {
            if (get(target).status_code == 404) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }

    /// The id of a new workload with one container.
    std::string add_workload(std::string const& name) {
        auto const reply = post("/api/v0/workloads.create", definition(name));
        return std::string(boost::json::parse(reply.body).at("id").as_string());
    }
    static std::string definition(std::string const& name) {
        return R"({"apiVersion":"v1","kind":"Pod","name":")" + name +
               R"(","replicas":2,"spec":{"containers":[{"name":"main","image":"alpine:latest"}]}})";
    }
    /// Without a name it gets one that nobody else has.
    stored<instance> add_instance(std::string const& workload, std::string name = "") {
        create_instances_request what;
        what.workload = *workload_id::parse(workload);
        what.name = std::move(name);
        return on.run(primary.role.instances().create(caller(), what))->front();
    }
    /// One that its node has last seen in `state`, or that it has still to destroy.
    stored<instance> add_instance_on(node_id node, std::string const& workload, instance_state state) {
        auto const made = add_instance(workload);
        primary.bind(made->id(), node);
        if (state == instance_state::destroying)
            REQUIRE(on.run(primary.role.instances().remove(caller(), made->id(), any_revision)).has_value());
        else
            primary.report(made->id(), state);
        return primary.get(made->id());
    }

    threads on{2};
    system_clock real;  ///< of the server; `time` is the API's
    fast_clock time;
    std::string path = fresh_path("api.sock");
    played_primary primary{on};
    counted_watches watches{primary.role};
    claimed_callers callers;
    api face{watches, callers, time, "1.2.3", {}};
    std::unique_ptr<running_server> server;

private:
    std::unique_ptr<running_server> start() {
        auto options = on_loopback();
        options.local = unix_address{path};
        options.limits.check_period = std::chrono::milliseconds(50);
        return std::make_unique<running_server>(on, real, face, options);
    }
};

}  // namespace rik::test

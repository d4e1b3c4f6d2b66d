// The API on a server over loopback, with a fake primary behind it.
#pragma once

#include "support/fake_operations.hpp"
#include "support/http_client.hpp"
#include "support/http_fixture.hpp"

#include <rik/api/api.hpp>

#include <boost/json.hpp>

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

struct api_fixture {
    explicit api_fixture(int speed = 1)
        : time(speed), primary(on.io.get_executor()), face(primary, admin, time, "1.2.3", {}), server(start()) {}
    ~api_fixture() {
        server.reset();
        on.run(primary.stop());
    }

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

    /// The id of a new workload with one container.
    std::string add_workload(std::string const& name) {
        auto const reply = post("/api/v0/workloads.create", definition(name));
        return std::string(boost::json::parse(reply.body).at("id").as_string());
    }
    static std::string definition(std::string const& name) {
        return R"({"apiVersion":"v1","kind":"Pod","name":")" + name +
               R"(","replicas":2,"spec":{"containers":[{"name":"main","image":"alpine:latest"}]}})";
    }
    stored<instance> add_instance(std::string const& workload) {
        create_instances_request what;
        what.workload = *workload_id::parse(workload);
        return on.run(primary.instances().create(caller(), what))->front();
    }
    void report(instance_id id, instance_state state) {
        instance_status status;
        status.state = state;
        on.run(primary.report(id, status));
    }

    threads on{2};
    system_clock real;  ///< of the server; `time` is the API's
    fast_clock time;
    std::string path = fresh_path("api.sock");
    fake_operations primary;
    local_admin admin;
    api face;
    std::unique_ptr<running_server> server;

private:
    std::unique_ptr<running_server> start() {
        on.run(primary.start());
        auto options = on_loopback();
        options.local = unix_address{path};
        options.limits.check_period = std::chrono::milliseconds(50);
        return std::make_unique<running_server>(on, real, face, options);
    }
};

}  // namespace rik::test

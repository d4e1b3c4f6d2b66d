#include "support/api_fixture.hpp"

#include <chrono>
#include <thread>
#include <utility>

namespace rik::test {

time_point fast_clock::now() const { return begin_ + (real_.now() - begin_) * speed_; }

wall_time fast_clock::wall() const { return real_.wall(); }

awaitable<> fast_clock::sleep_until(time_point when) { return real_.sleep_until(begin_ + (when - begin_) / speed_); }

awaitable<result<caller>> claimed_callers::identify(http_request const& request) {
    caller who;
    if (auto const tenant = request.header("X-Tenant")) who.tenant = *tenant;
    auto const role = request.header("X-Role").value_or("admin");
    who.role = role == "reader" ? caller_role::reader : role == "editor" ? caller_role::editor : caller_role::admin;
    co_return who;
}

api_fixture::api_fixture(int speed) : time(speed), server(start()) {}

api_fixture::~api_fixture() = default;

http_client api_fixture::connect() { return http_client(server->address()); }

http_client api_fixture::connect_locally() { return http_client(path); }

http_reply api_fixture::get(std::string_view target, std::string_view headers) {
    return connect().request("GET", target, "", headers);
}

http_reply api_fixture::post(std::string_view target, std::string_view body, std::string_view headers) {
    return connect().request("POST", target, body, headers);
}

boost::json::value api_fixture::json_at(std::string_view target) { return boost::json::parse(get(target).body); }

bool api_fixture::is_gone(std::string_view target) {
    for (int attempt = 0; attempt < 200; ++attempt) {
        if (get(target).status_code == 404) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

std::string api_fixture::add_workload(std::string const& name) {
    auto const reply = post("/api/v0/workloads.create", definition(name));
    return std::string(boost::json::parse(reply.body).at("id").as_string());
}

std::string api_fixture::definition(std::string const& name) {
    return R"({"apiVersion":"v1","kind":"Pod","name":")" + name +
           R"(","replicas":2,"spec":{"containers":[{"name":"main","image":"alpine:latest"}]}})";
}

stored<instance> api_fixture::add_instance(std::string const& workload, std::string name) {
    create_instances_request what;
    what.workload = *workload_id::parse(workload);
    what.name = std::move(name);
    return on.run(primary.role.instances().create(caller(), what))->front();
}

stored<instance> api_fixture::add_instance_on(node_id node, std::string const& workload, instance_state state) {
    auto const made = add_instance(workload);
    primary.bind(made->id(), node);
    if (state == instance_state::destroying)
        REQUIRE(on.run(primary.role.instances().remove(caller(), made->id(), any_revision)).has_value());
    else
        primary.report(made->id(), state);
    return primary.get(made->id());
}

std::unique_ptr<running_server> api_fixture::start() {
    auto options = on_loopback();
    options.local = unix_address{path};
    options.limits.check_period = std::chrono::milliseconds(50);
    return std::make_unique<running_server>(on, real, face, options);
}

}  // namespace rik::test

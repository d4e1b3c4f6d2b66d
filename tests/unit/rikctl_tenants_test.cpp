// rikctl and tenants: what it asks for, and what it shows.
#include <rik/client/client.hpp>

#include <fstream>
#include <sstream>

#include "rikctl.hpp"
#include "support/catch.hpp"
#include "support/fake_server.hpp"
#include "unit/client_samples.hpp"
#include "unit/rikctl_outcome.hpp"

namespace {

using test::fake_reply;
using test::fake_request;
using test::fake_server;
using test::outcome;
using test::reply_with;

outcome rikctl_at(fake_server const& server, std::vector<std::string> arguments, std::string const& input = "",
                  std::string const& tenant_variable = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    rikctl::surroundings around{.in = in, .out = out, .err = err};
    around.sources.server_variable = server.address();
    around.sources.tenant_variable = tenant_variable;
    auto const code = rikctl::run_rikctl(std::move(arguments), around);
    return {code, out.str(), err.str()};
}

std::string error_body(std::string const& message) {
    return R"({"error":{"code":"not_found","message":")" + message + R"(","remedy":"rikctl create tenant x"}})";
}

/// Answers every list with `items`, and everything else with one object or a success.
fake_server::handler lists(std::string const& items) {
    return [items](fake_request const& request) {
        if (request.line.starts_with("POST")) return reply_with(201, R"({"name":"web","items":[{"name":"web-1"}]})");
        if (request.line.starts_with("DELETE /rik/v1/tenants"))
            return reply_with(202, R"({"workloads":1,"instances":5})");
        if (request.line.starts_with("DELETE")) return reply_with(202, "{}");
        return reply_with(200, test::list_of(items));
    };
}

/// The target of the last request.
std::string asked(fake_server const& server) {
    auto const all = server.requests();
    REQUIRE_FALSE(all.empty());
    auto const& line = all.back().line;
    auto const begin = line.find(' ') + 1;
    return line.substr(begin, line.find(' ', begin) - begin);
}

std::string pod_in(std::string const& tenant) {
    return "apiVersion: v1\nkind: Pod\nname: web\n" + (tenant.empty() ? "" : "tenant: " + tenant + "\n") +
           "spec:\n  containers:\n  - name: a\n    image: x\n";
}

std::string in_tenant(std::string object, std::string const& tenant) {
    std::string const before = R"("tenant":"default")";
    object.replace(object.find(before), before.size(), R"("tenant":")" + tenant + "\"");
    return object;
}

}  // namespace

TEST_CASE("the option -n names the tenant of every call, wherever it stands") {
    fake_server server(lists(test::workload_web));
    for (auto const* option : {"-n", "--tenant", "--namespace"}) {
        CHECK(rikctl_at(server, {option, "a", "get", "workloads"}).code == 0);
        CHECK(asked(server) == "/rik/v1/workloads?limit=500&tenant=a");
    }
    rikctl_at(server, {"get", "instances", "-n", "a", "-o", "json"});
    CHECK(asked(server) == "/rik/v1/instances?tenant=a");
    rikctl_at(server, {"get", "workload", "web", "-n", "a"});
    CHECK(asked(server) == "/rik/v1/workloads/web?tenant=a");
    rikctl_at(server, {"events", "-n", "a"});
    CHECK(asked(server) == "/rik/v1/events?tenant=a");
    rikctl_at(server, {"logs", "web-1", "-n", "a"});
    CHECK(asked(server) == "/rik/v1/instances/web-1/logs?tenant=a");
    rikctl_at(server, {"delete", "instance", "web-1", "-n", "a"});
    CHECK(asked(server) == "/rik/v1/instances/web-1?tenant=a");
    rikctl_at(server, {"create", "instance", "--workload", "web", "-n", "a"});
    CHECK(asked(server) == "/rik/v1/instances?tenant=a");
    rikctl_at(server, {"get", "nodes", "-n", "a"});
    CHECK(asked(server) == "/rik/v1/nodes?limit=500");
    rikctl_at(server, {"get", "workloads"});
    CHECK(asked(server) == "/rik/v1/workloads?limit=500");
}

TEST_CASE("a tenant comes from the command line, else from the environment") {
    fake_server server(lists(test::workload_web));
    rikctl_at(server, {"get", "workloads"}, "", "b");
    CHECK(asked(server) == "/rik/v1/workloads?limit=500&tenant=b");
    rikctl_at(server, {"get", "workloads", "-n", "a"}, "", "b");
    CHECK(asked(server) == "/rik/v1/workloads?limit=500&tenant=a");
    auto const wrong = rikctl_at(server, {"get", "workloads"}, "", "No Name");
    CHECK(wrong.code == 1);
    CHECK_THAT(wrong.err, Catch::Contains("RIK_TENANT"));
}

TEST_CASE("the option -A lists all tenants, and tells of which") {
    fake_server server(lists(in_tenant(test::workload_web, "team-a")));
    auto const all = rikctl_at(server, {"get", "workloads", "-A"}, "", "b");
    CHECK(asked(server) == "/rik/v1/workloads?limit=500&allTenants=true");
    CHECK(all.out.starts_with("TENANT   NAME   KIND"));
    CHECK_THAT(all.out, Catch::Contains("\nteam-a   web    Pod"));
    CHECK_THAT(rikctl_at(server, {"get", "workloads"}).out, !Catch::Contains("team-a"));
    rikctl_at(server, {"events", "--all-tenants"});
    CHECK(asked(server) == "/rik/v1/events?allTenants=true");
    auto const asked_before = server.requests().size();
    CHECK(rikctl_at(server, {"get", "workloads", "-A", "-n", "a"}).code == 2);
    CHECK(rikctl_at(server, {"get", "workload", "web", "-A"}).code == 2);
    CHECK(rikctl_at(server, {"get", "nodes", "-A"}).code == 2);
    CHECK(rikctl_at(server, {"get", "workloads", "-n", "No Name"}).code == 2);
    CHECK(rikctl_at(server, {"get", "workloads", "-n", ""}).code == 2);
    CHECK(server.requests().size() == asked_before);
}

TEST_CASE("an empty list says in which tenant, and a tenant that does not exist is an error") {
    fake_server empty(lists(""));
    CHECK(rikctl_at(empty, {"get", "workloads", "-n", "a"}).err == "There are no workloads in tenant a.\n");
    CHECK(rikctl_at(empty, {"get", "workloads"}).err == "There are no workloads.\n");
    CHECK(rikctl_at(empty, {"get", "jobs"}).err == "There are no workloads of kind Job.\n");
    CHECK(rikctl_at(empty, {"get", "rs", "-n", "a"}).err ==
          "There are no workloads of kind ReplicaSet in tenant a. Those of a Deployment are its releases: rikctl "
          "rollout history DEPLOYMENT\n");
    fake_server server([](fake_request const&) { return reply_with(404, error_body("tenant x does not exist")); });
    auto const missing = rikctl_at(server, {"get", "instances", "-n", "x"});
    CHECK(missing.code == 3);
    CHECK(missing.err == "error: tenant x does not exist (rikctl create tenant x)\n");
}

TEST_CASE("tenants are created, shown, described and deleted") {
    std::string const tenant = R"({"id":"t1","name":"team-a","labels":{"zone":"x"},"annotations":{},"state":"active",
        "createdAt":"2026-11-21T19:00:00.000000Z","deletingSince":null})";
    fake_server server([&](fake_request const& request) {
        if (request.line.starts_with("GET /rik/v1/tenants/team-a")) return reply_with(200, tenant);
        if (request.line.starts_with("GET /rik/v1/tenants")) return reply_with(200, test::list_of(tenant));
        if (request.line.starts_with("POST /rik/v1/tenants")) return reply_with(201, tenant);
        if (request.line.starts_with("GET /rik/v1/workloads?tenant=team-a"))
            return reply_with(200, test::list_of(in_tenant(test::workload_web, "team-a")));
        if (request.line.starts_with("GET /rik/v1/instances?tenant=team-a"))
            return reply_with(200, test::list_of(in_tenant(test::instance_running, "team-a")));
        return lists("")(request);
    });
    for (auto const* kind : {"tenant", "tenants", "namespace", "namespaces", "ns"}) {
        auto const shown = rikctl_at(server, {"get", kind});
        CHECK(shown.out.starts_with("NAME     STATE    AGE\nteam-a   active"));
        CHECK(asked(server) == "/rik/v1/tenants?limit=500");
    }
    auto const made = rikctl_at(server, {"create", "tenant", "team-a", "--label", "zone=x"});
    CHECK(made.out == "tenant team-a created\n");
    CHECK(server.requests().back().body == R"({"name":"team-a","labels":{"zone":"x"}})");
    CHECK(rikctl_at(server, {"create", "tenant", "Team A"}).code == 2);
    CHECK(rikctl_at(server, {"create", "tenant", "team-a", "--label", "zone-"}).code == 2);
    auto const told = rikctl_at(server, {"describe", "tenant", "team-a"});
    CHECK(told.code == 0);
    CHECK_THAT(told.out, Catch::Contains("Labels:       zone=x\n") && Catch::Contains("Workloads:\n  NAME") &&
                             Catch::Contains("  web ") && Catch::Contains("Instances:\n  NAME") &&
                             Catch::Contains("  web-1 ") && Catch::Contains("Events: none are kept"));
    auto const gone = rikctl_at(server, {"delete", "tenant", "team-a"});
    CHECK(gone.out == "tenant team-a is being deleted, with 1 workload and 5 instances\n");
    CHECK(gone.code == 0);
}

TEST_CASE("delete --wait waits until a tenant is gone") {
    fake_server server([&](fake_request const& request) {
        auto const all = server.requests();
        auto const is_gone = std::ranges::any_of(all, [](auto const& each) { return each.line.starts_with("DELETE"); });
        if (request.line.starts_with("DELETE")) return reply_with(202, R"({"workloads":0,"instances":0})");
        if (is_gone) return reply_with(404, error_body("tenant team-a does not exist"));
        return reply_with(200, R"({"id":"t1","name":"team-a","state":"active"})");
    });
    auto const gone = rikctl_at(server, {"delete", "ns", "team-a", "--wait"});
    CHECK(gone.code == 0);
    CHECK(gone.out == "tenant team-a is being deleted, with 0 workloads and 0 instances\ntenant team-a is deleted\n");
}

TEST_CASE("a definition's tenant wins over one that was not said with the command") {
    fake_server server(lists(test::workload_web));
    rikctl_at(server, {"create", "workload", "-f", "-"}, pod_in("a"), "b");
    CHECK(asked(server) == "/rik/v1/workloads");
    rikctl_at(server, {"create", "workload", "-f", "-"}, pod_in(""), "b");
    CHECK(asked(server) == "/rik/v1/workloads?tenant=b");
    rikctl_at(server, {"create", "workload", "-f", "-", "-n", "b"}, pod_in("a"));
    CHECK(asked(server) == "/rik/v1/workloads?tenant=b");  // which the server refuses
    rikctl_at(server, {"delete", "-f", "-"}, pod_in("a"), "b");
    CHECK(asked(server) == "/rik/v1/workloads/web?kind=Pod&tenant=a");
    rikctl_at(server, {"delete", "-f", "-"}, pod_in(""), "b");
    CHECK(asked(server) == "/rik/v1/workloads/web?kind=Pod&tenant=b");
    auto const asked_before = server.requests().size();
    auto const differs = rikctl_at(server, {"delete", "-f", "-", "-n", "b"}, pod_in("a"));
    CHECK(differs.code == 1);
    CHECK_THAT(differs.err, Catch::Contains("the command names the tenant b, the definition a"));
    CHECK(server.requests().size() == asked_before);
}

TEST_CASE("what is waited for is found in whatever tenant it is") {
    auto const running = in_tenant(test::instance_running, "team-a");
    fake_server server([&](fake_request const&) { return reply_with(200, running); });
    CHECK(rikctl_at(server, {"wait", "instance", "web-1", "-n", "team-a", "--for", "running"}).code == 0);
    CHECK(asked(server) == "/rik/v1/instances/web-1?tenant=team-a");
    CHECK(rikctl_at(server, {"wait", "tenant", "a", "--for", "running"}).code == 2);
}

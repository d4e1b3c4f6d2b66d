// rikctl apply, diff, edit, label, annotate, and what selects: what they ask for, and what they say.
#include <rik/client/client.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "rikctl.hpp"
#include "support/catch.hpp"
#include "support/fake_server.hpp"
#include "support/read_text.hpp"
#include "unit/client_samples.hpp"
#include "unit/rikctl_outcome.hpp"

namespace {

using test::fake_reply;
using test::fake_request;
using test::fake_server;
using test::outcome;
using test::reply_with;

using editor = std::function<rik::result<void>(std::string const&)>;

outcome rikctl_at(fake_server const& server, std::vector<std::string> arguments, std::string const& input = "",
                  editor edit = {}) {
    std::istringstream in(input);
    std::ostringstream out, err;
    rikctl::surroundings around{.in = in, .out = out, .err = err};
    around.sources.server_variable = server.address();
    if (edit) around.edit_file = std::move(edit);
    auto const code = rikctl::run_rikctl(std::move(arguments), around);
    return {code, out.str(), err.str()};
}

std::string const pod_yaml =
    "apiVersion: v1\nkind: Pod\nname: web\nspec:\n  containers:\n  - name: main\n    image: a:2\n";
std::string const tenant_yaml = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-a\n  labels:\n    zone: x\n";

std::string workload(std::string const& image, std::string const& more = R"("labels":{"tier":"front"},)") {
    return R"({"id":"c0ffee00-0000-4000-8000-000000000001","name":"web","kind":"Pod","revision":7,)" + more +
           R"("definition":{"apiVersion":"v1","kind":"Pod","name":"web",)" + more +
           R"("spec":{"containers":[{"name":"main","image":")" + image + R"("}]}}})";
}

std::string change(std::string const& outcome, std::string const& changes = "", std::string const& warning = "") {
    return R"({"outcome":")" + outcome + R"(","changes":[)" + changes + R"(],"warnings":[)" +
           (warning.empty() ? "" : '"' + warning + '"') + R"(],"workload":)" + workload("a:2") + "}";
}

std::string const image_change = R"({"path":"spec.containers[0].image","before":"a:1","after":"a:2"})";

std::string refusal(std::string const& code, std::string const& message) {
    return R"({"error":{"code":")" + code + R"(","message":")" + message + R"("}})";
}

/// "PUT /rik/v1/workloads", of each request.
std::vector<std::string> asked(fake_server const& server) {
    std::vector<std::string> lines;
    for (auto const& each : server.requests()) lines.push_back(each.line.substr(0, each.line.rfind(' ')));
    return lines;
}

}  // namespace

TEST_CASE("apply says what was made of each object, and what changed") {
    int count = 0;
    fake_server server([&](fake_request const&) {
        switch (count++) {
            case 0: return reply_with(201, change("created"));
            case 1: return reply_with(200, change("unchanged"));
            default: return reply_with(200, change("changed", image_change, "2 instances go on as they are"));
        }
    });
    auto const created = rikctl_at(server, {"apply", "-f", "-"}, pod_yaml);
    CHECK(created.code == 0);
    CHECK(created.out == "pod web created\n");
    CHECK(rikctl_at(server, {"apply", "-f", "-"}, pod_yaml).out == "pod web unchanged\n");
    auto const changed = rikctl_at(server, {"apply", "-f", "-"}, pod_yaml);
    CHECK(changed.out == "pod web changed\n  spec.containers[0].image: \"a:1\" -> \"a:2\"\n");
    CHECK_THAT(changed.err, Catch::Contains("warning: -: 2 instances go on as they are"));
    auto const dry = rikctl_at(server, {"apply", "-f", "-", "--dry-run"}, pod_yaml);
    CHECK_THAT(dry.out, Catch::StartsWith("pod web changed (dry run)\n"));
    CHECK(asked(server).back() == "PUT /rik/v1/workloads?dryRun=true");
    CHECK(server.requests().back().body == pod_yaml);
}

TEST_CASE("apply makes tenants first, and goes on after a failure, of which the first one counts") {
    fake_server server([](fake_request const& request) {
        if (request.line.starts_with("GET")) return reply_with(404, refusal("not_found", "no tenant"));
        if (request.line.starts_with("POST")) return reply_with(201, R"({"name":"team-a"})");
        if (request.body.find("bad") != std::string::npos) return reply_with(409, refusal("conflict", "taken"));
        return reply_with(201, change("created"));
    });
    auto bad = pod_yaml;
    bad.replace(bad.find("web"), 3, "bad");
    auto const all = rikctl_at(server, {"apply", "-f", "-"}, bad + "---\n" + pod_yaml + "---\n" + tenant_yaml);
    CHECK(all.code == 4);
    CHECK(all.out == "tenant team-a created\npod web created\n");
    CHECK_THAT(all.err, Catch::Contains("definition 1: taken"));
    CHECK(asked(server) == std::vector<std::string>{"GET /rik/v1/tenants/team-a", "POST /rik/v1/tenants",
                                                    "PUT /rik/v1/workloads", "PUT /rik/v1/workloads"});
    CHECK_THAT(server.requests()[1].body, Catch::Contains(R"("labels":{"zone":"x"})"));
}

TEST_CASE("apply checks everything before anything is sent") {
    fake_server server([](fake_request const&) { return reply_with(201, change("created")); });
    auto const wrong = rikctl_at(server, {"apply", "-f", "-"}, pod_yaml + "---\nkind: Pod\n");
    CHECK(wrong.code == 1);
    CHECK_THAT(wrong.err, Catch::Contains("nothing was applied"));
    CHECK(rikctl_at(server, {"apply", "-f", "/does/not/exist"}).code == 1);
    CHECK(rikctl_at(server, {"apply"}).code == 2);
    CHECK(server.requests().empty());
}

TEST_CASE("apply of a tenant that is there changes what differs") {
    fake_server server([](fake_request const&) {
        return reply_with(200, R"({"name":"team-a","labels":{"zone":"y","more":"z"},"annotations":{}})");
    });
    auto const changed = rikctl_at(server, {"apply", "-f", "-"}, tenant_yaml);
    CHECK(changed.out == "tenant team-a changed\n  labels.zone: set to \"x\"\n");
    CHECK(server.requests().back().body == R"({"labels":{"zone":"x"}})");
    auto same = tenant_yaml;
    same.replace(same.find("zone: x"), 7, "zone: y");
    CHECK(rikctl_at(server, {"apply", "-f", "-"}, same).out == "tenant team-a unchanged\n");
}

TEST_CASE("what a dry run would make in a tenant that it would make is not asked for") {
    fake_server server([](fake_request const&) { return reply_with(404, refusal("not_found", "no tenant")); });
    auto inside = pod_yaml;
    inside.insert(inside.find("spec:"), "tenant: team-a\n");
    auto const dry = rikctl_at(server, {"apply", "--dry-run", "-f", "-"}, inside + "---\n" + tenant_yaml);
    CHECK(dry.code == 0);
    CHECK(dry.out == "tenant team-a created (dry run)\npod web created (dry run)\n");
    CHECK(asked(server) == std::vector<std::string>{"GET /rik/v1/tenants/team-a"});
}

TEST_CASE("diff shows what would change, and exits as diff does") {
    auto now = workload("a:1");
    fake_server server([&](fake_request const& request) {
        if (request.line.starts_with("GET"))
            return reply_with(now.empty() ? 404 : 200, now.empty() ? refusal("not_found", "no") : now);
        if (request.body.find("bad") != std::string::npos) return reply_with(400, refusal("invalid", "wrong"));
        return reply_with(200, change("changed"));
    });
    auto const differs = rikctl_at(server, {"diff", "-f", "-"}, pod_yaml);
    CHECK(differs.code == 1);
    CHECK_THAT(differs.out, Catch::StartsWith("--- pod web (now)\n+++ pod web (applied)\n@@ "));
    CHECK_THAT(differs.out, Catch::Contains("\n-      image: a:1\n") || Catch::Contains("\n-    image: a:1\n"));
    CHECK(asked(server).back() == "PUT /rik/v1/workloads?dryRun=true");
    now = workload("a:2");
    auto const same = rikctl_at(server, {"diff", "-f", "-"}, pod_yaml);
    CHECK(same.code == 0);
    CHECK(same.out.empty());
    now.clear();
    CHECK_THAT(rikctl_at(server, {"diff", "-f", "-"}, pod_yaml).out, Catch::Contains("@@ -0,0 +1,"));
    auto bad = pod_yaml;
    bad.replace(bad.find("a:2"), 3, "bad");
    CHECK(rikctl_at(server, {"diff", "-f", "-"}, bad).code == 2);
}

TEST_CASE("label sets and takes off, and overwrites only when it is told to") {
    fake_server server([](fake_request const& request) {
        return reply_with(200, request.line.starts_with("GET") ? workload("a:1") : change("changed"));
    });
    auto const set = rikctl_at(server, {"label", "workload", "web", "zone=x", "tier-"});
    CHECK(set.code == 0);
    CHECK(set.out == "workload web changed\n");
    CHECK(asked(server).back() == "PATCH /rik/v1/workloads/web?revision=7");
    CHECK(server.requests().back().body == R"({"labels":{"tier":null,"zone":"x"}})");
    CHECK_THAT(server.requests().back().head, Catch::Contains("application/merge-patch+json"));
    auto const taken = rikctl_at(server, {"label", "workload", "web", "tier=back"});
    CHECK(taken.code == 4);
    CHECK_THAT(taken.err, Catch::Contains("already has the value 'front'") && Catch::Contains("--overwrite"));
    CHECK(rikctl_at(server, {"label", "workload", "web", "tier=back", "--overwrite"}).code == 0);
    CHECK(rikctl_at(server, {"label", "wl", "web", "tier=front"}).out == "workload web unchanged\n");
    auto const dry = rikctl_at(server, {"label", "wl", "web", "zone=x", "--dry-run"});
    CHECK(dry.out == "workload web changed (dry run)\n");
    CHECK(asked(server).back() == "GET /rik/v1/workloads/web");
    for (auto const& words : std::vector<std::vector<std::string>>{{"label", "workload", "web"},
                                                                   {"label", "workload", "a=b"},
                                                                   {"label", "workload", "web", "a=b", "c"},
                                                                   {"label", "workload", "web", "no key=b"},
                                                                   {"label", "workload", "web", "a=b", "a-"},
                                                                   {"label", "event", "web-1", "a=b"},
                                                                   {"annotate", "node", "a", "b=c"}})
        CHECK(rikctl_at(server, words).code == 2);
}

TEST_CASE("annotations take any text, and both forms have their own place") {
    fake_server server([](fake_request const& request) {
        if (!request.line.starts_with("GET")) return reply_with(200, change("changed"));
        return reply_with(200, R"({"name":"web","revision":7,"labels":{},"annotations":{},
            "definition":{"kind":"Pod","metadata":{"name":"web"}}})");
    });
    CHECK(rikctl_at(server, {"annotate", "workload", "web", "note=any text, even a=b"}).code == 0);
    CHECK(server.requests().back().body == R"({"metadata":{"annotations":{"note":"any text, even a=b"}}})");
    fake_server of_tenants([](fake_request const&) {
        return reply_with(200, R"({"name":"a","revision":3,"labels":{},"annotations":{}})");
    });
    CHECK(rikctl_at(of_tenants, {"annotate", "tenant", "a", "note=x"}).out == "tenant a changed\n");
    CHECK(asked(of_tenants).back() == "PATCH /rik/v1/tenants/a?revision=3");
    CHECK(rikctl_at(of_tenants, {"label", "node", "a", "disk=ssd"}).out == "node a changed\n");
    CHECK(asked(of_tenants).back() == "PATCH /rik/v1/nodes/a");
}

namespace {

/// Changes `before` to `after` in the file, and remembers what it was shown.
editor replacing(std::string before, std::string after, std::vector<std::string>& shown) {
    return [before, after, &shown](std::string const& path) -> rik::result<void> {
        shown.push_back(rik::testing::read_text(path));
        auto text = shown.back();
        if (auto const at = text.find(before); at != text.npos) text.replace(at, before.size(), after);
        std::ofstream(path) << text;
        return {};
    };
}

}  // namespace

TEST_CASE("edit sends what was edited, with the revision that was read") {
    fake_server server([](fake_request const& request) {
        return reply_with(200, request.line.starts_with("GET") ? workload("a:1") : change("changed", image_change));
    });
    std::vector<std::string> shown;
    auto const done = rikctl_at(server, {"edit", "workload", "web"}, "", replacing("a:1", "a:2", shown));
    CHECK(done.code == 0);
    CHECK(done.out == "pod web changed\n  spec.containers[0].image: \"a:1\" -> \"a:2\"\n");
    REQUIRE(shown.size() == 1);
    CHECK_THAT(shown.front(), Catch::StartsWith("# ") && Catch::Contains("image: a:1"));
    CHECK(asked(server).back() == "PUT /rik/v1/workloads/c0ffee00-0000-4000-8000-000000000001?revision=7");
    CHECK_THAT(server.requests().back().body, Catch::Contains("image: a:2") && !Catch::Contains("#"));
    auto const same = rikctl_at(server, {"edit", "workload", "web"}, "", replacing("none", "", shown));
    CHECK(same.out == "nothing was changed\n");
    auto const emptied =
        rikctl_at(server, {"edit", "workload", "web"}, "", [](std::string const& path) -> rik::result<void> {
            std::ofstream(path) << "# only this\n";
            return {};
        });
    CHECK(emptied.out == "nothing was changed\n");
}

TEST_CASE("edit shows what is wrong, and opens again, and nobody's work is lost") {
    bool is_refused = true;
    fake_server server([&](fake_request const& request) {
        if (request.line.starts_with("GET")) return reply_with(200, workload("a:1"));
        if (is_refused) return reply_with(409, refusal("conflict", "it is at revision 8"));
        return reply_with(200, change("changed"));
    });
    std::vector<std::string> shown;
    int turn = 0;
    auto const twice = [&](std::string const& path) -> rik::result<void> {
        return turn++ == 0 ? replacing("image: a:1", "imagine: a:1", shown)(path)
                           : replacing("imagine: a:1", "image: a:2", shown)(path);
    };
    is_refused = false;
    CHECK(rikctl_at(server, {"edit", "workload", "web"}, "", twice).code == 0);
    REQUIRE(shown.size() == 2);
    CHECK_THAT(shown.back(), Catch::Contains("# It cannot be changed like this:") && Catch::Contains("imagine"));

    shown.clear();
    auto const given_up =
        rikctl_at(server, {"edit", "workload", "web"}, "", replacing("image: a:1", "imagine: a:1", shown));
    CHECK(given_up.code == 1);
    CHECK(shown.size() == 2);
    is_refused = true;
    auto const late = rikctl_at(server, {"edit", "workload", "web"}, "", replacing("a:1", "a:2", shown));
    CHECK(late.code == 4);
    for (auto const* said : {&given_up.err, &late.err}) {
        auto const at = said->find("kept in ");
        REQUIRE(at != said->npos);
        auto const path = said->substr(at + 8, said->find('\n', at) - at - 8);
        CHECK_FALSE(rik::testing::read_text(path).empty());
        std::filesystem::remove(path);
    }
    auto const broken = rikctl_at(server, {"edit", "workload", "web"}, "", [](std::string const&) -> rik::result<void> {
        return rik::error{rik::errc::invalid, "the editor has failed"};
    });
    CHECK(broken.code == 1);
    std::filesystem::remove(
        broken.err.substr(broken.err.find("kept in ") + 8, broken.err.rfind('\n') - broken.err.find("kept in ") - 8));
}

TEST_CASE("edit opens again with the newer text when somebody else was faster, and keeps the older") {
    bool is_newer = false;
    fake_server server([&](fake_request const& request) {
        auto text = workload(is_newer ? "b:1" : "a:1");
        if (auto const at = text.find("\"revision\":7"); is_newer && at != text.npos)
            text.replace(at, 12, "\"revision\":8");
        if (request.line.starts_with("GET")) return reply_with(200, text);
        if (std::exchange(is_newer, true)) return reply_with(200, change("changed"));
        return reply_with(409, refusal("conflict", "it is at revision 8"));
    });
    std::vector<std::string> shown;
    int turn = 0;
    auto const twice = [&](std::string const& path) -> rik::result<void> {
        return turn++ == 0 ? replacing("a:1", "a:2", shown)(path) : replacing("b:1", "b:2", shown)(path);
    };
    auto const done = rikctl_at(server, {"edit", "workload", "web"}, "", twice);
    CHECK(done.code == 0);
    REQUIRE(shown.size() == 2);
    CHECK_THAT(shown.back(), Catch::Contains("# Somebody else has changed it") && Catch::Contains("image: b:1"));
    CHECK_THAT(server.requests().back().line, Catch::Contains("revision=8"));
    CHECK_THAT(server.requests().back().body, Catch::Contains("image: b:2"));
    auto const at = done.err.find("kept in ");
    REQUIRE(at != done.err.npos);
    auto const path = done.err.substr(at + 8, done.err.find('\n', at) - at - 8);
    CHECK_THAT(rik::testing::read_text(path), Catch::Contains("image: a:2"));
    std::filesystem::remove(path);
}

TEST_CASE("a tenant is edited, too") {
    fake_server server([](fake_request const&) {
        return reply_with(200, R"({"id":"c0ffee00-0000-4000-8000-000000000001","name":"a","revision":3,
            "labels":{"zone":"x","old":"gone"},"annotations":{}})");
    });
    std::vector<std::string> shown;
    auto const done = rikctl_at(server, {"edit", "tenant", "a"}, "", replacing("  old: gone\n", "", shown));
    CHECK(done.out == "tenant a changed\n");
    CHECK(server.requests().back().body == R"({"labels":{"old":null,"zone":"x"}})");
}

TEST_CASE("get selects, and delete deletes what is selected") {
    fake_server server([](fake_request const& request) {
        if (request.line.starts_with("DELETE")) return reply_with(202, "{}");
        return reply_with(200, test::list_of(R"({"id":"c0ffee00-0000-4000-8000-000000000001","name":"web-1"})"));
    });
    rikctl_at(server, {"get", "instances", "-l", "tier=front", "--field-selector", "state=running", "-o", "name"});
    CHECK(asked(server).back() ==
          "GET /rik/v1/instances?labelSelector=tier%3Dfront&fieldSelector=state%3Drunning&limit=500");
    auto const deleted = rikctl_at(server, {"delete", "instances", "-l", "tier=front"});
    CHECK(deleted.code == 0);
    CHECK(deleted.out == "instance web-1 is being deleted\n");
    CHECK(asked(server).back() == "DELETE /rik/v1/instances/c0ffee00-0000-4000-8000-000000000001");
    for (auto const& words : std::vector<std::vector<std::string>>{{"get", "instances", "-l", "a=("},
                                                                   {"get", "instances", "-l", ""},
                                                                   {"get", "instances", "--field-selector", "a"},
                                                                   {"get", "instance", "web-1", "-l", "a"},
                                                                   {"get", "tenants", "-l", "a"},
                                                                   {"get", "events", "-l", "a"},
                                                                   {"delete", "-l", "a"},
                                                                   {"delete", "instances", "-l", ""},
                                                                   {"delete", "instance", "web-1", "-l", "a"},
                                                                   {"delete", "tenants", "-l", "a"}})
        CHECK(rikctl_at(server, words).code == 2);
}

TEST_CASE("delete -f deletes what is in a tenant, and then the tenant") {
    fake_server server([](fake_request const& request) {
        if (request.line.find("/tenants/") != std::string::npos)
            return reply_with(202, R"({"workloads":1,"instances":0})");
        return reply_with(202, "{}");
    });
    auto const done = rikctl_at(server, {"delete", "-f", "-"}, tenant_yaml + "---\n" + pod_yaml);
    CHECK(done.code == 0);
    CHECK(asked(server) ==
          std::vector<std::string>{"DELETE /rik/v1/workloads/web?kind=Pod", "DELETE /rik/v1/tenants/team-a"});
}

TEST_CASE("create --dry-run makes nothing, and a Pod in Kubernetes' form comes with its instance") {
    fake_server server([](fake_request const&) { return reply_with(200, workload("a:1")); });
    auto const dry = rikctl_at(server, {"create", "workload", "-f", "-", "--dry-run"}, pod_yaml);
    CHECK(dry.out == "workload web created (dry run)\n");
    CHECK(asked(server).back() == "POST /rik/v1/workloads?dryRun=true");
    auto const one = rikctl_at(server, {"create", "workload", "-f", "-"},
                               "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n"
                               "  - name: main\n    image: a:1\n");
    CHECK(one.out == "workload web created\ninstance web created\n");
    auto const managed = rikctl_at(server, {"create", "workload", "-f", "-"},
                                   "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n"
                                   "  selector: {matchLabels: {app: web}}\n  template:\n"
                                   "    metadata: {labels: {app: web}}\n"
                                   "    spec: {containers: [{name: main, image: a}]}\n");
    CHECK(managed.err.empty());
    CHECK(managed.out == "workload web created\n");
}

TEST_CASE("create makes the tenants of its files first, and goes on after one that is there") {
    auto inside = pod_yaml;
    inside.insert(inside.find("spec:"), "tenant: team-a\n");
    std::map<std::string, fake_reply> replies{
        {"POST /rik/v1/tenants HTTP/1.1", reply_with(201, R"({"name":"team-a"})")},
        {"POST /rik/v1/workloads HTTP/1.1", reply_with(201, workload("a:1"))},
        {"GET /rik/v1/tenants/team-a HTTP/1.1", reply_with(404, refusal("not_found", "no tenant"))}};
    fake_server server([&](fake_request const& request) { return replies.at(request.line); });
    auto const create = [&](std::vector<std::string> more = {}) {
        std::vector<std::string> arguments{"create", "workload", "-f", "-"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return rikctl_at(server, arguments, inside + "---\n" + tenant_yaml);
    };
    auto const made = create();
    CHECK(made.code == 0);
    CHECK(made.out == "tenant team-a created\nworkload web created\n");
    CHECK(asked(server) == std::vector<std::string>{"POST /rik/v1/tenants", "POST /rik/v1/workloads"});
    CHECK_THAT(server.requests()[0].body, Catch::Contains(R"("labels":{"zone":"x"})"));

    auto const dry = create({"--dry-run"});
    CHECK(dry.out == "tenant team-a created (dry run)\nworkload web created (dry run)\n");
    CHECK(asked(server).size() == 3);
    CHECK(asked(server).back() == "GET /rik/v1/tenants/team-a");

    replies["POST /rik/v1/tenants HTTP/1.1"] = reply_with(409, refusal("conflict", "tenant team-a exists already"));
    auto const again = create();
    CHECK(again.code == 4);
    CHECK(again.out == "workload web created\n");
    CHECK(again.err ==
          "error: -: definition 2: tenant team-a exists already (leave it out, or use `rikctl apply -f`)\n"
          "1 of 2 definitions were created\n");

    replies["GET /rik/v1/tenants/team-a HTTP/1.1"] = reply_with(200, R"({"name":"team-a"})");
    replies.emplace("POST /rik/v1/workloads?dryRun=true HTTP/1.1", reply_with(200, workload("a:1")));
    auto const dry_again = create({"--dry-run"});
    CHECK(dry_again.code == 4);
    CHECK_THAT(dry_again.err, Catch::StartsWith("error: -: definition 2: ") && Catch::Contains("exists already"));
    CHECK(dry_again.out == "workload web created (dry run)\n");
}

// rikctl as a whole, against a server of the test: output, errors and exit codes.
#include <rik/client/client.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <sstream>

#include "rikctl.hpp"
#include "support/catch.hpp"
#include "support/fake_server.hpp"
#include "unit/client_samples.hpp"
#include "unit/rikctl_outcome.hpp"

namespace {

using namespace std::chrono_literals;
using test::fake_reply;
using test::fake_request;
using test::fake_server;
using test::outcome;
using test::reply_with;

outcome rikctl_at(
    std::string const& address, std::vector<std::string> arguments, std::string const& input = "",
    std::function<bool()> is_interrupted = [] { return false; }) {
    std::istringstream in(input);
    std::ostringstream out, err;
    rikctl::surroundings around{.in = in, .out = out, .err = err};
    around.sources.server_variable = address;
    around.options.reconnect_for = 5s;
    around.is_interrupted = std::move(is_interrupted);
    auto const code = rikctl::run_rikctl(std::move(arguments), around);
    return {code, out.str(), err.str()};
}

outcome rikctl_without_server(std::vector<std::string> arguments) {
    return rikctl_at("unix:///nonexistent/rik.sock", std::move(arguments));
}

std::string event_text(std::string const& id, std::string const& name, std::string const& data) {
    std::string line = data;
    std::erase(line, '\n');
    return "id: " + id + "\nevent: " + name + "\ndata: " + line + "\n\n";
}

fake_reply stays_open(std::vector<std::string> const& texts) {
    auto reply = test::stream_of("text/event-stream", texts, false);
    reply.stays_open = true;
    return reply;
}

std::string error_body(std::string const& code, std::string const& message) {
    return R"({"error":{"code":")" + code + R"(","message":")" + message + "\"}}";
}

std::string instance(std::string const& name, std::string const& state, std::string const& more = "") {
    return R"({"id":"id-)" + name + R"(","name":")" + name + R"(","state":")" + state +
           R"(","addresses":["10.0.0.9"])" + more + "}";
}

/// A definition, in YAML of seven lines.
std::string pod(std::string const& name) {
    return "apiVersion: v1\nkind: Pod\nname: " + name + "\nspec:\n  containers:\n  - name: a\n    image: x\n";
}

bool has_deleted(fake_server const& server) {
    for (auto const& each : server.requests())
        if (each.line.starts_with("DELETE")) return true;
    return false;
}

/// Replies by the beginning of the request line; the first that fits.
fake_server::handler routes(std::vector<std::pair<std::string, fake_reply>> table) {
    return [table](fake_request const& request) {
        for (auto const& [start, reply] : table)
            if (request.line.starts_with(start)) return reply;
        return reply_with(404, error_body("not_found", "no route: " + request.line));
    };
}

}  // namespace

TEST_CASE("rikctl without a server says where it looked and what to do") {
    auto const done = rikctl_without_server({"get", "instances"});
    CHECK(done.code == 5);
    CHECK(done.err ==
          "error: cannot reach rik at unix:///nonexistent/rik.sock: no such file (is rik running? start it with: rik "
          "--role=all)\n");
}

TEST_CASE("a wrong command line is exit code 2 and touches no server") {
    for (auto const& arguments : std::vector<std::vector<std::string>>{
             {},
             {"gett"},
             {"get"},
             {"get", "services"},
             {"get", "i", "--nope"},
             {"get", "i", "-o", "xml"},
             {"get", "nodes", "--workload", "w"},
             {"create"},
             {"create", "pod"},
             {"create", "workload"},
             {"create", "instance"},
             {"create", "instance", "--workload", "w", "--replicas", "0"},
             {"create", "instance", "--workload", "w", "--replicas", "2", "--name", "n"},
             {"delete"},
             {"delete", "workload"},
             {"get", "nodes", "-A"},
             {"delete", "node", "a"},
             {"delete", "i", "x", "--wait", "--timeout", "soon"},
             {"describe", "event", "x"},
             {"delete", "event", "x"},
             {"get", "instance", ""},
             {"describe", "instance", ""},
             {"delete", "workload", ""},
             {"delete", "--workload-id", ""},
             {"logs", ""},
             {"wait", "instance", "", "--for", "deleted"},
             {"get", "instances", "--workload", ""},
             {"get", "instances", "a", "--node", "n"},
             {"create", "instance", "--workload", "w", "--replicas", "10001"},
             {"create", "instance", "--workload", "w", "--replicas", "x"},
             {"wait", "node", "a", "--for", "running"},
             {"wait", "node", "a", "--for", "deleted"},
             {"wait", "workload", "a", "--for", "state=running"},
             {"wait", "instance", "a", "--for", "state=ready"},
             {"logs"},
             {"logs", "a", "--tail", "-1"},
             {"wait", "instance", "a"},
             {"wait", "instance", "a", "--for", "glory"},
             {"run"},
             {"run", "img", "--port", "80"},
             {"run", "img", "--rm", "--detach"},
             {"completion", "fish"},
             {"--server", "nonsense", "nodes"},
         }) {
        auto const done = rikctl_without_server(arguments);
        CAPTURE(arguments, done.err);
        CHECK(done.code == 2);
        CHECK(done.err.starts_with("error: "));
        CHECK(done.out.empty());
    }
}

TEST_CASE("what is wrong with a command line is said with the nearest right word, or with all there are") {
    struct entry {
        std::vector<std::string> arguments;
        char const* said;
    };
    for (auto const& each : {
             entry{{"exec"},
                   "rikctl has no command 'exec': use run, create, apply, diff, edit, label, annotate, get, describe, "
                   "logs, restart, scale, pause, suspend, resume, rollout, delete, "},
             entry{{"desrcibe", "i", "a"}, "rikctl has no command 'desrcibe': did you mean describe?"},
             entry{{"aply", "-f", "web.yaml"}, "rikctl has no command 'aply': did you mean apply?"},
             entry{{"exec", "-it", "web-1", "sh"}, "rikctl has no command 'exec': use run"},
             entry{{"ps", "--all"}, "rikctl has no command 'ps': use run"},
             entry{{"lgos", "-f", "web-1"}, "rikctl has no command 'lgos': did you mean logs?"},
             entry{{"delte", "workload", "a", "--wait"}, "rikctl has no command 'delte': did you mean delete?"},
             entry{{"images", "prune", "-a"}, "rikctl images has no command 'prune': use list, pull, "},
             entry{{"create", "pod", "-f", "x"}, "rikctl create has no command 'pod': use workload, instance"},
             entry{{"-x", "nodes"}, "rikctl nodes has no option -x: "},
             entry{{"--sevrer", "/x", "nodes"}, "rikctl nodes has no option --sevrer: did you mean --server?"},
             entry{{}, "a command is missing behind rikctl: use run, create, "},
             entry{{"create"}, "a command is missing behind rikctl create: use workload, instance"},
             entry{{"create", "instanse"}, "rikctl create has no command 'instanse': did you mean instance?"},
             entry{{"logs", "web-1", "--sicne", "1h"}, "rikctl logs has no option --sicne: did you mean --since?"},
             entry{{"logs", "--folow", "web-1"}, "rikctl logs has no option --folow: did you mean --follow?"},
             entry{{"logs", "web-1", "--colour=no"}, "rikctl logs has no option --colour: see rikctl logs --help"},
             entry{{"wait", "i", "a", "--fro", "running"}, "rikctl wait has no option --fro: did you mean --for?"},
             entry{{"logs", "web-1", "-z"}, "rikctl logs has no option -z: "},
             entry{{"logs", "web-1", "web-2"}, "rikctl logs: there is a word too many, 'web-2'"},
             entry{{"logs"}, "INSTANCE is missing: Name or id"},
             entry{{"logs", "a", "--tail"}, "--tail needs a value: Only the last N lines"},
             entry{{"logs", "a", "--tail", "1", "--tail", "2"}, "--tail is given more than once"},
             entry{{"logs", "a", "--follow=never"}, "--follow takes no such value"},
             entry{{"logs", "a", "--stream", "foo"}, "--stream: 'foo' is none of its values: use stdout, stderr"},
             entry{{"logs", "a", "--stream", "stdoud"},
                   "--stream: 'stdoud' is none of its values: did you mean stdout?"},
             entry{{"logs", "a", "--since", "yesterday"},
                   "--since: 'yesterday' is no time: write it as 90s, 1h30m or "},
             entry{{"get", "i", "-o", "xml"},
                   "--output: 'xml' is none of its values: use table, wide, json, yaml, name, or jsonpath="},
             entry{{"get", "instnaces"}, "'instnaces' is no kind of object: did you mean instances?"},
             entry{{"get", "services"},
                   "'services' is no kind of object: use workload, instance, node, event or tenant"},
             entry{{"delete", "sts/db", "job/pi"},
                   "'sts/db': objects of several kinds are not named in one command: name those of one kind"},
             entry{{"delete", "node", "a"},
                   "this is not for nodes: rikctl node drain NODE, and then rikctl node remove NODE"},
             entry{{"delete", "node/a"},
                   "this is not for nodes: rikctl node drain NODE, and then rikctl node remove NODE"},
             entry{{"edit", "node/a"}, "this is not for nodes: use workload or tenant"},
             entry{{"get", "node/a", "instance/b"}, "'node/a': objects of several kinds are not named in one command"},
             entry{{"wait", "i", "a"}, "--for is missing: "},
             entry{{"run", "img", "ls", "-l"}, "rikctl run has no option -l: "},
             entry{{"completion", "fish"}, "'fish' is none of its values: use bash"},
         }) {
        auto const done = rikctl_without_server(each.arguments);
        CAPTURE(each.arguments);
        CHECK(done.code == 2);
        CHECK_THAT(done.err, Catch::StartsWith("error: ") && Catch::Contains(each.said));
        CHECK_THAT(done.err, !Catch::Contains("FAILED") && !Catch::Contains("{"));
    }
}

TEST_CASE("help has examples and every exit code") {
    auto const help = rikctl_without_server({"--help"});
    CHECK(help.code == 0);
    for (auto const& each : rikctl::exit_codes) CHECK_THAT(help.out, Catch::Contains(std::string(each.meaning)));
    for (auto const* command : {"create", "apply", "diff", "edit", "label", "annotate", "get", "describe", "delete",
                                "logs", "restart", "wait", "run", "nodes", "events", "version", "completion"}) {
        CAPTURE(command);
        auto const one = rikctl_without_server({command, "--help"});
        CHECK(one.code == 0);
        CHECK_THAT(one.out, Catch::Contains("Example"));
    }
    for (auto const* command : {"describe", "delete", "wait"})
        CHECK_THAT(rikctl_without_server({command, "--help"}).out, !Catch::Contains("event (e)"));
    CHECK_THAT(rikctl_without_server({"create", "instance", "--help"}).out, Catch::Contains("Examples:"));
}

TEST_CASE("what a command takes is completed") {
    auto const completion = rikctl_without_server({"completion", "bash"}).out;
    for (auto const* command : {"run", "logs", "wait", "apply", "diff", "label", "annotate", "edit"}) {
        auto const help = rikctl_without_server({command, "--help"}).out;
        for (auto at = help.find("--"); at != help.npos; at = help.find("--", at + 2)) {
            auto const option = help.substr(at, help.find_first_not_of("-abcdefghijklmnopqrstuvwxyz", at) - at);
            if (option.size() == 2 || option == "--kind") continue;  // "--" alone; kinds are few
            CAPTURE(command, option);
            CHECK_THAT(completion, Catch::Contains(option));
        }
    }
}

TEST_CASE("errors of the server have their exit codes") {
    struct entry {
        int status;
        char const* word;
        int code;
    };
    for (auto const& each : {entry{404, "not_found", 3}, entry{409, "conflict", 4}, entry{503, "unavailable", 5},
                             entry{504, "timed_out", 6}, entry{400, "invalid", 1}, entry{403, "denied", 1},
                             entry{429, "exhausted", 1}, entry{500, "internal", 1}}) {
        fake_server server(
            [&](fake_request const&) { return reply_with(each.status, error_body(each.word, "so it is")); });
        auto const done = rikctl_at(server.address(), {"get", "instance", "x"});
        CHECK(done.code == each.code);
        CHECK(done.err == "error: so it is\n");
    }
}

TEST_CASE("get prints tables, names and the API's JSON") {
    auto const no_workloads = reply_with(200, R"({"revision":1,"items":[]})");
    fake_server server(
        routes({{"GET /rik/v1/instances?limit=500 ", reply_with(200, test::list_of(test::instance_running))},
                {"GET /rik/v1/instances/web-1 ", reply_with(200, test::instance_running)},
                {"GET /rik/v1/instances/web-2 ", reply_with(200, test::instance_failed)},
                {"GET /rik/v1/workloads?limit=500 ", no_workloads},
                {"GET /rik/v1/workloads ", no_workloads}}));
    auto const at = server.address();
    CHECK_THAT(rikctl_at(at, {"get", "instances"}).out, Catch::StartsWith("NAME    READY   STATUS    RESTARTS   NODE"));
    CHECK(rikctl_at(at, {"get", "i", "-o", "name"}).out == "web-1\n");
    CHECK(rikctl_at(at, {"ls", "instance", "web-2", "web-1", "-o", "name"}).out == "web-2\nweb-1\n");
    CHECK(rikctl_at(at, {"get", "workloads", "-o", "json"}).out == "{\n  \"revision\": 1,\n  \"items\": []\n}\n");
    auto const empty = rikctl_at(at, {"get", "workloads"});
    CHECK(empty.code == 0);
    CHECK(empty.out.empty());
    CHECK(empty.err == "There are no workloads.\n");
    auto const partly = rikctl_at(at, {"get", "instance", "web-1", "web-9"});
    CHECK(partly.code == 3);
    CHECK_THAT(partly.out, Catch::Contains("web-1"));
}

TEST_CASE("get asks for a long list page by page, and prints one table") {
    auto const page_of = [](std::string const& name, std::string const& next) {
        return reply_with(200,
                          R"({"revision":1,"continue":")" + next + R"(","items":[)" + instance(name, "running") + "]}");
    };
    fake_server server(routes({{"GET /rik/v1/instances?limit=500 ", page_of("a", "default/a b")},
                               {"GET /rik/v1/instances?limit=500&continue=default%2Fa%20b ", page_of("b", "default/b")},
                               {"GET /rik/v1/instances?limit=500&continue=default%2Fb ", page_of("c", "")}}));
    auto const at = server.address();
    CHECK(rikctl_at(at, {"get", "instances", "-o", "name"}).out == "a\nb\nc\n");
    auto const table = rikctl_at(at, {"get", "instances"});
    CHECK(table.code == 0);
    CHECK(std::ranges::count(table.out, '\n') == 4);
    CHECK(table.out.find("NAME", 1) == std::string::npos);
}

TEST_CASE("a list that breaks off in the middle is an error, after what was printed") {
    fake_server server(routes(
        {{"GET /rik/v1/instances?limit=500 ",
          reply_with(200, R"({"continue":"default/a","items":[)" + instance("a", "running") + "]}")},
         {"GET /rik/v1/instances?limit=500&continue=default%2Fa ", reply_with(503, error_body("unavailable", "no"))}}));
    auto const done = rikctl_at(server.address(), {"get", "instances", "-o", "name"});
    CHECK(done.out == "a\n");
    CHECK(done.code == 5);
}

TEST_CASE("get -w prints what is there, then each change as a row") {
    auto const late = instance("web-1", "running");
    fake_server server([&](fake_request const& request) {
        if (!request.header("Last-Event-ID").empty()) return reply_with(403, error_body("denied", "enough"));
        if (request.line.starts_with("GET /rik/v1/instances/b ")) return reply_with(200, instance("b", "failed"));
        if (request.line.starts_with("GET /rik/v1/instances/nosuch "))
            return reply_with(404, error_body("not_found", "instance nosuch does not exist"));
        return test::stream_of(
            "text/event-stream",
            {event_text("1", "added", instance("web-1", "pending")), event_text("1", "added", instance("b", "failed")),
             event_text("1", "synced", "{}"), event_text("2", "modified", late), event_text("3", "deleted", late)},
            false);
    });
    auto const done = rikctl_at(server.address(), {"get", "instances", "-w"});
    CHECK(done.out ==
          "NAME             READY   STATUS              RESTARTS      NODE     ADDRESS          AGE      REASON\n"
          "b                no      Failed              0             -        10.0.0.9         -        -\n"
          "web-1            no      Pending             0             -        10.0.0.9         -        -\n"
          "web-1            no      Running             0             -        10.0.0.9         -        -\n"
          "web-1            no      deleted             0             -        10.0.0.9         -        -\n");
    CHECK_THAT(done.err, Catch::StartsWith("warning: the connection to the server is lost (the server closed"));
    auto const one = rikctl_at(server.address(), {"get", "instances", "b", "-w", "-o", "json"});
    CHECK(one.out == "{\"type\":\"added\",\"object\":" + instance("b", "failed") + "}\n");
    CHECK(rikctl_at(server.address(), {"get", "instances", "nosuch", "-w"}).code == 3);
}

TEST_CASE("create workload sends every file and shows warnings and all problems") {
    fake_server server([](fake_request const& request) {
        if (request.body.find("bad") == std::string::npos)
            return reply_with(201, R"({"name":"web","warnings":["replicas: starts nothing"]})");
        return reply_with(400, R"({"error":{"code":"invalid","message":"m"},"problems":[
            {"code":"invalid","message":"is missing","field":"kind","remedy":"write Pod"},{"code":"invalid","message":"is bad","field":"name"}]})");
    });
    auto const done =
        rikctl_at(server.address(), {"create", "workload", "-f", "-"}, pod("bad") + "---\n\n--- \n" + pod("web"));
    CHECK(done.code == 1);
    CHECK(done.out == "workload web created\n");
    CHECK(done.err ==
          "error: -: definition 1: kind: is missing (write Pod)\nerror: -: definition 1: name: is bad\n"
          "warning: -: definition 2: replicas: starts nothing\n1 of 2 workloads were created\n");
    CHECK(server.requests().size() == 2);
    CHECK(rikctl_at(server.address(), {"create", "wl", "-f", "/nonexistent"}).code == 1);
    CHECK_THAT(rikctl_at(server.address(), {"create", "wl", "-f", "/tmp"}).err, Catch::Contains("Is a directory"));
    CHECK(rikctl_at(server.address(), {"create", "wl", "-f", "-"}, " \n").code == 1);
}

TEST_CASE("create workload makes nothing while one of its definitions is wrong") {
    fake_server server(routes({{"POST /rik/v1/workloads", reply_with(201, R"({"name":"web"})")}}));
    auto const at = server.address();
    auto const last = rikctl_at(at, {"create", "workload", "-f", "-"},
                                pod("a") + "---\n" + pod("b") + "---\n# the third\nkind: Pod\nname: [\n");
    CHECK(last.code == 1);
    CHECK(last.out.empty());
    CHECK_THAT(last.err, Catch::StartsWith("error: -: definition 3: line 20 column 1: "));
    CHECK_THAT(last.err, Catch::EndsWith("\nnothing was created\n"));
    auto const file = rikctl_at(at, {"create", "workload", "-f", "-", "-f", "/nonexistent"}, pod("a"));
    CHECK(file.code == 1);
    CHECK(file.err == "error: cannot read /nonexistent: No such file or directory\nnothing was created\n");
    CHECK(server.requests().empty());
    auto const one = rikctl_at(at, {"create", "workload", "-f", "-"}, "kind: Pod\nnope: 1\n");
    CHECK_THAT(one.err, Catch::StartsWith("error: -: nope: is not a field"));
    CHECK(server.requests().empty());
}

TEST_CASE("a file may be larger than one definition may be") {
    fake_server server(routes({{"POST /rik/v1/workloads", reply_with(201, R"({"name":"web"})")}}));
    std::string many;
    for (int i = 0; i < 3; ++i) many += "---\n" + pod("a") + "# " + std::string(500'000, 'x') + "\n";
    auto const done = rikctl_at(server.address(), {"create", "workload", "-f", "-"}, many);
    CHECK(done.err.empty());
    CHECK(server.requests().size() == 3);
    auto const too_large = rikctl_at(server.address(), {"create", "workload", "-f", "-"},
                                     pod("a") + "---\n" + pod("b") + "# " + std::string(2'000'000, 'x') + "\n");
    CHECK_THAT(too_large.err, Catch::Contains("definition 2: line 8 column 1: the definition has 2000"));
    CHECK(server.requests().size() == 3);
}

TEST_CASE("a standard input that cannot be read is a failure") {
    std::ifstream directory("/tmp");  // can be opened, and not read
    std::ostringstream out, err;
    rikctl::surroundings around{.in = directory, .out = out, .err = err};
    CHECK(rikctl::run_rikctl({"create", "workload", "-f", "-"}, around) == 1);
    CHECK(err.str() == "error: cannot read the standard input: Is a directory\n");
}

TEST_CASE("a definition that cannot be read is a failure, not an object that is not there") {
    auto const created = rikctl_without_server({"create", "workload", "-f", "/nonexistent/web.yaml"});
    CHECK(created.code == 1);
    CHECK_THAT(created.err, Catch::Contains("cannot read /nonexistent/web.yaml: No such file or directory"));
}

TEST_CASE("create instance takes old and new options, and waits") {
    fake_server server(
        routes({{"POST /rik/v1/instances", reply_with(201, R"({"items":[{"name":"a"},{"name":"b"}]})")},
                {"GET /rik/v1/instances/a ", reply_with(200, instance("a", "pending"))},
                {"GET /rik/v1/instances/b ", reply_with(200, instance("b", "pending"))},
                {"GET /rik/v1/instances?watch",
                 stays_open({event_text("1", "added", instance("a", "running")),
                             event_text("1", "added", instance("b", "failed", R"(,"reason":"OOMKilled")")),
                             event_text("1", "synced", "{}")})}}));
    auto const plain = rikctl_at(server.address(), {"create", "instance", "--workload-id", "w", "--replicas", "2"});
    CHECK(plain.code == 0);
    CHECK(plain.out == "instance a created\ninstance b created\n");
    CHECK(server.requests().front().body == R"({"workload":"w","replicas":2})");
    auto const waits = rikctl_at(server.address(), {"create", "instance", "-w", "w", "-r", "2", "--wait"});
    CHECK(waits.code == 1);
    CHECK_THAT(waits.out, Catch::Contains("instance a is running\n"));
    CHECK(waits.err == "error: instance b cannot become running: b is failed: OOMKilled\n");
}

TEST_CASE("create instance --wait tells how it ended when it ends at once") {
    std::atomic<int> looks = 0;
    fake_server server([&looks](fake_request const& request) {
        if (request.line.starts_with("POST")) return reply_with(201, R"({"items":[{"name":"a"},{"name":"b"}]})");
        if (request.line.find("watch") != std::string::npos)
            return stays_open({event_text("1", "added", instance("b", "running")), event_text("1", "synced", "{}")});
        if (request.line.find("/b ") != std::string::npos) return reply_with(200, instance("b", "running"));
        auto const ended = instance("a", "failed", R"(,"reason":"Error","message":"container main: exited with 3")");
        return reply_with(200, looks++ == 0 ? instance("a", "running") : ended);
    });
    auto const done = rikctl_at(server.address(), {"create", "instance", "-w", "w", "-r", "2", "--wait"});
    CHECK(done.code == 1);
    CHECK(done.out == "instance a created\ninstance b created\ninstance b is running\n");
    CHECK(done.err == "error: instance a cannot become running: a is failed: Error: container main: exited with 3\n");
}

TEST_CASE("wait ends with 0, 1 or the code of time-outs") {
    fake_server server(routes(
        {{"GET /rik/v1/instances/gone", reply_with(404, error_body("not_found", "instance gone: there is none"))},
         {"GET /rik/v1/instances/", reply_with(200, instance("a", "pending"))},
         {"GET /rik/v1/instances?watch",
          stays_open({event_text("1", "added", instance("a", "pending", R"(,"message":"no room")")),
                      event_text("1", "synced", "{}")})}}));
    auto const at = server.address();
    CHECK(rikctl_at(at, {"wait", "instance", "a", "--for", "state=pending"}).code == 0);
    auto const late = rikctl_at(at, {"wait", "instance", "a", "--for", "running", "--timeout", "1s"});
    CHECK(late.code == 6);
    CHECK(late.err == "error: instance a is not running in time: a is pending: no room\n");
    CHECK(rikctl_at(at, {"wait", "i", "gone", "--for", "deleted"}).code == 0);
    CHECK(rikctl_at(at, {"wait", "i", "gone", "--for", "running"}).code == 3);
}

namespace {

/// A server that is there for the first `calls` requests, the last of which is a watch that breaks.
fake_server::handler leaving_after(std::size_t calls) {
    auto const count = std::make_shared<std::atomic<std::size_t>>(0);
    return [=](fake_request const& request) {
        auto const number = ++*count;
        if (number > calls) return fake_reply{};
        if (request.line.find("watch=") == std::string::npos) return reply_with(200, instance("a", "running"));
        return test::stream_of("text/event-stream",
                               {event_text("1", "added", instance("a", "running")), event_text("1", "synced", "{}")},
                               false);
    };
}

}  // namespace

TEST_CASE("a wait that loses the server says so, goes on, and knows at its end how old its word is") {
    fake_server server(leaving_after(2));
    auto const done = rikctl_at(server.address(), {"wait", "i", "a", "--for", "finished", "--timeout", "1500ms"});
    CHECK(done.code == 6);
    CHECK_THAT(done.err,
               Catch::StartsWith("warning: the connection to the server is lost (the server closed the "
                                 "connection), trying again\n"
                                 "error: instance a is not finished in time: a was running when last heard ") &&
                   Catch::Contains("s ago; the server does not answer\n"));
}

TEST_CASE("a wait that finds the server again says so, and ends as if nothing had been") {
    auto const count = std::make_shared<std::atomic<int>>(0);
    fake_server server([=](fake_request const& request) {
        if (request.line.find("watch=") == std::string::npos) return reply_with(200, instance("a", "running"));
        switch (++*count) {
            case 1:
                return test::stream_of(
                    "text/event-stream",
                    {event_text("1", "added", instance("a", "running")), event_text("1", "synced", "{}")}, false);
            case 2: return reply_with(503, error_body("unavailable", "starting"));
            default: return stays_open({event_text("2", "modified", instance("a", "succeeded"))});
        }
    });
    auto const done = rikctl_at(server.address(), {"wait", "i", "a", "--for", "finished", "--timeout", "20s"});
    CHECK(done.code == 0);
    CHECK(done.out == "instance a is finished\n");
    CHECK_THAT(done.err, Catch::Contains("trying again\nthe server is there again\n"));
}

TEST_CASE("a server that hangs is noticed at the end of a wait, and one that is quiet is not taken for it") {
    auto const hangs = std::make_shared<std::atomic<bool>>(true);
    fake_server server([=](fake_request const& request) {
        if (request.line.find("version") != std::string::npos)
            return *hangs ? fake_reply{{}, true} : reply_with(200, R"({"version":"1"})");
        if (request.line.find("watch=") == std::string::npos) return reply_with(200, instance("a", "running"));
        return stays_open({event_text("1", "added", instance("a", "running")), event_text("1", "synced", "{}")});
    });
    std::vector<std::string> const arguments{"wait", "i", "a", "--for", "finished", "--timeout", "2400ms"};
    CHECK_THAT(rikctl_at(server.address(), arguments).err, Catch::Contains("the server does not answer"));
    *hangs = false;
    CHECK(rikctl_at(server.address(), arguments).err == "error: instance a is not finished in time: a is running\n");
}

TEST_CASE("a server that hangs makes no wait longer than it was to be") {
    // It hangs at one of the calls, the first or a later one.
    for (std::string const at : {"GET /rik/v1/instances/a", "GET /rik/v1/instances?watch", "POST", "DELETE"}) {
        fake_server server([at](fake_request const& request) {
            if (request.line.starts_with(at)) return fake_reply{{}, true};
            if (request.line.starts_with("POST")) return reply_with(201, R"({"items":[{"name":"a"}]})");
            if (request.line.starts_with("DELETE")) return reply_with(202, "{}");
            if (request.line.find("watch=") == std::string::npos) return reply_with(200, instance("a", "pending"));
            return stays_open({event_text("1", "added", instance("a", "pending")), event_text("1", "synced", "{}")});
        });
        for (std::vector<std::string> arguments : {std::vector<std::string>{"wait", "i", "a", "--for", "finished"},
                                                   {"create", "instance", "--workload", "w", "--wait"},
                                                   {"delete", "i", "a", "b", "--wait"}}) {
            arguments.insert(arguments.end(), {"--timeout", "1s"});
            INFO(at << ": " << arguments.front());
            auto const began = std::chrono::steady_clock::now();
            CHECK(rikctl_at(server.address(), arguments).code == 6);
            CHECK(std::chrono::steady_clock::now() - began < 3s);
        }
    }
}

TEST_CASE("a server that goes away between a creation and its waiting is waited for") {
    auto const count = std::make_shared<std::atomic<int>>(0);
    fake_server server([=](fake_request const& request) {
        if (request.line.starts_with("POST")) return reply_with(201, R"({"items":[{"name":"a"}]})");
        if (++*count == 1) return reply_with(503, error_body("unavailable", "starting"));
        if (request.line.find("watch=") == std::string::npos) return reply_with(200, instance("a", "running"));
        return stays_open({event_text("1", "added", instance("a", "running")), event_text("1", "synced", "{}")});
    });
    auto const done = rikctl_at(server.address(), {"create", "instance", "--workload", "w", "--wait"});
    CHECK(done.code == 0);
    CHECK_THAT(done.err, Catch::Contains("is lost (starting), trying again\nthe server is there again\n"));
}

TEST_CASE("delete takes names, ids and definitions") {
    fake_server server(routes(
        {{"DELETE /rik/v1/", reply_with(202, "{}")}, {"GET ", reply_with(404, error_body("not_found", "gone"))}}));
    auto const at = server.address();
    CHECK(rikctl_at(at, {"delete", "instances", "a", "b"}).out ==
          "instance a is being deleted\ninstance b is being deleted\n");
    CHECK(rikctl_at(at, {"delete", "workload", "--id", "x"}).code == 0);
    CHECK(rikctl_at(at, {"delete", "--workload-id", "y"}).code == 0);
    CHECK(rikctl_at(at, {"delete", "instance", "--instance-id", "z"}).code == 0);
    CHECK(rikctl_at(at, {"delete", "-f", "-"}, "kind: Function\nname: fn\n").code == 0);
    std::vector<std::string> deleted;
    for (auto const& each : server.requests())
        if (each.line.starts_with("DELETE")) deleted.push_back(each.line.substr(15, each.line.rfind(' ') - 15));
    CHECK(deleted == std::vector<std::string>{"instances/a", "instances/b", "workloads/x", "workloads/y", "instances/z",
                                              "workloads/fn?kind=Function"});
}

TEST_CASE("delete -f takes every definition of a file, whatever else is wrong with it") {
    fake_server server(routes({{"DELETE /rik/v1/workloads/a?kind=Pod", reply_with(202, "{}")},
                               {"DELETE /rik/v1/workloads/b?kind=Function", reply_with(202, "{}")}}));
    auto const at = server.address();
    auto const all =
        rikctl_at(at, {"delete", "-f", "-"}, "kind: Pod\nname: a\nnope: 1\n---\nkind: Function\nname: b\n");
    CHECK(all.err.empty());
    CHECK(all.code == 0);
    CHECK(all.out == "workload a is being deleted\nworkload b is being deleted\n");
    auto const broken = rikctl_at(at, {"delete", "-f", "-"}, "kind: Pod\nname: [\n---\nkind: Pod\nname: a\n");
    CHECK(broken.code == 1);
    CHECK_THAT(broken.err, Catch::StartsWith("error: -: definition 1: line "));
    CHECK(broken.out == "workload a is being deleted\n");
    auto const other = rikctl_at(at, {"delete", "-f", "-"}, "kind: ConfigMap\nname: a\n");
    CHECK(other.code == 1);
    CHECK_THAT(other.err, Catch::Contains("kind"));
    CHECK(other.out.empty());
    CHECK(rikctl_at(at, {"delete", "-f", "-"}, " \n").code == 1);
}

TEST_CASE("delete --wait waits for what it deleted, not for another object of that name") {
    auto const of = [](std::string const& kind) {
        return R"({"id":"id-of-)" + kind + R"(","kind":")" + kind + R"(","name":"dup","state":"active"})";
    };
    fake_server server([&](fake_request const& request) {
        auto const is_gone = [&] { return has_deleted(server); };
        if (request.line.starts_with("DELETE /rik/v1/workloads/id-of-Function ")) return reply_with(202, "{}");
        if (request.line.starts_with("GET /rik/v1/workloads/dup?kind=Function ") ||
            request.line.starts_with("GET /rik/v1/workloads/id-of-Function "))
            return is_gone() ? reply_with(404, error_body("not_found", "gone")) : reply_with(200, of("Function"));
        return reply_with(409, error_body("conflict", "dup names a Pod and a Function: " + request.line));
    });
    auto const done = rikctl_at(server.address(), {"delete", "workload", "dup", "--kind", "Function", "--wait"});
    CHECK(done.err.empty());
    CHECK(done.out == "workload dup is being deleted\nworkload dup is deleted\n");
    CHECK(done.code == 0);
}

TEST_CASE("option --kind says which workload is waited for or filtered by") {
    std::string const workload = R"({"id":"id-fn","kind":"Function","name":"dup","state":"active"})";
    fake_server server(
        routes({{"GET /rik/v1/workloads/dup?kind=Function ", reply_with(200, workload)},
                {"GET /rik/v1/instances?workload=dup&kind=Function&limit=500 ",
                 reply_with(200, test::list_of(instance("a", "running")))},
                {"GET /rik/v1/instances?workload=id-fn&watch=true",
                 stays_open({event_text("1", "added", instance("a", "running")), event_text("1", "synced", "{}")})}}));
    auto const at = server.address();
    CHECK(rikctl_at(at, {"wait", "workload", "dup", "--kind", "Function", "--for", "running"}).code == 0);
    CHECK(rikctl_at(at, {"wait", "workload", "dup", "--kind", "Function", "--for", "state=active"}).code == 0);
    CHECK(rikctl_at(at, {"get", "instances", "--workload", "dup", "--kind", "Function", "-o", "name"}).out == "a\n");
    for (auto const& wrong :
         std::vector<std::vector<std::string>>{{"get", "instances", "--kind", "Pod"},
                                               {"get", "workloads", "--kind", "Pod"},
                                               {"get", "node", "a", "--kind", "Pod"},
                                               {"get", "workload", "a", "--kind", "Pot"},
                                               {"delete", "instance", "a", "--kind", "Pod"},
                                               {"describe", "node", "a", "--kind", "Pod"},
                                               {"wait", "i", "a", "--kind", "Pod", "--for", "running"}})
        CHECK(rikctl_at(at, wrong).code == 2);
}

TEST_CASE("describe asks for the parts by id, and says of what it cannot read why") {
    std::string const id = "99999999-9999-4999-8999-999999999999";
    fake_server server(routes(
        {{"GET /rik/v1/workloads/web ", reply_with(200, test::workload_web)},
         {"GET /rik/v1/instances?workload=" + id + " ", reply_with(200, test::list_of(test::instance_running))},
         {"GET /rik/v1/events?workload=" + id + " ", reply_with(503, error_body("unavailable", "it is starting"))},
         {"GET /rik/v1/instances/web-1 ", reply_with(200, test::instance_running)}}));
    auto const workload = rikctl_at(server.address(), {"describe", "workload", "web"});
    CHECK(workload.code == 5);
    CHECK_THAT(workload.out, Catch::Contains("Instances:\n  NAME    READY"));
    CHECK_THAT(workload.out, Catch::Contains("Events:       cannot be read: it is starting\n"));
    auto const alone = rikctl_at(server.address(), {"describe", "instance", "web-1"});
    CHECK(alone.code == 3);
    CHECK_THAT(alone.out, Catch::Contains("Events:       cannot be read: no route"));
    CHECK_THAT(alone.out, !Catch::Contains("Definition:"));
}

TEST_CASE("describe gathers what belongs together") {
    fake_server server(routes({{"GET /rik/v1/instances/web-1", reply_with(200, test::instance_running)},
                               {"GET /rik/v1/workloads/9999", reply_with(200, test::workload_web)},
                               {"GET /rik/v1/events?instance=11111111-1111-", reply_with(200, test::events_of_web)}}));
    auto const done = rikctl_at(server.address(), {"describe", "i", "web-1"});
    CHECK(done.code == 0);
    CHECK_THAT(done.out, Catch::Contains("Env:      MODE=fast") && Catch::Contains("nginx:1.25 takes long."));
}

TEST_CASE("logs print both streams as one, or one of them") {
    std::string frames;
    rik::append_container_log_frame(frames, rik::container_log_origin::standard_output, "one\n");
    rik::append_container_log_frame(frames, rik::container_log_origin::standard_error, "bad\n");
    auto const log = test::stream_of("application/vnd.docker.multiplexed-stream", {frames}, true);
    fake_server server(
        routes({{"GET /rik/v1/instances/web-1/logs ", log}, {"GET /rik/v1/instances/web-1/logs?stream=stderr ", log}}));
    auto const both = rikctl_at(server.address(), {"logs", "web-1"});
    CHECK(both.code == 0);
    CHECK(both.out == "one\nbad\n");
    CHECK(both.err.empty());
    CHECK(rikctl_at(server.address(), {"logs", "--stream", "stderr", "web-1"}).code == 0);
    CHECK(rikctl_at(server.address(), {"logs", "--stream", "all", "web-1"}).code == 2);
}

TEST_CASE("logs of the attempt before are asked for") {
    fake_server server(routes({{"GET /rik/v1/instances/web-1/logs?container=setup&previous=true ",
                                test::stream_of("text/plain", {"old\n"}, true)}}));
    CHECK(rikctl_at(server.address(), {"logs", "-p", "web-1", "-c", "setup"}).out == "old\n");
}

TEST_CASE("restart asks for each, and says what is refused") {
    fake_server server(
        routes({{"POST /rik/v1/instances/web-1/restart ",
                 reply_with(202, R"({"name":"web-1","id":"1","restarts":2,"restartsDone":1})")},
                {"POST /rik/v1/instances/old/restart ",
                 reply_with(409, error_body("conflict",
                                            "instance old has failed: what has finished is not started again"))}}));
    auto const done = rikctl_at(server.address(), {"restart", "web-1", "old"});
    CHECK(done.out == "instance web-1 is started again\n");
    CHECK_THAT(done.err, Catch::Contains("instance old has failed"));
    CHECK(done.code == 4);
}

TEST_CASE("restart --wait ends when the node has obeyed and the instance is ready") {
    auto const with = [](int restarts_done, char const* ready) {
        return R"({"id":"1","name":"web-1","state":"running","restarts":2,"restartsDone":)" +
               std::to_string(restarts_done) + R"(,"ready":)" + ready + "}";
    };
    fake_server server([&](fake_request const& request) {
        if (request.line.starts_with("POST /rik/v1/instances/web-1/restart ")) return reply_with(202, with(1, "true"));
        if (request.line.find("watch=true") == std::string::npos) return reply_with(200, with(1, "true"));
        auto reply = test::stream_of(
            "text/event-stream",
            {event_text("1", "added", with(1, "true")), event_text("1", "synced", "{}"),
             event_text("2", "modified", with(2, "false")), event_text("3", "modified", with(2, "true"))},
            false);
        reply.stays_open = true;
        return reply;
    });
    auto const done = rikctl_at(server.address(), {"restart", "web-1", "--wait", "--timeout", "5s"});
    CHECK(done.code == 0);
    CHECK(done.out == "instance web-1 is started again\ninstance web-1 is restarted\n");
}

TEST_CASE("logs are copied as they are") {
    std::string const bytes("a\0b\xFF\n", 5);
    fake_server server(routes({{"GET /rik/v1/instances/web-1/logs?follow=true&tail=3 ",
                                test::stream_of("text/plain", {bytes, "end"}, true)}}));
    auto const done = rikctl_at(server.address(), {"logs", "-f", "--tail", "3", "web-1"});
    CHECK(done.code == 0);
    CHECK(done.out == bytes + "end");
}

TEST_CASE("logs -f goes on with the next attempt of the container, and says so") {
    auto const looks = std::make_shared<std::atomic<int>>(0);
    auto const lines = std::make_shared<std::atomic<int>>(0);
    fake_server server([=](test::fake_request const& request) {
        if (request.line.find("/logs?") != std::string::npos) {
            auto const is_first = ++*lines == 1;
            CHECK((request.line.find("tail=3") != std::string::npos) == is_first);
            return test::stream_of("text/plain", {is_first ? "one\n" : "two\n"}, true);
        }
        auto const look = ++*looks;
        std::string container = R"("state":"running","restartCount":0)";
        if (look == 3) container = R"("state":"waiting","restartCount":1,"lastState":{"message":"exited with 3"})";
        if (look >= 4) container = R"("state":"running","restartCount":1,"lastState":{"message":"exited with 3"})";
        auto const state = look >= 6 ? "failed" : "running";
        return reply_with(200, R"({"id":"id-1","name":"web-1","state":")" + std::string(state) +
                                   R"(","containers":[{"name":"main","role":"main",)" + container + "}]}");
    });
    auto const done = rikctl_at(server.address(), {"logs", "-f", "--tail", "3", "web-1"});
    CHECK(done.code == 0);
    CHECK(done.out == "one\ntwo\n");
    CHECK(done.err == "container main: exited with 3; the log of its next attempt follows\n");
}

namespace {

/// A server on which `run` works: the instance ends with this exit code, after some output.
fake_server::handler server_of_run(int exit_status, bool has_end = true) {
    auto const ended = instance("job", exit_status == 0 ? "succeeded" : "failed",
                                R"(,"containers":[{"name":"main","exitCode":)" + std::to_string(exit_status) + "}]");
    auto log = test::stream_of("text/plain", {"hello\n"}, has_end);
    log.stays_open = !has_end;
    return routes({{"POST /rik/v1/workloads", reply_with(201, R"({"name":"job"})")},
                   {"POST /rik/v1/instances", reply_with(201, R"({"items":[{"name":"job"}]})")},
                   {"GET /rik/v1/instances/job ", reply_with(200, ended)},
                   {"GET /rik/v1/instances/job/logs?follow=true", log},
                   {"GET /rik/v1/instances?watch",
                    stays_open({event_text("1", "added", ended), event_text("1", "synced", "{}")})},
                   {"DELETE /rik/v1/workloads/job?kind=Pod", reply_with(202, "{}")}});
}

}  // namespace

TEST_CASE("run in the foreground gives the output and the exit code of the container") {
    fake_server server(server_of_run(3));
    auto const done = rikctl_at(server.address(),
                                {"run", "--name", "job", "--rm", "busybox", "--", "sh", "-c", "echo hello; exit 3"});
    CHECK(done.code == 3);
    CHECK(done.out == "hello\n");
    CHECK(has_deleted(server));
    CHECK_THAT(server.requests().at(0).body, Catch::Contains(R"("args":["sh","-c","echo hello; exit 3"])"));
    CHECK(server.requests().at(1).body == R"({"workload":"job","name":"job","kind":"Pod","replicas":1})");
}

TEST_CASE("run prints each stream of the container to its own") {
    std::string frames;
    rik::append_container_log_frame(frames, rik::container_log_origin::standard_output, "one\n");
    rik::append_container_log_frame(frames, rik::container_log_origin::standard_error, "bad\n");
    auto const ended = instance("job", "succeeded", R"(,"containers":[{"name":"main","exitCode":0}])");
    fake_server server(routes({{"POST /rik/v1/workloads", reply_with(201, R"({"name":"job"})")},
                               {"POST /rik/v1/instances", reply_with(201, R"({"items":[{"name":"job"}]})")},
                               {"GET /rik/v1/instances/job ", reply_with(200, ended)},
                               {"GET /rik/v1/instances/job/logs?follow=true",
                                test::stream_of("application/vnd.docker.multiplexed-stream", {frames}, true)},
                               {"GET /rik/v1/instances?watch",
                                stays_open({event_text("1", "added", ended), event_text("1", "synced", "{}")})}}));
    auto const done = rikctl_at(server.address(), {"run", "--name", "job", "--quiet", "busybox"});
    CHECK(done.code == 0);
    CHECK(done.out == "one\n");
    CHECK(done.err == "bad\n");
}

TEST_CASE("run passes on the words after -- as they are") {
    for (std::vector<std::string> const& words : {std::vector<std::string>{"test", "[ 1 = 1 ]"},
                                                  {"[a,b]"},
                                                  {"[x]", "{}", "%%", "", "--rm", "-s", "--", "--"}}) {
        fake_server server(server_of_run(0));
        std::vector<std::string> arguments{"-s", server.address(), "run", "--name", "job", "busybox", "--"};
        arguments.insert(arguments.end(), words.begin(), words.end());
        CHECK(rikctl_without_server(arguments).code == 0);
        auto const body = boost::json::parse(server.requests().at(0).body);
        CHECK(body.at_pointer("/spec/containers/0/args") == boost::json::value_from(words));
        CHECK_FALSE(has_deleted(server));
    }
    CHECK(rikctl_without_server({"logs", "--", "web-1"}).code == 5);  // as with any other command
}

TEST_CASE("output that cannot be written is a failure") {
    fake_server server(routes({{"GET /rik/v1/nodes?limit=500 ", reply_with(200, test::list_of(test::node_a))},
                               {"GET /rik/v1/nodes ", reply_with(200, test::list_of(test::node_a))}}));
    for (std::vector<std::string> const& arguments :
         {std::vector<std::string>{"nodes"}, {"nodes", "-o", "json"}, {"--help"}, {"completion", "bash"}}) {
        std::istringstream in;
        std::ofstream full("/dev/full");
        std::ostringstream err;
        rikctl::surroundings around{.in = in, .out = full, .err = err};
        around.sources.server_variable = server.address();
        CHECK(rikctl::run_rikctl(arguments, around) == 1);
        CHECK(err.str() == "error: cannot write the output\n");
    }
}

TEST_CASE("run says that its output cannot be written, unless its reader has gone") {
    for (auto const removes : {true, false}) {
        for (auto const is_gone : {true, false}) {
            fake_server server(server_of_run(0));
            std::istringstream in;
            std::ofstream full("/dev/full");
            std::ostringstream err;
            rikctl::surroundings around{.in = in, .out = full, .err = err};
            around.sources.server_variable = server.address();
            around.is_reader_gone = [is_gone] { return is_gone; };
            std::vector<std::string> arguments{"run", "--name", "job", "busybox"};
            if (removes) arguments.push_back("--rm");
            CHECK(rikctl::run_rikctl(arguments, around) == (is_gone ? 130 : 125));
            CHECK((err.str().find("error: cannot write the output\n") == std::string::npos) == is_gone);
            CHECK_THAT(err.str(),
                       Catch::Contains(removes ? "job is being deleted" : "job goes on: rikctl logs -f job"));
            CHECK(has_deleted(server) == removes);
        }
    }
}

TEST_CASE("what a definition says does not act on the terminal") {
    auto const text = R"(,"reason":"X","message":"a\u001b[2Jb\u009b31m\u007fc")";
    fake_server server(routes({{"GET /rik/v1/instances/a ", reply_with(200, instance("a", "failed", text))},
                               {"GET /rik/v1/instances/b ", reply_with(404, error_body("not_found", "no\\u001b[2J b"))},
                               {"GET /rik/v1/events", reply_with(200, test::list_of(""))}}));
    for (std::vector<std::string> const& arguments : {std::vector<std::string>{"describe", "i", "a"},
                                                      {"get", "i", "a"},
                                                      {"wait", "i", "a", "--for", "running"},
                                                      {"get", "i", "b"}}) {
        auto const done = rikctl_at(server.address(), arguments);
        auto const all = done.out + done.err;
        CHECK_THAT(all, Catch::Contains(" [2J"));
        CHECK(all.find_first_of("\x1B\x7F\x9B") == std::string::npos);
    }
}

TEST_CASE("a configuration that cannot be read is told, and is no wrong command line") {
    std::istringstream in;
    std::ostringstream out, err;
    rikctl::surroundings around{.in = in, .out = out, .err = err};
    around.sources.config_variable = "/nonexistent/config.yaml";
    CHECK(rikctl::run_rikctl({"nodes"}, around) == 1);
    CHECK_THAT(err.str(), Catch::StartsWith("error: RIKCONFIG: cannot read /nonexistent/config.yaml: No such file"));
}

TEST_CASE("run detached prints the name and the address, and keeps what it made") {
    fake_server server(server_of_run(0));
    auto const done = rikctl_at(server.address(), {"run", "-d", "--name", "job", "busybox"});
    CHECK(done.code == 0);
    CHECK(done.out == "job 10.0.0.9\n");
    CHECK_FALSE(has_deleted(server));
}

TEST_CASE("run --function makes a Function, and says at which port it is reached") {
    auto const up = instance("fn", "running", R"(,"exposure":{"port":45123,"targetPort":80,"type":"NodePort"})");
    fake_server server(routes({{"POST /rik/v1/workloads", reply_with(201, R"({"name":"fn"})")},
                               {"POST /rik/v1/instances", reply_with(201, R"({"items":[{"name":"fn"}]})")},
                               {"GET /rik/v1/instances/fn ", reply_with(200, up)},
                               {"GET /rik/v1/instances?watch",
                                stays_open({event_text("1", "added", up), event_text("1", "synced", "{}")})}}));
    auto const done = rikctl_at(server.address(), {"run", "-d", "--name", "fn", "--function", "/srv/fn.ext4", "-p",
                                                   "80", "-e", "A=b", "--", "/bin/serve"});
    CHECK(done.code == 0);
    CHECK(done.out == "fn 10.0.0.9 45123\n");
    CHECK_THAT(server.requests().at(0).body, Catch::Contains(R"("kind":"Function")") &&
                                                 Catch::Contains(R"("rootfs":"/srv/fn.ext4")") &&
                                                 Catch::Contains(R"("command":["/bin/serve"])") &&
                                                 Catch::Contains(R"("exposure":{"targetPort":80})"));
    CHECK_THAT(server.requests().at(1).body, Catch::Contains(R"("kind":"Function")"));
    CHECK(rikctl_without_server({"run", "-d", "--function", "/srv/fn.ext4", "-p", "80", "-p", "81"}).code == 2);
}

TEST_CASE("Ctrl-C during run deletes with --rm and says how to go on without") {
    for (auto const removes : {true, false}) {
        fake_server server(server_of_run(0, false));
        auto const is_interrupted = [&] {
            for (auto const& each : server.requests())
                if (each.line.find("/logs") != std::string::npos) return true;
            return false;
        };
        std::vector<std::string> arguments{"run", "--name", "job", "busybox"};
        if (removes) arguments.push_back("--rm");
        auto const done = rikctl_at(server.address(), arguments, "", is_interrupted);
        CHECK(done.code == 130);
        CHECK(has_deleted(server) == removes);
        CHECK_THAT(done.err, Catch::Contains(removes ? "job is being deleted" : "rikctl delete workload job"));
    }
}

TEST_CASE("run that cannot start is 125 in the foreground and says why") {
    auto const failed = instance(
        "job", "failed",
        R"(,"reason":"ImagePullFailed","message":"no such tag","containers":[{"name":"main","exitCode":null}])");
    fake_server server(routes({{"POST /rik/v1/workloads", reply_with(201, R"({"name":"job"})")},
                               {"POST /rik/v1/instances", reply_with(201, R"({"items":[{"name":"job"}]})")},
                               {"GET /rik/v1/instances/job ", reply_with(200, failed)},
                               {"GET /rik/v1/instances?watch",
                                stays_open({event_text("1", "added", failed), event_text("1", "synced", "{}")})}}));
    auto const done = rikctl_at(server.address(), {"run", "--name", "job", "x"});
    CHECK(done.code == 125);
    CHECK_THAT(done.err, Catch::Contains("no such tag") && Catch::Contains("rikctl describe instance job"));
    CHECK(rikctl_at(server.address(), {"run", "-d", "--name", "job", "x"}).code == 1);
    CHECK(rikctl_without_server({"run", "x"}).code == 125);
    CHECK(rikctl_without_server({"run", "-d", "x"}).code == 5);
}

TEST_CASE("an instance that cannot be made takes its workload with it") {
    fake_server server(
        routes({{"POST /rik/v1/workloads", reply_with(201, R"({"name":"job"})")},
                {"POST /rik/v1/instances", reply_with(409, error_body("conflict", "instance job: the name is taken"))},
                {"DELETE /rik/v1/workloads/job", reply_with(202, "{}")}}));
    CHECK(rikctl_at(server.address(), {"run", "-d", "--name", "job", "x"}).code == 4);
    CHECK(has_deleted(server));
}

TEST_CASE("version prints both versions, and its own without a server") {
    fake_server server(routes({{"GET /rik/v1/version", reply_with(200, R"({"version":"9.9.9"})")}}));
    CHECK_THAT(rikctl_at(server.address(), {"version"}).out, Catch::Contains("rik    9.9.9 at http://127.0.0.1:"));
    CHECK(rikctl_without_server({"version", "--client"}).code == 0);
    auto const alone = rikctl_without_server({"version"});
    CHECK(alone.code == 5);
    CHECK_THAT(alone.out, Catch::StartsWith("rikctl "));
}

TEST_CASE("durations as people write them") {
    CHECK(*rikctl::parse_duration("90s") == 90s);
    CHECK(*rikctl::parse_duration("1h30m") == 90min);
    CHECK(*rikctl::parse_duration("500ms") == 500ms);
    CHECK(*rikctl::parse_duration("5") == 5s);
    CHECK(*rikctl::parse_duration("0") == 0s);
    CHECK_FALSE(rikctl::parse_duration("1000000h1000000h1000000h").has_value());
    for (auto const* text : {"", "s", "5x", "-1s", "1.5h", "99999999999999h", "5 s"})
        CHECK_FALSE(rikctl::parse_duration(text).has_value());
}

TEST_CASE("a message that is not UTF-8 hides nothing else") {
    auto const odd = instance("odd", "failed", ",\"reason\":\"Failed\",\"message\":\"bad \xff name\"");
    fake_server server(routes(
        {{"GET /rik/v1/instances/odd", reply_with(200, odd)},
         {"GET /rik/v1/instances?watch", stays_open({event_text("4", "added", odd), event_text("5", "synced", "{}")})},
         {"GET /rik/v1/instances", reply_with(200, "{\"items\":[" + odd + "]}")}}));
    auto const list = rikctl_at(server.address(), {"get", "i"});
    CHECK(list.code == 0);
    CHECK_THAT(list.out, Catch::Contains("bad \xEF\xBF\xBD name"));
    CHECK(rikctl_at(server.address(), {"wait", "i", "odd", "--for", "finished"}).code == 0);
}

TEST_CASE("a number out of range is refused in few words") {
    auto const replicas = rikctl_without_server({"create", "instance", "--workload", "w", "--replicas", "0"});
    CHECK_THAT(replicas.err, Catch::Contains("'0' is no whole number from 1 to 10000"));
    CHECK_THAT(rikctl_without_server({"logs", "a", "--tail", "-1"}).err,
               Catch::Contains("'-1' is no whole number from 0\n"));
}

TEST_CASE("a file may begin with a comment, and its marks may have some") {
    fake_server server(routes({{"POST /rik/v1/workloads", reply_with(201, R"({"name":"web"})")}}));
    std::string const flow = "{apiVersion: v1, kind: Pod, name: web, spec: {containers: [{name: a, image: x}]}}";
    for (auto const& text :
         {"# licence\n---\n" + pod("web"), "--- # first\n" + pod("web") + "--- # second\n# nothing\n",
          "---\n" + pod("web") + "---\n", "--- " + flow + "\n"}) {
        CAPTURE(text);
        auto const done = rikctl_at(server.address(), {"create", "workload", "-f", "-"}, text);
        CHECK(done.code == 0);
        CHECK(done.out == "workload web created\n");
        CHECK_THAT(server.requests().back().body, Catch::Contains("kind: Pod"));
    }
    CHECK(rikctl_at(server.address(), {"create", "workload", "-f", "-"}, "# only this\n---\n# and this\n").code == 1);
    auto const two =
        rikctl_at(server.address(), {"create", "workload", "-f", "-"}, "--- # a\n" + pod("a") + "--- # b\n" + pod("b"));
    CHECK(two.out == "workload web created\nworkload web created\n");
}

TEST_CASE("the names that are asked for make the shape of the JSON, not those that are found") {
    fake_server server(routes({{"GET /rik/v1/instances/a ", reply_with(200, instance("a", "running"))}}));
    auto const partly = rikctl_at(server.address(), {"get", "i", "a", "missing", "-o", "json"});
    CHECK(partly.code == 3);
    CHECK(boost::json::parse(partly.out).at("items").as_array().size() == 1);
    CHECK(boost::json::parse(rikctl_at(server.address(), {"get", "i", "a", "-o", "json"}).out).at("name") == "a");
}

TEST_CASE("events of what never was are not found, and those of what is gone are shown") {
    auto const none = R"({"revision":1,"items":[]})";
    fake_server server(routes({{"GET /rik/v1/events?instance=gone", reply_with(200, test::events_of_web)},
                               {"GET /rik/v1/events", reply_with(200, none)},
                               {"GET /rik/v1/instances/quiet ", reply_with(200, instance("quiet", "running"))}}));
    CHECK(rikctl_at(server.address(), {"get", "events", "nosuch"}).code == 3);
    CHECK(rikctl_at(server.address(), {"events", "--instance", "quiet"}).code == 0);
    CHECK(rikctl_at(server.address(), {"events", "--instance", "gone"}).code == 0);
    CHECK(rikctl_at(server.address(), {"events"}).code == 0);
}

TEST_CASE("an answer that is not rik's is an error, not a row of dashes") {
    fake_server server([](fake_request const&) { return reply_with(200, "{}"); });
    for (std::vector<std::string> const& arguments : {std::vector<std::string>{"get", "instances"},
                                                      {"nodes"},
                                                      {"get", "i", "a"},
                                                      {"get", "i", "-o", "name"},
                                                      {"describe", "i", "a"},
                                                      {"version"},
                                                      {"create", "instance", "--workload", "w"}}) {
        auto const done = rikctl_at(server.address(), arguments);
        CAPTURE(arguments, done.out, done.err);
        CHECK(done.code == 1);
        CHECK_THAT(done.err, Catch::StartsWith("error: "));
    }
}

TEST_CASE("waiting for the end is met by what was deleted, as the server shows it") {
    auto const going = instance("a", "destroying", R"(,"deletingSince":"2026-11-21T19:17:00.000000Z")");
    auto const gone = instance("a", "terminated", R"(,"deletingSince":"2026-11-21T19:17:00.000000Z")");
    fake_server server(routes(
        {{"GET /rik/v1/instances/a ", reply_with(200, going)},
         {"GET /rik/v1/instances?watch", stays_open({event_text("1", "added", going), event_text("1", "synced", "{}"),
                                                     event_text("2", "deleted", gone)})}}));
    for (auto const* goal : {"finished", "state=terminated", "deleted"}) {
        CAPTURE(goal);
        CHECK(rikctl_at(server.address(), {"wait", "i", "a", "--for", goal}).code == 0);
    }
    CHECK(rikctl_at(server.address(), {"wait", "i", "a", "--for", "running"}).code == 1);
}

TEST_CASE("delete --wait says what it waits for, unless it is to be quiet") {
    auto const going = instance("a", "destroying", R"(,"reason":"Deleting","message":"deleted by a user")");
    fake_server server(routes({{"GET /rik/v1/instances/", reply_with(200, going)},
                               {"DELETE /rik/v1/instances/", reply_with(202, "{}")},
                               {"GET /rik/v1/instances?watch",
                                stays_open({event_text("1", "added", going), event_text("1", "synced", "{}")})}}));
    std::vector<std::string> arguments{"delete", "instance", "a", "--wait", "--timeout", "1500ms"};
    auto const told = rikctl_at(server.address(), arguments);
    CHECK(told.code == 6);
    CHECK_THAT(told.err, Catch::StartsWith("waiting: a is destroying: Deleting: deleted by a user\n"));
    arguments.push_back("--quiet");
    CHECK_THAT(rikctl_at(server.address(), arguments).err, !Catch::Contains("waiting:"));
}

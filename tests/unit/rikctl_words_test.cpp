// Kinds of workloads as words: "sts web" and "sts/web" are the same to every command.
#include <sstream>
#include <string>
#include <vector>

#include "rikctl.hpp"
#include "spelled_out.hpp"
#include "support/catch.hpp"
#include "support/fake_server.hpp"

namespace {

using test::fake_request;
using test::fake_server;
using test::reply_with;

std::vector<std::string> words_of(std::string const& line) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

std::string spelled_out(std::string const& line) {
    auto arguments = words_of(line);
    rikctl::spell_out_kinds(arguments);
    std::string text;
    for (auto const& each : arguments) text += (text.empty() ? "" : " ") + each;
    return text;
}

struct outcome {
    int code = -1;
    std::string out;
    std::string err;
};

outcome run(fake_server const& server, std::string const& line) {
    std::istringstream in;
    std::ostringstream out, err;
    rikctl::surroundings around{.in = in, .out = out, .err = err};
    around.sources.server_variable = server.address();
    auto const code = rikctl::run_rikctl(words_of(line), around);
    return {code, out.str(), err.str()};
}

}  // namespace

TEST_CASE("a kind and a name are one word or two, for every command that takes a kind") {
    for (std::string const command : {"get", "ls", "describe", "d", "delete", "rm", "wait", "edit"}) {
        CHECK(spelled_out(command + " sts web") == command + " workload web --kind StatefulSet");
        CHECK(spelled_out(command + " sts/web") == command + " workload web --kind StatefulSet");
        CHECK(spelled_out(command + " jobs a b") == command + " workload a b --kind Job");
        CHECK(spelled_out(command + " workload/web") == command + " workload web");
        CHECK(spelled_out(command + " workload deploy/web") == command + " workload web --kind Deployment");
        for (std::string const other : {" workload web", " instance web-1", " job/a sts/b", " instance job/a"})
            CHECK(spelled_out(command + other) == command + other);
        // What runs, unless a slash says that a workload is meant.
        for (std::string const word : {" pod", " pods", " po"})
            CHECK(spelled_out(command + word + " web-1") == command + " instance web-1");
        CHECK(spelled_out(command + " pod/web") == command + " workload web --kind Pod");
    }
    for (std::string const command : {"label", "annotate"}) {
        CHECK(spelled_out(command + " ds logs a=b job/x=y") == command + " workload logs a=b job/x=y --kind DaemonSet");
        CHECK(spelled_out(command + " rs/web job/x- a=b") == command + " workload web job/x- a=b --kind ReplicaSet");
        CHECK(spelled_out(command + " workload web job/x=y") == command + " workload web job/x=y");
    }
}

TEST_CASE("a kind and a name are one word or two, for every command that takes names of workloads") {
    for (std::string const command :
         {"suspend", "resume", "pause", "scale", "restart", "logs", "log", "rollout status", "rollout history",
          "rollout undo", "rollout pause", "rollout resume", "rollout restart"}) {
        CHECK(spelled_out(command + " sts web") == command + " sts/web");
        CHECK(spelled_out(command + " --timeout 5s cj a b") == command + " --timeout 5s cj/a cj/b");
        CHECK(spelled_out(command + " workload web") == command + " workload/web");
        for (std::string const other : {" sts/web", " web", " web api", " job", " job --timeout 5s"})
            CHECK(spelled_out(command + other) == command + other);
    }
    CHECK(spelled_out("scale --replicas 3 sts web") == "scale --replicas 3 sts/web");
    CHECK(spelled_out("logs -f job pi -c main --tail 3") == "logs -f job/pi -c main --tail 3");
    CHECK(spelled_out("-n team rollout undo sts web --to-revision 2") ==
          "-n team rollout undo sts/web --to-revision 2");
}

TEST_CASE("what is no name is left as it is") {
    CHECK(spelled_out("wait --for complete job pi") == "wait --for complete workload pi --kind Job");
    CHECK(spelled_out("delete -f job/x.yaml") == "delete -f job/x.yaml");
    CHECK(spelled_out("get -o wide jobs") == "get -o wide workload --field-selector kind=Job");
    CHECK(spelled_out("get jobs --field-selector=owner=x") == "get workload --field-selector=owner=x,kind=Job");
    CHECK(spelled_out("get workloads -l job/x=y") == "get workloads -l job/x=y");
    CHECK(spelled_out("delete jobs -l a=b") == "delete workload -l a=b --kind Job");
    for (std::string const line : {"", "get", "rollout", "rollout status", "nodes job pi", "run job pi"})
        CHECK(spelled_out(line) == line);
}

TEST_CASE("what labels select is deleted of the kind that is said, and of no other") {
    std::vector<std::string> lines;
    fake_server const server([&](fake_request const& request) {
        lines.push_back(request.line);
        return reply_with(200, R"({"revision":1,"continue":"","items":[]})");
    });
    CHECK(run(server, "delete jobs -l a=b").code == 0);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("fieldSelector=kind%3DJob") != std::string::npos);
    CHECK(run(server, "delete instances -l a=b --kind Job").code == 2);
    CHECK(lines.size() == 1);
}

TEST_CASE("rollout, edit and label of a kind and a name ask for that workload only") {
    std::vector<std::string> lines;
    fake_server const server([&](fake_request const& request) {
        lines.push_back(request.line);
        return reply_with(404, R"({"error":{"code":"not_found","message":"workload web does not exist"}})");
    });
    for (std::string const line :
         {"rollout history sts web", "edit sts web", "label sts/web a=b", "annotate sts web a=b",
          "wait sts web --for deleted", "logs sts web", "restart sts web"}) {
        lines.clear();
        INFO(line);
        auto const code = run(server, line).code;
        CHECK(code == (line.starts_with("wait") ? 0 : 3));
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].find("/rik/v1/workloads/web") != std::string::npos);
        CHECK(lines[0].find("kind=StatefulSet") != std::string::npos);
    }
}

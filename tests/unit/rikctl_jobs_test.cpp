// Jobs and other workloads that keep themselves in rikctl: waiting, watching, descriptions, words.
#include <fmt/format.h>

#include <sstream>
#include <string>
#include <vector>

#include "rikctl.hpp"
#include "support/catch.hpp"
#include "support/fake_server.hpp"

namespace {

using test::fake_reply;
using test::fake_request;
using test::fake_server;
using test::reply_with;

struct outcome {
    int code = -1;
    std::string out;
    std::string err;
};

outcome run(fake_server const& server, std::string const& line) {
    std::istringstream in, words(line);
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    std::ostringstream out, err;
    rikctl::surroundings around{.in = in, .out = out, .err = err};
    around.sources.server_variable = server.address();
    auto const code = rikctl::run_rikctl(std::move(arguments), around);
    return {code, out.str(), err.str()};
}

std::string workload(std::string const& kind, std::string const& state, std::string const& more = "") {
    return fmt::format(
        R"({{"id":"c0ffee00-0000-4000-8000-000000000001","name":"pi","tenant":"default","kind":"{}","state":"{}",)"
        R"("createdAt":"2026-11-20T12:00:00Z"{}}})",
        kind, state, more);
}

bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a wait for a Job that has failed says why") {
    fake_server const server([&](fake_request const&) {
        return reply_with(200, workload("Job", "failed",
                                        R"(,"progress":{"conditions":[{"type":"Failed","status":"True",)"
                                        R"("reason":"BackoffLimitExceeded","message":"6 have failed"}]})"));
    });
    auto const told = run(server, "wait job/pi --for complete");
    CHECK(told.code == 1);
    CHECK(told.err ==
          "error: workload pi cannot become succeeded: pi is failed: BackoffLimitExceeded: 6 have failed\n");
}

TEST_CASE("a wait for what a kind of workloads never is, is a mistake") {
    fake_server const server([&](fake_request const&) { return reply_with(200, workload("StatefulSet", "active")); });
    auto const told = run(server, "wait sts/pi --for complete");
    CHECK(told.code == 2);
    CHECK(has(told.err, "a StatefulSet is never complete"));
    CHECK(server.requests().empty());
    CHECK(run(server, "wait cj pi --for condition=Complete").code == 2);
    CHECK(server.requests().empty());
    CHECK(run(server, "wait workload pi --for complete").code == 2);
    CHECK(server.requests().size() == 1);
}

TEST_CASE("a Job that is waited for to go is told as it is, and not as the watch has it") {
    fake_server const server([&](fake_request const& request) {
        auto const event = [](std::string const& type, std::string const& data) {
            return "id: 5\nevent: " + type + "\ndata: " + data + "\n\n";
        };
        if (!has(request.line, "watch=")) return reply_with(200, workload("Job", "succeeded"));
        auto reply = test::stream_of("text/event-stream",
                                     {event("added", workload("Job", "active")), event("synced", "{}")}, false);
        reply.stays_open = true;
        return reply;
    });
    auto const told = run(server, "wait job/pi --for deleted --timeout 400ms");
    CHECK(told.code == 6);
    CHECK(told.err == "error: workload pi is not deleted in time: pi is succeeded\n");
}

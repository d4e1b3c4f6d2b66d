// Jobs and other workloads that keep themselves in rikctl: waiting, watching, descriptions, words.
#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "rikctl.hpp"
#include "support/catch.hpp"
#include "support/fake_server.hpp"
#include "unit/rikctl_outcome.hpp"
#include "workload_changes.hpp"

namespace {

using test::fake_reply;
using test::fake_request;
using test::fake_server;
using test::outcome;
using test::reply_with;

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
        if (has(request.line, "/version")) return reply_with(200, R"({"version":"1"})");
        if (!has(request.line, "watch=")) return reply_with(200, workload("Job", "succeeded"));
        auto reply = test::stream_of("text/event-stream",
                                     {event("added", workload("Job", "active")), event("synced", "{}")}, false);
        reply.stays_open = true;
        return reply;
    });
    auto const told = run(server, "wait job/pi --for deleted --timeout 900ms");
    CHECK(told.code == 6);
    CHECK(told.err == "error: workload pi is not deleted in time: pi is succeeded\n");
}

namespace {

using type = rik::watch_event_type;

/// "added pi, synced"
std::string words_of(rik::result<std::vector<rik::watch_event>> const& changes) {
    REQUIRE(changes.has_value());
    std::string text;
    for (auto const& each : *changes) {
        auto const word = each.type == type::added      ? "added "
                          : each.type == type::modified ? "modified "
                          : each.type == type::deleted  ? "deleted "
                                                        : "synced";
        auto const name = each.object.empty() ? std::string() : rik::object_names(each.object)->front();
        text += (text.empty() ? "" : ", ") + (word + name);
    }
    return text;
}

std::string one(std::string const& name, std::string const& more) {
    return fmt::format(R"({{"id":"id-{}","name":"{}","createdAt":"2026-11-20T12:00:00Z"{}}})", name, name, more);
}

std::string job_of(int succeeded, std::string const& state) {
    return one("pi", fmt::format(R"(,"kind":"Job","state":"{}","definition":{{"completions":2}},"progress":{{"job":{{)"
                                 R"("succeeded":{}}}}})",
                                 state, succeeded));
}

std::string list_of(std::string const& items) { return R"({"revision":1,"continue":"","items":[)" + items + "]}"; }

rik::wall_time const noon = *rik::parse_wall_time("2026-11-21T12:00:00Z");

}  // namespace

TEST_CASE("of workloads that are asked for again, what is shown and has changed is told") {
    rikctl::watch_view const view{rik::resource_kind::workload};
    rikctl::workload_changes changes(view, noon);
    auto const web = one("web", R"(,"kind":"StatefulSet","state":"active","progress":{"wanted":3,"ready":3})");
    CHECK(words_of(changes.take({list_of(web + "," + job_of(0, "active"))})) == "added web, added pi, synced");
    CHECK(words_of(changes.take({list_of(web + "," + job_of(0, "active"))})).empty());
    CHECK(words_of(changes.take({list_of(web + "," + job_of(1, "active"))})) == "modified pi");
    CHECK(words_of(changes.take({web, job_of(2, "succeeded")})) == "modified pi");
    auto const labelled = one("web", R"(,"kind":"StatefulSet","state":"active","progress":{"wanted":3,"ready":3},)"
                                     R"("labels":{"a":"b"})");
    CHECK(words_of(changes.take({list_of(labelled + "," + job_of(2, "succeeded"))})).empty());
    CHECK(words_of(changes.take({list_of(one("new", "") + "," + labelled)})) == "deleted pi, added new");
    CHECK(words_of(changes.take({list_of("")})) == "deleted new, deleted web");
    CHECK_FALSE(changes.take({"{"}).has_value());
}

TEST_CASE("each run of a CronJob is a change, and that time goes by is none") {
    auto const cron_job = [](std::string const& last, std::string const& next) {
        return list_of(one("hello", fmt::format(R"(,"kind":"CronJob","progress":{{"cron":{{"active":[],)"
                                                R"("lastScheduleTime":"{}","nextScheduleTime":"{}"}}}})",
                                                last, next)));
    };
    rikctl::watch_view view{rik::resource_kind::workload};
    view.definition_kind = "CronJob";
    rikctl::workload_changes changes(view, noon);
    auto const first = cron_job("2026-11-21T11:59:00Z", "2026-11-21T12:00:00Z");
    CHECK(words_of(changes.take({first})) == "added hello, synced");
    CHECK(words_of(changes.take({first})).empty());
    CHECK(words_of(changes.take({cron_job("2026-11-23T12:00:00Z", "2026-11-23T12:01:00Z")})) == "modified hello");
    CHECK(words_of(changes.take({cron_job("2026-11-23T12:01:00Z", "2026-11-23T12:02:00Z")})) == "modified hello");
}

TEST_CASE("with JSON whatever changes is told") {
    rikctl::watch_view view{rik::resource_kind::workload, rikctl::output_form::json};
    rikctl::workload_changes changes(view, noon);
    CHECK(words_of(changes.take({list_of(one("web", ""))})) == "added web, synced");
    CHECK(words_of(changes.take({list_of(one("web", R"(,"labels":{"a":"b"})"))})) == "modified web");
    CHECK(words_of(changes.take({list_of(one("web", R"(,"labels":{"a":"b"})"))})).empty());
}

namespace {

/// Answers each list or workload with the next of `answers`, and then refuses.
class changing_server {
public:
    explicit changing_server(std::vector<std::string> answers)
        : answers_(std::move(answers)), server_([this](fake_request const& request) { return answer(request); }) {}

    fake_server const& server() const { return server_; }

private:
    fake_reply answer(fake_request const& request) {
        if (has(request.line, "watch=")) {
            auto reply = test::stream_of("text/event-stream", {"id: 5\nevent: synced\ndata: {}\n\n"}, false);
            reply.stays_open = true;
            return reply;
        }
        if (next_ == answers_.size()) return reply_with(403, R"({"error":{"code":"unsupported","message":"enough"}})");
        return reply_with(200, answers_[next_++]);
    }

    std::vector<std::string> answers_;
    std::size_t next_ = 0;
    fake_server server_;
};

}  // namespace

TEST_CASE("get -w of workloads shows how far they are, and their end") {
    auto const before = job_of(0, "active");
    auto const after = job_of(2, "succeeded");
    changing_server const all({list_of(before), list_of(after)});
    auto const listed = run(all.server(), "get jobs -w");
    CHECK(has(listed.out, "pi               Job          active         0/2         "));
    CHECK(has(listed.out, "pi               Job          succeeded      2/2         "));
    CHECK(std::ranges::count(listed.out, '\n') == 3);
    CHECK(has(all.server().requests().back().line, "fieldSelector=kind%3DJob"));
    changing_server const named({before, before, after});
    auto const one_of_them = run(named.server(), "get job pi -w -o json");
    CHECK(one_of_them.code == 1);  // as the server refuses in the end
    CHECK(has(one_of_them.out, R"({"type":"added","object":{"id":"id-pi")"));
    CHECK(has(one_of_them.out, R"({"type":"modified","object":{"id":"id-pi")"));
    CHECK(has(named.server().requests().back().line, "/workloads/pi?kind=Job"));
}

TEST_CASE("an orphaned CronJob leaves its Jobs, and has no logs") {
    fake_server const server([&](fake_request const& request) {
        return request.line.starts_with("DELETE") ? reply_with(202, "{}")
                                                  : reply_with(200, workload("CronJob", "active"));
    });
    for (std::string const name : {"cj/pi", "cronjob pi", "workload pi"})
        CHECK(run(server, "delete " + name + " --cascade orphan").out ==
              "workload pi is being deleted; its Jobs stay\n");
    auto const logs = run(server, "logs cj/pi");
    CHECK(logs.code == 3);
    CHECK(has(logs.err, "pi is a CronJob, which has no instances: its Jobs have them"));
    CHECK(has(logs.err, "rikctl get jobs"));
}

TEST_CASE("the logs of a workload are followed, of several instances each with its name") {
    auto count = 0;
    fake_server const server([&](fake_request const& request) {
        if (has(request.line, "/instances/id-a/")) return test::stream_of("text/plain", {"from a\n"}, true);
        if (has(request.line, "/instances/id-b/")) return test::stream_of("text/plain", {"from b\n"}, true);
        if (has(request.line, "/workloads/")) return reply_with(200, workload("Job", "active"));
        auto const a = R"({"id":"id-a","name":"pi-a","createdAt":"1"})",
                   b = R"({"id":"id-b","name":"pi-b","createdAt":"2"})";
        return reply_with(200, list_of(count == 1 ? a : std::string(a) + "," + b));
    });
    count = 1;
    CHECK(run(server, "logs -f job/pi").out == "==> pi-a <==\nfrom a\n");
    count = 2;
    auto const both = run(server, "logs -f job pi");
    CHECK(both.code == 0);
    CHECK(has(both.out, "==> pi-a <==\nfrom a\n"));
    CHECK(has(both.out, "==> pi-b <==\nfrom b\n"));
}

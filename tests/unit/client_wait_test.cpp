// Waiting: what is met, what is open, what can come no more.
#include <rik/client/wait.hpp>

#include "support/catch.hpp"

namespace {

using goal = rik::wait_goal::what;
using outcome = rik::wait_verdict::what;
using type = rik::watch_event_type;

std::string object(std::string const& name, std::string const& state, std::string const& more = "") {
    return R"({"id":"id-)" + name + R"(","name":")" + name + R"(","state":")" + state + "\"" + more + "}";
}

class story {
public:
    explicit story(rik::wait_goal wanted, std::string name = "a") : tracker_(std::move(wanted), std::move(name)) {}
    story& is(type what, std::string object = "") {
        REQUIRE(tracker_.feed({what, std::move(object)}).has_value());
        return *this;
    }
    outcome now() const { return tracker_.verdict().outcome; }
    std::string why() const { return tracker_.verdict().why; }

private:
    rik::wait_tracker tracker_;
};

}  // namespace

TEST_CASE("what can be waited for has a word") {
    for (auto const* word : {"running", "started", "finished", "deleted"})
        CHECK(to_string(*rik::parse_wait_goal(word)) == word);
    CHECK(rik::parse_wait_goal("state=failed")->state_word == "failed");
    for (auto const* word : {"complete", "condition=Complete", "condition=complete"})
        CHECK(rik::parse_wait_goal(word)->state_word == "succeeded");
    CHECK(rik::parse_wait_goal("condition=Failed")->state_word == "failed");
    CHECK(rik::parse_wait_goal("failed")->kind == goal::state);
    CHECK(rik::parse_wait_goal("state=running")->kind == goal::state);
    CHECK(rik::parse_wait_goal("state=ready")->state_word == "ready");
    CHECK(rik::parse_wait_goal("condition=ready")->condition == "Ready");
    CHECK(rik::parse_wait_goal("condition=Initialized=false")->state_word == "False");
    CHECK(to_string(*rik::parse_wait_goal("condition=Ready=false")) == "Ready=False");
    for (auto const* word : {"condition=", "condition=Done", "condition=Ready=maybe"})
        CHECK_FALSE(rik::parse_wait_goal(word).has_value());
    for (auto const* word : {"", "state=", "done", "state=gone"}) CHECK_FALSE(rik::parse_wait_goal(word).has_value());
}

TEST_CASE("waiting for running is met by running and given up at an end") {
    CHECK(story({goal::running}).now() == outcome::waiting);
    CHECK(story({goal::running}).is(type::added, object("a", "pending")).now() == outcome::waiting);
    CHECK(story({goal::running})
              .is(type::added, object("a", "pending"))
              .is(type::modified, object("a", "running"))
              .now() == outcome::met);
    CHECK(story({goal::running}).is(type::added, object("a", "unknown")).now() == outcome::waiting);
    for (auto const* state : {"failed", "succeeded", "terminated", "destroying"})
        CHECK(story({goal::running}).is(type::added, object("a", state)).now() == outcome::impossible);
}

TEST_CASE("the reason is said when the goal can come no more") {
    auto const failed = object("a", "failed", R"(,"reason":"ImagePullFailed","message":"no such tag")");
    CHECK(story({goal::running}).is(type::added, failed).why() == "a is failed: ImagePullFailed: no such tag");
    auto const exited = object("a", "failed", R"(,"containers":[{"name":"main","exitCode":3}])");
    CHECK(story({goal::running}).is(type::added, exited).why() == "a is failed (container main: exit code 3)");
}

TEST_CASE("an instance that is being deleted will not run, even while it still does something else") {
    auto const going = object("a", "creating", R"(,"deletingSince":"2026-11-21T19:17:00.000000Z")");
    CHECK(story({goal::running}).is(type::added, going).now() == outcome::impossible);
    CHECK(story({goal::finished}).is(type::added, going).now() == outcome::waiting);
}

TEST_CASE("waiting for a condition is met by its status, and given up at an end") {
    auto const with = [](char const* status) {
        return std::string(R"(,"conditions":[{"type":"PodScheduled","status":"True"},{"type":"Ready","status":")") +
               status + R"("}])";
    };
    auto const ready = *rik::parse_wait_goal("condition=Ready");
    CHECK(story(ready).is(type::added, object("a", "running", with("True"))).now() == outcome::met);
    CHECK(story(ready).is(type::added, object("a", "running", with("False"))).now() == outcome::waiting);
    CHECK(story(ready).is(type::added, object("a", "failed", with("False"))).now() == outcome::impossible);
    auto const unready = *rik::parse_wait_goal("condition=Ready=False");
    CHECK(story(unready).is(type::added, object("a", "running", with("True"))).now() == outcome::waiting);
    CHECK(story(unready).is(type::added, object("a", "failed", with("False"))).now() == outcome::met);
}

TEST_CASE("waiting for a restart is met when its number has come and the instance is ready") {
    rik::wait_goal wanted{goal::restarted};
    wanted.restarts = 2;
    auto const with = [](int done, char const* ready) {
        return R"(,"restarts":2,"restartsDone":)" + std::to_string(done) + R"(,"ready":)" + ready;
    };
    CHECK(story(wanted).is(type::added, object("a", "running", with(1, "true"))).now() == outcome::waiting);
    CHECK(story(wanted).is(type::added, object("a", "running", with(2, "false"))).now() == outcome::waiting);
    CHECK(story(wanted).is(type::added, object("a", "running", with(2, "true"))).now() == outcome::met);
    CHECK(story(wanted).is(type::added, object("a", "running", with(3, "true"))).now() == outcome::met);
    CHECK(story(wanted).is(type::added, object("a", "failed", with(1, "false"))).now() == outcome::impossible);
}

TEST_CASE("waiting for the end is met by every end") {
    for (auto const* state : {"failed", "succeeded", "terminated"}) {
        CHECK(story({goal::finished}).is(type::added, object("a", state)).now() == outcome::met);
        CHECK(story({goal::started}).is(type::added, object("a", state)).now() == outcome::met);
    }
    CHECK(story({goal::finished}).is(type::added, object("a", "running")).now() == outcome::waiting);
}

TEST_CASE("waiting for a state is given up when the other end came") {
    CHECK(story({goal::state, "succeeded"}).is(type::added, object("a", "failed")).now() == outcome::impossible);
    CHECK(story({goal::state, "failed"}).is(type::added, object("a", "failed")).now() == outcome::met);
    CHECK(story({goal::state, "destroying"}).is(type::added, object("a", "failed")).now() == outcome::waiting);
    CHECK(story({goal::state, "ready"}).is(type::added, object("a", "unheard")).now() == outcome::waiting);
}

TEST_CASE("what runs is ready when it says so, and what has ended will not be") {
    CHECK(story({goal::ready}).is(type::added, object("a", "running")).now() == outcome::waiting);
    CHECK(story({goal::ready}).is(type::added, object("a", "running", R"(,"ready":false)")).now() == outcome::waiting);
    CHECK(story({goal::ready}).is(type::added, object("a", "running", R"(,"ready":true)")).now() == outcome::met);
    CHECK(story({goal::ready}).is(type::added, object("a", "unknown", R"(,"ready":true)")).now() == outcome::waiting);
    CHECK(story({goal::ready}).is(type::added, object("a", "failed")).now() == outcome::impossible);
    CHECK(story({goal::ready}).is(type::added, object("a", "unheard")).now() == outcome::waiting);
    CHECK(story({goal::ready}).is(type::added, object("a", "ready")).now() == outcome::met);
    story all({goal::ready}, "");
    all.is(type::added, object("a", "running", R"(,"ready":true)")).is(type::added, object("b", "running"));
    CHECK(all.is(type::synced).now() == outcome::waiting);
    CHECK(all.is(type::modified, object("b", "running", R"(,"ready":true)")).now() == outcome::met);
}

TEST_CASE("deletion is met when it is gone, also when it went while the watch was broken") {
    story gone({goal::deleted});
    CHECK(gone.is(type::added, object("a", "running")).is(type::synced).now() == outcome::waiting);
    CHECK(gone.is(type::modified, object("a", "destroying")).now() == outcome::waiting);
    CHECK(gone.is(type::deleted, object("a", "terminated")).now() == outcome::met);

    story missed({goal::deleted});
    missed.is(type::added, object("a", "running")).is(type::synced).is(type::disconnected, "x").is(type::restarted);
    CHECK(missed.now() == outcome::waiting);
    CHECK(missed.is(type::added, object("b", "running")).is(type::synced).now() == outcome::met);
}

TEST_CASE("what was deleted will not run") {
    story gone({goal::running});
    gone.is(type::added, object("a", "pending")).is(type::synced).is(type::deleted, object("a", "pending"));
    CHECK(gone.now() == outcome::impossible);
    CHECK(gone.why() == "a was deleted");
}

TEST_CASE("of a workload all instances must meet the goal, once all are known") {
    story all({goal::running}, "");
    CHECK(all.is(type::added, object("a", "running")).now() == outcome::waiting);
    CHECK(all.is(type::added, object("b", "pending", R"(,"message":"no room")")).is(type::synced).now() ==
          outcome::waiting);
    CHECK(all.why() == "b is pending: no room");
    CHECK(all.is(type::modified, object("b", "running")).now() == outcome::met);
    CHECK(all.is(type::modified, object("b", "failed")).now() == outcome::impossible);
    CHECK(all.is(type::deleted, object("b", "failed")).now() == outcome::met);
    CHECK(all.is(type::deleted, object("a", "running")).now() == outcome::impossible);
    CHECK(story({goal::running}, "").is(type::synced).now() == outcome::waiting);
}

TEST_CASE("an object is known by its name or its id") {
    CHECK(story({goal::running}, "id-a").is(type::added, object("a", "running")).now() == outcome::met);
    CHECK(story({goal::running}, "b").is(type::added, object("a", "running")).now() == outcome::waiting);
    rik::wait_tracker tracker({goal::running}, "a");
    CHECK(tracker.feed({type::added, "{"}).error().code == rik::errc::corrupt);
}

TEST_CASE("a workload that makes its instances one after the other is not ready with the first") {
    rik::wait_tracker tracker({goal::ready}, "");
    tracker.expect_at_least(2);
    std::string const ready = R"(,"ready":true)";
    REQUIRE(tracker.feed({type::added, object("db-0", "running", ready)}));
    REQUIRE(tracker.feed({type::synced, {}}));
    CHECK(tracker.verdict().outcome == outcome::waiting);
    CHECK(tracker.verdict().why == "1 of 2 instances are there");
    REQUIRE(tracker.feed({type::added, object("db-1", "running", ready)}));
    CHECK(tracker.verdict().outcome == outcome::met);
}

TEST_CASE("what was deleted has finished, and is terminated") {
    for (auto const& wanted : {rik::wait_goal{goal::finished}, rik::wait_goal{goal::state, "terminated"}}) {
        story gone(wanted);
        gone.is(type::added, object("a", "destroying")).is(type::synced);
        CHECK(gone.now() == outcome::waiting);
        CHECK(gone.is(type::deleted, object("a", "terminated")).now() == outcome::met);
    }
    story all({goal::finished}, "");
    all.is(type::added, object("a", "running")).is(type::added, object("b", "succeeded")).is(type::synced);
    CHECK(all.is(type::deleted, object("a", "terminated")).now() == outcome::met);
}

TEST_CASE("a goal fits the kind of object") {
    using kind = rik::resource_kind;
    CHECK(check_wait_goal(kind::instance, {goal::state, "terminated"}).has_value());
    CHECK(check_wait_goal(kind::workload, {goal::running}).has_value());
    CHECK(check_wait_goal(kind::workload, {goal::state, "destroying"}).has_value());
    CHECK(check_wait_goal(kind::workload, {goal::state, "paused"}).has_value());
    CHECK_FALSE(check_wait_goal(kind::tenant, {goal::state, "paused"}).has_value());
    CHECK(check_wait_goal(kind::node, {goal::state, "unheard"}).has_value());
    for (auto const each : {kind::instance, kind::workload, kind::node})
        CHECK(check_wait_goal(each, *rik::parse_wait_goal("ready")).has_value());
    CHECK(check_wait_goal(kind::instance, {goal::state, "active"}).error().message == "an instance is never active");
    CHECK_FALSE(check_wait_goal(kind::node, {goal::running}).has_value());
    CHECK_FALSE(check_wait_goal(kind::node, {goal::state, "running"}).has_value());
    CHECK_FALSE(check_wait_goal(kind::workload, {goal::state, "ready"}).has_value());
    CHECK_FALSE(check_wait_goal(kind::instance, {goal::state, "active"}).has_value());
}

TEST_CASE("what is over is not running, whatever it is called yet") {
    auto const with = [](std::string const& containers) {
        return story({goal::running})
            .is(type::added, object("a", "running", R"(,"containers":[)" + containers + "]"))
            .now();
    };
    CHECK(with(R"({"name":"m","state":"running"},{"name":"n","state":"running"})") == outcome::met);
    CHECK(with(R"({"name":"m","state":"exited","exitCode":0},{"name":"n","state":"running"})") == outcome::met);
    CHECK(with(R"({"name":"m","state":"exited","exitCode":3},{"name":"n","state":"running"})") == outcome::waiting);
    CHECK(with(R"({"name":"m","state":"exited","exitCode":null},{"name":"n","state":"running"})") == outcome::waiting);
    CHECK(with(R"({"name":"m","state":"exited","exitCode":0})") == outcome::waiting);
}

namespace {

std::string job(std::string const& state, std::string const& conditions) {
    return object("pi", state, R"(,"kind":"Job","progress":{"conditions":[)" + conditions + "]}");
}

}  // namespace

TEST_CASE("why a Job has failed is said when it will not be complete") {
    std::string const target =
        R"({"type":"FailureTarget","status":"True","reason":"DeadlineExceeded","message":"it took too long"})";
    std::string const failed =
        R"(,{"type":"Failed","status":"True","reason":"BackoffLimitExceeded","message":"6 have failed"})";
    auto const complete = *rik::parse_wait_goal("complete");
    CHECK(story(complete, "pi").is(type::added, job("failed", target + failed)).why() ==
          "pi is failed: BackoffLimitExceeded: 6 have failed");
    CHECK(story(complete, "pi").is(type::added, job("active", target)).why() ==
          "pi is active: DeadlineExceeded: it took too long");
    CHECK(story(complete, "pi").is(type::added, job("active", "")).why() == "pi is active");
}

TEST_CASE("a Job's conditions can be waited for, and are false until it has them") {
    auto const now = [](std::string const& goal, std::string const& of) {
        return story(*rik::parse_wait_goal("condition=" + goal), "pi").is(type::added, of).now();
    };
    std::string const suspended = R"({"type":"Suspended","status":"True"})";
    std::string const resumed = R"({"type":"Suspended","status":"False"})";
    std::string const complete = R"({"type":"Complete","status":"True"})";
    CHECK(now("suspended", job("paused", suspended)) == outcome::met);
    CHECK(now("Suspended", job("active", resumed)) == outcome::waiting);
    CHECK(now("Suspended", job("active", "")) == outcome::waiting);
    CHECK(now("SUSPENDED", job("succeeded", complete)) == outcome::impossible);
    CHECK(now("suspended=false", job("active", "")) == outcome::met);
    CHECK(now("Suspended=False", job("paused", suspended)) == outcome::waiting);
    CHECK(now("FailureTarget", job("active", R"({"type":"FailureTarget","status":"True"})")) == outcome::met);
    CHECK(now("SuccessCriteriaMet", job("failed", "")) == outcome::impossible);
    CHECK(now("complete", job("succeeded", complete)) == outcome::met);
    CHECK(now("COMPLETE=true", job("succeeded", complete)) == outcome::met);
    CHECK(now("Complete=False", job("active", "")) == outcome::met);
    CHECK(now("Complete=False", job("succeeded", complete)) == outcome::impossible);
    CHECK(now("failed", job("failed", "")) == outcome::met);
}

TEST_CASE("a goal that a kind of workloads never meets is refused") {
    auto const fits = [](std::string const& kind, std::string const& goal) {
        return rik::check_wait_goal(kind, *rik::parse_wait_goal(goal)).has_value();
    };
    for (std::string const goal : {"complete", "failed", "condition=Suspended", "condition=complete=False", "finished"})
        CHECK(fits("Job", goal));
    for (std::string const goal : {"complete", "condition=FailureTarget", "condition=Complete"}) {
        CHECK_FALSE(fits("StatefulSet", goal));
        CHECK_FALSE(fits("Pod", goal));
        CHECK_FALSE(fits("CronJob", goal));
    }
    CHECK(fits("Deployment", "failed"));  // its deadline has passed
    CHECK(fits("StatefulSet", "ready"));
    CHECK(fits("CronJob", "deleted"));
    for (std::string const goal : {"ready", "finished", "failed"}) CHECK_FALSE(fits("CronJob", goal));
    auto const condition = *rik::parse_wait_goal("condition=Suspended");
    CHECK(rik::check_wait_goal(rik::resource_kind::workload, condition).has_value());
    for (auto const kind : {rik::resource_kind::instance, rik::resource_kind::node, rik::resource_kind::tenant})
        CHECK_FALSE(rik::check_wait_goal(kind, condition).has_value());
}

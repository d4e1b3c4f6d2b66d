#include <rik/controllers/cron_times.hpp>

#include <rik/base/time_text.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace rik;
using namespace std::chrono;

namespace {

wall_time at(std::string_view text) {
    INFO(text);
    auto const read = parse_zoned_time(text);
    REQUIRE(read.has_value());
    return *read;
}

cron_schedule schedule(std::string_view text, std::optional<std::string_view> zone = std::nullopt) {
    auto const read = cron_schedule::parse(text, zone);
    REQUIRE(read.has_value());
    return *read;
}

/// 27 November 2026 at `time`, in UTC.
wall_time today(std::string_view time) { return at("2026-11-27T" + std::string(time) + "Z"); }

/// A CronJob that keeps what its plans say.
struct played {
    std::string_view text = "0 * * * *";
    cron_job_upkeep wanted = {};
    wall_time created_at = today("00:30:00");
    std::optional<wall_time> last_run = {};
    std::optional<std::string_view> zone = {};

    cron_look look(wall_time now) const {
        auto const of = schedule(text, zone);
        return look_at_schedule(
            {.schedule = of, .wanted = wanted, .created_at = created_at, .last_run = last_run, .now = now});
    }
    cron_plan plan(wall_time now, std::vector<cron_run> const& runs) {
        auto const of = schedule(text, zone);
        auto made = plan_cron_job(
            "hello", {.schedule = of, .wanted = wanted, .created_at = created_at, .last_run = last_run, .now = now},
            runs);
        if (made.last_run) last_run = made.last_run;
        return made;
    }
};

constexpr auto active = cron_run::phase::active;
constexpr auto succeeded = cron_run::phase::succeeded;
constexpr auto failed = cron_run::phase::failed;

}  // namespace

TEST_CASE("a run is due once its time has come, and only the newest is", "[cron]") {
    struct sample {
        std::string_view title;
        std::optional<wall_time> last_run;
        std::optional<rik::duration> deadline;
        wall_time now;
        std::optional<wall_time> due;
        std::size_t come_count;
    };
    auto const hour = today("10:00:00");
    for (auto const& [title, last_run, deadline, now, due, come_count] :
         {sample{"never ran, and it is not time", {}, {}, today("00:59:59.9"), {}, 0},
          {"never ran, and it is time", {}, {}, today("01:00:00"), today("01:00:00"), 1},
          {"never ran, and it is time, within the deadline", {}, 10s, today("01:00:09"), today("01:00:00"), 1},
          {"never ran, and the deadline is over", {}, 10s, today("01:00:10"), {}, 0},
          {"it ran, and it is not time", hour, {}, today("10:59:00"), {}, 0},
          {"it ran at this very time", hour, {}, hour, {}, 0},
          {"it ran, and it is time", hour, {}, today("11:00:00.5"), today("11:00:00"), 1},
          {"two were missed", hour, {}, today("12:30:00"), today("12:00:00"), 2},
          {"two were missed, both past the deadline", hour, 60s, today("12:30:00"), {}, 0},
          {"two were missed, one past the deadline", hour, 3'600s, today("12:30:00"), today("12:00:00"), 1},
          {"two were missed, both within the deadline", hour, 10'800s, today("12:30:00"), today("12:00:00"), 2},
          {"a deadline of no time", hour, 0s, today("11:00:00"), {}, 0},
          {"a deadline longer than the world is old", hour, rik::duration::max(), today("11:00:00"), today("11:00:00"),
           1},
          {"a hundred were missed", hour, {}, hour + 100h, hour + 100h, 100},
          {"one more", hour, {}, hour + 101h, hour + 101h, 101},
          {"a year was missed", hour - hours(8'760), {}, today("12:30:00"), today("12:00:00"), 101},
          {"a year was missed, but for the deadline", hour - hours(8'760), 7'200s, today("12:30:00"), today("12:00:00"),
           2}}) {
        INFO(title);
        played job{.last_run = last_run};
        job.wanted.starting_deadline = deadline;
        auto const look = job.look(now);
        CHECK(look.due == due);
        CHECK(look.come_count == come_count);
        CHECK(look.has_missed_too_many() == (come_count > 100));
        CHECK(look.look_again == floor<hours>(now) + 1h);
        CHECK_FALSE(look.is_behind_last_run);
    }
}

TEST_CASE("a run that comes too late is said", "[cron]") {
    played job{.last_run = today("10:00:00")};
    job.wanted.starting_deadline = 60s;
    CHECK_FALSE(job.look(today("11:00:59")).too_late.has_value());
    CHECK(job.look(today("11:01:00")).too_late == today("11:00:00"));
    CHECK(job.look(today("11:59:59")).too_late == today("11:00:00"));
    CHECK_FALSE(job.look(today("12:00:00")).too_late.has_value());
}

TEST_CASE("what is suspended starts nothing, and what is resumed starts the newest run that it has missed", "[cron]") {
    played job{.last_run = today("10:00:00")};
    job.wanted.is_suspended = true;
    auto const look = job.look(today("13:30:00"));
    CHECK_FALSE(look.due.has_value());
    CHECK_FALSE(look.look_again.has_value());
    job.wanted.is_suspended = false;
    CHECK(job.look(today("13:30:00")).due == today("13:00:00"));
    job.wanted.starting_deadline = 600s;
    CHECK_FALSE(job.look(today("13:30:00")).due.has_value());
}

TEST_CASE("a schedule without a time is never due", "[cron]") {
    played const job{.text = "0 0 30 2 *"};
    CHECK(job.look(today("10:00:00")) == cron_look{});
}

TEST_CASE("a clock that jumps starts no run twice", "[cron]") {
    played job{.text = "*/10 * * * *"};
    std::set<std::string> names;
    std::vector<wall_time> started;
    auto const tick = [&](wall_time now) {
        auto const plan = job.plan(now, {});
        if (!plan.start) return;
        CHECK(names.insert(plan.start->name).second);
        started.push_back(plan.start->scheduled_at);
    };
    for (auto const now : {today("10:00:00"), today("10:05:00"), today("10:10:01"),
                           today("09:30:00"),  // set back
                           today("09:40:00"), today("10:00:00"), today("10:10:00"),
                           today("10:20:00"),                     // goes on
                           today("15:47:00"),                     // ahead: one run, not thirty-two
                           today("10:30:00"), today("15:45:00"),  // and back again
                           today("15:50:00")})
        tick(now);
    CHECK(started ==
          std::vector{today("10:00:00"), today("10:10:00"), today("10:20:00"), today("15:40:00"), today("15:50:00")});
    auto const behind = job.look(today("12:00:00"));
    CHECK(behind.is_behind_last_run);
    CHECK(behind.look_again == today("16:00:00"));
    CHECK_FALSE(job.look(today("15:55:00")).is_behind_last_run);
    CHECK(played{}.look(today("00:00:00")).look_again == today("01:00:00"));  // before it was created
}

TEST_CASE("the hour that comes twice has two names", "[cron]") {
    played job{.text = "30 2 * * *", .created_at = at("2026-10-24T12:00:00Z"), .zone = "Europe/Berlin"};
    auto const first = job.plan(at("2026-10-25T00:30:00Z"), {});
    auto const second = job.plan(at("2026-10-25T01:30:00Z"), {});
    REQUIRE(first.start.has_value());
    REQUIRE(second.start.has_value());
    CHECK(first.start->name == "hello-29881470");
    CHECK(second.start->name == "hello-29881530");
    CHECK(second.look.look_again == at("2026-10-26T01:30:00Z"));
}

TEST_CASE("an interval counts from the last run, or from the creation", "[cron]") {
    played job{.text = "@every 1h", .created_at = today("00:30:20.7")};
    CHECK(job.look(today("01:30:19")).look_again == today("01:30:20"));
    CHECK_FALSE(job.look(today("01:30:19")).due.has_value());
    CHECK(job.look(today("05:00:00")).due == today("04:30:20"));
    CHECK(job.look(today("05:00:00")).come_count == 4);
    CHECK(job.look(today("05:00:00")).look_again == today("05:30:20"));
    job.wanted.starting_deadline = 10s;  // it does not move the times
    CHECK(job.look(today("05:30:25")).due == today("05:30:20"));
    CHECK(job.look(today("05:30:25")).come_count == 1);
    CHECK_FALSE(job.look(today("05:30:30")).due.has_value());
}

TEST_CASE("an interval of less than a minute starts a run a minute", "[cron]") {
    played job{.text = "@every 20s", .created_at = today("10:00:00")};
    std::vector<wall_time> started;
    auto now = today("10:00:00");
    int looks = 0;
    for (; looks < 20 && now < today("10:05:00"); ++looks) {
        auto const plan = job.plan(now, {});
        if (plan.start) started.push_back(plan.start->scheduled_at);
        REQUIRE(plan.look.look_again.has_value());
        REQUIRE(*plan.look.look_again > now);
        now = *plan.look.look_again;
    }
    CHECK(started ==
          std::vector{today("10:00:20"), today("10:01:00"), today("10:02:00"), today("10:03:00"), today("10:04:00")});
    CHECK(looks == 6);
    CHECK_FALSE(job.look(today("10:04:45")).due.has_value());  // for another reason than its time
    CHECK(job.look(today("10:05:00")).due == today("10:05:00"));
}

TEST_CASE("a run is named after its time, so a second start has the same name", "[cron]") {
    CHECK(cron_run_name("hello", at("2021-03-02T10:42:59.9Z")) == "hello-26911362");
    CHECK(cron_run_name("hello", at("1970-01-01T00:00:00Z")) == "hello-0");

    // The last run was lost with a store that is older than the run.
    played job{.last_run = today("10:00:00")};
    auto const name = cron_run_name("hello", today("11:00:00"));
    for (auto const phase : {active, succeeded, failed}) {
        job.last_run = today("10:00:00");
        auto const plan = job.plan(today("11:00:05"), {{.name = name, .is = phase}});
        CHECK_FALSE(plan.start.has_value());
        CHECK(plan.last_run == today("11:00:00"));
        CHECK_FALSE(job.look(today("11:00:06")).due.has_value());
    }
}

TEST_CASE("what happens to a run beside an active one is the policy's", "[cron]") {
    std::vector<cron_run> const busy{{.name = "hello-1", .is = succeeded},
                                     {.name = "hello-2", .is = active},
                                     {.name = "hello-3", .is = active, .is_leaving = true},
                                     {.name = "hello-4", .is = active}};
    played job{.last_run = today("10:00:00")};
    auto const now = today("11:00:00");

    auto const beside = job.plan(now, busy);
    REQUIRE(beside.start.has_value());
    CHECK(*beside.start == cron_start{cron_run_name("hello", now), now});
    CHECK(beside.replaced.empty());

    job = {.last_run = today("10:00:00")};
    job.wanted.concurrency = concurrency_policy::replace;
    auto const instead = job.plan(now, busy);
    CHECK(instead.start.has_value());
    CHECK(instead.replaced == std::vector<std::size_t>{1, 3});  // the other one goes already

    job = {.last_run = today("10:00:00")};
    job.wanted.concurrency = concurrency_policy::forbid;
    job.wanted.starting_deadline = 5'400s;
    auto const waits = job.plan(now, busy);
    CHECK(waits.waits_for_active);
    CHECK_FALSE(waits.start.has_value());
    CHECK_FALSE(waits.last_run.has_value());
    CHECK(job.plan(now, {{.name = "hello-3", .is = active, .is_leaving = true}}).waits_for_active);  // it still runs
    // Late, but within the deadline; then the newer one; then none.
    CHECK(played(job).plan(today("11:20:00"), {}).start->scheduled_at == now);
    CHECK(played(job).plan(today("12:20:00"), {}).start->scheduled_at == today("12:00:00"));
    job.wanted.starting_deadline = 600s;
    CHECK_FALSE(job.plan(today("11:20:00"), {}).start.has_value());
}

TEST_CASE("old runs go by their limits, the oldest first", "[cron]") {
    std::vector<cron_run> const runs{
        {.name = "e", .is = succeeded, .started_at = today("05:00:00")},
        {.name = "a", .is = succeeded, .started_at = today("01:00:00")},
        {.name = "f", .is = failed, .started_at = today("02:00:00")},
        {.name = "d", .is = succeeded, .started_at = today("04:00:00")},
        {.name = "never", .is = failed},
        {.name = "b", .is = succeeded, .started_at = today("01:00:00")},
        {.name = "gone", .is = succeeded, .is_leaving = true, .started_at = today("00:40:00")},
        {.name = "runs", .is = active, .started_at = today("00:35:00")},
        {.name = "c", .is = succeeded, .started_at = today("03:00:00")},
    };
    auto const forgotten = [&](std::uint32_t successful_history_max, std::uint32_t failed_history_max) {
        played job;
        job.wanted.successful_history_max = successful_history_max;
        job.wanted.failed_history_max = failed_history_max;
        job.wanted.is_suspended = true;  // they go all the same
        std::string names;
        for (auto const i : job.plan(today("10:10:00"), runs).forgotten) names += std::string(runs[i].name) + " ";
        return names;
    };
    CHECK(forgotten(3, 1) == "a b f ");
    CHECK(forgotten(5, 2) == "");
    CHECK(forgotten(1, 9) == "a b c d ");
    CHECK(forgotten(0, 0) == "a b c d e f never ");
    CHECK(cron_job_upkeep().successful_history_max == 3);
    CHECK(cron_job_upkeep().failed_history_max == 1);
}

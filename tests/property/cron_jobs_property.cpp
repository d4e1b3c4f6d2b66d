// Properties of CronJobs, whose Jobs end, fail, are deleted and started by hand while time passes, clocks are set, the
// schedule changes, and a primary dies before it has committed:
// - no name is made twice, so no time is started twice;
// - a run is started only once its time has come, within its deadline, and none while the CronJob is suspended;
// - with Forbid a run is made only when no other is there, with Replace one is left in the commit that makes the next;
// - the history has no more than its limits once a plan was carried out;
// - what was carried out is not planned again, and the next look is in the future.
#include <rik/controllers/cron_job.hpp>

#include <rik/base/entropy.hpp>

#include "property/seed.hpp"

#include "support/catch.hpp"
#include "support/cron_cluster.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t histories = 300;
constexpr int steps = 120;

constexpr std::array schedules{"* * * * *",  "*/7 * * * *",  "0 * * * *", "30 2 * * *",
                               "@every 20s", "@every 1h30m", "@daily",    "15 8-17 * * 1-5"};
constexpr std::array zones{"", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"};

class busy_cron_job {
public:
    explicit busy_cron_job(std::uint64_t seed)
        : random_(seed), on_(spec(), wall_time(std::chrono::hours(490'000 + below(20'000)))) {
        REQUIRE(on_.found().empty());
    }

    void live() {
        for (int step = 0; step < steps; ++step) {
            change_something();
            look();
        }
    }

private:
    std::uint64_t below(std::uint64_t end) { return random_.below(end); }

    std::string spec() {
        std::string const schedule = schedules[below(schedules.size())];
        std::string const zone = zones[below(zones.size())];
        std::string const policy = std::array{"Allow", "Forbid", "Replace"}[below(3)];
        auto const kept = below(4);
        auto text = fmt::format(R"("schedule":"{}","concurrencyPolicy":"{}","successfulJobsHistoryLimit":{})", schedule,
                                policy, kept);
        if (!zone.empty()) text += fmt::format(R"(,"timeZone":"{}")", zone);
        if (below(2) == 0) text += fmt::format(R"(,"startingDeadlineSeconds":{})", 1 + below(7200));
        return text;
    }

    std::string any_job() {
        auto const all = on_.names();
        return all.empty() ? std::string() : all[below(all.size())];
    }

    void pass() {
        constexpr std::array<duration, 6> lengths{1s, 30s, 1min, 10min, 2h, 40h};
        on_.pass(lengths[below(lengths.size())] * static_cast<int>(1 + below(3)));
    }

    void change_something() {
        auto const which = any_job();
        switch (below(10)) {
            case 0: return on_.change([](cron_job_upkeep& to) { to.is_suspended = !to.is_suspended; });
            case 1: return on_.pass(-1h * static_cast<int>(1 + below(30)));  // somebody sets the clock
            case 2: {
                std::string const next = schedules[below(schedules.size())];
                return on_.change([&](cron_job_upkeep& to) { to.schedule = next; });
            }
            case 3:
                if (which.empty() || on_.jobs().at(which).row.deleting_since) return;
                return on_.delete_by_hand(which);
            case 4: return on_.clear();
            case 5: return on_.start_by_hand(fmt::format("by-hand-{}", ++by_hand_));
            case 6:
            case 7:
                if (which.empty() || on_.jobs().at(which).is_done()) return;
                return on_.finish(which, below(3) != 0);
            default: return pass();
        }
    }

    void look() {
        auto const plan = on_.plan();
        check_plan(plan);
        if (below(5) == 0) return;  // it dies before it has committed
        auto const before = on_.active_runs();
        on_.carry_out(plan);
        for (auto const& [name, count] : on_.made()) {
            INFO(name);
            REQUIRE(count == 1);
        }
        check_active(plan, before);
        check_history();
        auto const again = on_.plan();
        CHECK_FALSE(again.start);
        CHECK(again.forgotten.empty());
        on_.carry_out(again);
    }

    void check_plan(cron_job_plan const& plan) const {
        if (plan.look_again) CHECK(*plan.look_again > on_.now());
        if (!plan.start) {
            CHECK(plan.replaced.empty());
            return;
        }
        CHECK_FALSE(on_.cron().is_suspended);
        CHECK(plan.start->scheduled_at <= on_.now());
        if (on_.cron().starting_deadline) CHECK(on_.now() - plan.start->scheduled_at < *on_.cron().starting_deadline);
        CHECK(plan.progress.cron->last_run == plan.start->scheduled_at);
    }

    void check_active(cron_job_plan const& plan, std::vector<std::string> const& before) const {
        if (!plan.start) return;
        if (on_.cron().concurrency == concurrency_policy::forbid) CHECK(before.empty());
        if (on_.cron().concurrency != concurrency_policy::replace) return;
        auto const all = on_.active_runs();
        CHECK(std::ranges::count_if(
                  all, [&](auto const& name) { return !on_.jobs().at(name).row.deleting_since.has_value(); }) == 1);
    }

    void check_history() const {
        std::uint32_t succeeded = 0;
        std::uint32_t failed = 0;
        for (auto const& [name, one] : on_.jobs()) {
            if (!one.is_done() || one.row.deleting_since) continue;
            ++(one.has_failed() ? failed : succeeded);
        }
        CHECK(succeeded <= on_.cron().successful_history_max);
        CHECK(failed <= on_.cron().failed_history_max);
    }

    seeded_entropy random_;
    cron_cluster on_;
    int by_hand_ = 0;
};

}  // namespace

TEST_CASE("whatever happens, no run of a CronJob is started twice", "[property][cron]") {
    auto const seed = test_seed();
    for (std::uint64_t i = 0; i < histories; ++i) {
        INFO("history " << i);
        busy_cron_job(seed + i).live();
    }
}

// The rules of CronJobs that the simulation checks, each broken once.
#include "sim/cron_rules_detail.hpp"

#include <rik/controllers/cron_job.hpp>

#include <support/catch.hpp>
#include <support/definitions.hpp>

#include <chrono>
#include <memory>
#include <string>

using namespace rik;
using namespace std::chrono_literals;

namespace {

constexpr wall_time first = wall_time(480'000h);
constexpr wall_time second = first + 1h;

class a_cron_job {
public:
    explicit a_cron_job(std::string const& policy) {
        row.id = workload_id::generate(random_);
        row.name = "hello";
        row.kind = workload_kind::cron_job;
        row.definition = testing::written(
            R"({"apiVersion":"v1","kind":"CronJob","name":"hello","schedule":"@hourly","concurrencyPolicy":")" +
            policy + R"(","jobTemplate":{"template":{"spec":{"containers":[{"name":"main","image":"a:1"}]}}}})");
        rules.put(row);
    }
    workload make(std::optional<wall_time> scheduled_at, std::string const& name) {
        workload made{.id = workload_id::generate(random_), .name = name};
        made.kind = workload_kind::job;
        auto definition = job_of(*row.definition, name, scheduled_at);
        REQUIRE(definition.has_value());
        made.definition = std::make_shared<workload_definition const>(std::move(*definition));
        made.owner = row.id;
        rules.put(made);
        return made;
    }
    void end(workload const& job) {
        rollout_record record{.workload = job.id};
        record.progress.state = workload_state::succeeded;
        rules.put(record);
    }

    workload row;
    sim::cron_rules rules;

private:
    seeded_entropy random_{1};
};

}  // namespace

TEST_CASE("no time of a CronJob is started twice, also when the first Job has gone") {
    a_cron_job of("Allow");
    auto const job = of.make(first, "a");
    CHECK(of.rules.broken().empty());
    of.make(second, "b");
    CHECK(of.rules.broken().empty());
    of.rules.remove(job.id);
    of.make(first, "c");
    CHECK(of.rules.broken().size() == 1);
}

TEST_CASE("with Forbid a run ends before the next is made, whatever a user starts") {
    a_cron_job of("Forbid");
    of.make(std::nullopt, "by-hand");
    auto const job = of.make(first, "a");
    CHECK(of.rules.broken().empty());
    of.make(second, "b");
    CHECK(of.rules.broken().size() == 1);
    a_cron_job other("Forbid");
    auto const ended = other.make(first, "a");
    CHECK(other.rules.broken().empty());
    other.end(ended);
    other.make(second, "b");
    CHECK(other.rules.broken().empty());
}

TEST_CASE("with Replace the run before leaves in the commit that makes the next") {
    a_cron_job of("Replace");
    auto job = of.make(first, "a");
    CHECK(of.rules.broken().empty());
    of.make(second, "b");
    job.deleting_since = second;
    of.rules.put(job);
    CHECK(of.rules.broken().empty());
    of.make(second + 1h, "c");
    CHECK(of.rules.broken().size() == 1);
}

TEST_CASE("a CronJob that is gone has left no Job of its own") {
    a_cron_job of("Allow");
    auto job = of.make(first, "a");
    CHECK(of.rules.broken().empty());
    of.rules.remove(of.row.id);
    CHECK(of.rules.broken().size() == 1);
    a_cron_job other("Allow");
    job = other.make(first, "a");
    CHECK(other.rules.broken().empty());
    job.owner = std::nullopt;
    other.rules.put(job);
    other.rules.remove(other.row.id);
    CHECK(other.rules.broken().empty());
}

// Properties of Jobs, in a small cluster whose instances start, end, are reported twice, are deleted, lost and
// suspended in any order, while plans are carried out in parts and the primary forgets what it has not kept:
// - what is counted is what has ended, each instance once, as a second bookkeeper says who sees every change;
// - never more active instances than parallelism are made, and never two of one index;
// - what has failed for good or is complete makes nothing more;
// - a Job comes to its end once nothing is changed any more.
#include <rik/controllers/controller.hpp>

#include <rik/base/entropy.hpp>

#include "property/seed.hpp"

#include "support/catch.hpp"
#include "support/job_cluster.hpp"

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;
using enum workload_condition_type;

namespace {

constexpr std::uint64_t histories = 400;
constexpr int steps = 150;

/// Keeps count by itself.
class bookkeeper {
public:
    void success(instance_id const& which) {
        if (known_.insert(which).second) ++succeeded_;
    }
    void failure(instance_id const& which) {
        if (known_.insert(which).second) ++failed_;
    }
    /// Its end will never count.
    void excuse(instance_id const& which) { known_.insert(which); }
    bool knows(instance_id const& which) const { return known_.contains(which); }
    std::uint64_t succeeded() const { return succeeded_; }
    std::uint64_t failed() const { return failed_; }

private:
    std::set<instance_id> known_;
    std::uint64_t succeeded_ = 0;
    std::uint64_t failed_ = 0;
};

class busy_job {
public:
    explicit busy_job(std::uint64_t seed) : random_(seed), job_(make_spec()) { REQUIRE(job_.found().empty()); }

    void live() {
        for (int step = 0; step < steps; ++step) {
            change_something();
            plan_and_act(below(6));
        }
    }

    /// Nothing is changed any more but that what runs succeeds.
    void rest() {
        job_.change([](job_upkeep& to) {
            to.is_suspended = false;
            to.parallelism = std::max<std::uint32_t>(to.parallelism, 2);
        });
        for (int round = 0; round < 200; ++round) {
            job_.start_all();
            for (auto const& each : job_.active())
                if (!job_.find(each)->is_pending()) finish(each, 0);
            clear();
            job_.pass(11min);
            if (plan_and_act(1'000'000)) return check_end();
        }
        FAIL("it does not come to an end");
    }

private:
    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
    bool coin() { return below(2) == 0; }

    std::string make_spec() {
        is_indexed_ = coin();
        auto const completions = 1 + below(9);
        auto spec = fmt::format(R"("parallelism":{},"backoffLimit":{})", below(5), coin() ? 3 : 1'000);
        is_queue_ = !is_indexed_ && below(3) == 0;
        if (!is_queue_) spec += fmt::format(R"(,"completions":{})", completions);
        if (is_indexed_) spec += R"(,"completionMode":"Indexed")";
        if (is_indexed_ && coin()) spec += fmt::format(R"(,"backoffLimitPerIndex":{})", below(3));
        waits_for_gone_ = coin();
        if (waits_for_gone_) spec += R"(,"podReplacementPolicy":"Failed")";
        return spec;
    }

    std::optional<instance_id> any(std::vector<instance_id> const& some) {
        if (some.empty()) return std::nullopt;
        return some[below(some.size())];
    }

    void change_something() {
        auto const one = any(job_.active());
        switch (below(9)) {
            case 0: job_.start_all(); break;
            case 1:
            case 2:
                if (one && !job_.find(*one)->is_pending()) finish(*one, coin() ? 0 : 3);
                break;
            case 3:
                if (one) condemn(*one, false);
                break;
            case 4: clear(); break;
            case 5:
                if (one && !job_.find(*one)->is_pending()) take_away(*one);  // its node was declared dead
                break;
            case 6: job_.pass(duration(below(30) * 1'000'000'000)); break;
            case 7: job_.change([this](job_upkeep& to) { to.is_suspended = below(4) == 0; }); break;
            default: job_.change([this](job_upkeep& to) { to.parallelism = static_cast<std::uint32_t>(below(5)); });
        }
        for (auto const& [id, row] : job_.rows())
            if (below(4) == 0) again_.push_back(id);
        for (auto const& id : std::exchange(again_, {})) job_.report_again(id);
        check_counts();
    }

    void finish(instance_id const& which, int code) {
        job_.finish(which, code);
        if (code == 0)
            books_.success(which);
        else
            books_.failure(which);
    }
    void condemn(instance_id const& which, bool is_excused) {
        auto const is_pending = job_.find(which)->is_pending();
        if (is_excused)
            books_.excuse(which);
        else if (is_pending || !waits_for_gone_)
            books_.failure(which);
        job_.condemn(which, is_excused);
    }
    void take_away(instance_id const& which) {
        books_.failure(which);
        job_.take_away(which);
    }
    void clear() {
        for (auto const& each : job_.leaving())
            if (coin()) take_away(each);
    }

    /// Some of what is planned is done, in any order. Returns true if it is over.
    bool plan_and_act(std::uint64_t most) {
        auto const plan = job_.plan();
        auto const is_over = plan.progress.holds(complete) || plan.progress.holds(failed);
        if (is_over) CHECK(plan.creations.empty());
        if (ended_) CHECK(is_over);
        ended_ = is_over;
        CHECK((plan.creations.empty() || plan.removals.empty()));
        for (auto const& each : plan.removals)
            if (most > 0 && job_.find(each.instance) != nullptr && coin()) {
                condemn(each.instance, each.is_excused);
                --most;
            }
        for (auto const& each : plan.creations)
            if (most > 0) {
                job_.create(each);
                --most;
            }
        if (!plan.creations.empty()) check_active();
        check_counts();
        return is_over;
    }

    void check_active() {
        auto const active = job_.active();
        CHECK(active.size() <= job_.job().parallelism);
        std::set<std::uint32_t> indexes;
        if (!is_indexed_) return;
        for (auto const& each : active) CHECK(indexes.insert(job_.find(each)->index().value()).second);
        if (!waits_for_gone_) return;
        for (auto const& each : job_.leaving())
            if (!job_.find(each)->is_counted()) CHECK_FALSE(indexes.contains(job_.find(each)->index().value()));
    }

    void check_counts() {
        REQUIRE(job_.counts().succeeded == books_.succeeded());
        REQUIRE(job_.counts().failed == books_.failed());
        for (auto const& [id, row] : job_.rows()) REQUIRE(row.is_counted() == books_.knows(id));
        if (is_indexed_) {
            CHECK(job_.counts().completed.size() <= job_.counts().succeeded);
            CHECK(job_.counts().completed.count_shared(job_.counts().failed_indexes) == 0);
        }
    }

    void check_end() {
        auto const& said = job_.progress();
        CHECK(job_.active().empty());
        CHECK(said.job->finished_at.has_value());
        if (said.holds(failed)) return;
        if (is_queue_)
            CHECK(job_.counts().succeeded > 0);
        else if (is_indexed_)
            CHECK(said.job->succeeded == job_.job().completions);
        else
            CHECK(job_.counts().succeeded >= *job_.job().completions);
    }

    seeded_entropy random_;
    bool is_indexed_ = false;
    bool is_queue_ = false;
    bool waits_for_gone_ = false;
    job_cluster job_;
    bookkeeper books_;
    std::vector<instance_id> again_;
    bool ended_ = false;
};

}  // namespace

TEST_CASE("Jobs count exactly and come to their ends", "[property][job]") {
    for (std::uint64_t i = 0; i < histories; ++i) {
        INFO("history " << i);
        busy_job one(test_seed() + i);
        one.live();
        one.rest();
    }
}

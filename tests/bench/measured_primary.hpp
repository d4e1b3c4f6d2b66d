// A primary in virtual time, with a filled journal and a played scheduler, to which statuses are reported.
#pragma once

#include "filled_cluster.hpp"

#include <support/played_scheduler.hpp>

#include <rik/async/task_group.hpp>
#include <rik/link/local_link.hpp>
#include <rik/primary/primary.hpp>
#include <rik/sim/world.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::bench {

[[noreturn]] inline void give_up(std::string_view why) {
    fmt::print(stderr, "rik_cost_bench: {}\n", why);
    std::exit(1);
}

/// The instances of a filled cluster as rows.
std::vector<instance> decoded_instances(journal_contents const& contents);

/// `count` of `all`, evenly spread.
std::vector<instance_id> spread_over(std::vector<instance_id> const& all, std::size_t count);

class measured_primary {
public:
    measured_primary(sim::world& in, journal_contents contents)
        : world_(in),
          disk_(std::move(contents)),
          scheduler_(in.executor(), [](facts const&) {}),
          streams_(in.executor()),
          role_(in.executor(), {in.time(), in.random(), disk_, scheduler_, streams_}, primary_options()),
          tasks_(in.executor()) {}

    /// Returns when the scheduler was told everything, and every workload was looked at.
    awaitable<> start();
    /// Each of `which` says that it runs. They come in messages of 100, with a pause after each; it returns when all is
    /// durable and told to the scheduler.
    awaitable<> report(std::vector<instance_id> which, duration pause);

private:
    sim::world& world_;
    filled_journal disk_;
    testing::played_scheduler scheduler_;
    local_streams streams_;
    primary role_;
    task_group tasks_;  // last member: the tasks use everything above
};

}  // namespace rik::bench

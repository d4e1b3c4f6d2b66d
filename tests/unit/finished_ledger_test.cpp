// Which finished instances go when there are more than are kept.
#include "primary/finished_ledger_detail.hpp"

#include <rik/base/limits.hpp>

#include <support/catch.hpp>
#include <support/definitions.hpp>

#include <memory>

using namespace rik;
using detail::finished_ledger;

namespace {

constexpr auto kept_max = limits::finished_instances_per_owner_max;

class maker {
public:
    instance finished_at(std::int64_t second, std::optional<workload_id> owner,
                         instance_state state = instance_state::succeeded) {
        instance_fields fields{.id = instance_id::generate(random_), .owner = owner, .made_from = from_};
        fields.status.state = state;
        fields.status.since = wall_time(std::chrono::seconds(second));
        return instance(std::move(fields));
    }
    workload_id new_owner() { return workload_id::generate(random_); }

private:
    seeded_entropy random_{1};
    release_ptr from_ = std::make_shared<release const>(make_release({}, {}, testing::written_pod("job")));
};

}  // namespace

TEST_CASE("a workload keeps those of its finished instances that finished last") {
    maker make;
    finished_ledger kept;
    auto const busy = make.new_owner();
    auto const first = make.finished_at(1, busy);
    auto const second = make.finished_at(2, busy);
    kept.add(second);
    kept.add(first);
    kept.add(make.finished_at(0, make.new_owner()));
    kept.add(make.finished_at(0, std::nullopt));
    for (std::size_t i = 2; i < kept_max; ++i) kept.add(make.finished_at(10, busy));
    CHECK(kept.find_excess(100).empty());
    kept.add(make.finished_at(10, busy));
    CHECK(kept.find_excess(100) == std::vector{first.id()});
    kept.add(make.finished_at(10, busy));
    CHECK(kept.find_excess(100) == std::vector{first.id(), second.id()});
    CHECK(kept.find_excess(1) == std::vector{first.id()});
    kept.remove(first);
    kept.remove(second);
    CHECK(kept.find_excess(100).empty());
}

TEST_CASE("of a workload those that have failed stay longest, unless they are over half") {
    maker make;
    finished_ledger kept;
    auto const owner = make.new_owner();
    auto const first = make.finished_at(0, owner, instance_state::failed);
    kept.add(first);
    auto const second = make.finished_at(1, owner);
    kept.add(second);
    for (std::size_t i = 2; i < kept_max; ++i) kept.add(make.finished_at(2, owner));
    kept.add(make.finished_at(3, owner));
    CHECK(kept.find_excess(100) == std::vector{second.id()});
    kept.remove(second);
    for (std::size_t i = 0; i < kept_max / 2; ++i) kept.add(make.finished_at(4, owner, instance_state::failed));
    auto const excess = kept.find_excess(kept_max);
    REQUIRE(excess.size() == kept_max / 2);
    CHECK(excess.front() == first.id());
}

TEST_CASE("of all workloads together those stay that finished last") {
    maker make;
    finished_ledger kept;
    auto const oldest = make.finished_at(1, make.new_owner());
    kept.add(oldest);
    for (std::size_t i = 0; i < limits::finished_instances_count_max; ++i)
        kept.add(make.finished_at(10, i % 20 == 0 ? std::optional<workload_id>() : make.new_owner()));
    CHECK(kept.find_excess(100) == std::vector{oldest.id()});
    kept.remove(oldest);
    CHECK(kept.find_excess(100).empty());
}

// How many instances of which sort a workload has, kept in step with what changes.
#include "primary/count_ledger_detail.hpp"

#include <support/catch.hpp>
#include <support/definitions.hpp>

#include <memory>

using namespace rik;
using detail::count_ledger;

namespace {

class maker {
public:
    instance_fields running() {
        instance_fields made{.id = instance_id::generate(random_), .owner = owner, .made_from = from};
        made.status.state = instance_state::running;
        made.status.ready = true;
        return made;
    }

    workload_id owner = workload_id::from_bytes({7});
    release_ptr from = std::make_shared<release const>(make_release({}, {}, testing::written_pod("web")));

private:
    seeded_entropy random_{1};
};

}  // namespace

TEST_CASE("each instance counts among its sort") {
    maker make;
    count_ledger ledger;
    auto unready = make.running();
    unready.status.ready = false;
    unready.restarts = 1;
    auto leaving = make.running();
    leaving.deleting_since = wall_time();
    auto failed = make.running();
    failed.status.state = instance_state::failed;
    failed.status.ready = false;
    auto marked = make.running();
    marked.labels = string_map{{"a", "b"}};
    for (auto const& each : {unready, leaving, failed, marked}) ledger.add(instance(each));
    auto const* const counts = ledger.find(make.owner);
    REQUIRE(counts != nullptr);
    CHECK(counts->all == 4);
    CHECK(counts->active == 2);
    CHECK(counts->ready == 1);
    CHECK(counts->leaving == 1);
    CHECK(counts->restarting == 1);
    CHECK(counts->relabelled == 1);
    CHECK(counts->of_release == std::map<release_id, std::int64_t>{{make.from->id, 4}});
}

TEST_CASE("an instance that changes counts as it is now, and one that is nobody's is not counted") {
    maker make;
    count_ledger ledger;
    auto const first = make.running();
    auto second = first;
    second.status.ready = false;
    ledger.add(instance(first));
    ledger.add(instance(second));
    ledger.remove(instance(first));
    REQUIRE(ledger.find(make.owner) != nullptr);
    CHECK(ledger.find(make.owner)->all == 1);
    CHECK(ledger.find(make.owner)->ready == 0);
    auto nobodys = make.running();
    nobodys.owner = std::nullopt;
    ledger.add(instance(nobodys));
    CHECK(ledger.find(make.owner)->all == 1);
    ledger.remove(instance(second));
    CHECK(ledger.find(make.owner) == nullptr);
}

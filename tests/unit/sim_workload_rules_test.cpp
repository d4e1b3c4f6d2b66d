// The rules of workloads that the simulation checks, each broken once.
#include "sim/workload_rules_detail.hpp"

#include <support/catch.hpp>
#include <support/definitions.hpp>

#include <memory>

using namespace rik;

namespace {

definition_ptr pod(std::string const& image) {
    return testing::written(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},
        "spec":{"containers":[{"name":"main","image":")" +
                            image + R"("}]}})");
}

class a_pod {
public:
    a_pod() {
        row.id = workload_id::generate(random_);
        row.name = "web";
        row.definition = pod("a:1");
        auto const first = make(pod("a:1"), 1);
        row.current_release = first->id;
        one.id = instance_id::generate(random_);
        one.owner = row.id;
        one.made_from = first;
        rules.put(first);
        rules.put(row);
        rules.put(instance(one));
    }
    release_ptr make(definition_ptr from, std::uint64_t number) {
        auto made = make_release(release_id::generate(random_), row.id, std::move(from));
        made.number = number;
        return std::make_shared<release const>(std::move(made));
    }

    workload row;
    instance_fields one;
    sim::workload_rules rules;

private:
    seeded_entropy random_{1};
};

}  // namespace

TEST_CASE("a Pod and its instance come and go together") {
    a_pod of;
    CHECK(of.rules.broken().empty());
    CHECK(of.rules.unused().empty());
    of.rules.remove(of.one.id);
    CHECK(of.rules.broken().size() == 1);
    of.rules.remove(of.one.made_from->id);
    of.rules.remove(of.row.id);
    CHECK(of.rules.broken().empty());
}

TEST_CASE("a Pod whose instance is leaving is leaving, too") {
    a_pod of;
    of.one.binding = node_binding{.condemned = true};
    of.rules.put(instance(of.one));
    CHECK(of.rules.broken().size() == 1);
    of.row.deleting_since = wall_time(std::chrono::seconds(1));
    of.rules.put(of.row);
    CHECK(of.rules.broken().empty());
}

TEST_CASE("a workload has one release of each template and number, and each has its workload") {
    a_pod of;
    auto const same = of.make(pod("a:1"), 2);
    of.rules.put(same);
    CHECK(of.rules.broken().size() == 1);
    CHECK(of.rules.unused() == std::vector{same->id});
    of.rules.remove(same->id);
    auto const double_number = of.make(pod("a:2"), 1);
    of.rules.put(double_number);
    CHECK(of.rules.broken().size() == 1);
    of.rules.remove(double_number->id);
    of.rules.remove(of.one.id);
    of.rules.remove(of.row.id);
    CHECK(of.rules.broken().size() == 1);
}

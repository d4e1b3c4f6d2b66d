// Properties of definitions made from the table of fields: what the table allows has no problem that the table tells;
// what is broken in one place has a problem there; what is accepted is written and read as the same.
#include <rik/model/definition.hpp>
#include <rik/model/fields.hpp>

#include <rik/base/entropy.hpp>

#include "property/seed.hpp"

#include "support/catch.hpp"
#include "support/definition_generator.hpp"

#include <algorithm>
#include <string>

using namespace rik;
using namespace rik::testing;

namespace {

constexpr int rounds = 1500;

std::vector<definition_type> workload_types() {
    std::vector<definition_type> all;
    for (auto const& each : definition_types())
        if (parse_workload_kind(each.kind)) all.push_back(each);
    return all;
}

/// Told by the table alone.
bool is_of_table(error const& found) {
    for (std::string_view const part : {"is not a field", "is not supported yet", "is none of its values",
                                        "not a number", "out of range", "not text", "not an object", "not a list"})
        if (found.message.find(part) != std::string::npos) return true;
    return false;
}

void check_same(workload_definition const& one, workload_definition const& other) {
    CHECK(one.form == other.form);
    CHECK(one.kind == other.kind);
    CHECK(one.name == other.name);
    CHECK(one.tenant == other.tenant);
    CHECK(one.labels == other.labels);
    CHECK(one.annotations == other.annotations);
    CHECK(one.replicas == other.replicas);
    CHECK(one.spec == other.spec);
    CHECK(one.upkeep == other.upkeep);
}

}  // namespace

TEST_CASE("what the table allows has no problem that the table tells", "[property][fields]") {
    seeded_entropy random(test_seed());
    definition_generator generator(random);
    auto const types = workload_types();
    int accepted_count = 0;
    for (int round = 0; round < rounds; ++round) {
        auto const text = boost::json::serialize(generator.make(types.at(random.below(types.size()))));
        INFO(text);
        auto const parsed = parse_definition(text);
        for (auto const& each : parsed.found) {
            INFO(each);
            CHECK_FALSE(is_of_table(each));
            CHECK_FALSE(each.remedy.empty());
        }
        accepted_count += parsed.found.empty() ? 1 : 0;
    }
    CHECK(accepted_count > rounds / 5);
}

TEST_CASE("what is accepted is written and read as the same", "[property][fields]") {
    seeded_entropy random(test_seed());
    definition_generator generator(random);
    auto const types = workload_types();
    for (int round = 0; round < rounds; ++round) {
        auto const parsed =
            parse_definition(boost::json::serialize(generator.make(types.at(random.below(types.size())))));
        if (!parsed.found.empty()) continue;
        auto const written = definition_text(parsed.definition);
        INFO(parsed.definition.text);
        INFO(written);
        auto const again = parse_definition(written);
        REQUIRE(again.found == problems{});
        check_same(again.definition, parsed.definition);
        CHECK(definition_text(again.definition) == written);
    }
}

TEST_CASE("what is broken in one place has a problem there", "[property][fields]") {
    seeded_entropy random(test_seed());
    definition_generator generator(random);
    auto const types = workload_types();
    for (int round = 0; round < rounds; ++round) {
        auto const& type = types.at(random.below(types.size()));
        auto made = generator.make(type);
        auto const broken = generator.break_one(made, type);
        if (!broken) continue;
        auto const text = boost::json::serialize(made);
        INFO(text);
        INFO(broken->path << " " << broken->what);
        auto const parsed = parse_definition(text);
        auto const tells = [&](error const& each) {
            return each.field == broken->path && each.message.find(broken->what) != std::string::npos;
        };
        CHECK(std::any_of(parsed.found.begin(), parsed.found.end(), tells));
    }
}

TEST_CASE("the generator makes Functions, also to be kept running", "[property][fields]") {
    seeded_entropy random(test_seed());
    definition_generator generator(random);
    auto const types = workload_types();
    int bare = 0, kept = 0, probed = 0, sized = 0;
    for (int round = 0; round < 4 * rounds; ++round) {
        auto const parsed =
            parse_definition(boost::json::serialize(generator.make(types.at(random.below(types.size())))));
        if (!parsed.found.empty() || parsed.definition.spec.form != instance_form::function) continue;
        auto const& unit = parsed.definition.spec.containers.at(0);
        (is_managed(parsed.definition.kind) ? kept : bare) += 1;
        probed += unit.liveness ? 1 : 0;
        sized += unit.limits.get(resource::cpu) != 0 ? 1 : 0;
    }
    CAPTURE(bare, kept, probed, sized);
    for (auto const count : {bare, kept, probed, sized}) CHECK(count > 10);
}

TEST_CASE("the generator makes all that a Pod's life has", "[property][fields]") {
    seeded_entropy random(test_seed());
    definition_generator generator(random);
    auto const types = workload_types();
    int probes = 0, hooks = 0, mounts = 0, sidecars = 0, init_containers = 0;
    for (int round = 0; round < 4 * rounds; ++round) {
        auto const parsed =
            parse_definition(boost::json::serialize(generator.make(types.at(random.below(types.size())))));
        if (!parsed.found.empty()) continue;
        for (auto const& each : parsed.definition.spec.containers) {
            probes += each.startup || each.readiness || each.liveness ? 1 : 0;
            hooks += each.post_start || each.pre_stop ? 1 : 0;
            mounts += each.mounts.empty() ? 0 : 1;
            sidecars += each.role == container_role::sidecar ? 1 : 0;
            init_containers += each.role == container_role::init ? 1 : 0;
        }
    }
    for (auto const count : {probes, hooks, mounts, sidecars, init_containers}) CHECK(count > 10);
}

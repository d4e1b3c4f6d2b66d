// Objects chosen by labels and fields.
#include <rik/model/selection.hpp>

#include "support/catch.hpp"
#include "support/definitions.hpp"

#include <string>

using namespace rik;

namespace {

selection chosen(std::string_view labels, std::string_view fields) {
    auto const by_labels = parse_label_selector(labels);
    auto const by_fields = parse_field_selector(fields);
    REQUIRE(by_labels.has_value());
    REQUIRE(by_fields.has_value());
    return {*by_labels, *by_fields};
}

definition_ptr labelled() {
    return testing::written(R"({"apiVersion":"v1","kind":"Pod","name":"web","labels":{"tier":"front"},
        "spec":{"containers":[{"name":"main","image":"nginx"}]}})");
}

}  // namespace

TEST_CASE("workloads are selected by labels and fields", "[selector]") {
    workload row{.name = "web", .definition = labelled()};
    CHECK(matches(selection(), row, workload_state::active));
    CHECK(matches(chosen("tier=front", "name=web,kind=Pod,state!=destroying,tenant=default"), row,
                  workload_state::active));
    CHECK_FALSE(matches(chosen("tier=back", ""), row, workload_state::active));
    CHECK_FALSE(matches(chosen("", "kind=Function"), row, workload_state::active));
    CHECK(matches(chosen("", "state=paused"), row, workload_state::paused));
}

TEST_CASE("instances are selected by what they are on and of, and by what is known of them", "[selector]") {
    seeded_entropy random(1);
    instance_fields fields{.id = instance_id::generate(random), .name = "web-1"};
    fields.owner = workload_id::generate(random);
    fields.made_from = std::make_shared<release const>(make_release({}, {}, labelled()));
    auto const node = node_id::generate(random);
    auto const waiting = instance(fields);
    fields.binding = node_binding{.node = node, .fence = 1};
    fields.status.state = instance_state::running;
    fields.status.ready = true;
    auto const running = instance(fields);
    instance_surroundings around{.workload_name = "web", .node_name = "a"};

    CHECK(matches(chosen("tier", "state=running,ready=true,node=a,workload=web"), running, around));
    CHECK(matches(chosen("", "node=" + node.text() + ",workload=" + fields.owner->text()), running, around));
    CHECK_FALSE(matches(chosen("", "node!=a"), running, around));
    CHECK_FALSE(matches(chosen("!tier", ""), running, around));
    CHECK(matches(chosen("", "node="), waiting, {.workload_name = "web"}));
    CHECK_FALSE(matches(chosen("", "node=a"), waiting, {.workload_name = "web"}));
    around.is_unheard = true;
    CHECK(matches(chosen("", "state=unknown,ready=false"), running, around));
    fields.status.state = instance_state::succeeded;
    CHECK(matches(chosen("", "state=succeeded"), instance(fields), around));
}

TEST_CASE("nodes and events are selected", "[selector]") {
    node row;
    row.facts.name = "a";
    row.labels["disk"] = "ssd";
    CHECK(matches(chosen("disk=ssd", "name=a"), row));
    CHECK_FALSE(matches(chosen("disk=hdd", ""), row));
    event const happened{.object_kind = "instance", .object_id = "x", .object_name = "web-1", .reason = "Started"};
    CHECK(matches(chosen("", "kind=instance,name=web-1,type=normal,reason=Started,tenant=default"), happened));
    CHECK_FALSE(matches(chosen("", "type=warning"), happened));
}

TEST_CASE("a field that there is not is named, with those that there are", "[selector]") {
    auto const wrong = check_fields(*parse_field_selector("name=a,colour=red"), node_selection_fields());
    REQUIRE(wrong);
    CHECK(wrong->code == errc::invalid);
    CHECK_THAT(wrong->message, Catch::Contains("colour"));
    CHECK(wrong->remedy == "there is name, state");
    CHECK_FALSE(check_fields(*parse_field_selector("ready=true,node=a"), instance_selection_fields()));
}

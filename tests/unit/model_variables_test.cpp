// Variables that come from fields and amounts, and what tells whose container it is.
#include <rik/base/limits.hpp>
#include <rik/model/references.hpp>
#include <rik/model/variables.hpp>

#include "support/catch.hpp"

#include <string>
#include <utility>

namespace rik {

namespace {

instance_facts facts_of(std::string const& spec, std::string const& annotations = R"({"x.io/note":"n"})") {
    auto parsed = parse_definition(
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","labels":{"app":"x"},"annotations":)" +
        annotations + R"(},"spec":{)" + spec + "}}");
    REQUIRE(parsed.found == problems{});
    instance_facts of{.id = *instance_id::parse("3b241101-e2bb-4255-8caf-4136c566a962"), .name = "web-1"};
    of.definition = std::make_shared<workload_definition const>(std::move(parsed.definition));
    of.node_name = "n1";
    of.addresses = {"10.210.3.2"};
    of.node_address = "192.0.2.7";
    of.node_capacity.set(resource::cpu, 3500);
    of.node_capacity.set(resource::memory, 4'000'000'000);
    return of;
}

constexpr auto two_containers =
    R"("resources":{"limits":{"memory":"64Mi"}},"containers":[{"name":"a","image":"i",
       "resources":{"requests":{"cpu":"250m"},"limits":{"cpu":"1500m"}}},{"name":"b","image":"i"}])";

std::string amount(instance_facts const& of, std::string container, std::string_view resource, bool is_limit,
                   std::int64_t divisor) {
    return amount_value(of, {std::move(container), std::string(resource), is_limit, divisor}, "a");
}

}  // namespace

TEST_CASE("a field has the value that the node knows, and what is not known is empty", "[unit][model]") {
    auto of = facts_of(two_containers);
    CHECK(field_value(of, "metadata.name") == "web-1");
    CHECK(field_value(of, "metadata.namespace") == "shop");
    CHECK(field_value(of, "metadata.uid") == "3b241101-e2bb-4255-8caf-4136c566a962");
    CHECK(field_value(of, "metadata.labels['app']") == "x");
    CHECK(field_value(of, "metadata.labels['none']").empty());
    CHECK(field_value(of, "metadata.annotations['x.io/note']") == "n");
    CHECK(field_value(of, "metadata.annotations['app']").empty());
    CHECK(field_value(of, "metadata.labels['']").empty());
    CHECK(field_value(of, "spec.nodeName") == "n1");
    CHECK(field_value(of, "status.podIP") == "10.210.3.2");
    CHECK(field_value(of, "status.hostIP") == "192.0.2.7");
    CHECK(field_value(of, "status.hostIPs") == "192.0.2.7");
    of.addresses = {"10.0.0.1", "10.0.0.2"};
    CHECK(field_value(of, "status.podIP") == "10.0.0.1");
    CHECK(field_value(of, "status.podIPs") == "10.0.0.1,10.0.0.2");
    of.addresses.clear();
    CHECK(field_value(of, "status.podIP").empty());
}

TEST_CASE("an amount is in units of its divisor, rounded up", "[unit][model]") {
    auto const of = facts_of(two_containers);
    CHECK(amount(of, "", resource::cpu, true, 1000) == "2");
    CHECK(amount(of, "", resource::cpu, true, 1) == "1500");
    CHECK(amount(of, "a", resource::cpu, false, 1000) == "1");
    CHECK(amount(of, "a", resource::cpu, false, 1) == "250");
    CHECK(amount(of, "b", resource::cpu, false, 1) == "0");
}

TEST_CASE("where a container has no limit it is that of the Pod, and else the node's capacity", "[unit][model]") {
    auto const of = facts_of(two_containers);
    CHECK(amount(of, "b", resource::memory, true, 1 << 20) == "64");
    CHECK(amount(of, "b", resource::cpu, true, 1000) == "4");
    CHECK(amount(facts_of(R"("containers":[{"name":"a","image":"i"}])"), "", resource::memory, true, 1) ==
          "4000000000");
}

TEST_CASE("variables may refer to those that come from fields", "[unit][model]") {
    auto const of = facts_of(R"x("containers":[{"name":"a","image":"i","args":["$(LABEL)"],"env":[
        {"name":"LABEL","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['app']"}}},
        {"name":"LIMIT","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"1m"}}},
        {"name":"BOTH","value":"$(LABEL)-$(LIMIT)"}]}])x");
    auto container = of.definition->spec.containers.front();
    REQUIRE(resolve_variables(of, container).has_value());
    auto const written = expand_references(container, {});
    REQUIRE(written.has_value());
    CHECK(written->args == std::vector<std::string>{"x"});
    CHECK(written->env.back().value == "x-3500");
}

TEST_CASE("a value with dollars in it is taken as it is", "[unit][model]") {
    auto const of = facts_of(R"("containers":[{"name":"a","image":"i","env":[
        {"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.annotations['x.io/note']"}}}]}])",
                             R"x({"x.io/note":"$$(A) $(B)"})x");
    auto container = of.definition->spec.containers.front();
    REQUIRE(resolve_variables(of, container).has_value());
    CHECK(expand_references(container, {})->env.front().value == "$$(A) $(B)");
}

TEST_CASE("values from fields are bounded together", "[unit][model]") {
    std::string env;
    for (int i = 0; i < 30; ++i)
        env += (i == 0 ? "" : ",") + std::string(R"({"name":"V)") + std::to_string(i) +
               R"(","valueFrom":{"fieldRef":{"fieldPath":"metadata.annotations['x.io/note']"}}})";
    auto const of = facts_of(R"("containers":[{"name":"a","image":"i","env":[)" + env + "]}]",
                             R"({"x.io/note":")" + std::string(50'000, 'x') + "\"}");
    auto container = of.definition->spec.containers.front();
    auto const made = resolve_variables(of, container);
    REQUIRE(made.has_error());
    CHECK(made.error().code == errc::invalid);
    CHECK(made.error().field == "env[20].valueFrom");
}

TEST_CASE("a container's annotations tell whose it is", "[unit][model]") {
    string_map const wanted{
        {"rik.io/instance", "web-1"}, {"rik.io/instance-id", "3b241101-e2bb-4255-8caf-4136c566a962"},
        {"rik.io/tenant", "shop"},    {"rik.io/workload", "web"},
        {"rik.io/container", "b"},    {"rik.io/label/app", "x"}};
    CHECK(own_annotations(facts_of(two_containers), "b") == wanted);
}

}  // namespace rik

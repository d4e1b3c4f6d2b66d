// Objects as the API shows them, where no request can bring them about at will.
#include "support/catch.hpp"
#include "support/store_fixture.hpp"

#include "api/json_detail.hpp"

#include <boost/json/parse.hpp>

using namespace rik;
using namespace rik::detail;

namespace {

instance instance_in(instance_state state) {
    testing::row_maker rows;
    auto const made = rows.make_release(rows.make_workload("web").id);
    auto fields = rows.make_instance("mine", std::make_shared<release const>(made)).fields();
    fields.status.state = state;
    return instance(std::move(fields));
}

}  // namespace

TEST_CASE("v0: the spec of a Pod has a function, which is null") {
    auto const spec = v0_spec(*testing::written_pod("web"));
    CHECK(spec.at("containers").at(0).at("name") == "main");
    CHECK(spec.at("function").is_null());
}

TEST_CASE("v0: the spec of a Function has containers, of which there are none") {
    auto const spec = v0_spec(*testing::written(
        R"({"apiVersion":"v1","kind":"Function","name":"f","spec":{"function":{"execution":{"rootfs":"https://x/y.ext4"},"exposure":{"port":45001,"targetPort":8080,"type":"NodePort"}}}})"));
    CHECK(spec.at("containers").as_array().empty());
    auto const expected = json::parse(
        R"({"execution":{"rootfs":"https://x/y.ext4"},"exposure":{"port":45001,"targetPort":8080,"type":"NodePort"}})");
    CHECK(spec.at("function") == expected);
}

TEST_CASE("v0: a state that its clients do not know is shown as one that they do") {
    for (auto const is_unheard : {false, true})
        CHECK(v0_state(instance_in(instance_state::terminated), is_unheard) == "Terminated");
}

namespace {

/// A Function for which 45123 was chosen; `exposure` is what its definition says.
instance function_with(std::string const& exposure) {
    testing::row_maker rows;
    auto made = rows.make_release(rows.make_workload("fn").id);
    made.definition = testing::written(
        R"({"apiVersion":"v1","kind":"Function","name":"fn","spec":{"function":{"execution":{"rootfs":"/srv/a"})" +
        exposure + "}}}");
    auto fields = rows.make_instance("mine", std::make_shared<release const>(made)).fields();
    if (needs_chosen_port(made.spec())) fields.exposed_port = 45'123;
    return instance(std::move(fields));
}

json::value v1_of(instance row) {
    return json::parse(instance_text({std::make_shared<instance const>(std::move(row)), 7}, directory()));
}

json::value v0_function_of(instance const& row) {
    auto const spec = v0_spec(*row.made_from()->definition);
    return v0_instance(row, "mine", spec, false).at("spec").at("function");
}

}  // namespace

TEST_CASE("the port that was chosen for a Function is shown as if its definition had named it") {
    auto const chosen = json::parse(R"({"port":45123,"targetPort":8080,"type":"NodePort"})");
    auto const row = function_with("");
    auto const shown = v1_of(row);
    CHECK(shown.at("kind") == "Function");
    CHECK(shown.at("exposure") == chosen);
    CHECK(shown.at("hostPorts") ==
          json::parse(R"([{"hostPort":45123,"port":8080,"protocol":"TCP","container":"function"}])"));
    CHECK(v0_function_of(row).at("exposure") == chosen);
    CHECK(v0_function_of(row).at("execution").at("rootfs") == "/srv/a");
}

TEST_CASE("the port that a Function's definition names is shown in the original's words") {
    auto const row = function_with(R"(,"exposure":{"port":8081,"type":"nodePort"})");
    auto const named = json::parse(R"({"port":8081,"targetPort":8080,"type":"NodePort"})");
    CHECK(v1_of(row).at("exposure") == named);
    CHECK(v1_of(row).at("hostPorts").at(0).at("hostPort") == 8081);
    CHECK(v0_function_of(row).at("exposure") == named);
}

TEST_CASE("a Pod has no exposure") {
    auto const row = instance_in(instance_state::running);
    CHECK_FALSE(v1_of(row).as_object().contains("exposure"));
    CHECK(v0_instance(row, "mine", v0_spec(*row.made_from()->definition), false).at("spec").at("function").is_null());
}

TEST_CASE("a node tells which runtimes it lacks, and why") {
    node row{.id = {}, .facts = {.name = "a", .runtimes = {"oci"}, .missing_runtimes = {{"microvm", "no kernel"}}}};
    auto const shown = json::parse(node_text({std::make_shared<node const>(std::move(row)), 7}, node_usage()));
    CHECK(shown.at("runtimes") == json::array{"oci"});
    CHECK(shown.at("missingRuntimes") == json::parse(R"({"microvm":"no kernel"})"));
}

TEST_CASE("v0: a workload's exposure has the original's type, however it is written") {
    testing::row_maker rows;
    auto row = rows.make_workload("fn");
    row.kind = workload_kind::function;
    row.definition = testing::written(
        R"({"apiVersion":"v1","kind":"Function","name":"fn","spec":{"function":{"execution":{"rootfs":"/srv/a"},
            "exposure":{"port":45001,"type":"nodePort"}}}})");
    auto const shown = v0_definition(row);
    CHECK(shown.at("spec").at("function").at("exposure") == json::parse(R"({"port":45001,"type":"NodePort"})"));
    CHECK(shown.at("spec").at("containers").as_array().empty());
}

// Objects as the API shows them, where no request can bring them about at will.
#include "support/catch.hpp"
#include "support/store_fixture.hpp"

#include "api/json_detail.hpp"

#include <boost/json/parse.hpp>

using namespace rik;
using namespace rik::detail;

namespace {

instance instance_of(instance_template pod) {
    testing::row_maker rows;
    auto made = rows.make_release(rows.make_workload("web").id);
    made.pod = std::move(pod);
    return rows.make_instance("mine", std::make_shared<release const>(std::move(made)));
}

instance instance_in(instance_state state) {
    auto fields = instance_of({}).fields();
    fields.status.state = state;
    return instance(std::move(fields));
}

}  // namespace

// Between a list of instances and one of workloads a workload may go.
TEST_CASE("v0: an instance whose workload is gone still has a spec") {
    instance_template pod;
    pod.containers.push_back({.name = "main", .image = "alpine"});
    auto const spec = v0_instance(instance_of(std::move(pod)), nullptr, false).at("spec");
    CHECK(spec.at("containers").at(0).at("name") == "main");
    CHECK(spec.at("function").is_null());
}

TEST_CASE("v0: an instance of a Function whose workload is gone still says what it runs") {
    auto const parsed = parse_definition(
        R"({"apiVersion":"v1","kind":"Function","name":"f","spec":{"function":{"execution":{"rootfs":"https://x/y.ext4"},"exposure":{"port":45001}}}})");
    auto const spec = v0_instance(instance_of(parsed.definition.pod), nullptr, false).at("spec");
    CHECK(spec.at("containers").as_array().empty());
    auto const expected = json::parse(
        R"({"execution":{"rootfs":"https://x/y.ext4"},"exposure":{"port":45001,"targetPort":8080,"type":"NodePort"}})");
    CHECK(spec.at("function") == expected);
}

TEST_CASE("v0: a state that its clients do not know is shown as one that they do") {
    for (auto const is_unheard : {false, true})
        CHECK(v0_state(instance_in(instance_state::terminated), is_unheard) == "Terminated");
}

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

// What a node asks its runtime for, by the definition of an instance.
#include "node/requests_detail.hpp"

#include "support/catch.hpp"

#include <memory>
#include <string>
#include <utility>

namespace rik::detail {

namespace {

instance_fields instance_of(std::string const& spec) {
    auto parsed = parse_definition(
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"x"}},"spec":{)" + spec + "}}");
    REQUIRE(parsed.found == problems{});
    auto const id = *instance_id::parse("3b241101-e2bb-4255-8caf-4136c566a962");
    instance_fields made{.id = id, .name = "web-1"};
    auto const shared = std::make_shared<workload_definition const>(std::move(parsed.definition));
    made.made_from = std::make_shared<release const>(make_release(release_id{}, workload_id{}, shared));
    made.status.addresses = {"10.210.3.2"};
    return made;
}

container_definition never_root(std::optional<std::int64_t> user = {}) {
    container_definition made{.name = "a", .image = "i"};
    made.rights = {.user = user, .is_never_root = true};
    return made;
}

bool is_refused(container_definition const& container, std::string user_of_image) {
    image_config image;
    image.user = std::move(user_of_image);
    auto const why = find_root(container, image);
    if (why) CHECK(why->message.starts_with("container a: runAsNonRoot is true, and "));
    if (why) CHECK_FALSE(why->remedy.empty());
    return why.has_value();
}

}  // namespace

TEST_CASE("a sandbox is asked for with all that the Pod says", "[unit][node]") {
    auto const asked = make_sandbox_request(instance_of(
        R"("hostAliases":[{"ip":"10.0.0.7","hostnames":["db"]}],"dnsConfig":{"searches":["x.test"]},
           "resources":{"limits":{"memory":"64Mi"}},"containers":[{"name":"a","image":"i"}])"));
    CHECK(asked.hostname == "web-1");
    CHECK(asked.addresses == std::vector<std::string>{"10.210.3.2"});
    CHECK(asked.host_aliases == std::vector<host_alias>{{"10.0.0.7", {"db"}}});
    CHECK(asked.dns.searches == std::vector<std::string>{"x.test"});
    CHECK(asked.limits.get(resource::memory) == 64 << 20);
    CHECK_FALSE(asked.has_host_network);
    CHECK_FALSE(asked.volume_group);
    auto const other = make_sandbox_request(
        instance_of(R"("hostname":"h","hostNetwork":true,"containers":[{"name":"a","image":"i"}])"));
    CHECK(other.hostname == "h");
    CHECK(other.has_host_network);
}

TEST_CASE("a container is asked for with its variables, its Pod's groups, and whose it is", "[unit][node]") {
    auto const fields = instance_of(
        R"("securityContext":{"supplementalGroups":[7],"fsGroup":8},"containers":[{"name":"a","image":"i","env":[
           {"name":"NODE","valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}}},
           {"name":"HOST","valueFrom":{"fieldRef":{"fieldPath":"status.hostIP"}}},
           {"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}},
           {"name":"CPU","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu"}}}]}])");
    node_facts node{.name = "n1"};
    node.addresses = {"192.0.2.7", "172.17.0.1"};
    node.capacity.set(resource::cpu, 2000);
    auto const asked =
        make_container_request(facts_of(fields, node), fields.made_from->spec().containers[0], nullptr, 3);
    REQUIRE(asked.has_value());
    CHECK(asked->key == container_key{fields.id, "a", 3});
    CHECK(asked->groups == std::vector<std::int64_t>{7, 8});
    CHECK(asked->annotations.at("rik.io/container") == "a");
    CHECK(asked->annotations.at("rik.io/label/app") == "x");
    std::string values;
    for (auto const& each : asked->definition.env) values += each.value + " ";
    CHECK(values == "n1 192.0.2.7 10.210.3.2 2 ");
    CHECK(addresses_on(node) == std::vector<std::string>{"192.0.2.7"});
    CHECK(addresses_on({}).empty());
}

TEST_CASE("the group of the volumes is one of every program, once", "[unit][node]") {
    auto const of = [](std::string const& groups) {
        return instance_of(R"("securityContext":{)" + groups + R"(},"containers":[{"name":"a","image":"i"}])");
    };
    auto const groups = [](instance_fields const& fields) {
        return make_container_request(facts_of(fields, {}), fields.made_from->spec().containers[0], nullptr, 0)->groups;
    };
    CHECK(make_sandbox_request(of(R"("fsGroup":8)")).volume_group == 8);
    CHECK(make_sandbox_request(of(R"("fsGroup":0)")).volume_group == 0);
    CHECK(groups(of(R"("fsGroup":8)")) == std::vector<std::int64_t>{8});
    CHECK(groups(of(R"("fsGroup":8,"supplementalGroups":[8,7])")) == std::vector<std::int64_t>{8, 7});
    CHECK(groups(of(R"("supplementalGroups":[7])")) == std::vector<std::int64_t>{7});
}

TEST_CASE("what a Pod asks for beyond its containers is for all of them alike", "[unit][node]") {
    auto const fields = instance_of(
        R"("resources":{"requests":{"memory":"100Mi"}},"containers":[{"name":"a","image":"i","resources":{"requests":{"memory":"40Mi"}}},
           {"name":"b","image":"i"}])");
    auto const asked_of = [&](std::size_t which) {
        auto const& container = fields.made_from->spec().containers[which];
        return make_container_request(facts_of(fields, {}), container, nullptr, 0)->memory_request_bytes;
    };
    CHECK(asked_of(0) == 70 << 20);
    CHECK(asked_of(1) == 30 << 20);
}

TEST_CASE("the memory of a Pod is bounded if that of each of its containers is", "[unit][node]") {
    auto const bound_of = [](std::string const& containers) {
        return limits_of_pod(instance_of(containers).made_from->spec()).get(resource::memory) >> 20;
    };
    std::string const a = R"({"name":"a","image":"i","resources":{"limits":{"memory":"40Mi"}}})";
    std::string const b = R"({"name":"b","image":"i","resources":{"limits":{"memory":"6Mi"}}})";
    CHECK(bound_of(R"("containers":[)" + a + "," + b + "]") == 46);
    CHECK(bound_of(R"("containers":[)" + a + R"(,{"name":"b","image":"i"}])") == 0);
    CHECK(bound_of(R"("resources":{"limits":{"memory":"64Mi"}},"containers":[)" + a + "," + b + "]") == 64);
    CHECK(bound_of(R"("initContainers":[)" + a + R"(],"containers":[)" + b + "]") == 40);
    CHECK(bound_of(R"("initContainers":[{"name":"a","image":"i"}],"containers":[)" + b + "]") == 0);
    auto const sidecar =
        R"("initContainers":[{"name":"s","image":"i","restartPolicy":"Always","resources":{"limits":{"memory":"8Mi"}}},)";
    CHECK(bound_of(sidecar + a + R"(],"containers":[)" + b + "]") == 48);
}

TEST_CASE("what may not be root is refused where it is, or may be", "[unit][node]") {
    for (auto const* user : {"", "0", "00", "0:1000", "root", "app", "app:app", ":5"}) {
        INFO(user);
        CHECK(is_refused(never_root(), user));
        CHECK_FALSE(is_refused(never_root(1000), user));
    }
    CHECK_FALSE(is_refused(never_root(), "1000"));
    CHECK_FALSE(is_refused(never_root(), "1000:0"));
    CHECK(is_refused(never_root(0), "1000"));
    CHECK_FALSE(is_refused({.name = "a", .image = "i"}, ""));
}

}  // namespace rik::detail

#include <rik/model/definition.hpp>

#include "support/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

using namespace rik;

namespace {

/// A Pod whose only container is `container`, with `more` beside its spec's containers.
std::string pod_with(std::string const& container, std::string const& more = "") {
    return R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"containers":[)" + container + "]" + more + "}}";
}

/// A Pod with one container that has the members `more`, too.
std::string container_with(std::string const& more) {
    return pod_with(R"({"name":"a","image":"alpine",)" + more + "}");
}

error const* problem_at(parsed_definition const& parsed, std::string_view field) {
    auto const at = std::find_if(parsed.found.begin(), parsed.found.end(),
                                 [&](error const& found) { return found.field == field; });
    return at == parsed.found.end() ? nullptr : &*at;
}

bool warns_of(parsed_definition const& parsed, std::string_view field) {
    return std::any_of(parsed.warnings.begin(), parsed.warnings.end(), [&](std::string const& warning) {
        return warning.starts_with(std::string(field) + " is kept and not acted on: ");
    });
}

/// `text` is refused for exactly one reason, at `field`, and the refusal says what to do.
void check_refused(std::string const& text, std::string_view field) {
    INFO(text);
    auto const parsed = parse_definition_json(text);
    REQUIRE(parsed.found.size() == 1);
    CHECK(parsed.found[0].field == field);
    CHECK_FALSE(parsed.found[0].remedy.empty());
}

parsed_definition accept(std::string const& text) {
    INFO(text);
    auto parsed = parse_definition_json(text);
    CHECK(parsed.found == problems{});
    return parsed;
}

}  // namespace

TEST_CASE("a Pod is parsed with its containers", "[definition]") {
    auto const parsed = accept(R"({"apiVersion":"v1","kind":"Pod","name":"two","replicas":3,"labels":{"app":"x"},
        "annotations":{"note":"any text, really"},"spec":{"containers":[{"name":"a","image":"ubuntu:latest"},
        {"name":"b","image":"alpine","command":["sleep"],"args":["60"],"env":[{"name":"K","value":"v"}],"workingDir":"/srv"}]}})");
    auto const& definition = parsed.definition;
    CHECK(definition.kind == workload_kind::pod);
    CHECK(definition.name == "two");
    CHECK(definition.tenant.empty());
    CHECK(definition.replicas == 3);
    CHECK(definition.labels.at("app") == "x");
    CHECK(definition.annotations.at("note") == "any text, really");
    REQUIRE(definition.spec.containers.size() == 2);
    CHECK(definition.spec.labels == definition.labels);
    auto const& second = definition.spec.containers[1];
    CHECK(second.command == std::vector<std::string>{"sleep"});
    CHECK(second.args == std::vector<std::string>{"60"});
    CHECK(second.env == std::vector<environment_variable>{{"K", "v"}});
    CHECK(second.working_dir == "/srv");
    CHECK(warns_of(parsed, "replicas"));
}

TEST_CASE("what is left out has its usual value", "[definition]") {
    auto const parsed = accept(pod_with(R"({"name":"a","image":"alpine"})", R"(,"function":null)"));
    CHECK(parsed.definition.replicas == 1);
    CHECK(parsed.definition.spec.grace_period == limits::grace_period_default);
    CHECK(parsed.definition.spec.restart == restart_policy::never);
    CHECK_FALSE(parsed.definition.spec.function.has_value());
    CHECK(parsed.warnings.empty());
}

TEST_CASE("a Function is parsed with or without empty containers", "[definition]") {
    for (auto const* containers : {"", R"("containers":[],)", R"("containers":null,)"}) {
        auto const parsed =
            accept(std::string(R"({"apiVersion":"v1","kind":"Function","name":"fn","replicas":1,"spec":{)") +
                   containers + R"("function":{"execution":{"rootfs":"https://x.test/alpine.tar.gz"},
            "exposure":{"port":45001,"targetPort":9090}}}})");
        REQUIRE(parsed.definition.spec.function.has_value());
        CHECK(parsed.definition.spec.form == instance_form::function);
        CHECK(parsed.definition.spec.function->rootfs == "https://x.test/alpine.tar.gz");
        CHECK(parsed.definition.spec.function->port == 45001);
        CHECK(parsed.definition.spec.function->target_port == 9090);
    }
}

TEST_CASE("a Function without a root file system is refused", "[definition]") {
    auto const with_spec = [](std::string const& spec) {
        return R"({"apiVersion":"v1","kind":"Function","name":"fn","spec":{)" + spec + "}}";
    };
    check_refused(with_spec(""), "spec.function");
    check_refused(with_spec(R"("function":{})"), "spec.function.execution.rootfs");
    check_refused(with_spec(R"("function":{"execution":{}})"), "spec.function.execution.rootfs");
    check_refused(with_spec(R"("function":{"execution":{"rootfs":"tmp/x"}})"), "spec.function.execution.rootfs");
    check_refused(with_spec(R"("function":{"execution":{"rootfs":"http://x"}},"containers":[{}])"), "spec.containers");
}

TEST_CASE("all problems are told at once, each with its path", "[definition]") {
    auto const parsed = parse_definition_json(R"({"kind":"Pood","name":"Web","replicas":0,"spek":1,
        "spec":{"containers":[{"name":"a","image":"alpine"},{"name":"a","imge":"x"}]}})");
    for (auto const* field : {"apiVersion", "kind", "name", "replicas", "spek", "spec.containers[1].name",
                              "spec.containers[1].image", "spec.containers[1].imge"}) {
        INFO(field);
        CHECK(problem_at(parsed, field) != nullptr);
    }
    CHECK(parsed.found.size() == 8);
    for (auto const& found : parsed.found) CHECK_FALSE(found.remedy.empty());
}

TEST_CASE("an unknown field is refused with the one that was probably meant", "[definition]") {
    auto const parsed =
        parse_definition_json(pod_with(R"({"name":"a","image":"x","imagee":"y","workingdir":"/","zebra":1})"));
    REQUIRE(problem_at(parsed, "spec.containers[0].imagee") != nullptr);
    CHECK(problem_at(parsed, "spec.containers[0].imagee")->remedy == "did you mean image?");
    CHECK(problem_at(parsed, "spec.containers[0].workingdir")->remedy == "did you mean workingDir?");
    CHECK(problem_at(parsed, "spec.containers[0].zebra")->remedy.find("image, imagePullPolicy, command") !=
          std::string::npos);
}

TEST_CASE("the required fields are missed one by one", "[definition]") {
    check_refused(R"({"kind":"Pod","name":"a","spec":{"containers":[{"name":"a","image":"x"}]}})", "apiVersion");
    check_refused(R"({"apiVersion":"v1","name":"a","spec":{"containers":[{"name":"a","image":"x"}]}})", "kind");
    check_refused(R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"x"}]}})", "name");
    check_refused(R"({"apiVersion":"v1","kind":"Pod","name":"a"})", "spec");
    check_refused(R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":{}})", "spec.containers");
    check_refused(R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":{"containers":[]}})", "spec.containers");
    check_refused(pod_with(R"({"image":"x"})"), "spec.containers[0].name");
    check_refused(pod_with(R"({"name":"x"})"), "spec.containers[0].image");
}

TEST_CASE("wrong types are refused", "[definition]") {
    for (auto const* text : {"1", "[]", "null", "\"x\"", "true"}) check_refused(text, "");
    check_refused(R"({"apiVersion":1,"kind":"Pod","name":"a","spec":{"containers":[{"name":"a","image":"x"}]}})",
                  "apiVersion");
    check_refused(R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":{"containers":{"name":"a","image":"x"}}})",
                  "spec.containers");
    check_refused(R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":[]})", "spec");
    check_refused(pod_with("1"), "spec.containers[0]");
    check_refused(container_with(R"("command":"sleep 60")"), "spec.containers[0].command");
    check_refused(container_with(R"("command":["sleep",60])"), "spec.containers[0].command[1]");
    check_refused(container_with(R"("command":[""])"), "spec.containers[0].command[0]");
    check_refused(container_with(R"("command":["","60"],"args":["a"])"), "spec.containers[0].command[0]");
    check_refused(container_with(R"x("command":["$(E)"],"env":[{"name":"E","value":""}])x"),
                  "spec.containers[0].command[0]");
    for (auto const* fine : {R"("args":[""])", R"("command":[])", R"("command":["a",""])", R"x("command":["$(E)"])x"})
        CHECK(parse_definition_json(container_with(fine)).found.empty());
    check_refused(container_with(R"("env":{"A":"b"})"), "spec.containers[0].env");
    check_refused(container_with(R"("env":[{"name":"A","value":1}])"), "spec.containers[0].env[0].value");
    check_refused(container_with(R"("workingDir":"srv")"), "spec.containers[0].workingDir");
    check_refused(container_with("\"args\":[\"a\\u0000b\"]"), "spec.containers[0].args[0]");
}

TEST_CASE("replicas is a whole number within limits", "[definition]") {
    auto const with_replicas = [](std::string const& replicas) {
        return R"({"apiVersion":"v1","kind":"Pod","name":"a","replicas":)" + replicas +
               R"(,"spec":{"containers":[{"name":"a","image":"x"}]}})";
    };
    for (auto const* wrong : {"0", "-1", "1.0", "1.5", "10001", "99999999999999999999", "\"3\"", "true", "[]"})
        check_refused(with_replicas(wrong), "replicas");
    CHECK(accept(with_replicas("10000")).definition.replicas == 10000);
    CHECK(accept(with_replicas("null")).definition.replicas == 1);
}

TEST_CASE("a kind that comes later is unsupported, not invalid", "[definition]") {
    auto const with_kind = [](std::string const& kind) {
        return parse_definition_json(R"({"apiVersion":"v1","name":"a","kind":")" + kind +
                                     R"(","spec":{"containers":[{"name":"a","image":"x"}]}})");
    };
    CHECK(with_kind("ConfigMap").found.at(0).code == errc::unsupported);
    CHECK(with_kind("Banana").found.at(0).code == errc::invalid);
}

TEST_CASE("ports are RIK's object or Kubernetes' list", "[definition]") {
    auto const ports_of = [](std::string const& ports) {
        return accept(container_with(ports)).definition.spec.containers[0].ports;
    };
    using list = std::vector<container_port>;
    container_port const http{.port = 8080};
    CHECK(ports_of(R"("ports":{"port":80,"target_port":8080,"protocol":"TCP"})") == list{http});
    CHECK(ports_of(R"("ports":{"port":80,"targetPort":8080})") == list{http});
    CHECK(ports_of(R"("ports":{"port":8080})") == list{http});
    CHECK(ports_of(R"("network":{"port":8080,"type":"clusterIP"})") == list{http});
    CHECK(ports_of(R"("ports":[])").empty());
    container_port const dns{.name = "dns", .port = 53, .host_port = 5353, .protocol = port_protocol::udp};
    CHECK(
        ports_of(
            R"("ports":[{"containerPort":8080},{"name":"dns","containerPort":53,"hostPort":5353,"protocol":"UDP"}])") ==
        list{http, dns});
}

TEST_CASE("a host port counts in a list of ports only", "[definition]") {
    auto const parsed = accept(container_with(R"("ports":{"port":80,"hostPort":8080,"type":"nodePort"})"));
    CHECK(parsed.definition.spec.containers[0].ports[0].host_port == 0);
    CHECK(warns_of(parsed, "spec.containers[0].ports.hostPort"));
    CHECK(warns_of(parsed, "spec.containers[0].ports.type"));
    CHECK(host_ports(parsed.definition.spec).empty());
    auto const in_list = accept(container_with(R"("ports":[{"containerPort":80,"hostPort":8080}])"));
    CHECK(host_ports(in_list.definition.spec).size() == 1);
}

TEST_CASE("ports that cannot be are refused", "[definition]") {
    check_refused(container_with(R"("ports":[{}])"), "spec.containers[0].ports[0].containerPort");
    check_refused(container_with(R"("ports":[{"containerPort":0}])"), "spec.containers[0].ports[0].containerPort");
    check_refused(container_with(R"("ports":[{"containerPort":65536}])"), "spec.containers[0].ports[0].containerPort");
    check_refused(container_with(R"("ports":{"port":"80"})"), "spec.containers[0].ports.port");
    check_refused(container_with(R"("ports":{"port":80,"protocol":"SCTP"})"), "spec.containers[0].ports.protocol");
    check_refused(container_with(R"("ports":{"port":80,"type":"magic"})"), "spec.containers[0].ports.type");
    check_refused(container_with(R"("ports":{"port":80},"network":{"port":80})"), "spec.containers[0].network");
    check_refused(container_with(R"("ports":{"targetPort":80,"target_port":81})"), "spec.containers[0].ports");
}

TEST_CASE("a host port belongs to one port of a Pod, for each protocol", "[definition]") {
    auto const two = [](std::string const& protocol) {
        return pod_with(R"({"name":"a","image":"x","ports":[{"containerPort":80,"hostPort":8080}]},
            {"name":"b","image":"x","ports":[{"containerPort":80,"hostPort":8080,"protocol":")" +
                        protocol + R"("}]})");
    };
    check_refused(two("TCP"), "spec.containers[1].ports[0].hostPort");
    accept(two("UDP"));
}

TEST_CASE("resources take quantities as text and as numbers", "[definition]") {
    auto const parsed = accept(container_with(
        R"("resources":{"requests":{"cpu":0.5,"memory":"64Mi"},"limits":{"cpu":2,"memory":134217728,"ephemeral-storage":"1Gi"}})"));
    auto const& container = parsed.definition.spec.containers[0];
    CHECK(container.requests.get(resource::cpu) == 500);
    CHECK(container.requests.get(resource::memory) == 64 << 20);
    CHECK(container.limits.get(resource::cpu) == 2000);
    CHECK(container.limits.get(resource::memory) == 128 << 20);
    CHECK(container.limits.get(resource::storage) == 1 << 30);
    CHECK(parsed.warnings.empty());
}

TEST_CASE("an effective request is the request, else the limit, over all containers", "[definition]") {
    auto const parsed = accept(
        pod_with(R"({"name":"a","image":"x","resources":{"requests":{"cpu":"250m"},"limits":{"cpu":1,"memory":"64Mi"}}},
        {"name":"b","image":"x","resources":{"limits":{"cpu":"500m"}}},{"name":"c","image":"x"})"));
    auto const requests = effective_requests(parsed.definition.spec);
    CHECK(requests.get(resource::cpu) == 750);
    CHECK(requests.get(resource::memory) == 64 << 20);
    CHECK(requests.get(resource::pods) == 1);
}

TEST_CASE("amounts that cannot be are refused", "[definition]") {
    auto const path = std::string("spec.containers[0].resources.");
    auto const refused = [&](std::string const& amounts, std::string const& field) {
        check_refused(container_with(R"("resources":{)" + amounts + "}"), path + field);
    };
    refused(R"("limits":{"cpu":0})", "limits.cpu");
    refused(R"("limits":{"memory":512})", "limits.memory");
    refused(R"("limits":{"cpu":-1})", "limits.cpu");
    refused(R"("requests":{"cpu":"many"})", "requests.cpu");
    refused(R"("requests":{"cpu":[]})", "requests.cpu");
    refused(R"("requests":{"memory":"8E"})", "requests.memory");
    refused(R"("requests":{"gpu":1})", "requests.gpu");
    refused(R"("requests":{"cpu":2},"limits":{"cpu":1})", "requests.cpu");
}

TEST_CASE("limits with which no kernel starts a container are refused", "[definition]") {
    auto const limit = [](std::string const& amount) {
        return container_with(R"("resources":{"requests":{"cpu":0},"limits":{)" + amount + "}}");
    };
    auto const path = std::string("spec.containers[0].resources.limits.");
    check_refused(limit(R"("memory":"2Mi")"), path + "memory");
    check_refused(limit(R"("memory":4194303)"), path + "memory");
    accept(limit(R"("memory":"4Mi")"));
    check_refused(limit(R"("cpu":"2Gi")"), path + "cpu");
    check_refused(limit(R"("cpu":1000001)"), path + "cpu");
    accept(limit(R"("cpu":1000000)"));
    CHECK(accept(limit(R"("cpu":"10m")")).warnings.empty());
    CHECK(accept(limit(R"("cpu":"9m")")).warnings ==
          std::vector<std::string>{path + "cpu is raised to 10m: the kernel gives no less."});
}

TEST_CASE("texts that no program can be started with are refused, as they are once expanded", "[definition]") {
    auto const text = [](std::size_t size) { return std::string(size, 'x'); };
    std::size_t const longest = 131'071;  // and a zero byte
    auto const variable = [&](std::string const& value) {
        return container_with(R"("env":[{"name":"A","value":"b"},{"name":"LONG","value":")" + value + R"("}])");
    };
    accept(variable(text(longest - 5)));  // "LONG="
    check_refused(variable(text(longest - 4)), "spec.containers[0].env[1].value");
    check_refused(variable(text(200'000)), "spec.containers[0].env[1].value");
    auto const words = [&](std::string const& list, std::string const& word) {
        return container_with('"' + list + R"(":["sh",")" + word + R"("])");
    };
    for (std::string const list : {"command", "args"}) {
        accept(words(list, text(longest)));
        check_refused(words(list, text(longest + 1)), "spec.containers[0]." + list + "[1]");
    }
    auto const twice = R"("env":[{"name":"A","value":")" + text(70'000) + R"x("}],"args":["$(A)$(A)"])x";
    check_refused(container_with(twice), "spec.containers[0].args[0]");
}

TEST_CASE("paths that no kernel takes are refused", "[definition]") {
    auto const name = "/" + std::string(255, 'n');
    std::string deep;
    while (deep.size() + name.size() < 4'096) deep += name;
    auto const directory = [](std::string const& path) { return container_with(R"("workingDir":")" + path + '"'); };
    accept(directory(deep));
    check_refused(directory(deep + name), "spec.containers[0].workingDir");
    check_refused(directory(name + "n"), "spec.containers[0].workingDir");
    check_refused(container_with(R"("command":[")" + deep + name + R"("])"), "spec.containers[0].command[0]");
}

TEST_CASE("a restart policy is read", "[definition]") {
    auto const with_policy = [](std::string const& policy) {
        return accept(pod_with(R"({"name":"a","image":"x"})", R"(,"restartPolicy":")" + policy + "\""));
    };
    CHECK(with_policy("OnFailure").definition.spec.restart == restart_policy::on_failure);
    CHECK(with_policy("Always").definition.spec.restart == restart_policy::always);
    CHECK(with_policy("Never").definition.spec.restart == restart_policy::never);
    CHECK(with_policy("OnFailure").warnings.empty());
    check_refused(pod_with(R"({"name":"a","image":"x"})", R"(,"restartPolicy":"always")"), "spec.restartPolicy");
}

TEST_CASE("the grace period and the host name are read", "[definition]") {
    auto const parsed =
        accept(pod_with(R"({"name":"a","image":"x"})", R"(,"terminationGracePeriodSeconds":5,"hostname":"web")"));
    CHECK(parsed.definition.spec.grace_period == std::chrono::seconds(5));
    CHECK(parsed.definition.spec.hostname == "web");
    check_refused(pod_with(R"({"name":"a","image":"x"})", R"(,"terminationGracePeriodSeconds":-1)"),
                  "spec.terminationGracePeriodSeconds");
    check_refused(pod_with(R"({"name":"a","image":"x"})", R"(,"hostname":"Web.x")"), "spec.hostname");
}

TEST_CASE("names of variables, labels and workloads have their syntax", "[definition]") {
    check_refused(container_with(R"("env":[{"name":"1A"}])"), "spec.containers[0].env[0].name");
    check_refused(container_with(R"("env":[{"name":"A=B"}])"), "spec.containers[0].env[0].name");
    check_refused(container_with(R"("env":[{"name":""}])"), "spec.containers[0].env[0].name");
    check_refused(container_with(R"("env":[{"name":"A"},{"name":"A"}])"), "spec.containers[0].env[1].name");
    auto const with_labels = [](std::string const& labels) {
        return R"({"apiVersion":"v1","kind":"Pod","name":"a","labels":)" + labels +
               R"(,"spec":{"containers":[{"name":"a","image":"x"}]}})";
    };
    accept(with_labels(R"({"example.com/tier":"front","app":"","x_Y.z":"A-1"})"));
    check_refused(with_labels(R"({"app":"not legal"})"), "labels.app");
    check_refused(with_labels(R"({"-app":"x"})"), "labels.-app");
    check_refused(with_labels(R"({"app":1})"), "labels.app");
    for (auto const* name : {"a", "2-distro", "a.b-c.d", "a1"}) CHECK_FALSE(check_name(name, "name").has_value());
    for (auto const* name : {"", "A", "-a", "a-", "a..b", ".a", "a.", "a_b", "a b", "\xc3\xa4"})
        CHECK(check_name(name, "name").has_value());
    CHECK(check_name(std::string(254, 'a'), "name").has_value());
    CHECK_FALSE(check_name(std::string(253, 'a'), "name").has_value());
    CHECK(check_label_name("a.b", "name").has_value());
    CHECK(check_label_name(std::string(64, 'a'), "name").has_value());
}

TEST_CASE("images are named as registries and tools name them", "[definition]") {
    auto const digest = "@sha256:" + std::string(64, 'a');
    auto const with_image = [](std::string const& image) {
        return pod_with(R"({"name":"a","image":")" + image + R"("})");
    };
    for (auto const& image :
         {std::string("alpine"), std::string("alpine:latest"), "registry:5000/team/app" + digest,
          "registry:5000/team/app:1.0" + digest, std::string("docker://quay.io/x/y:1"),
          std::string("ghcr.io/a__b/c-d.e"), std::string("localhost/app"), std::string("[::1]:5000/app"),
          std::string("oci:/srv/images:web"), std::string("oci:/srv/images"),
          std::string("docker-archive:/srv/web.tar"), std::string("REG.example.com/app:V1")})
        accept(with_image(image));
    for (auto const& image : {std::string(""),
                              std::string("Alpine"),
                              std::string("al pine"),
                              std::string("alpine:"),
                              std::string(":tag"),
                              std::string("alpine@sha256:abc"),
                              "alpine@md5:" + std::string(64, 'a'),
                              "alpine@sha256:" + std::string(64, 'A'),
                              "alpine@sha512:" + std::string(128, 'a'),
                              std::string("oci:/a/../b"),
                              std::string("oci:/a/./b:1"),
                              std::string("docker-archive:/a.tar:-x"),
                              std::string("oci:/a:"),
                              "oci:/" + std::string(240, 'a'),
                              std::string("a//b"),
                              std::string("/a"),
                              std::string("a/"),
                              std::string("a..b"),
                              std::string("oci:"),
                              std::string("oci:images:web"),
                              std::string("docker-archive:"),
                              std::string("alpine:-x"),
                              std::string("reg:port/app"),
                              std::string("docker://"),
                              std::string(300, 'a')})
        check_refused(with_image(image), "spec.containers[0].image");
}

TEST_CASE("a Pod has at most so many containers", "[definition]") {
    std::string containers;
    for (std::size_t i = 0; i <= limits::containers_per_pod_max; ++i)
        containers += (i == 0 ? "" : ",") + std::string(R"({"name":"c)") + std::to_string(i) + R"(","image":"x"})";
    check_refused(pod_with(containers), "spec.containers");
}

TEST_CASE("a hundred problems are enough", "[definition]") {
    std::string containers;
    for (int i = 0; i < 150; ++i) containers += std::string(i == 0 ? "" : ",") + "{}";
    auto const parsed = parse_definition_json(pod_with(containers));
    CHECK(parsed.found.size() == 101);
}

TEST_CASE("a definition names its tenant, by a legal name", "[definition]") {
    auto const of_tenant = [](std::string const& tenant) {
        return parse_definition(R"({"apiVersion":"v0","kind":"Pod","name":"a","tenant":")" + tenant +
                                R"(","spec":{"containers":[{"name":"a","image":"x"}]}})");
    };
    CHECK(of_tenant("default").definition.tenant == "default");
    auto const other = of_tenant("team-a");
    CHECK(other.found.empty());
    CHECK(other.definition.tenant == "team-a");
    for (auto const* wrong : {"Team", "a.b", "a/b"}) {
        auto const refused = of_tenant(wrong);
        REQUIRE(refused.found.size() == 1);
        CHECK(refused.found.front().code == errc::invalid);
        CHECK(refused.found.front().field == "tenant");
    }
}

TEST_CASE("a request of 0 is kept beside a limit", "[definition]") {
    auto const parsed = parse_definition(
        pod_with(R"({"name":"a","image":"x","resources":{"requests":{"cpu":0},"limits":{"cpu":2,"memory":"64Mi"}}})"));
    REQUIRE(parsed.found.empty());
    auto const requests = effective_requests(parsed.definition.spec);
    CHECK(requests.get(resource::cpu) == 0);
    CHECK(requests.get(resource::memory) == 64 << 20);
}

TEST_CASE("the remedy for a number in place of text proposes no other value", "[definition]") {
    auto const remedy_for = [](std::string const& written) {
        auto const parsed = parse_definition(
            "apiVersion: v1\nkind: Pod\nname: a\nspec:\n  containers:\n  - name: a\n"
            "    image: x\n    env:\n    - name: A\n      value: " +
            written + "\n");
        REQUIRE_FALSE(parsed.found.empty());
        return parsed.found.front().remedy;
    };
    for (auto const* written : {"1.10", "0x1F", "0755", "1e3", "true"})
        CHECK(remedy_for(written).starts_with("write it in quotes"));
}

TEST_CASE("a pull policy is one of Kubernetes' three, or left to the tag", "[definition]") {
    auto const policy = [](std::string const& more) {
        return accept(container_with(more)).definition.spec.containers[0].pull_policy;
    };
    CHECK(policy(R"("imagePullPolicy":"Always")") == image_pull_policy::always);
    CHECK(policy(R"("imagePullPolicy":"IfNotPresent")") == image_pull_policy::if_not_present);
    CHECK(policy(R"("imagePullPolicy":"Never")") == image_pull_policy::never);
    for (auto const* each : {R"("imagePullPolicy":"")", R"("imagePullPolicy":null)", R"("args":[])"})
        CHECK(policy(each) == std::nullopt);
    CHECK(accept(container_with(R"("imagePullPolicy":"Never")")).warnings.empty());
    for (auto const* each : {"\"always\"", "\"Sometimes\"", "7", "[]"})
        check_refused(container_with(fmt::format(R"("imagePullPolicy":{})", each)),
                      "spec.containers[0].imagePullPolicy");
}

TEST_CASE("a kind that nobody knows is the only problem", "[definition]") {
    auto const refusal = [](std::string const& kind) {
        auto const parsed =
            parse_definition("apiVersion: a.io/v1\nkind: " + kind + "\nmetadata: {name: a}\nrules: []\n");
        CHECK(parsed.found.at(0).field == "kind");
        return parsed.found.size() == 1 ? parsed.found.front() : error{};
    };
    CHECK(refusal("Certificate").code == errc::invalid);
    CHECK(refusal("Certificate").message == "'Certificate' is not a kind of RIK, line 2 column 1");
    CHECK(refusal("Namespaces").remedy == "did you mean Namespace?");
    CHECK(refusal("list").remedy == "did you mean List?");
    // Of what was meant to be a Pod all is told.
    auto const pod = parse_definition("apiVersion: v1\nkind: pod\nname: a\nspec: {container: []}\n");
    CHECK(pod.found.size() == 3);
    CHECK(problem_at(pod, "kind")->remedy == "use Pod or Function");
}

TEST_CASE("a file of another program is told apart from a definition", "[definition]") {
    for (auto const* text : {"version: '3'\nservices: {web: {image: nginx}}\n", "404: Not Found\n", R"({"a":1})"}) {
        INFO(text);
        auto const parsed = parse_definition(text);
        REQUIRE(parsed.found.size() == 1);
        CHECK(parsed.found[0].message == "it is no definition: it has neither apiVersion nor kind");
    }
    CHECK(parse_definition("- apiVersion: v1\n  kind: Pod\n").found.at(0).remedy.find("one by one") !=
          std::string::npos);
}

TEST_CASE("a blank that is none is named", "[definition]") {
    auto const parsed = parse_definition(pod_with(R"({"name":"a","image":"x","\u00a0\u00a0command":["a"]})"));
    REQUIRE(parsed.found.size() == 1);
    CHECK(parsed.found[0].remedy.find("only looks like a blank") != std::string::npos);
}

TEST_CASE("what is refused is not also said to be kept", "[definition]") {
    auto const profile = [](std::string const& type) {
        return parse_definition(container_with(R"("securityContext":{"appArmorProfile":{"type":")" + type + R"("}})"));
    };
    CHECK(profile("Localhost").found.size() == 1);
    CHECK(profile("Localhost").warnings.empty());
    CHECK(profile("RuntimeDefault").found.empty());
    CHECK(profile("RuntimeDefault").warnings.size() == 1);
}

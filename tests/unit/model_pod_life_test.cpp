// What definitions say of a Pod's life: init containers and sidecars, restarts, probes, hooks, volumes.
#include <rik/model/definition.hpp>

#include "support/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

using namespace rik;
using namespace std::chrono_literals;

namespace {

/// A Pod in Kubernetes' form whose one container has more members; `spec` are more of the Pod.
std::string pod(std::string const& container, std::string const& spec = "") {
    return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{)" + spec + (spec.empty() ? "" : ",") +
           R"("containers":[{"name":"a","image":"x")" + (container.empty() ? "" : ",") + container + "}]}}";
}
std::string with_init(std::string const& init) { return pod("", R"("initContainers":[)" + init + "]"); }
std::string with_probe(std::string const& field, std::string const& members) {
    return pod(fmt::format(R"("ports":[{{"name":"web","containerPort":8080}}],"{}":{{{}}})", field, members));
}
std::string annotated(std::string const& annotations) {
    return R"({"apiVersion":"v1","kind":"Pod","name":"a","annotations":{)" + annotations +
           R"(},"spec":{"containers":[{"name":"a","image":"x"}]}})";
}

workload_definition accept(std::string const& text) {
    INFO(text);
    auto parsed = parse_definition(text);
    REQUIRE(parsed.found == problems{});
    CHECK(parsed.warnings.empty());
    auto const again = parse_definition(definition_text(parsed.definition));
    CHECK(again.found == problems{});
    CHECK(again.definition.spec == parsed.definition.spec);
    return std::move(parsed.definition);
}

container_definition accept_container(std::string const& text) {
    auto const made = accept(text);
    return made.spec.containers.back();
}

/// `text` is refused for exactly one reason.
error refused(std::string const& text, std::string_view field, errc code = errc::invalid) {
    INFO(text);
    auto parsed = parse_definition(text);
    REQUIRE(parsed.found.size() == 1);
    CHECK(parsed.found.front().field == field);
    CHECK(parsed.found.front().code == code);
    CHECK_FALSE(parsed.found.front().remedy.empty());
    return std::move(parsed.found.front());
}

}  // namespace

TEST_CASE("init containers and sidecars start first, in their order", "[definition]") {
    auto const spec = accept(with_init(R"({"name":"i","image":"x"},{"name":"s","image":"x","restartPolicy":"Always",
        "livenessProbe":{"exec":{"command":["true"]}}},{"name":"j","image":"x"})"))
                          .spec;
    REQUIRE(spec.containers.size() == 4);
    CHECK(spec.containers[0].role == container_role::init);
    CHECK(spec.containers[1].role == container_role::sidecar);
    CHECK(spec.containers[1].liveness.has_value());
    CHECK(spec.containers[2].name == "j");
    CHECK(spec.containers[3].role == container_role::main);
}

TEST_CASE("RIK's roles are the same as init containers, wherever they are written", "[definition]") {
    auto const spec = accept(
                          R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":{"containers":[{"name":"a","image":"x"},
        {"name":"s","image":"x","role":"sidecar"},{"name":"b","image":"x","role":"main"},{"name":"i","image":"x","role":"init"}],
        "initContainers":[{"name":"first","image":"x"}]}})")
                          .spec;
    std::string names;
    for (auto const& each : spec.containers) names += fmt::format("{}:{} ", each.name, to_string(each.role));
    CHECK(names == "first:init s:sidecar i:init a:main b:main ");
}

TEST_CASE("problems are told where a container is written, whatever starts first", "[definition]") {
    auto const text = [](std::string const& last) {
        return R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":{"containers":[{"name":"a","image":"x"},{"name":"i","image":"x",
            "role":"init",)" +
               last + "}]}}";
    };
    refused(
        text(R"("env":[{"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","containerName":"z"}}}])"),
        "spec.containers[1].env[0].valueFrom.resourceFieldRef.containerName");
    accept(
        text(R"("env":[{"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","containerName":"a"}}}])"));
    refused(text(R"("ports":[{"containerPort":1,"hostPort":80},{"containerPort":2,"hostPort":80}])"),
            "spec.containers[1].ports[1].hostPort");
}

TEST_CASE("init containers are refused what Kubernetes refuses them", "[definition]") {
    for (auto const* field : {"livenessProbe", "readinessProbe", "startupProbe"})
        refused(with_init(fmt::format(R"({{"name":"i","image":"x","{}":{{"tcpSocket":{{"port":1}}}}}})", field)),
                fmt::format("spec.initContainers[0].{}", field));
    refused(with_init(R"({"name":"i","image":"x","lifecycle":{}})"), "spec.initContainers[0].lifecycle");
    refused(with_init(R"({"name":"a","image":"x"})"), "spec.containers[0].name");
    refused(with_init(R"({"name":"i","image":"x","restartPolicy":"Never"})"), "spec.initContainers[0].restartPolicy",
            errc::unsupported);
    refused(pod(R"("restartPolicy":"Always")"), "spec.containers[0].restartPolicy", errc::unsupported);
    refused(
        R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":{"containers":[{"name":"a","image":"x","role":"init"}]}})",
        "spec.containers");
}

TEST_CASE("an init container may have a host port of what follows it", "[definition]") {
    auto const with = [](std::string const& init_port) {
        return pod(R"("ports":[{"containerPort":80,"hostPort":8080}])",
                   R"("initContainers":[{"name":"i","image":"x","ports":[{)" + init_port + "}]}]");
    };
    CHECK(host_ports(accept(with(R"("containerPort":80,"hostPort":8080)")).spec).size() == 1);
    refused(with(R"("containerPort":81,"hostPort":8080)"), "spec.containers[0].ports[0].hostPort");
}

TEST_CASE("what a Pod's containers ask for together is what runs at once", "[definition]") {
    auto const ask = [](std::string const& name, int cpu, std::string const& more = "") {
        return fmt::format(R"({{"name":"{}","image":"x","resources":{{"requests":{{"cpu":"{}m"}}}}{}}})", name, cpu,
                           more);
    };
    auto const sidecar = ask("s", 100, R"(,"restartPolicy":"Always")");
    auto const text = [&](int init) {
        return pod(R"("resources":{"requests":{"cpu":"200m"}})",
                   R"("initContainers":[)" + sidecar + "," + ask("i", init) + "]");
    };
    CHECK(effective_requests(accept(text(150)).spec).get(resource::cpu) == 300);
    CHECK(effective_requests(accept(text(500)).spec).get(resource::cpu) == 600);
}

TEST_CASE("what holds for restarts where nothing is said depends on the form", "[definition]") {
    CHECK(accept(pod("")).spec.restart == restart_policy::always);
    CHECK(accept(annotated("")).spec.restart == restart_policy::never);
    CHECK(accept(pod("", R"("restartPolicy":"OnFailure")")).spec.restart == restart_policy::on_failure);
    CHECK(
        accept(
            R"({"apiVersion":"v1","kind":"Function","name":"f","spec":{"function":{"execution":{"rootfs":"https://x.test/a"}}}})")
            .spec.restart == restart_policy::never);
}

TEST_CASE("annotations say how long restarts are put off", "[definition]") {
    CHECK(accept(annotated("")).spec.delays == restart_delays{10s, 5min, 10min});
    auto const all = annotated(
        R"("rik.io/restart-delay":"250ms","rik.io/restart-delay-max":"5s","rik.io/restart-reset-after":"1m")");
    CHECK(accept(all).spec.delays == restart_delays{250ms, 5s, 1min});
    CHECK(accept(annotated(R"("rik.io/restart-delay":"10m")")).spec.delays.max == 10min);
    for (auto const* wrong : {"soon", "-1s", "0s", "25h", ""})
        refused(annotated(fmt::format(R"("rik.io/restart-delay":"{}")", wrong)), "annotations.rik.io/restart-delay");
    refused(annotated(R"("rik.io/restart-delay":"10s","rik.io/restart-delay-max":"5s")"),
            "annotations.rik.io/restart-delay");
    auto const misspelt = parse_definition(annotated(R"("rik.io/restart-dely":"10s")"));
    REQUIRE(misspelt.warnings.size() == 1);
    CHECK(misspelt.warnings[0].find("did you mean rik.io/restart-delay?") != std::string::npos);
}

TEST_CASE("delays that are set in code are written as annotations", "[definition]") {
    auto made = accept(annotated(R"("rik.io/restart-delay":"1s","a":"b")"));
    made.spec.delays.max = 1500ms;
    auto const again = parse_definition(definition_text(made)).definition;
    CHECK(again.spec.delays == made.spec.delays);
    CHECK(again.annotations.at("a") == "b");
}

TEST_CASE("every kind of probe is read", "[definition]") {
    auto const probe = [](std::string const& members) {
        return *accept_container(with_probe("readinessProbe", members)).readiness;
    };
    CHECK(probe(R"("exec":{"command":["cat","/x"]})") == probe_definition{exec_action{{"cat", "/x"}}});
    CHECK(probe(R"("tcpSocket":{"port":"web"})") == probe_definition{tcp_action{8080}});
    CHECK(probe(R"("tcpSocket":{"port":1,"host":"10.0.0.1"})") == probe_definition{tcp_action{1, "10.0.0.1"}});
    CHECK(probe(R"("grpc":{"port":2379})") == probe_definition{grpc_action{2379}});
    CHECK(probe(R"("grpc":{"port":2379,"service":"liveness"})") == probe_definition{grpc_action{2379, "liveness"}});
    CHECK(probe(R"("httpGet":{"port":80})") == probe_definition{http_action{80}});
    CHECK(
        probe(
            R"("httpGet":{"port":"web","path":"healthz","scheme":"HTTPS","host":"h","httpHeaders":[{"name":"X-A","value":"b"}]})") ==
        probe_definition{http_action{8080, "/healthz", true, "h", {{"X-A", "b"}}}});
    CHECK(std::get<http_action>(probe(R"("httpGet":{"port":80,"path":"/a b?c=\u00e9#d"})").action).path ==
          "/a%20b?c=%C3%A9");
}

TEST_CASE("the rules of a probe have Kubernetes' defaults, which 0 stands for", "[definition]") {
    auto const rules = [](std::string const& field, std::string const& members) {
        auto const made = accept_container(with_probe(field, R"("tcpSocket":{"port":1},)" + members));
        return (made.liveness ? made.liveness : made.readiness ? made.readiness : made.startup)->rules;
    };
    CHECK(rules("livenessProbe", R"("initialDelaySeconds":0)") == probe_rules{0s, 10s, 1s, 1, 3});
    CHECK(rules("livenessProbe", R"("periodSeconds":0,"timeoutSeconds":0,"successThreshold":0,"failureThreshold":0)") ==
          probe_rules{});
    CHECK(
        rules(
            "readinessProbe",
            R"("initialDelaySeconds":5,"periodSeconds":6,"timeoutSeconds":7,"successThreshold":8,"failureThreshold":9)") ==
        probe_rules{5s, 6s, 7s, 8, 9});
    CHECK(rules("startupProbe", R"("terminationGracePeriodSeconds":3)").grace == 3s);
    refused(with_probe("livenessProbe", R"("tcpSocket":{"port":1},"successThreshold":2)"),
            "spec.containers[0].livenessProbe.successThreshold");
    refused(with_probe("startupProbe", R"("tcpSocket":{"port":1},"successThreshold":2)"),
            "spec.containers[0].startupProbe.successThreshold");
    refused(with_probe("readinessProbe", R"("tcpSocket":{"port":1},"terminationGracePeriodSeconds":2)"),
            "spec.containers[0].readinessProbe.terminationGracePeriodSeconds");
    refused(with_probe("livenessProbe", R"("tcpSocket":{"port":1},"terminationGracePeriodSeconds":0)"),
            "spec.containers[0].livenessProbe.terminationGracePeriodSeconds");
    refused(with_probe("livenessProbe", R"("tcpSocket":{"port":1},"periodSeconds":-1)"),
            "spec.containers[0].livenessProbe.periodSeconds");
}

TEST_CASE("a probe does one thing, and names what there is", "[definition]") {
    auto const path = std::string("spec.containers[0].livenessProbe");
    auto const refuse = [&](std::string const& members, std::string const& below) {
        return refused(with_probe("livenessProbe", members), path + below);
    };
    refuse("", "");
    refuse(R"("exec":{"command":["a"]},"tcpSocket":{"port":1})", "");
    refuse(R"("exec":{})", ".exec.command");
    refuse(R"("exec":{"command":[]})", ".exec.command");
    refuse(R"("httpGet":{})", ".httpGet.port");
    refuse(R"("httpGet":{"port":0})", ".httpGet.port");
    CHECK(refuse(R"("httpGet":{"port":"wab"})", ".httpGet.port").remedy == "write the number, or one of web");
    CHECK(refuse(R"("httpGet":{"port":"8080"})", ".httpGet.port").remedy == "write the number without quotes");
    refuse(R"("httpGet":{"port":1,"scheme":"http"})", ".httpGet.scheme");
    refuse(R"("httpGet":{"port":1,"host":"a:1"})", ".httpGet.host");
    refuse(R"("httpGet":{"port":1,"httpHeaders":[{"name":"A B"}]})", ".httpGet.httpHeaders[0].name");
    refuse(R"("httpGet":{"port":1,"httpHeaders":[{"name":"A","value":"a\r\nB: c"}]})", ".httpGet.httpHeaders[0].value");
    refuse(R"("grpc":{"port":"web"})", ".grpc.port");
}

TEST_CASE("hooks are read", "[definition]") {
    auto const made = accept_container(pod(
        R"("ports":[{"name":"web","containerPort":8080}],"lifecycle":{"postStart":{"exec":{"command":["a"]}},"preStop":{"httpGet":{"port":"web","path":"/bye"}}})"));
    CHECK(made.post_start == hook_action{exec_action{{"a"}}});
    CHECK(made.pre_stop == hook_action{http_action{8080, "/bye"}});
    auto const stop = [](std::string const& action, std::string const& spec = "") {
        return pod(R"("lifecycle":{"preStop":{)" + action + "}}", spec);
    };
    CHECK(accept_container(stop(R"("sleep":{"seconds":5})")).pre_stop == hook_action{sleep_action{5s}});
    CHECK(accept_container(stop(R"("tcpSocket":{"port":5})")).pre_stop == hook_action{tcp_action{5}});
    refused(stop(R"("sleep":{"seconds":31})"), "spec.containers[0].lifecycle.preStop.sleep.seconds");
    accept(stop(R"("sleep":{"seconds":31})", R"("terminationGracePeriodSeconds":31)"));
    refused(stop(""), "spec.containers[0].lifecycle.preStop");
    refused(pod(R"("lifecycle":{"stopSignal":"SIGUSR1"})"), "spec.containers[0].lifecycle.stopSignal",
            errc::unsupported);
}

TEST_CASE("emptyDir and where it is seen are read", "[definition]") {
    auto const made =
        accept(pod(R"("volumeMounts":[{"name":"v","mountPath":"/data"},
        {"name":"m","mountPath":"/run/x","readOnly":true,"subPath":"a/b","mountPropagation":"None","recursiveReadOnly":"Enabled"}])",
                   R"("volumes":[{"name":"v"},{"name":"m","emptyDir":{"medium":"Memory","sizeLimit":"64Mi"}},
        {"name":"d","emptyDir":{"medium":"","sizeLimit":"1.5Gi"}}])"))
            .spec;
    REQUIRE(made.volumes.size() == 3);
    CHECK(made.volumes[0] == volume_definition{"v", empty_dir{}});
    CHECK(made.volumes[1] == volume_definition{"m", empty_dir{true, 64 << 20}});
    CHECK(made.volumes[2] == volume_definition{"d", empty_dir{false, 3LL << 29}});
    CHECK(made.containers[0].mounts == std::vector<volume_mount>{{"v", "/data"}, {"m", "/run/x", "a/b", true}});
}

TEST_CASE("volumes and mounts that cannot be are refused", "[definition]") {
    auto const volumes = [](std::string const& list) { return pod("", R"("volumes":[)" + list + "]"); };
    refused(volumes(R"({"emptyDir":{}})"), "spec.volumes[0].name");
    refused(volumes(R"({"name":"v"},{"name":"v"})"), "spec.volumes[1].name");
    refused(volumes(R"({"name":"v","emptyDir":{"sizeLimit":"-1"}})"), "spec.volumes[0].emptyDir.sizeLimit");
    refused(volumes(R"({"name":"v","emptyDir":{"medium":"HugePages"}})"), "spec.volumes[0].emptyDir.medium",
            errc::unsupported);
    refused(volumes(R"({"name":"v","configMap":{"name":"c"}})"), "spec.volumes[0].configMap", errc::unsupported);
    refused(volumes(R"({"name":"v","hostPath":{"path":"/"}})"), "spec.volumes[0].hostPath", errc::unsupported);
    auto const mount = [](std::string const& members) {
        return pod(R"("volumeMounts":[)" + members + "]", R"("volumes":[{"name":"cache"}])");
    };
    auto const at = std::string("spec.containers[0].volumeMounts[0].");
    CHECK(refused(mount(R"({"name":"cach","mountPath":"/a"})"), at + "name").remedy == "did you mean cache?");
    for (auto const* path : {"a", "", "/", "/a:b"})
        refused(mount(fmt::format(R"({{"name":"cache","mountPath":"{}"}})", path)), at + "mountPath");
    refused(mount(R"({"name":"cache","mountPath":"/a"},{"name":"cache","mountPath":"/a"})"),
            "spec.containers[0].volumeMounts[1].mountPath");
    for (auto const* path : {"/a", "..", "a/../b", "a/.."})
        refused(mount(fmt::format(R"({{"name":"cache","mountPath":"/a","subPath":"{}"}})", path)), at + "subPath");
    accept(mount(R"({"name":"cache","mountPath":"/a","subPath":"a..b"})"));
    refused(mount(R"--({"name":"cache","mountPath":"/a","subPathExpr":"$(A)"})--"), at + "subPathExpr",
            errc::unsupported);
    refused(mount(R"({"name":"cache","mountPath":"/a","mountPropagation":"HostToContainer"})"), at + "mountPropagation",
            errc::unsupported);
    refused(mount(R"({"name":"cache","mountPath":"/a","recursiveReadOnly":"Enabled"})"), at + "recursiveReadOnly");
}

TEST_CASE("ports of a container have different names", "[definition]") {
    refused(pod(R"("ports":[{"containerPort":1,"name":"a"},{"containerPort":2,"name":"a"}])"),
            "spec.containers[0].ports[1].name");
}

// Definitions of Functions: the kind, and templates of managed kinds.
#include <rik/model/definition.hpp>
#include <rik/model/fields.hpp>

#include "support/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

using namespace rik;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
constexpr std::int64_t mebibyte = 1 << 20;

workload_definition accept(std::string const& text) {
    INFO(text);
    auto parsed = parse_definition(text);
    CHECK(parsed.found == problems{});
    CHECK(parsed.warnings.empty());
    auto const again = parse_definition(definition_text(parsed.definition));
    CHECK(again.found == problems{});
    CHECK(again.definition.spec == parsed.definition.spec);
    return std::move(parsed.definition);
}

/// Refused for one reason, which is returned.
error refused(std::string const& text) {
    INFO(text);
    auto parsed = parse_definition(text);
    REQUIRE(parsed.found.size() == 1);
    CHECK_FALSE(parsed.found.front().remedy.empty());
    return std::move(parsed.found.front());
}

/// `function` are the members of spec.function, `spec` further ones of spec.
std::string function_with(std::string const& function, std::string const& spec = "") {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"Function","name":"fn","spec":{{"containers":[]{},"function":{{{}}}}}}})", spec,
        function);
}
std::string from_rootfs(std::string_view rootfs, std::string const& more = "") {
    return function_with(fmt::format(R"("execution":{{"rootfs":"{}"{}}})", rootfs, more));
}
std::string with(std::string const& more) {
    return function_with(R"("execution":{"rootfs":"https://x.test/a.ext4"},)" + more);
}

std::string managed(std::string_view kind, std::string const& spec) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"{}","name":"fns","template":{{"labels":{{"app":"f"}},"spec":{{{}}}}}}})", kind,
        spec);
}

container_definition const& unit_of(workload_definition const& of) {
    REQUIRE(of.spec.form == instance_form::function);
    REQUIRE(of.spec.containers.size() == 1);
    return of.spec.containers.front();
}

}  // namespace

TEST_CASE("a definition of the original is a Function with one unit", "[function]") {
    auto const made = accept(
        R"({"apiVersion":"v1","kind":"Function","name":"my-function","replicas":1,"spec":{"containers":[],
            "function":{"execution":{"rootfs":"https://x.test/alpine.tar.gz"}}}})");
    auto const& unit = unit_of(made);
    CHECK(unit.name == function_unit_name);
    CHECK(unit.role == container_role::main);
    CHECK(unit.image == "https://x.test/alpine.tar.gz");
    CHECK_FALSE(unit.command.has_value());
    CHECK(unit.ports == std::vector<container_port>{{.name = "", .port = 8080}});
    CHECK(made.spec.restart == restart_policy::never);
    CHECK(needs_chosen_port(made.spec));
    CHECK(host_ports(made.spec).empty());
    CHECK(runtime_name(made.spec.form) == "microvm");
}

TEST_CASE("exposure is a port of the node that leads to one inside", "[function]") {
    auto const made = accept(with(R"("exposure":{"port":45001,"targetPort":80,"type":"NodePort"})"));
    CHECK(made.spec.function->port == 45001);
    CHECK(made.spec.function->target_port == 80);
    CHECK_FALSE(needs_chosen_port(made.spec));
    CHECK(host_ports(made.spec, 45002) == std::vector<container_port>{{.name = "", .port = 80, .host_port = 45001}});
    CHECK(accept(with(R"("exposure":{"port":45001,"type":"nodePort"})")).spec.function->target_port == 8080);

    auto const chosen = accept(with(R"("exposure":{"targetPort":80})"));
    CHECK(needs_chosen_port(chosen.spec));
    CHECK(host_ports(chosen.spec, 45002) == std::vector<container_port>{{.name = "", .port = 80, .host_port = 45002}});
    CHECK(parse_definition(with(R"("exposure":{"type":"loadBalancer"})")).warnings.size() == 1);
    CHECK(refused(with(R"("exposure":{"type":"ingress"})")).field == "spec.function.exposure.type");
    CHECK(refused(with(R"("exposure":{"port":70000})")).field == "spec.function.exposure.port");
}

TEST_CASE("a root file system comes from a URL, a path or an image", "[function]") {
    for (std::string_view const rootfs :
         {"http://x.test/a", "https://x.test/a.tar.gz?b=c", "file:/srv/a.ext4", "file:///srv/a.ext4",
          "file://localhost/srv/a.ext4", "/srv/a.ext4", "oci:/srv/layout:1", "docker://alpine:3.20",
          "docker://registry.test:5000/team/a@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"})
        CHECK(unit_of(accept(from_rootfs(rootfs))).image == rootfs);
}

TEST_CASE("another root file system is refused, with what would be right", "[function]") {
    struct row {
        std::string_view rootfs;
        std::string_view remedy;  ///< a part of it
    };
    for (auto const& [rootfs, remedy] :
         {row{"alpine:3.20", "docker://alpine:3.20"}, row{"ftp://x.test/a", "http, https or file URL"},
          row{"file://server/a", "file:///"}, row{"file:a.ext4", "file:///"}, row{"docker://UPPER", "name"},
          row{"oci:relative", "oci:/path"}, row{"https://x.test/a b", "URL"}, row{"", "URL"}}) {
        auto const why = refused(from_rootfs(rootfs));
        CHECK(why.field == "spec.function.execution.rootfs");
        INFO(why);
        CHECK(why.remedy.find(remedy) != std::string::npos);
    }
}

TEST_CASE("a digest is part of what is fetched", "[function]") {
    auto const said = fmt::format(R"(,"sha256":"{}")", digest);
    auto const plain = accept(from_rootfs("https://x.test/a", said));
    CHECK(plain.spec.function->sha256 == digest);
    CHECK(unit_of(plain).image == fmt::format("https://x.test/a@sha256:{}", digest));
    CHECK(unit_of(accept(from_rootfs("docker://alpine", said))).image ==
          fmt::format("docker://alpine@sha256:{}", digest));

    auto upper = said;
    std::ranges::transform(upper, upper.begin(), [](char c) { return c >= 'a' && c <= 'f' ? char(c - 32) : c; });
    upper.replace(0, upper.find(':'), R"(,"sha256")");
    CHECK(accept(from_rootfs("/srv/a", upper)).spec.function->sha256 == digest);

    CHECK(refused(from_rootfs("/srv/a", R"(,"sha256":"abc")")).field == "spec.function.execution.sha256");
    auto const named = fmt::format("docker://alpine@sha256:{}", digest);
    CHECK(refused(from_rootfs(named, said)).field == "spec.function.execution.sha256");
}

TEST_CASE("a command and its variables are those of a container", "[function]") {
    auto const made =
        accept(from_rootfs("/srv/a", R"(,"command":["/bin/serve","-p","80"],"env":[{"name":"MODE","value":"fast"}])"));
    CHECK(unit_of(made).command == std::vector<std::string>{"/bin/serve", "-p", "80"});
    CHECK(unit_of(made).env == std::vector<environment_variable>{{"MODE", "fast"}});
    CHECK(refused(from_rootfs("/srv/a", R"(,"command":"serve")")).message.starts_with("is text, not a list"));
    CHECK(refused(from_rootfs("/srv/a", R"(,"command":[""])")).field == "spec.function.execution.command[0]");
    CHECK(refused(from_rootfs("/srv/a", R"(,"env":[{"name":"1"}])")).field == "spec.function.execution.env[0].name");
}

TEST_CASE("a machine has 128Mi where nothing is said, and never less than boots", "[function]") {
    auto const memory_of = [](std::string const& resources) {
        auto const made =
            accept(resources.empty() ? from_rootfs("/srv/a") : with(R"("resources":{)" + resources + "}"));
        auto const& unit = unit_of(made);
        return std::pair(unit.requests.get(resource::memory), unit.limits.get(resource::memory));
    };
    CHECK(memory_of("") == std::pair(128 * mebibyte, 128 * mebibyte));
    CHECK(memory_of(R"("limits":{"cpu":2})") == std::pair(128 * mebibyte, 128 * mebibyte));
    CHECK(memory_of(R"("limits":{"memory":"80Mi"})") == std::pair(80 * mebibyte, 80 * mebibyte));
    CHECK(memory_of(R"("requests":{"memory":"256Mi"})") == std::pair(256 * mebibyte, 256 * mebibyte));
    CHECK(memory_of(R"("requests":{"memory":"32Mi"},"limits":{"memory":"256Mi"})") ==
          std::pair(32 * mebibyte, 256 * mebibyte));
    CHECK(memory_of(R"("requests":{"memory":0})") == std::pair(std::int64_t{0}, 128 * mebibyte));

    auto const little = refused(with(R"("resources":{"limits":{"memory":"64Mi"}})"));
    CHECK(little.field == "spec.function.resources.limits.memory");
    CHECK(little.message.find("does not boot with less than 80Mi") != std::string::npos);
    CHECK(refused(with(R"("resources":{"requests":{"memory":"64Mi"}})")).field ==
          "spec.function.resources.requests.memory");
    CHECK(refused(with(R"("resources":{"limits":{"memory":"1Ki"}})")).field == "spec.function.resources.limits.memory");
}

TEST_CASE("what runs the machine of a Function is counted beside its guest", "[function]") {
    CHECK(overhead_of(instance_form::pod).entries().empty());
    CHECK(overhead_of(instance_form::function).get(resource::memory) == limits::function_overhead_memory_bytes);
    auto const asked = effective_requests(accept(from_rootfs("/srv/a")).spec);
    CHECK(asked.get(resource::memory) == 128 * mebibyte + limits::function_overhead_memory_bytes);
    CHECK(asked.get(resource::cpu) == 0);
    CHECK(asked.get(resource::pods) == 1);
}

TEST_CASE("a Function is ready when its port answers, unless its definition says otherwise", "[function]") {
    auto const plain = accept(with(R"("exposure":{"targetPort":80})"));
    REQUIRE(unit_of(plain).readiness.has_value());
    CHECK(unit_of(plain).readiness->action == probe_action(tcp_action{.port = 80}));
    CHECK(unit_of(plain).readiness->rules.period == 1s);
    CHECK_FALSE(unit_of(plain).liveness.has_value());

    auto const asked = accept(with(R"("readinessProbe":{"httpGet":{"port":80,"path":"/up"},"periodSeconds":5},
                                      "livenessProbe":{"tcpSocket":{"port":80}})"));
    CHECK(std::holds_alternative<http_action>(unit_of(asked).readiness->action));
    CHECK(unit_of(asked).liveness.has_value());

    auto const inside = refused(with(R"("readinessProbe":{"exec":{"command":["true"]}})"));
    CHECK(inside.field == "spec.function.readinessProbe.exec");
    CHECK(inside.message.find("no program is run inside of a microVM") != std::string::npos);
}

TEST_CASE("a field of Pods does not belong into a Function", "[function]") {
    auto const place = refused(function_with(R"("execution":{"rootfs":"/srv/a"})", R"(,"volumes":[])"));
    CHECK(place.message.starts_with("is not a field"));
    CHECK(refused(function_with(R"("execution":{"rootfs":"/srv/a"})", R"(,"resources":{})")).remedy ==
          "it belongs to spec.function");
    CHECK(accept(function_with(R"("execution":{"rootfs":"/srv/a"})",
                               R"(,"tolerations":[{"operator":"Exists"}],"priority":7,"nodeSelector":{"a":"b"})"))
              .spec.priority == 7);
}

TEST_CASE("what is kept running may be a Function", "[function]") {
    auto const function = R"("function":{"execution":{"rootfs":"/srv/a"}})";
    for (auto const* kind : {"ReplicaSet", "Deployment", "DaemonSet"}) {
        auto const made = accept(managed(kind, function));
        CHECK(unit_of(made).image == "/srv/a");
        CHECK(made.spec.restart == restart_policy::always);
        CHECK(made.spec.labels.at("app") == "f");
        CHECK(unit_of(accept(managed(kind, std::string(R"("containers":[],)") + function))).image == "/srv/a");
    }
    CHECK(refused(managed("Deployment", std::string(function) + R"(,"restartPolicy":"Never")")).field ==
          "template.spec.restartPolicy");
    auto const pod = accept(managed("Deployment", R"("function":null,"containers":[{"name":"a","image":"x"}])"));
    CHECK(pod.spec.form == instance_form::pod);
}

TEST_CASE("a template is of a Pod or of a Function", "[function]") {
    auto const function = std::string(R"("function":{"execution":{"rootfs":"/srv/a"}})");
    CHECK(refused(managed("ReplicaSet", R"("function":{})")).field == "template.spec.containers");
    CHECK(refused(managed("ReplicaSet", "")).field == "template.spec.containers");
    CHECK(refused(managed("ReplicaSet", function + R"(,"containers":[{"name":"a","image":"x"}])")).field ==
          "template.spec.containers");
    CHECK(refused(managed("ReplicaSet", function + R"(,"hostNetwork":true)")).field == "template.spec.hostNetwork");
    accept(managed("ReplicaSet", function + R"(,"hostNetwork":false,"volumes":[])"));
    CHECK(refused(managed("ReplicaSet", R"("function":{"execution":{}})")).field ==
          "template.spec.function.execution.rootfs");
    auto const foreign = parse_definition(
        R"({"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"b"}},
            "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"x"}],
            "function":{"execution":{"rootfs":"/a"}}}}}})");
    REQUIRE_FALSE(foreign.found.empty());
    CHECK(foreign.found.front().field == "spec.template.spec.function");
}

TEST_CASE("YAML says the same of a Function", "[function]") {
    auto const made = accept(R"(
apiVersion: v1
kind: Function
name: fn
labels: {app: fn}
spec:
  terminationGracePeriodSeconds: 5
  function:
    execution:
      rootfs: file:///srv/fn.ext4
      command: [/bin/serve]
    exposure: {port: 8080, targetPort: 80, type: nodePort}
    resources:
      limits: {cpu: 1500m, memory: 256Mi}
)");
    CHECK(made.spec.grace_period == 5s);
    CHECK(made.spec.labels.at("app") == "fn");
    CHECK(unit_of(made).limits.get(resource::cpu) == 1500);
    CHECK(host_ports(made.spec).size() == 1);
}

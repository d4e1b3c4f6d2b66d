// Definitions in Kubernetes' form, and the table of fields.
#include <rik/model/definition.hpp>
#include <rik/model/fields.hpp>

#include "support/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

using namespace rik;

namespace {

/// A Pod in Kubernetes' form with one container; `spec` and `container` are more members of each.
std::string pod(std::string const& spec = "", std::string const& container = "") {
    return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","labels":{"app":"x"}},"spec":{)" +
           spec + (spec.empty() ? "" : ",") + R"("containers":[{"name":"a","image":"alpine")" +
           (container.empty() ? "" : ",") + container + "}]}}";
}

parsed_definition accept(std::string const& text) {
    INFO(text);
    auto parsed = parse_definition(text);
    CHECK(parsed.found == problems{});
    return parsed;
}

/// `text` is refused for exactly one reason.
error refused(std::string const& text) {
    INFO(text);
    auto parsed = parse_definition(text);
    REQUIRE(parsed.found.size() == 1);
    CHECK_FALSE(parsed.found.front().remedy.empty());
    return std::move(parsed.found.front());
}

void check_unsupported(std::string const& text, std::string_view field) {
    auto const why = refused(text);
    CHECK(why.code == errc::unsupported);
    CHECK(why.field == field);
}

bool warns_of(parsed_definition const& parsed, std::string_view field) {
    return std::any_of(parsed.warnings.begin(), parsed.warnings.end(), [&](std::string const& warning) {
        return warning.starts_with(std::string(field) + " is kept and not acted on: ");
    });
}

void visit_types(object_type const& from, std::set<object_type const*>& seen) {
    if (!seen.insert(&from).second) return;
    for_each_field(from, [&](field const& row) {
        if (row.type.object != nullptr) visit_types(*row.type.object, seen);
    });
}

}  // namespace

TEST_CASE("a Pod in Kubernetes' form is read", "[definition]") {
    auto const parsed = accept(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: pod1\n  labels:\n    tier: frontend\nspec:\n  containers:\n"
        "  - name: hello1\n    image: gcr.io/google-samples/hello-app:2.0\n");
    CHECK(parsed.warnings.empty());
    CHECK(parsed.definition.form == definition_form::kubernetes);
    CHECK(parsed.definition.kind == workload_kind::pod);
    CHECK(parsed.definition.name == "pod1");
    CHECK(parsed.definition.tenant.empty());
    CHECK(parsed.definition.labels.at("tier") == "frontend");
    CHECK(parsed.definition.spec.labels == parsed.definition.labels);
    CHECK(parsed.definition.spec.restart == restart_policy::always);
    REQUIRE(parsed.definition.spec.containers.size() == 1);
    CHECK(accept(pod()).definition.tenant == "shop");
}

TEST_CASE("the forms are told apart, and neither takes the other's kinds", "[definition]") {
    auto const function = refused(R"({"apiVersion":"v1","kind":"Function","metadata":{"name":"a"},"spec":{}})");
    CHECK(function.field == "kind");
    CHECK(function.message.starts_with("Function is a kind of RIK's form, and this is Kubernetes' form"));
    CHECK(refused(R"({"apiVersion":"v1","kind":"Namespace","name":"a"})").field == "kind");
    CHECK(refused(R"({"apiVersion":"v1","kind":"Pod","name":"b","metadata":{"name":"a"},
                      "spec":{"containers":[{"name":"a","image":"x"}]}})")
              .field == "name");
    for (auto const* kind : {"Secret", "Service", "ConfigMap", "ReplicationController"})
        check_unsupported(fmt::format(R"({{"apiVersion":"v1","kind":"{}","metadata":{{}},"spec":7}})", kind), "kind");
    CHECK(
        refused(
            R"({"apiVersion":"apps/v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a","image":"x"}]}})")
            .remedy == "use v1");
}

TEST_CASE("metadata that is misspelt is told as such", "[definition]") {
    for (auto const* name : {"metdata", "meta-data", "emtadata", "Metadata"}) {
        INFO(name);
        auto const parsed = parse_definition(fmt::format(
            "apiVersion: v1\nkind: Pod\n{}: {{name: a}}\nspec: {{containers: [{{name: a, image: x}}]}}\n", name));
        REQUIRE(parsed.found.size() == 2);
        CHECK(parsed.found[0].field == name);
        CHECK(parsed.found[0].remedy == "did you mean metadata?");
        CHECK(parsed.found[1].field == "metadata");
    }
    CHECK(
        parse_definition("apiVersion: v1\nkind: Pod\nname: a\nmetdata: {}\nspec: {containers: [{name: a, image: x}]}\n")
            .found.size() == 1);
}

TEST_CASE("where a problem stands is told by line and column", "[definition]") {
    auto const yaml = parse_definition(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: pod1\nspec:\n  containers:\n  - name: a\n    imag: x\n"
        "    ports:\n    - {containerPort: 0}\n");
    REQUIRE(yaml.found.size() == 3);
    CHECK(yaml.found[0].field == "spec.containers[0].imag");
    CHECK(yaml.found[0].message == "is not a field, line 8 column 5");
    CHECK(yaml.found[1].message.ends_with(", line 10 column 8"));
    CHECK(yaml.found[2].message == "is missing, line 7 column 5");  // where its container begins
    auto const json = parse_definition(
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\n \"name\":\"A\",\"spec\":{\"containers\":"
        "[{\"name\":\"a\",\"image\":\"x\"}]}}");
    REQUIRE(json.found.size() == 1);
    CHECK(json.found[0].message == "'A' is not a legal name, line 2 column 2");
}

TEST_CASE("positions in a file of several definitions are those of the file", "[definition]") {
    auto const all = parse_definition_file(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: "
        "a\n"
        "  labels: {app: 1}\nspec:\n  containers: [{name: a, image: x}]\n");
    REQUIRE(all.size() == 2);
    REQUIRE(all[0].tenant.has_value());
    CHECK(all[0].tenant->name == "shop");
    CHECK(all[0].parsed.found.empty());
    REQUIRE(all[1].parsed.found.size() == 1);
    CHECK(all[1].parsed.found[0].message == "is a number, not text, line 9 column 12");
}

TEST_CASE("a tenant is no workload", "[definition]") {
    CHECK(refused(R"({"apiVersion":"v1","kind":"Tenant","name":"shop"})").field == "kind");
    auto const all = parse_definition_file("apiVersion: v1\nkind: Tenant\nname: shop\nlabels: {a: b}\n");
    REQUIRE(all.size() == 1);
    REQUIRE(all[0].tenant.has_value());
    CHECK(all[0].tenant->labels.at("a") == "b");
}

TEST_CASE("where a Pod goes is read", "[definition]") {
    auto const parsed = accept(pod(R"("nodeName":"n1","nodeSelector":{"disk":"ssd"},"priority":7,"tolerations":[
        {"key":"gpu","operator":"Exists","effect":"NoSchedule"},{"key":"a","value":"b"},{"operator":"Exists"}])"));
    auto const& spec = parsed.definition.spec;
    CHECK(spec.node_name == "n1");
    CHECK(spec.node_selector == string_map{{"disk", "ssd"}});
    CHECK(spec.priority == 7);
    REQUIRE(spec.tolerations.size() == 3);
    CHECK(spec.tolerations[0] == toleration{"gpu", toleration_operator::exists, "", taint_effect::no_schedule});
    CHECK(spec.tolerations[1] == toleration{"a", toleration_operator::equal, "b"});
    CHECK(tolerates(spec.tolerations, {"any", "x", taint_effect::no_execute}));
    CHECK(accept(pod(R"("priorityClassName":"system-node-critical")")).definition.spec.priority == 2'000'001'000);
    CHECK(warns_of(accept(pod(R"("priorityClassName":"high")")), "spec.priorityClassName"));
    CHECK(refused(pod(R"("tolerations":[{"value":"x"}])")).field == "spec.tolerations[0].key");
    CHECK(refused(pod(R"("tolerations":[{"key":"a","operator":"Exists","value":"x"}])")).field ==
          "spec.tolerations[0].value");
}

TEST_CASE("what a Pod says of its network is read", "[definition]") {
    auto const parsed =
        accept(pod(R"("hostNetwork":true,"dnsPolicy":"None","hostAliases":[{"ip":"10.0.0.7","hostnames":["db","db.x"]}],
        "dnsConfig":{"nameservers":["10.0.0.1"],"searches":["x.test"],"options":[{"name":"ndots","value":"2"},{"name":"edns0"}]})",
                   R"("ports":[{"containerPort":80}])"));
    auto const& spec = parsed.definition.spec;
    CHECK(spec.has_host_network);
    CHECK(spec.containers[0].ports[0].host_port == 80);
    CHECK(spec.dns == dns_settings{dns_policy::none, {"10.0.0.1"}, {"x.test"}, {"ndots:2", "edns0"}});
    CHECK(spec.host_aliases == std::vector<host_alias>{{"10.0.0.7", {"db", "db.x"}}});
    CHECK(refused(pod(R"("dnsPolicy":"None")")).field == "spec.dnsPolicy");
    CHECK(refused(pod(R"("dnsConfig":{"searches":["a b"]})")).field == "spec.dnsConfig.searches[0]");
    CHECK(refused(pod(R"("dnsConfig":{"nameservers":["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]})")).field ==
          "spec.dnsConfig.nameservers");
    CHECK(refused(pod(R"("hostAliases":[{"ip":"10.0.0","hostnames":["a"]}])")).field == "spec.hostAliases[0].ip");
    CHECK(refused(pod(R"("hostNetwork":true)", R"("ports":[{"containerPort":80,"hostPort":81}])")).field ==
          "spec.containers[0].ports[0].hostPort");
}

TEST_CASE("rights are those of the Pod where a container says nothing", "[definition]") {
    auto const parsed = accept(
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"securityContext":{"runAsUser":1000,"runAsGroup":2000,
        "runAsNonRoot":true,"fsGroup":5,"supplementalGroups":[3,4]},"containers":[{"name":"a","image":"x"},{"name":"b","image":"x",
        "securityContext":{"runAsUser":7,"readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false,"privileged":false,
        "capabilities":{"add":["CAP_NET_ADMIN"],"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}}}]}})");
    CHECK(parsed.warnings.empty());
    auto const& spec = parsed.definition.spec;
    CHECK(spec.groups == std::vector<std::int64_t>{3, 4});
    CHECK(spec.volume_group == 5);
    CHECK(spec.containers[0].rights == container_rights{1000, 2000, true});
    CHECK(spec.containers[1].rights == container_rights{7, 2000, true, true, {"NET_ADMIN"}, {"ALL"}});
    auto const with = [](std::string const& rights) { return pod("", R"("securityContext":{)" + rights + "}"); };
    CHECK(refused(with(R"("runAsNonRoot":true,"runAsUser":0)")).field ==
          "spec.containers[0].securityContext.runAsNonRoot");
    CHECK(refused(with(R"("capabilities":{"add":["FLY"]})")).field ==
          "spec.containers[0].securityContext.capabilities.add[0]");
    for (auto const* field : {"privileged", "allowPrivilegeEscalation"})
        check_unsupported(with(fmt::format(R"("{}":true)", field)),
                          fmt::format("spec.containers[0].securityContext.{}", field));
    check_unsupported(with(R"("seccompProfile":{"type":"Unconfined"})"),
                      "spec.containers[0].securityContext.seccompProfile.type");
}

TEST_CASE("a variable may come from a field or an amount", "[definition]") {
    auto const variable = [](std::string const& source) {
        return pod("", R"("env":[{"name":"A","valueFrom":)" + source + "}]");
    };
    auto const from = [&](std::string const& source) {
        return accept(variable(source)).definition.spec.containers[0].env[0].from;
    };
    for (auto const* path : {"metadata.name", "metadata.labels['app']", "metadata.annotations['x.io/y']",
                             "spec.nodeName", "status.podIP", "status.hostIP"}) {
        auto const read = from(fmt::format(R"({{"fieldRef":{{"fieldPath":"{}"}}}})", path));
        REQUIRE(std::holds_alternative<field_reference>(read));
        CHECK(std::get<field_reference>(read).path == path);
    }
    auto const amount = from(R"({"resourceFieldRef":{"resource":"limits.memory","divisor":"1Mi"}})");
    CHECK(std::get<amount_reference>(amount) == amount_reference{"", "memory", true, 1 << 20});
    auto const cores = from(R"({"resourceFieldRef":{"containerName":"a","resource":"requests.cpu"}})");
    CHECK(std::get<amount_reference>(cores) == amount_reference{"a", "cpu", false, 1000});
    auto const path = std::string("spec.containers[0].env[0].valueFrom");
    CHECK(refused(variable(R"({"fieldRef":{"fieldPath":"metadata.magic"}})")).field == path + ".fieldRef.fieldPath");
    CHECK(refused(variable(R"({"resourceFieldRef":{"resource":"limits.cpu","containerName":"b"}})")).field ==
          path + ".resourceFieldRef.containerName");
    check_unsupported(variable(R"({"secretKeyRef":{"name":"s","key":"k"}})"), path + ".secretKeyRef");
}

TEST_CASE("a Pod's containers share its resources", "[definition]") {
    auto const parsed = accept(pod(R"("resources":{"requests":{"cpu":"2"},"limits":{"memory":"64Mi"}})",
                                   R"("resources":{"requests":{"cpu":"500m"}})"));
    auto const asked = effective_requests(parsed.definition.spec);
    CHECK(asked.get(resource::cpu) == 2000);
    CHECK(asked.get(resource::memory) == 64 << 20);
    CHECK(refused(pod(R"("resources":{"requests":{"cpu":"100m"}})", R"("resources":{"requests":{"cpu":"500m"}})"))
              .field == "spec.resources.requests.cpu");
    CHECK(refused(pod(R"("resources":{"limits":{"memory":"64Mi"}})",
                      R"("resources":{"requests":{"memory":0},"limits":{"memory":"65Mi"}})"))
              .field == "spec.containers[0].resources.limits.memory");
}

TEST_CASE("RIK's form knows roles and the same fields", "[definition]") {
    auto const with = [](std::string const& container, std::string const& spec = "") {
        return R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":{"containers":[{"name":"a","image":"x")" +
               container + "}]" + spec + "}}";
    };
    accept(with(R"(,"role":"main")"));
    CHECK(refused(with(R"(,"role":"boss")")).field == "spec.containers[0].role");
    CHECK(accept(with("", R"(,"nodeName":"n1")")).definition.spec.node_name == "n1");
    CHECK(refused(pod("", R"("role":"main")")).field == "spec.containers[0].role");
}

TEST_CASE("what would change data or rights is refused, and what asks for nothing is not", "[definition]") {
    for (
        auto const* field :
        {R"("volumes":[{"name":"v","secret":{"secretName":"s"}}])", R"("hostPID":true)", R"("hostIPC":true)",
         R"("serviceAccountName":"robot")", R"("imagePullSecrets":[{"name":"s"}])", R"("shareProcessNamespace":true)",
         R"("runtimeClassName":"gvisor")", R"("schedulerName":"mine")", R"("hostUsers":false)",
         R"("affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{}]}}})",
         R"("topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}])"}) {
        INFO(field);
        CHECK(refused(pod(field)).code == errc::unsupported);
    }
    for (auto const* field :
         {R"("volumes":[])", R"("hostPID":false)", R"("hostUsers":true)", R"("schedulerName":"default-scheduler")",
          R"("serviceAccountName":"default")", R"("initContainers":null)", R"("affinity":{})",
          R"("enableServiceLinks":true)", R"("automountServiceAccountToken":false)", R"("securityContext":{})",
          R"("preemptionPolicy":"Never")"}) {
        INFO(field);
        CHECK(accept(pod(field)).warnings.empty());
    }
    CHECK(warns_of(
        accept(pod(
            R"("affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"preference":{}}]}})")),
        "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution"));
    CHECK(warns_of(accept(pod("", R"("tty":true)")), "spec.containers[0].tty"));
    check_unsupported(pod("", R"("resources":{"limits":{"nvidia.com/gpu":1}})"),
                      "spec.containers[0].resources.limits.nvidia.com/gpu");
    check_unsupported(pod(R"("resources":{"limits":{"pids":"2048"}})"), "spec.resources.limits.pids");
    check_unsupported(pod("", R"("envFrom":[{"configMapRef":{"name":"x"}}])"), "spec.containers[0].envFrom");
    check_unsupported(pod("", R"("ports":[{"containerPort":80,"hostIP":"127.0.0.1"}])"),
                      "spec.containers[0].ports[0].hostIP");
}

TEST_CASE("an object as a server gives it back is accepted", "[definition]") {
    auto const parsed = accept(
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"default","uid":"8f4a","resourceVersion":"12",
        "creationTimestamp":"2026-11-29T00:00:00Z","managedFields":[{}]},"spec":{"containers":[{"name":"a","image":"x",
        "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","resources":{}}],
        "dnsPolicy":"ClusterFirst","schedulerName":"default-scheduler","securityContext":{},"enableServiceLinks":true},
        "status":{"phase":"Running"}})");
    CHECK(warns_of(parsed, "status"));
    CHECK(warns_of(parsed, "metadata.uid"));
    CHECK(parsed.warnings.size() == 5);
    CHECK(
        refused(
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","finalizers":["x/y"]},"spec":{"containers":[{"name":"a","image":"x"}]}})")
            .field == "metadata.finalizers");
}

TEST_CASE("labels with RIK's own prefix are RIK's", "[definition]") {
    CHECK(
        refused(
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"rik.io/x":"y"}},"spec":{"containers":[{"name":"a","image":"x"}]}})")
            .field == "metadata.labels.rik.io/x");
}

TEST_CASE("the table of fields is whole", "[fields]") {
    std::set<object_type const*> types;
    for (auto const& each : definition_types()) visit_types(*each.type, types);
    CHECK(types.size() > 50);
    for (auto const* type : types) {
        INFO(type->name);
        CHECK(type->about.ends_with('.'));
        std::set<std::string_view> names;
        for_each_field(*type, [&](field const& row) {
            INFO(row.name);
            CHECK(names.insert(row.name).second);
            CHECK(row.about.ends_with('.'));
            CHECK((row.standing == field_standing::acted_on && row.refused_words.empty()) == row.because.empty());
            CHECK_FALSE(row.because.ends_with('.'));
            CHECK((row.type.kind == value_kind::object) == (row.type.object != nullptr));
            CHECK((row.type.kind == value_kind::word) == !row.type.words.empty());
            CHECK((row.type.count == value_count::map) == (row.type.key_format != nullptr));
        });
    }
}

TEST_CASE("a field is explained by its path", "[fields]") {
    auto const env = explain_field("pod.spec.containers.env", definition_form::kubernetes, false);
    REQUIRE(env.has_value());
    CHECK(env->find("FIELD    pod.spec.containers.env  <list of EnvVar>") != std::string::npos);
    CHECK(env->find("valueFrom  <EnvVarSource>") != std::string::npos);
    CHECK(explain_field("Pods.spec.containers[0].envFrom", definition_form::kubernetes, false)
              ->find("It is not supported yet: ConfigMaps and Secrets come with a later version.") !=
          std::string::npos);
    CHECK(explain_field("pod", definition_form::rik, true)->find("role  <main, sidecar or init>") != std::string::npos);
    auto const wrong = explain_field("pod.spec.containers.imag", definition_form::kubernetes, false);
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().remedy == "did you mean image?");
    CHECK(explain_field("banana", definition_form::rik, false).error().remedy.find("pod, function") !=
          std::string::npos);
    CHECK(explain_field("pod.kind.x", definition_form::rik, false).error().message == "pod.kind has no fields");
}

TEST_CASE("addresses are IPv4 or IPv6", "[fields]") {
    auto const alias = [](std::string const& address) {
        return parse_definition(pod(R"("hostAliases":[{"ip":")" + address + R"(","hostnames":["a"]}])")).found.empty();
    };
    for (auto const* right : {"0.0.0.0", "255.255.255.255", "::", "::1", "1::", "fe80::1:2", "1:2:3:4:5:6:7:8",
                              "::ffff:10.0.0.1", "1:2:3:4:5:6:10.0.0.1"})
        CHECK(alias(right));
    for (auto const* wrong : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.-4", "01234::", ":1", "1:", "1:2:3:4:5:6:7",
                              "1:2:3:4:5:6:7:8:9", "1::2::3", ":::", "g::", "1.2.3.4::", "::1.2.3", "1:2:3:4:5:6:7::8"})
        CHECK_FALSE(alias(wrong));
}

// Definitions of managed kinds: ReplicaSet, Deployment, DaemonSet, in both forms.
#include <rik/model/codec.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/definition_change.hpp>
#include <rik/model/fields.hpp>
#include <rik/model/variables.hpp>

#include "support/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

using namespace rik;
using namespace std::chrono_literals;

namespace {

parsed_definition accept(std::string const& text) {
    INFO(text);
    auto parsed = parse_definition(text);
    CHECK(parsed.found == problems{});
    return parsed;
}

error refused(std::string const& text) {
    INFO(text);
    auto parsed = parse_definition(text);
    REQUIRE(parsed.found.size() == 1);
    CHECK_FALSE(parsed.found.front().remedy.empty());
    CHECK(parsed.found.front().message.find(", line ") != std::string::npos);
    return std::move(parsed.found.front());
}

bool warns_of(parsed_definition const& parsed, std::string_view field) {
    return std::any_of(parsed.warnings.begin(), parsed.warnings.end(), [&](std::string const& warning) {
        return warning.starts_with(std::string(field) + " is kept and not acted on: ");
    });
}

/// In Kubernetes' form. `spec` is more of its spec, `pod` more of that of its template.
std::string managed(std::string_view kind, std::string const& spec = "", std::string const& pod = "") {
    return fmt::format(
        R"({{"apiVersion":"apps/v1","kind":"{}","metadata":{{"name":"web","labels":{{"team":"a"}}}},"spec":{{{}{}
           "selector":{{"matchLabels":{{"app":"web"}}}},"template":{{"metadata":{{"labels":{{"app":"web","tier":"x"}},
           "annotations":{{"note":"1"}}}},"spec":{{{}{}"containers":[{{"name":"a","image":"x"}}]}}}}}}}})",
        kind, spec, spec.empty() ? "" : ",", pod, pod.empty() ? "" : ",");
}

/// In RIK's form.
std::string managed_of_rik(std::string_view kind, std::string const& more = "", std::string const& pod = "") {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"{}","name":"web",{}{}"template":{{"labels":{{"app":"web"}},"spec":{{{}{}
           "containers":[{{"name":"a","image":"x"}}]}}}}}})",
        kind, more, more.empty() ? "" : ",", pod, pod.empty() ? "" : ",");
}

workload_upkeep upkeep_of(std::string const& text) { return accept(text).definition.upkeep; }

/// What is read, written and read again.
void check_round_trip(std::string const& text) {
    auto const first = accept(text).definition;
    auto const again = accept(definition_text(first)).definition;
    CHECK(again.upkeep == first.upkeep);
    CHECK(again.spec == first.spec);
    CHECK(again.replicas == first.replicas);
    CHECK(again.kind == first.kind);
    CHECK(again.form == first.form);
}

}  // namespace

TEST_CASE("the lesson's Deployment is read", "[definition][managed]") {
    auto const parsed = accept(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: nginx-deployment\n  labels:\n    app: nginx\n"
        "spec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app: nginx\n  template:\n    metadata:\n"
        "      labels:\n        app: nginx\n    spec:\n      containers:\n      - name: nginx\n        image: "
        "nginx:1.14.2\n        ports:\n        - containerPort: 80\n");
    CHECK(parsed.warnings.empty());
    auto const& made = parsed.definition;
    CHECK(made.kind == workload_kind::deployment);
    CHECK(made.form == definition_form::kubernetes);
    CHECK(made.name == "nginx-deployment");
    CHECK(made.replicas == 3);
    CHECK(made.spec.labels == string_map{{"app", "nginx"}});
    CHECK(made.spec.restart == restart_policy::always);
    CHECK(made.spec.containers.at(0).ports.at(0).port == 80);
    CHECK(made.upkeep.selector.matches(made.spec.labels));
    CHECK(tolerated_absence(made) == 300s);
}

TEST_CASE("the lesson's DaemonSet is read", "[definition][managed]") {
    auto const made = accept(
                          "apiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: fluentd-elasticsearch\nspec:\n  "
                          "selector:\n    matchLabels:\n      name: fluentd-elasticsearch\n  template:\n    metadata:\n"
                          "      labels:\n        name: fluentd-elasticsearch\n    spec:\n      containers:\n      - "
                          "name: fluentd-elasticsearch\n        image: quay.io/fluentd_elasticsearch/fluentd:v2.5.2\n"
                          "        resources:\n          limits:\n            memory: 200Mi\n          requests:\n"
                          "            cpu: 100m\n            memory: 200Mi\n      terminationGracePeriodSeconds: 30\n")
                          .definition;
    CHECK(made.kind == workload_kind::daemon_set);
    CHECK(made.upkeep.policy == update_policy::rolling);
    CHECK(made.upkeep.max_unavailable == count_or_percent{1});
    CHECK(made.upkeep.max_surge == count_or_percent{});
}

TEST_CASE("what a definition does not say is as in Kubernetes", "[definition][managed]") {
    auto const deployment = upkeep_of(managed("Deployment"));
    CHECK(deployment.policy == update_policy::rolling);
    CHECK(deployment.max_surge == count_or_percent{25, true});
    CHECK(deployment.max_unavailable == count_or_percent{25, true});
    CHECK(deployment.progress_deadline == 600s);
    CHECK(deployment.history_max == 10);
    CHECK(deployment.min_ready == 0s);
    CHECK_FALSE(deployment.is_paused);
    CHECK(accept(managed("ReplicaSet")).definition.replicas == 1);
    CHECK(upkeep_of(managed("ReplicaSet")).policy == update_policy::on_delete);
}

TEST_CASE("what a definition says of its upkeep is read", "[definition][managed]") {
    auto const text = managed("Deployment", R"("replicas":0,"minReadySeconds":5,"progressDeadlineSeconds":60,
        "revisionHistoryLimit":0,"paused":true,"strategy":{"type":"RollingUpdate","rollingUpdate":
        {"maxSurge":"100%","maxUnavailable":0}})");
    auto const made = accept(text).definition;
    CHECK(made.replicas == 0);
    CHECK(made.upkeep.min_ready == 5s);
    CHECK(made.upkeep.progress_deadline == 60s);
    CHECK(made.upkeep.history_max == 0);
    CHECK(made.upkeep.is_paused);
    CHECK(made.upkeep.max_surge == count_or_percent{100, true});
    CHECK(made.upkeep.max_unavailable == count_or_percent{});
    CHECK(upkeep_of(managed("Deployment", R"("strategy":{"type":"Recreate"})")).policy == update_policy::recreate);
    CHECK(upkeep_of(managed("Deployment", R"("strategy":{"type":"Recreate","rollingUpdate":null})")).policy ==
          update_policy::recreate);
    CHECK(upkeep_of(managed("DaemonSet", R"("updateStrategy":{"type":"OnDelete"})")).policy ==
          update_policy::on_delete);
    CHECK(upkeep_of(managed("Deployment", R"("strategy":{"rollingUpdate":{"maxSurge":"200%"}})")).max_surge ==
          count_or_percent{200, true});
    check_round_trip(text);
}

TEST_CASE("labels and annotations of the workload are not those of its instances", "[definition][managed]") {
    auto const made = accept(managed("ReplicaSet")).definition;
    CHECK(made.labels == string_map{{"team", "a"}});
    CHECK(made.spec.labels == string_map{{"app", "web"}, {"tier", "x"}});
    CHECK(made.annotations.empty());
    CHECK(made.spec.annotations == string_map{{"note", "1"}});
    CHECK(
        field_value({.name = "web-1", .definition = std::make_shared<workload_definition const>(made), .node_name = ""},
                    "metadata.annotations['note']") == "1");
    auto const delayed = managed_of_rik("ReplicaSet", R"("annotations":{"rik.io/restart-delay":"1s"})");
    CHECK(warns_of(accept(delayed), "annotations.rik.io/restart-delay"));
    CHECK(accept(delayed).definition.spec.delays == restart_delays{});
    auto const of_template = accept(
        R"({"apiVersion":"v1","kind":"ReplicaSet","name":"a","template":{"annotations":{"rik.io/restart-delay":"1s"},
            "spec":{"containers":[{"name":"a","image":"x"}]}}})");
    CHECK(of_template.warnings.empty());
    CHECK(of_template.definition.spec.delays.first == 1s);
}

TEST_CASE("RIK's form has the same names at the top", "[definition][managed]") {
    auto const text = managed_of_rik("Deployment", R"("replicas":2,"strategy":{"rollingUpdate":{"maxSurge":1}},
        "minReadySeconds":3,"unheardToleranceSeconds":5,"selector":{"matchExpressions":[
        {"key":"app","operator":"In","values":["web","shop"]},{"key":"old","operator":"DoesNotExist"}]})");
    auto const made = accept(text).definition;
    CHECK(made.form == definition_form::rik);
    CHECK(made.replicas == 2);
    CHECK(made.upkeep.max_surge == count_or_percent{1});
    CHECK(made.upkeep.selector.requirements.size() == 2);
    CHECK(tolerated_absence(made) == 5s);
    CHECK(made.spec.restart == restart_policy::always);
    CHECK(tolerated_absence(accept(managed_of_rik("ReplicaSet")).definition) == 30s);
    CHECK(upkeep_of(managed_of_rik("DaemonSet")).selector.is_empty());
    check_round_trip(text);
    check_round_trip(
        managed_of_rik("DaemonSet", R"("updateStrategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":0}})"));
    auto const without = parse_definition(R"({"apiVersion":"v1","kind":"Deployment","name":"a","replicas":2})");
    REQUIRE(without.found.size() == 1);
    CHECK(without.found[0].field == "template");
}

TEST_CASE("a selector must be there, and match the template", "[definition][managed]") {
    auto const with = [](std::string const& selector, std::string const& labels) {
        return fmt::format(
            R"({{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{{"name":"web"}},"spec":{{{}"template":{{"metadata":
               {{"labels":{{{}}}}},"spec":{{"containers":[{{"name":"a","image":"x"}}]}}}}}}}})",
            selector, labels);
    };
    CHECK(refused(with("", R"("a":"b")")).field == "spec.selector");
    CHECK(refused(with(R"("selector":{},)", R"("a":"b")")).field == "spec.selector");
    CHECK(refused(with(R"("selector":{"matchLabels":{"a":"c"}},)", R"("a":"b")")).field ==
          "spec.template.metadata.labels");
    CHECK(refused(with(R"("selector":{"matchLabels":{"a":"b"}},)", "")).field == "spec.template.metadata.labels");
    CHECK(refused(with(R"("selector":{"matchExpressions":[{"key":"a","operator":"NotIn"}]},)", R"("a":"b")")).field ==
          "spec.selector.matchExpressions[0].values");
    CHECK(refused(with(R"("selector":{"matchExpressions":[{"key":"a","operator":"Exists","values":["b"]}]},)",
                       R"("a":"b")"))
              .field == "spec.selector.matchExpressions[0].values");
    CHECK(
        refused(with(R"("selector":{"matchExpressions":[{"key":"a","operator":"Gt","values":["1"]}]},)", R"("a":"b")"))
            .field == "spec.selector.matchExpressions[0].operator");
}

TEST_CASE("what a definition says of a StatefulSet is read", "[definition][managed]") {
    auto const text = managed("StatefulSet", R"("replicas":3,"serviceName":"db","podManagementPolicy":"Parallel",
        "ordinals":{"start":5},"minReadySeconds":2,"revisionHistoryLimit":3,
        "updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":6,"maxUnavailable":"50%"}})");
    auto const parsed = accept(text);
    CHECK(warns_of(parsed, "spec.serviceName"));
    auto const& made = parsed.definition;
    CHECK(made.kind == workload_kind::stateful_set);
    CHECK(made.upkeep.policy == update_policy::rolling);
    CHECK(made.upkeep.max_unavailable == count_or_percent{50, true});
    REQUIRE(made.upkeep.stateful);
    CHECK(*made.upkeep.stateful == stateful_set_upkeep{5, pod_management::parallel, 6, "db"});
    CHECK(tolerated_absence(made) == std::nullopt);
    check_round_trip(text);

    auto const usual = upkeep_of(managed("StatefulSet"));
    CHECK(*usual.stateful == stateful_set_upkeep{});
    CHECK(usual.max_unavailable == count_or_percent{1});
    CHECK(usual.policy == update_policy::rolling);
    CHECK(upkeep_of(managed("StatefulSet", R"("updateStrategy":{"type":"OnDelete"})")).policy ==
          update_policy::on_delete);
    check_round_trip(managed_of_rik("StatefulSet", R"("replicas":2,"ordinals":{"start":1})"));
}

/// Source: Kubernetes, validateStatefulSetSpec since 1.34
TEST_CASE("a StatefulSet without a Service may say so by an empty name", "[definition][managed]") {
    auto const none = accept(managed("StatefulSet", R"("serviceName":"")"));
    CHECK(none.definition.upkeep.stateful->service_name.empty());
    CHECK_FALSE(warns_of(none, "spec.serviceName"));
    CHECK(
        accept(managed_of_rik("StatefulSet", R"("serviceName":"")")).definition.upkeep.stateful->service_name.empty());
    CHECK(refused(managed("StatefulSet", R"("serviceName":"Db")")).field == "spec.serviceName");
}

TEST_CASE("the instances of a StatefulSet are told their ordinal", "[definition][managed]") {
    auto const made = accept(managed("StatefulSet")).definition;
    CHECK(ordinal_name(made, 3) == "web-3");
    CHECK(hostname_of(made, "anything", 3) == "web-3");
    CHECK(labels_by_kind(made, "uid", 3) ==
          string_map{{"apps.kubernetes.io/pod-index", "3"}, {"statefulset.kubernetes.io/pod-name", "web-3"}});
    instance_facts const of{
        .name = "web-3", .definition = std::make_shared<workload_definition const>(made), .node_name = "a", .index = 3};
    CHECK(field_value(of, "metadata.labels['apps.kubernetes.io/pod-index']") == "3");
    CHECK(field_value(of, "metadata.labels['statefulset.kubernetes.io/pod-name']") == "web-3");
}

TEST_CASE("what cannot be kept is refused, with its place", "[definition][managed]") {
    auto const field = [](std::string_view kind, std::string const& spec, std::string const& pod = "") {
        return refused(managed(kind, spec, pod)).field;
    };
    auto const rolling = [](std::string const& bounds) { return R"("strategy":{"rollingUpdate":{)" + bounds + "}}"; };
    auto const daemon = [](std::string const& bounds) {
        return R"("updateStrategy":{"rollingUpdate":{)" + bounds + "}}";
    };
    CHECK(field("Deployment", rolling(R"("maxSurge":0,"maxUnavailable":0)")) ==
          "spec.strategy.rollingUpdate.maxUnavailable");
    CHECK(field("Deployment", rolling(R"("maxSurge":"0%","maxUnavailable":0)")) ==
          "spec.strategy.rollingUpdate.maxUnavailable");
    CHECK(field("Deployment", rolling(R"("maxUnavailable":"101%")")) == "spec.strategy.rollingUpdate.maxUnavailable");
    CHECK(field("Deployment", rolling(R"("maxSurge":"many")")) == "spec.strategy.rollingUpdate.maxSurge");
    CHECK(field("Deployment", rolling(R"("maxSurge":"-1%")")) == "spec.strategy.rollingUpdate.maxSurge");
    CHECK(field("Deployment", rolling(R"("maxSurge":-1)")) == "spec.strategy.rollingUpdate.maxSurge");
    CHECK(field("Deployment", R"("strategy":{"type":"Recreate","rollingUpdate":{"maxSurge":1}})") ==
          "spec.strategy.rollingUpdate");
    CHECK(field("Deployment", R"("strategy":{"type":"OnDelete"})") == "spec.strategy.type");
    CHECK(field("Deployment", R"("minReadySeconds":600)") == "spec.progressDeadlineSeconds");
    CHECK(field("Deployment", R"("minReadySeconds":5,"progressDeadlineSeconds":5)") == "spec.progressDeadlineSeconds");
    CHECK(field("Deployment", R"("replicas":-1)") == "spec.replicas");
    CHECK(field("Deployment", R"("updateStrategy":{})") == "spec.updateStrategy");
    CHECK(field("Deployment", "", R"("restartPolicy":"Never")") == "spec.template.spec.restartPolicy");
    CHECK(field("DaemonSet", "", R"("restartPolicy":"OnFailure")") == "spec.template.spec.restartPolicy");
    CHECK(field("DaemonSet", R"("replicas":3)") == "spec.replicas");
    CHECK(field("DaemonSet", daemon(R"("maxSurge":1)")) == "spec.updateStrategy.rollingUpdate.maxSurge");
    CHECK(field("DaemonSet", daemon(R"("maxUnavailable":0)")) == "spec.updateStrategy.rollingUpdate.maxUnavailable");
    CHECK(field("DaemonSet", R"("paused":true)") == "spec.paused");
    CHECK(field("StatefulSet", daemon(R"("maxUnavailable":0)")) == "spec.updateStrategy.rollingUpdate.maxUnavailable");
    CHECK(field("StatefulSet", daemon(R"("maxSurge":1)")) == "spec.updateStrategy.rollingUpdate.maxSurge");
    CHECK(field("StatefulSet", daemon(R"("partition":-1)")) == "spec.updateStrategy.rollingUpdate.partition");
    CHECK(field("StatefulSet", R"("ordinals":{"start":-1})") == "spec.ordinals.start");
    CHECK(field("StatefulSet", R"("volumeClaimTemplates":[{"metadata":{"name":"data"}}])") ==
          "spec.volumeClaimTemplates");
    CHECK(field("StatefulSet", "", R"("restartPolicy":"Never")") == "spec.template.spec.restartPolicy");
    CHECK(field("StatefulSet", R"("unheardToleranceSeconds":3)") == "spec.unheardToleranceSeconds");
    auto long_name = managed("StatefulSet");
    long_name.replace(long_name.find(R"("name":"web")"), 12, R"("name":")" + std::string(62, 'a') + '"');
    CHECK(refused(long_name).field == "metadata.name");
    CHECK(field("ReplicaSet", R"("strategy":{})") == "spec.strategy");
    CHECK(field("ReplicaSet", R"("unheardToleranceSeconds":3)") == "spec.unheardToleranceSeconds");
    CHECK(refused(managed_of_rik("ReplicaSet", "", R"("restartPolicy":"Never")")).field ==
          "template.spec.restartPolicy");
}

TEST_CASE("a wrong version of the form is refused", "[definition][managed]") {
    auto text = managed("Deployment");
    text.replace(text.find("apps/v1"), 7, "v1");
    CHECK(refused(text).remedy == "use apps/v1");
    CHECK(
        parse_definition(R"({"apiVersion":"apps/v1","kind":"ReplicationController","metadata":{"name":"a"},"spec":{}})")
            .found.at(0)
            .code == errc::unsupported);
}

TEST_CASE("how long an absence is tolerated follows from the template", "[definition][managed]") {
    auto const of = [](std::string const& tolerations) {
        return tolerated_absence(
            accept(managed("ReplicaSet", "", R"("tolerations":[)" + tolerations + "]")).definition);
    };
    CHECK(of("") == 300s);
    CHECK(of(R"({"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute",
                 "tolerationSeconds":20})") == 20s);
    CHECK(of(R"({"key":"node.kubernetes.io/unreachable","operator":"Exists"})") == std::nullopt);
    CHECK(of(R"({"operator":"Exists"},{"key":"node.kubernetes.io/unreachable","operator":"Exists",
                 "tolerationSeconds":-3})") == 0s);
    CHECK(of(R"({"key":"other","operator":"Exists","tolerationSeconds":20})") == 300s);
    auto const absence = R"("tolerations":[{"key":"node.kubernetes.io/unreachable","operator":"Exists",
                            "tolerationSeconds":20}])";
    CHECK(accept(managed("ReplicaSet", "", absence)).warnings.empty());
    auto const other = R"("tolerations":[{"key":"other","operator":"Exists","tolerationSeconds":20}])";
    CHECK(warns_of(accept(managed("ReplicaSet", "", other)), "spec.template.spec.tolerations[0].tolerationSeconds"));
    check_round_trip(managed("ReplicaSet", "", other));
}

TEST_CASE("shares are rounded as in Kubernetes", "[definition][managed]") {
    CHECK(rounded_up({25, true}, 10) == 3);
    CHECK(rounded_down({25, true}, 10) == 2);
    CHECK(rounded_up({25, true}, 0) == 0);
    CHECK(rounded_up({4}, 10) == 4);
    CHECK(rounded_up({2'147'483'647, true}, 1'000'000) == 21'474'836'470'000);
    workload_upkeep upkeep = usual_upkeep(workload_kind::deployment);
    CHECK(room_of_deployment(upkeep, 10) == rollout_room{3, 2});
    CHECK(room_of_deployment(upkeep, 1) == rollout_room{1, 0});
    upkeep.max_surge = {};
    CHECK(room_of_deployment(upkeep, 1) == rollout_room{0, 1});
    upkeep.max_surge = {1, true};
    CHECK(room_of_daemon_set(upkeep, 5) == rollout_room{1, 2});
    CHECK(parse_percent("25%") == count_or_percent{25, true});
    for (auto const* text : {"", "%", "25", "25 %", "+25%", "-1%", "2.5%", "3000000000%"})
        CHECK_FALSE(parse_percent(text));
}

TEST_CASE("a Deployment is explained by the same table", "[definition][managed]") {
    auto const surge =
        explain_field("deployment.spec.strategy.rollingUpdate.maxSurge", definition_form::kubernetes, false);
    REQUIRE(surge);
    CHECK(surge->find("25%") != std::string::npos);
    CHECK(explain_field("deployments.spec.template.spec.containers.image", definition_form::kubernetes, false));
    CHECK(explain_field("daemonset.template.spec.containers", definition_form::rik, true));
}

TEST_CASE("a patch of a Deployment goes as deep as one of a Pod", "[definition][managed]") {
    auto const before = accept(managed("Deployment")).definition.text;
    auto const patched = merge_patched(before, R"({"spec":{"replicas":4,"template":{"metadata":{"annotations":
        {"kubectl.kubernetes.io/restartedAt":"now"}}}}})");
    REQUIRE(patched);
    auto const changes = changes_between(before, *patched);
    REQUIRE(changes.size() == 2);
    CHECK(changes[0].path == "spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt");
    CHECK(changes[1].path == "spec.replicas");
    auto const after = accept(*patched).definition;
    CHECK(after.replicas == 4);
    CHECK_FALSE(after.spec == accept(before).definition.spec);
}

TEST_CASE("a misspelt kind is told as such, and the rest is checked as what is meant", "[definition][managed]") {
    auto const told = [](std::string const& kind) { return refused(managed(kind)); };
    CHECK(told("deployment").field == "kind");
    CHECK(told("deployment").remedy == "use Deployment");
    CHECK(told("Daemonset").field == "kind");
    CHECK(told("Banana").field == "kind");
}

TEST_CASE("what kubectl writes by itself is accepted without a warning", "[definition][managed]") {
    auto const parsed = accept(R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"creationTimestamp":null,
        "labels":{"app":"web"},"name":"web"},"spec":{"replicas":1,"selector":{"matchLabels":{"app":"web"}},"strategy":{},
        "progressDeadlineSeconds":600,"revisionHistoryLimit":10,"template":{"metadata":{"creationTimestamp":null,
        "labels":{"app":"web"}},"spec":{"containers":[{"image":"nginx","name":"nginx","resources":{},
        "imagePullPolicy":"Always"}],"restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},
        "dnsPolicy":"ClusterFirst","terminationGracePeriodSeconds":30}}},"status":{}})");
    CHECK(parsed.warnings == std::vector<std::string>{});
    CHECK(parsed.definition.upkeep.policy == update_policy::rolling);
}

TEST_CASE("a surge where a container has a host port is warned of", "[managed]") {
    auto const daemons = [](std::string const& bounds, std::string const& port) {
        return accept(R"({"apiVersion":"v1","kind":"DaemonSet","name":"web","updateStrategy":{"rollingUpdate":{)" +
                      bounds + R"(}},"template":{"spec":{"containers":[{"name":"a","image":"x","ports":[{)" +
                      R"("containerPort":80)" + port + R"(}]}]}}})")
            .warnings;
    };
    auto const warned = daemons(R"("maxSurge":1,"maxUnavailable":0)", R"(,"hostPort":80)");
    REQUIRE(warned.size() == 1);
    CHECK(warned.front().find("updateStrategy.rollingUpdate.maxSurge") != std::string::npos);
    CHECK(daemons(R"("maxSurge":1,"maxUnavailable":0)", "").empty());
    CHECK(daemons(R"("maxSurge":0,"maxUnavailable":1)", R"(,"hostPort":80)").empty());
}

// explain and validate, which need no server, and the forms of output of get.
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "rikctl.hpp"
#include "support/catch.hpp"
#include "support/fake_server.hpp"

namespace {

struct outcome {
    int code = -1;
    std::string out;
    std::string err;
};

outcome rikctl_at(std::string const& address, std::vector<std::string> arguments, std::string const& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    rikctl::surroundings around{.in = in, .out = out, .err = err};
    around.sources.server_variable = address;
    auto const code = rikctl::run_rikctl(std::move(arguments), around);
    return {code, out.str(), err.str()};
}

outcome offline(std::vector<std::string> arguments, std::string const& input = "") {
    return rikctl_at("unix:///nonexistent/rik.sock", std::move(arguments), input);
}

constexpr auto two_definitions =
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
    "spec:\n  subdomain: shop\n  containers: [{name: a, image: x}]\n";

}  // namespace

TEST_CASE("rikctl explain says what a field is for, without a server") {
    auto const env = offline({"explain", "pod.spec.containers.env"});
    CHECK(env.code == 0);
    CHECK(env.out.find("list of EnvVar") != std::string::npos);
    CHECK(offline({"explain", "pod.spec", "--recursive"}).out.find("    imagePullPolicy") != std::string::npos);
    CHECK(offline({"explain", "--schema", "--form", "rik"}).out.starts_with("{\n  \"$schema\""));
    auto const wrong = offline({"explain", "pod.spec.container"});
    CHECK(wrong.code == 3);
    CHECK(wrong.err.find("did you mean containers?") != std::string::npos);
    CHECK(offline({"explain"}).code == 2);
}

TEST_CASE("rikctl validate tells every problem with its place, and every warning") {
    auto const right = offline({"validate", "-f", "-"}, two_definitions);
    CHECK(right.code == 0);
    CHECK(right.out == "-: definition 1: tenant shop is valid\n-: definition 2: Pod web is valid\n");
    CHECK(right.err.find("spec.subdomain is kept and not acted on") != std::string::npos);
    auto const wrong =
        offline({"validate", "-f", "-"}, "apiVersion: v1\nkind: Pod\nname: web\nspec:\n  container: []\n");
    CHECK(wrong.code == 1);
    CHECK(wrong.out.empty());
    CHECK(wrong.err.find("spec.container: is not a field, line 5 column 3 (did you mean containers?)") !=
          std::string::npos);
    CHECK(wrong.err.find("spec.containers: is missing, line 4 column 1") != std::string::npos);
    CHECK(offline({"validate", "-f", "/nonexistent/web.yaml"}).code == 1);
    CHECK(offline({"validate"}).code == 2);
}

TEST_CASE("what get prints is no definition, and one line says so") {
    auto const shown =
        "id: c0ffee00-0000-4000-8000-000000000001\nname: web\nkind: Deployment\nstate: active\n"
        "replicas: 3\ndefinition: {apiVersion: v1, kind: Pod, name: web}\n";
    auto const told = offline({"validate", "-f", "-"}, shown);
    CHECK(told.code == 1);
    CHECK(told.err ==
          "error: -: it is what `rikctl get -o yaml` prints: its definition stands under `definition` (apply that "
          "alone: rikctl get ... -o jsonpath={.definition})\n");
}

TEST_CASE("Kubernetes' form without metadata says that it is missing") {
    auto const told = offline({"validate", "-f", "-"}, "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 1}\n");
    CHECK(told.code == 1);
    CHECK(told.err.find("metadata: is missing") != std::string::npos);
    CHECK(told.err.find("none of its values") == std::string::npos);
}

TEST_CASE("rikctl get prints YAML and parts of the answer") {
    test::fake_server server([](test::fake_request const&) {
        return test::reply_with(200, R"({"items":[{"id":"1","name":"a","state":"ready"},{"id":"2","name":"b"}]})");
    });
    auto const yaml = rikctl_at(server.address(), {"get", "nodes", "-o", "yaml"});
    CHECK(yaml.code == 0);
    CHECK(yaml.out.find("items:\n- id: \"1\"\n  name: a\n") != std::string::npos);
    auto const path =
        rikctl_at(server.address(), {"get", "nodes", "-o", R"(jsonpath={range .items[*]}{.name}{"\n"}{end})"});
    CHECK(path.out == "a\nb\n");
    CHECK(offline({"get", "nodes", "-o", "jsonpath={.a"}).code == 2);
    CHECK(offline({"get", "nodes", "-o", "jason"}).err.find("json") != std::string::npos);
    CHECK(offline({"get", "nodes", "-w", "-o", "yaml"}).code == 2);
}

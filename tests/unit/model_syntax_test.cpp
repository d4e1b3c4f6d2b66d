// The text side of definitions: JSON and YAML syntax, bounds, canonical text.
#include <rik/model/definition.hpp>

#include "support/catch.hpp"

#include <fmt/format.h>

#include <string>

using namespace rik;

namespace {

/// A YAML definition whose container has one variable with `value` as it is written.
std::string yaml_with_value(std::string const& value) {
    return "apiVersion: v1\nkind: Pod\nname: a\nspec:\n  containers:\n  - name: a\n    image: x\n    env:\n    - name: "
           "A\n"
           "      value: " +
           value + "\n";
}

std::string first_value(parsed_definition const& parsed) {
    return parsed.definition.spec.containers.at(0).env.at(0).value;
}

bool is_refused_at_line(std::string const& text, std::string_view line) {
    auto const parsed = parse_definition(text);
    INFO(text);
    REQUIRE(parsed.found.size() == 1);
    CHECK(parsed.found[0].code == errc::invalid);
    INFO(parsed.found[0].message);
    return parsed.found[0].message.starts_with(line);
}

/// What is to be done about the only problem of `text`, which stands at `place`.
std::string remedy_of(std::string const& text, std::string_view place) {
    CHECK(is_refused_at_line(text, place));
    return parse_definition(text).found.at(0).remedy;
}

}  // namespace

TEST_CASE("the canonical text keeps what was given in its order", "[definition]") {
    auto const* const given =
        R"({ "name": "a", "kind": "Pod", "apiVersion": "v1", "spec": {"containers": [{"image": "x", "name": "a",
        "resources": {"limits": {"cpu": 0.5}}}]}, "annotations": {"umlaut": "ä\n", "escaped": "\u00e4"} })";
    auto const parsed = parse_definition_json(given);
    CHECK(parsed.found == problems{});
    CHECK(parsed.definition.text ==
          R"({"name":"a","kind":"Pod","apiVersion":"v1","spec":{"containers":[{"image":"x","name":"a",)"
          R"("resources":{"limits":{"cpu":0.5}}}]},"annotations":{"umlaut":"ä\n","escaped":"ä"}})");
}

TEST_CASE("the canonical text is its own canonical text", "[definition]") {
    auto const first = parse_definition(yaml_with_value("\"1\""));
    auto const second = parse_definition(first.definition.text);
    CHECK(first.found == problems{});
    CHECK(second.definition.text == first.definition.text);
    CHECK(second.definition.spec == first.definition.spec);
}

TEST_CASE("a syntax error of JSON has its line and column", "[definition]") {
    CHECK(is_refused_at_line("{\n  \"name\": \"a\",\n  oops\n}", "line 3 column 3"));
    CHECK(is_refused_at_line("{\"name\": \"a\"", "line 1 column 13"));
    CHECK(is_refused_at_line("{} x", "line 1 column 4"));
    CHECK(is_refused_at_line("{\"a\": 01}", "line 1 column"));
    CHECK(is_refused_at_line("{\"a\": \"\xff\"}", "line 1 column"));
}

TEST_CASE("a key that is given twice is refused with its path", "[definition]") {
    for (auto const* text :
         {R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":{"containers":[{"name":"a","image":"x","image":"y"}]}})",
          "apiVersion: v1\nkind: Pod\nname: a\nspec:\n  containers:\n  - name: a\n    image: x\n    image: y\n"}) {
        auto const parsed = parse_definition(text);
        REQUIRE(parsed.found.size() == 1);
        CHECK(parsed.found[0].field == "spec.containers[0].image");
    }
}

TEST_CASE("text that is too large, too deep or too rich is refused", "[definition]") {
    auto const too_large = std::string(limits::definition_bytes_max + 1, ' ');
    CHECK(parse_definition(too_large).found.size() == 1);
    CHECK(parse_definition_yaml(too_large).found.size() == 1);
    for (auto const depth : {std::size_t{33}, std::size_t{10'000}, std::size_t{500'000}}) {
        CHECK(parse_definition_json("{\"a\":" + std::string(depth, '[')).found.size() == 1);
        CHECK(parse_definition_yaml("a: " + std::string(depth, '[')).found.size() == 1);
        CHECK(parse_definition_yaml("a: " + std::string(depth, '{')).found.size() == 1);
    }
    std::string many = "[0";
    for (std::size_t i = 0; i < limits::definition_nodes_max; ++i) many += ",0";
    many += "]";
    CHECK(parse_definition_json(many).found.at(0).message.find("20000") != std::string::npos);
    CHECK(parse_definition_yaml(many).found.at(0).message.find("20000") != std::string::npos);
}

TEST_CASE("YAML makes the same definition as JSON", "[definition]") {
    auto const json =
        parse_definition(R"({"apiVersion":"v1","kind":"Pod","name":"web","replicas":3,"spec":{"containers":
        [{"name":"web","image":"nginx:1.25","env":[{"name":"K","value":"v"}],"ports":[{"containerPort":80}]}]}})");
    auto const yaml = parse_definition(R"(---
# a comment
apiVersion: v1
kind: Pod
name: web
replicas: 3
spec:
  containers:
    - name: web
      image: nginx:1.25
      env: [{name: K, value: v}]
      ports:
      - containerPort: 80
...
)");
    CHECK(yaml.found == problems{});
    CHECK(yaml.definition.text == json.definition.text);
    CHECK(yaml.definition.spec == json.definition.spec);
}

TEST_CASE("quoted scalars and blocks stay text", "[definition]") {
    CHECK(first_value(parse_definition(yaml_with_value("\"8080\""))) == "8080");
    CHECK(first_value(parse_definition(yaml_with_value("'true'"))) == "true");
    CHECK(first_value(parse_definition(yaml_with_value("\"\""))) == "");
    CHECK(first_value(parse_definition(yaml_with_value("'null'"))) == "null");
    CHECK(first_value(parse_definition(yaml_with_value("|\n        8080"))) == "8080\n");
}

TEST_CASE("plain scalars follow the core schema of YAML 1.2", "[definition]") {
    for (auto const* text :
         {"yes", "no", "on", "off", "Yes", "1_000", "12:30:45", "0b1", "1.2.3", "v1", "tRUE", "nULL", "0o9", "1e", "."})
        CHECK(first_value(parse_definition(yaml_with_value(text))) == text);
    for (auto const* not_text : {"true", "False", "TRUE", "1", "-1", "+1", "007", "0x1F", "0o17", "1.5", ".5", "1.",
                                 "1e3", "-1.5E-3", "99999999999999999999"}) {
        INFO(not_text);
        auto const parsed = parse_definition(yaml_with_value(not_text));
        REQUIRE(parsed.found.size() == 1);
        CHECK(parsed.found[0].field == "spec.containers[0].env[0].value");
    }
    for (auto const* null : {"null", "Null", "NULL", "~", ""})
        CHECK(parse_definition(yaml_with_value(null)).definition.spec.containers.at(0).env.at(0).value == "");
    for (auto const* not_in_json : {".inf", "-.INF", ".nan", "1e999"}) {
        INFO(not_in_json);
        CHECK(parse_definition(yaml_with_value(not_in_json)).found.size() == 1);
    }
}

TEST_CASE("numbers of YAML have their values", "[definition]") {
    auto const replicas_of = [](std::string const& text) {
        return parse_definition("apiVersion: v1\nkind: Pod\nname: a\nreplicas: " + text +
                                "\nspec: {containers: [{name: a, image: x}]}\n")
            .definition.replicas;
    };
    CHECK(replicas_of("12") == 12);
    CHECK(replicas_of("+12") == 12);
    CHECK(replicas_of("007") == 7);
    CHECK(replicas_of("0x1F") == 31);
    CHECK(replicas_of("0o17") == 15);
}

TEST_CASE("tags, aliases of nothing and second documents are refused with their line", "[definition]") {
    CHECK(is_refused_at_line("a: 1\nb: *x\n", "line 2 column 4"));
    CHECK(is_refused_at_line("a: &x [*x]\n", "line 1 column 8"));
    CHECK(is_refused_at_line("*x : 1\n", "line 1 column 1"));
    CHECK(is_refused_at_line("a: 1\nb: !!str 1\n", "line 2 column 4"));
    CHECK(is_refused_at_line("a: !mine {}\n", "line 1 column 4"));
    CHECK(is_refused_at_line("a: 1\n---\nb: 2\n", "line 2"));
    CHECK(is_refused_at_line("[a]: 1\n", "line 1"));
    CHECK(is_refused_at_line("~: 1\n", "line 1"));
}

TEST_CASE("a syntax error of YAML has its line and column", "[definition]") {
    CHECK(is_refused_at_line("name: a\nspec: [1, 2\n", "line"));
    CHECK(is_refused_at_line("name: a\n  kind: b\n", "line 2"));
    CHECK(is_refused_at_line("name: \"a\n", "line"));
    CHECK(is_refused_at_line("a:\n\t- b\n", "line 2"));
    CHECK(is_refused_at_line("a: 1\nb: \xff\xfe\n", "line 2"));
}

TEST_CASE("no text at all is refused", "[definition]") {
    for (auto const* text : {"", " ", "\n\n", "# only a comment\n", "---\n"}) {
        INFO(text);
        auto const parsed = parse_definition(text);
        REQUIRE(parsed.found.size() == 1);
        CHECK_FALSE(parsed.found[0].remedy.empty());
    }
}

TEST_CASE("a brace before a name without double quotes is YAML", "[definition]") {
    for (auto const* text :
         {"{apiVersion: v1, kind: Pod, name: a, spec: {containers: [{name: a, image: x}]}}",
          "\n{ # a comment\n  apiVersion: \"v1\",\n  kind: \"Pod\",\n  name: \"a\",\n"
          "  spec: {\n    containers: [{\n      name: \"a\",\n      image: \"x\",\n    }],\n  },\n}\n",
          "{'apiVersion': 'v1', 'kind': 'Pod', 'name': 'a', 'spec': {'containers': [{'name': 'a', "
          "'image': 'x'}]}}"}) {
        INFO(text);
        CHECK(parse_definition(text).found == problems{});
        CHECK(parse_definition_file(text).at(0).parsed.definition.name == "a");
    }
}

TEST_CASE("a syntax error of JSON says what its author probably did", "[definition]") {
    CHECK(remedy_of("{\"a\": 1,}", "line 1 column 9") == "leave out the comma before it");
    CHECK(remedy_of("{\"a\": [1, 2,\n]}", "line 2 column 1") == "leave out the comma before it");
    CHECK(remedy_of("{\"a\": {}\n \"b\": 1}", "line 2 column 2") == "a comma is missing before it");
    CHECK(remedy_of("{\"a\": 'b'}", "line 1 column 7").find("double quotes") != std::string::npos);
    CHECK(remedy_of("{\"a\": 1, // b\n}", "line 1 column 10").find("comment") != std::string::npos);
    CHECK(remedy_of("{\"a\": \"b\n\"}", "line 1 column 9").find("in its line") != std::string::npos);
    CHECK(remedy_of("{\"a\": {\"b\": 1}", "line 1 column 15: the JSON text ends too early").find("bracket") !=
          std::string::npos);
    CHECK(remedy_of("{\"a\": True}", "line 1 column 7").find("comma, quote or bracket") != std::string::npos);
    auto const behind = parse_definition_file("{\"a\": 1} }").at(0).parsed.found.at(0);
    CHECK(behind.message == "line 1 column 10: there is one } too many");
}

TEST_CASE("a syntax error of YAML says what its author probably did", "[definition]") {
    CHECK(remedy_of("a: @b\n", "line 1 column 4: @ cannot begin text") == "write the text in quotes");
    CHECK(remedy_of("a: `b`\n", "line 1 column 4: ` cannot begin text") == "write the text in quotes");
    CHECK(remedy_of("```yaml\nkind: Pod\n```\n", "line 1 column 1").find("Markdown") != std::string::npos);
    CHECK(remedy_of("a: %b%\n", "line 1 column 4: % cannot begin text") == "write the text in quotes");
    CHECK(remedy_of("a: b: c\n", "line 1 column 5").find("needs quotes") != std::string::npos);
    CHECK(remedy_of("kind: Pod\nname: {{ .Values.name }}\n", "line 2 column 8").find("template") != std::string::npos);
    CHECK(remedy_of("kind: Pod\n{{- if .Values.a }}\nname: a\n{{- end }}\n", "line 3 ").find("template") !=
          std::string::npos);
    CHECK(remedy_of("a:\n<<<<<<< HEAD\n  b: 1\n=======\n  b: 2\n>>>>>>> other\n", "line 3 ").find("merge conflict") !=
          std::string::npos);
    CHECK(remedy_of("<!DOCTYPE html>\n<html><body>404: Not Found</body></html>\n", "line 2 ").find("web page") !=
          std::string::npos);
    CHECK(
        remedy_of("kind: Pod\nmetadata: \xE3\x80\x80 # text\n  name: a\n", "line 3 ").find("only looks like a blank") !=
        std::string::npos);
    CHECK(remedy_of("kind: Pod\r\nmetadata: \xC2\xA0 # text\r\n  name: a\r\n", "line 3 ")
              .find("only looks like a blank") != std::string::npos);
    CHECK(remedy_of("a: 1\nb: c\n  d: 1\n", "line 3 ").find("indentation") != std::string::npos);
}

TEST_CASE("a number that is octal in old YAML only is refused", "[definition]") {
    auto const with_replicas = [](std::string const& number) {
        return "apiVersion: v1\nkind: Pod\nname: a\nreplicas: " + number +
               "\nspec: {containers: [{name: a, image: x}]}\n";
    };
    for (auto const* number : {"012", "0644", "+0755", "0012"}) {
        INFO(number);
        auto const parsed = parse_definition(with_replicas(number));
        REQUIRE(parsed.found.size() == 1);
        CHECK(parsed.found[0].field == "replicas");
        CHECK(parsed.found[0].message ==
              fmt::format("{} is octal in old YAML and decimal in new YAML, line 4 column 1", number));
    }
    CHECK(parse_definition(with_replicas("-012")).found.size() == 2);  // out of range, too: reading goes on
    for (auto const* number : {"007", "08", "0o12", "00"}) {
        INFO(number);
        CHECK(parse_definition(with_replicas(number)).found.size() == (std::string_view(number) == "00" ? 1 : 0));
    }
    CHECK(first_value(parse_definition(yaml_with_value("'0644'"))) == "0644");
}

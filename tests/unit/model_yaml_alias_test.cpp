// Anchors, aliases and merge keys of YAML, and lists of definitions.
#include <rik/model/definition.hpp>
#include <rik/model/yaml.hpp>

#include "support/catch.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

using namespace rik;

namespace {

std::string read(std::string_view text) {
    auto const made = yaml_to_json(text);
    INFO(text);
    if (!made) return to_string(made.error());
    return *made;
}

bool is_refused(std::string_view text, std::string_view part) {
    auto const why = read(text);
    INFO(why);
    return why.find(part) != std::string::npos && why.front() != '{';
}

std::string item(std::string_view name) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{}"}},"spec":{{"containers":[{{"name":"a","image":"x"}}]}}}})",
        name);
}
std::string list(std::string_view items) {
    return fmt::format(R"({{"apiVersion":"v1","kind":"List","items":[{}]}})", items);
}

}  // namespace

TEST_CASE("an alias stands for what its anchor names", "[yaml]") {
    CHECK(read("a: &x 1\nb: *x\n") == R"({"a":1,"b":1})");
    CHECK(read("a: &x [1, 2]\nb: {c: *x}\n") == R"({"a":[1,2],"b":{"c":[1,2]}})");
    CHECK(read("a: &x\n  b: &y c\nd: [*x, *y]\n") == R"({"a":{"b":"c"},"d":[{"b":"c"},"c"]})");
    CHECK(read("&x a: 1\nb: *x\n*x : 2\nc: 3\n").find("is given twice") != std::string::npos);
    CHECK(read("&x a: 1\nb: *x\n") == R"({"a":1,"b":"a"})");
    CHECK(read("a: &x 1\nb: &x 2\nc: *x\n") == R"({"a":1,"b":2,"c":2})");
    CHECK(read("a: &x\nb: *x\n") == R"({"a":null,"b":null})");
    CHECK(read("a: \"*x\"\n") == R"({"a":"*x"})");
}

TEST_CASE("a merge key gives an object members that it does not have itself", "[yaml]") {
    CHECK(read("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n") == R"({"a":{"b":1,"c":2},"d":{"c":3,"b":1}})");
    CHECK(read("a: &x {b: 1}\ne: &y {b: 2, c: 3}\nd:\n  <<: [*x, *y]\n") ==
          R"({"a":{"b":1},"e":{"b":2,"c":3},"d":{"b":1,"c":3}})");
    CHECK(read("a:\n  <<: {b: 1}\n  <<: {c: 2}\n") == R"({"a":{"b":1,"c":2}})");
    CHECK(read("a: {\"<<\": 1}\n") == R"({"a":{"<<":1}})");
    CHECK(is_refused("a:\n  <<: 1\n", "<< stands before something that has no members"));
    CHECK(is_refused("a:\n  <<: [[1]]\n", "<< stands before something that has no members"));
}

TEST_CASE("aliases that stand for too much are refused", "[yaml]") {
    std::string laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
    for (char c = 'b'; c <= 'i'; ++c) {
        laughs += fmt::format("{0}: &{0} [", c);
        for (int i = 0; i < 9; ++i) laughs += fmt::format("*{},", static_cast<char>(c - 1));
        laughs += "x]\n";
    }
    CHECK(is_refused(laughs, "has more than 20000 values"));
    auto const long_text = std::string(200'000, 'x');
    CHECK(is_refused("a: &a " + long_text + "\nb: [*a, *a, *a, *a, *a, *a]\n", "written out it is longer than"));
    std::string keys = "a: &a\n";
    for (int i = 0; i < 100; ++i) keys += fmt::format("  {}{}: 1\n", std::string(1000, 'x'), i);
    CHECK(is_refused(keys + "b: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n", "written out it is longer than"));
    std::string deep = "a: &a [1]\n";
    for (char c = 'b'; c < 'b' + 20; ++c) deep += fmt::format("{0}: &{0} [[*{1}]]\n", c, static_cast<char>(c - 1));
    CHECK(is_refused(deep, "is nested deeper than 32 levels"));
}

TEST_CASE("a problem in what an alias stands for is told where the alias stands", "[yaml]") {
    auto const parsed = parse_definition(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - &c\n    name: a\n    image: x\n    "
        "tyt: true\n"
        "  - *c\n");
    REQUIRE(parsed.found.size() == 3);
    CHECK(parsed.found[0].message.ends_with("line 9 column 5"));
    CHECK(parsed.found[1].field == "spec.containers[1].tyt");
    CHECK(parsed.found[1].message.ends_with("line 10 column 5"));
}

TEST_CASE("the items of a List are definitions", "[definition]") {
    auto const all = parse_definition_file(
        list(item("a") + "," + list(item("b")) + R"(,{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"c"}})") +
        item("d"));
    REQUIRE(all.size() == 4);
    CHECK(all[0].parsed.definition.name == "a");
    CHECK(all[1].parsed.definition.name == "b");
    CHECK(all[2].tenant->name == "c");
    CHECK(all[3].parsed.definition.name == "d");
    for (auto const& each : all) {
        CHECK(each.parsed.found == problems{});
        CHECK(parse_definition_file(each.text).size() == 1);
    }
    CHECK(parse_definition(all[1].text).definition.text == all[1].parsed.definition.text);
    CHECK(parse_definition_file(list("")).empty());
}

TEST_CASE("what is wrong in a List is told where it stands", "[definition]") {
    auto const all = parse_definition_file(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n  spec:\n    "
        "containers: "
        "[{name: a, image: x}]\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: b}\n  spec:\n    containers: [{name: "
        "a, imag: x}]\n- 7\n");
    REQUIRE(all.size() == 3);
    CHECK(all[0].parsed.found.empty());
    REQUIRE(all[1].parsed.found.size() == 2);
    CHECK(all[1].parsed.found[0].field == "spec.containers[0].imag");
    CHECK(all[1].parsed.found[0].message == "is not a field, line 13 column 28");
    REQUIRE(all[2].parsed.found.size() == 1);
    CHECK(all[2].parsed.found[0].message == "items[2] is a number, not an object");
    auto const wrong = parse_definition_file(R"({"apiVersion":"v1","kind":"List","itmes":[]})");
    REQUIRE(wrong.size() == 1);
    CHECK(wrong[0].parsed.found.size() == 2);
    auto const alone = parse_definition(list(item("a")));
    REQUIRE(alone.found.size() == 1);
    CHECK(alone.found[0].field == "kind");
}

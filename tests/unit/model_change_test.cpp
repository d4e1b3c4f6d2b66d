// Changes of definitions, selectors, and YAML that is written.
#include <rik/model/definition_change.hpp>
#include <rik/model/labels.hpp>
#include <rik/model/yaml.hpp>

#include "support/catch.hpp"

#include <string>

using namespace rik;

namespace {

bool matches(std::string_view selector, string_map const& labels) {
    INFO(selector);
    auto const read = parse_label_selector(selector);
    REQUIRE(read.has_value());
    return read->matches(labels);
}

std::vector<std::string> told(std::string_view before, std::string_view after) {
    std::vector<std::string> lines;
    for (auto const& each : changes_between(before, after)) lines.push_back(to_string(each));
    return lines;
}

}  // namespace

TEST_CASE("what differs is told as deep inside as it can be", "[change]") {
    using lines = std::vector<std::string>;
    CHECK(told(R"({"a":1,"b":{"c":[1,2]},"d":null})", R"({"b":{"c":[1,2]},"a":1})").empty());
    CHECK(told(R"({"spec":{"containers":[{"name":"a","image":"x:1"}]}})",
               R"({"spec":{"containers":[{"image":"x:2","name":"a"},{"name":"b"}]}})") ==
          lines{R"(spec.containers[0].image: "x:1" -> "x:2")", R"(spec.containers[1]: set to {"name":"b"})"});
    CHECK(told(R"({"labels":{"a":"b","c":"d"}})", R"({"labels":{"c":"d"},"n":7})") ==
          lines{R"(labels.a: removed ("b"))", "n: set to 7"});
    CHECK(told(R"({"a":{"b":1}})", R"({"a":[1]})") == lines{R"(a: {"b":1} -> [1])"});
}

TEST_CASE("a merge patch sets, replaces and takes off", "[change]") {
    auto const merged = [](std::string_view text, std::string_view patch) { return *merge_patched(text, patch); };
    CHECK(merged(R"({"a":1,"b":{"c":2,"d":3}})", R"({"b":{"c":null,"e":[4]},"f":5})") ==
          R"({"a":1,"b":{"d":3,"e":[4]},"f":5})");
    CHECK(merged(R"({"a":[1,2]})", R"({"a":[3]})") == R"({"a":[3]})");
    CHECK(merged(R"({"a":"text"})", R"({"a":{"b":1,"c":null}})") == R"({"a":{"b":1}})");
    CHECK_FALSE(merge_patched("{}", "[1]").has_value());
    CHECK_FALSE(merge_patched("{}", "{").has_value());
}

TEST_CASE("what is applied wins, takes back what it had said, and leaves what others have said", "[change]") {
    auto const last = R"({"labels":{"a":"1","b":"2"},"spec":{"x":1,"list":[1]}})";
    auto const current = R"({"labels":{"a":"1","b":"2","mine":"y"},"spec":{"x":9,"list":[1,2],"added":true}})";
    auto const wanted = R"({"labels":{"a":"3"},"spec":{"x":1,"list":[1],"new":null}})";
    CHECK(applied_text(current, last, wanted) ==
          R"({"labels":{"a":"3","mine":"y"},"spec":{"x":1,"list":[1],"added":true}})");
    CHECK(applied_text(last, last, last) == last);
    CHECK(applied_text(R"({"a":{"b":1}})", "{}", R"({"a":7})") == R"({"a":7})");
}

TEST_CASE("a label selector is read and matches by its grammar", "[selector]") {
    string_map const labels{{"app", "web"}, {"tier", "front"}, {"empty", ""}};
    for (auto const* right :
         {"", "app=web", "app==web", " app = web , tier in (front, back)", "tier notin (back)", "app", "!gone",
          "gone!=x", "gone notin (a,b)", "app!=db", "empty=", "empty in ()", "empty"})
        CHECK(matches(right, labels));
    for (auto const* wrong : {"app=db", "app!=web", "tier in (back)", "tier notin (front)", "gone", "!app", "gone=x",
                              "app=web,tier=back", "empty!="})
        CHECK_FALSE(matches(wrong, labels));
    for (auto const* malformed : {",", "app=web,", "=web", "app in", "app in (", "app in (a", "app in a", "app like x",
                                  "a b=c", "app=we b", "!", "app!web", "-app", "app=(a)", "app=a)", "app=\xc3\xa4"}) {
        INFO(malformed);
        auto const read = parse_label_selector(malformed);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == errc::invalid);
        CHECK_FALSE(read.error().remedy.empty());
    }
}

TEST_CASE("a field selector is read by its grammar", "[selector]") {
    auto const read = parse_field_selector(R"(state=running,node!=a\,b,x==y)");
    REQUIRE(read.has_value());
    CHECK(*read ==
          std::vector<field_requirement>{{"state", "running", false}, {"node", "a,b", true}, {"x", "y", false}});
    for (auto const* malformed : {"state", "=x", "a=b,,", "!=x", "a!b"})
        CHECK_FALSE(parse_field_selector(malformed).has_value());
}

TEST_CASE("YAML that is written is read as the same", "[yaml]") {
    for (
        auto const* json :
        {R"({"apiVersion":"v1","n":7,"f":0.5,"t":true,"z":null,"list":[1,"a",{"b":[]}],"empty":{}})",
         R"({"a":"yes","b":"no","c":"1.10","d":"0x1F","e":"null","f":"~","g":"","h":"true","i":"- x","j":"a: b","k":"#c"})",
         R"({"script":"set -e\necho hi\n","tail":"a\n\nb","lead":" x\ny","tab":"a\tb\n","cr":"a\r\nb","nl":"\n"})",
         R"({"12:30":"1e3","é":"\u0085 \u2028","q":"'\"\\","dash":"---","dots":"...","at":"@x","pct":"%x","bang":"!x"})"}) {
        INFO(json);
        auto const yaml = json_to_yaml(json);
        REQUIRE(yaml.has_value());
        INFO(*yaml);
        auto const again = yaml_to_json(*yaml);
        if (!again) CHECK(to_string(again.error()) == "");
        REQUIRE(again.has_value());
        CHECK(changes_between(json, *again).empty());
    }
    CHECK(*json_to_yaml(R"({"kind":"Pod","spec":{"containers":[{"name":"a","image":"x","args":[]}]}})") ==
          "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    args: []\n");
    CHECK_FALSE(json_to_yaml("{").has_value());
}

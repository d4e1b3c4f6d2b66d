// YAML by its specification (1.2.2): scalars, and the documents of a file.
#include <rik/model/definition.hpp>
#include <rik/model/yaml.hpp>

#include <rik/base/utf8.hpp>

#include "support/catch.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace rik;

namespace {

std::string json_of(std::string_view yaml) {
    auto const json = yaml_to_json(yaml);
    return json ? *json : to_string(json.error());
}

bool is_refused(std::string_view yaml, std::string_view begin) {
    auto const json = yaml_to_json(yaml);
    INFO(json_of(yaml));
    CHECK(is_utf8(json_of(yaml)));
    return !json && json.error().code == errc::invalid && !json.error().remedy.empty() &&
           json.error().message.starts_with(begin);
}

std::string pod(std::string const& name) {
    return "apiVersion: v1\nkind: Pod\nname: " + name + "\nspec: {containers: [{name: a, image: x}]}\n";
}

/// "a b": the names of the definitions; one that is wrong is its problem.
std::string names_in(std::string const& file) {
    std::string names;
    for (auto const& each : parse_definition_file(file)) {
        names += names.empty() ? "" : " ";
        names += each.parsed.found.empty() ? each.parsed.definition.name : to_string(summarize(each.parsed.found));
        if (each.parsed.found.empty())
            CHECK(parse_definition(each.text).definition.text == each.parsed.definition.text);
    }
    return names;
}

}  // namespace

TEST_CASE("escapes are the characters that they name, in UTF-8", "[yaml]") {
    CHECK(json_of(R"(a: "10\_km")") == "{\"a\":\"10\xC2\xA0km\"}");
    CHECK(json_of(R"(a: "\N\L\P")") == "{\"a\":\"\xC2\x85\xE2\x80\xA8\xE2\x80\xA9\"}");
    CHECK(json_of(R"(a: "\x41\x80\xff\u00e9\u20AC\U0001F600")") ==
          "{\"a\":\"A\xC2\x80\xC3\xBF\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"}");
    CHECK(json_of(R"(a: "\b\t\n\f\r\"\/\\\ x")") == R"({"a":"\b\t\n\f\r\"/\\ x"})");
    CHECK(json_of(R"(a: "\0\a\v\e")") == R"({"a":"\u0000\u0007\u000b\u001b"})");
    CHECK(json_of(R"("\_": 1)") == "{\"\xC2\xA0\":1}");
    CHECK(json_of("a: \"x\\\n   y\"\n") == R"({"a":"xy"})");
    CHECK(json_of(R"(a: '10\_km')") == R"({"a":"10\\_km"})");
}

TEST_CASE("JSON is read as JSON behind a mark, too", "[yaml]") {
    std::string const json = R"({"apiVersion":"v1","kind":"Pod","name":"NAME","spec":{"containers":[{"name":"a",)"
                             R"("image":"x","env":[{"name":"E","value":"\ud83d\ude00\/"}]}]}})";
    auto const named = [&](char const* name) { return std::string(json).replace(json.find("NAME"), 4, name); };
    std::string const smile = "{\"a\":\"\xF0\x9F\x98\x80\"}";
    for (auto const* begin : {"", "---\n", "--- ", "--- # c\n\n  ", "%YAML 1.2\n---\n", "# c\n", "---\n# c\n"})
        for (auto const* end : {"", "\n", " # c\n# c\n", "\n...\n"}) {
            INFO(begin << "{}" << end);
            CHECK(names_in(begin + named("one") + end) == "one");
            if (*begin != '\0') CHECK(json_of(begin + std::string(R"({"a":"\ud83d\ude00"})") + end) == smile);
        }
    for (auto const* between : {"", "\n---\n", "\n--- ", "\n---\n# c\n", "\n...\n---\n", " # c\n"})
        CHECK(names_in(named("one") + between + named("two") + between + named("three")) == "one two three");
    CHECK(names_in("---\n" + named("one") + "\n---\n" + pod("two") + "---\n" + named("three")) == "one two three");
    // What only begins like JSON is YAML.
    CHECK(names_in("---\n{apiVersion: v1, kind: Pod, name: one, spec: {containers: [{name: a, image: x}]}}\n") ==
          "one");
    CHECK(is_refused("---\n{\"a\": 1}\nb: 2\n", "line "));
    CHECK(is_refused("--- {\"a\": 1} {\"a\": 1}\n", "line 1 column "));
    CHECK(names_in("---\n" + named("one") + "\n---\n{\"kind\": }\n---\n" + named("two")).starts_with("one "));
}

TEST_CASE("escapes that name no character are refused where they stand", "[yaml]") {
    for (auto const* text : {R"(a: "\ud83d")", R"(a: "\ud83d\ude00")", R"(a: "\udc00")", R"(a: "\U00110000")",
                             R"(a: "\UFFFFFFFF")", R"(a: "\q")", R"(a: "\x4")", R"(a: "\u12")", R"(a: "\'")"}) {
        INFO(text);
        CHECK(is_refused(text, "line 1 column "));
    }
    CHECK_THAT(json_of(R"(a: "\ud83d")"), Catch::Contains("write \\\\ for a backslash"));
    CHECK(is_refused("a: \"x\x01\"\n", "line 1 column 6"));
    CHECK(is_refused("a: b\nc: \x7f\n", "line 2 column 4"));
}

TEST_CASE("a zero byte in a text of a definition is refused", "[yaml]") {
    auto const parsed = parse_definition(pod("a") + "annotations: {k: \"a\\0b\"}\n");
    REQUIRE(parsed.found.size() == 1);
    CHECK(parsed.found[0].field == "annotations.k");
}

TEST_CASE("blocks keep, clip or strip the line ends behind them", "[yaml]") {
    for (auto const& [written, meant] :
         std::vector<std::pair<std::string, std::string>>{{"|\n  x\n\n", "x\\n"},
                                                          {"|-\n  x\n\n", "x"},
                                                          {"|+\n  x\n\n", "x\\n\\n"},
                                                          {">\n  x\n\n", "x\\n"},
                                                          {">-\n  x\n\n", "x"},
                                                          {">+\n  x\n\n", "x\\n\\n"},
                                                          {">+\n  x\n  y\n\n\nb: 1\n", "x y\\n\\n\\n"},
                                                          {"|+\n\n\nb: 1\n", "\\n\\n"},
                                                          {"|-\n\n\n", ""},
                                                          {"|\n  x", "x"},
                                                          {"|+ # comment\n  x\n\n# comment\n", "x\\n\\n"},
                                                          {"|2-\n    x\n   y\n\n", "  x\\n y"},
                                                          {"|-2\n    x\n", "  x"},
                                                          {"|\n  x\n    y\n  z\n", "x\\n  y\\nz\\n"},
                                                          {"|\n\n  x\n", "\\nx\\n"},
                                                          {"|\n  x\n  ---\n  y\n", "x\\n---\\ny\\n"},
                                                          {"|\n  x  \n  y\t\n", "x  \\ny\\t\\n"},
                                                          {"|\r\n  x\r\n  y\r\n", "x\\ny\\n"}}) {
        INFO(written);
        auto const json = json_of("a: " + written);
        CHECK_THAT(json, Catch::StartsWith("{\"a\":\"" + meant + "\""));
    }
}

TEST_CASE("folding joins lines, and leaves those that are indented more", "[yaml]") {
    CHECK(json_of("a: >-\n  folded\n  text\n\n\n  more\n   indented\n    lines\n\n  back\n") ==
          R"({"a":"folded text\n\nmore\n indented\n  lines\n\nback"})");
    CHECK(json_of("a: >\n\n folded\n line\n\n next\n line\n   * bullet\n\n   * list\n   * lines\n\n last\n line\n") ==
          R"({"a":"\nfolded line\nnext line\n  * bullet\n\n  * list\n  * lines\n\nlast line\n"})");
    CHECK(json_of("a: >\n\n\n  x\n\n\n    y\n\n\n  z\n") == R"({"a":"\n\nx\n\n\n  y\n\n\nz\n"})");
    CHECK(json_of("a: x\n  y\n\n  z\n") == R"({"a":"x y\nz"})");
}

TEST_CASE("quoted text over several lines keeps its empty lines, at its end, too", "[yaml]") {
    CHECK(json_of("a: \"x\n  y\n\n  z\n\n  \"\n") == R"({"a":"x y\nz\n"})");
    CHECK(json_of("a: 'x\n\n  '\n") == R"({"a":"x\n"})");
    CHECK(json_of("a: 'x\n\n\n y  \n\t z'\n") == R"({"a":"x\n\ny z"})");
    CHECK(json_of("a: \"trimmed\n  \n \n\n as space\"\n") == R"({"a":"trimmed\n\n\nas space"})");
    CHECK(json_of("a: \"\n  x\n  \"\n") == R"({"a":" x "})");
    CHECK(json_of("a: 'it''s'\n") == R"({"a":"it's"})");
    CHECK(json_of("a: \"x\r\n  y\"\r\n") == R"({"a":"x y"})");
}

TEST_CASE("flow collections take URLs, JSON and line ends", "[yaml]") {
    CHECK(json_of("a: {u: http://x:80/y?z=1,b: [c::d, -e]}") == R"({"a":{"u":"http://x:80/y?z=1","b":["c::d","-e"]}})");
    CHECK(json_of("--- {\"a\":1,\"b\":\"c\"}\n") == R"({"a":1,"b":"c"})");
    CHECK(json_of("a: {\n  b: c,\n}\nd: [\n]\n") == R"({"a":{"b":"c"},"d":[]})");
}

TEST_CASE("what old YAML takes for the end of a line is refused rather than changed", "[yaml]") {
    CHECK(is_refused("a: x\xC2\x85y\n", "line 1 column 5"));
    CHECK(is_refused("a: |\n  x\xE2\x80\xA8y\n  z\n", "line 2 column 4"));
    CHECK(is_refused("a: b\n--- # \xE2\x80\xA9\n", "") == false);
    CHECK(json_of("a: \xE2\x80\x93\xC2\xA0\n") == "{\"a\":\"\xE2\x80\x93\xC2\xA0\"}");
}

TEST_CASE("a problem says where it is and where it began", "[yaml]") {
    CHECK(
        json_of("a: 1\nb: \"c\n") ==
        "line 3 column 1: found unexpected end of stream while scanning a quoted scalar from line 2 column 4 on (look "
        "there for wrong indentation, a missing space after ':' or an open quote)");
    CHECK(json_of("a:\n\t- b\n") == "line 2 column 1: a tab stands where blanks must (indent with blanks)");
    CHECK(is_refused("\xC3\xA4: 1\n\xC3\xA4\xC3\xB6: [1\n", "line 3 column 1"));
    CHECK(is_refused("a: \xC3\xA4: b\n", "line 1 column 5"));
    CHECK_THAT(json_of("a: b\n{c: d}\n"), Catch::Contains("from line 2 column 1 on"));
}

TEST_CASE("text in another encoding is refused with the remedy", "[yaml]") {
    for (auto const& text : {std::string("\xff\xfe{\0}\0", 6), std::string("\xfe\xff\0a", 4), std::string("a\0:\0", 4),
                             std::string("{\0}\0", 4)}) {
        auto const parsed = parse_definition(text);
        REQUIRE(parsed.found.size() == 1);
        CHECK(parsed.found[0].message == "line 1 column 1: the text is UTF-16, not UTF-8");
        CHECK(parsed.found[0].remedy == "save the file as UTF-8");
    }
    CHECK(is_refused("a: b\nc: d\xff\n", "line 2 column 5: the text is not UTF-8"));
}

TEST_CASE("directives, marks and byte order marks part documents", "[yaml]") {
    auto const a = pod("a");
    auto const b = pod("b");
    std::string const bom = "\xEF\xBB\xBF";
    for (auto const& file : {
             a + "---\n" + b,
             "%YAML 1.2\n---\n" + a + "...\n%YAML 1.2\n---\n" + b,
             "%YAML 1.1\n%TAG ! tag:x:\n%OTHER y # z\n---\n" + a + "...\n---\n" + b,
             bom + a + "---\n" + bom + b,
             bom + a + bom + "---\n" + b,
             a + "...\n" + bom + b,
             a + "...\n" + bom + "# comment\n" + bom + "---\n" + b,
             a + "...\n" + b,
             a + "... # end\n\n...\n# comment\n" + b + "...\n...\n",
             "--- # one\n" + a + "--- # two\n# nothing\n---\n---\n\n---\t\n" + b + "---\n# nothing\n",
             "# licence\r\n---\r\n" + a + "---\r\n" + b,
             "--- {apiVersion: v1, kind: Pod, name: a, spec: {containers: [{name: a, image: x}]}}\n--- " +
                 parse_definition(b).definition.text + "\n",
             parse_definition(a).definition.text + parse_definition(b).definition.text,
             bom + parse_definition(a).definition.text + "\n\n " + parse_definition(b).definition.text + "\n",
             parse_definition(a).definition.text + "\n---\n" + b,
             parse_definition(a).definition.text + "\n...\n" + b,
             a + "---\n" + parse_definition(b).definition.text,
         }) {
        INFO(file);
        CHECK(names_in(file) == "a b");
    }
    for (auto const* nothing : {"", "\n", "# c", "---\n", "---\n---", "...\n", "--- # c\n...\n---\n\n\t\n"})
        CHECK(names_in(nothing).empty());
    CHECK(names_in(bom).empty());
    CHECK(names_in("# comment\r" + a) == "a");
}

TEST_CASE("what is wrong with one document is told by its place in the file", "[yaml]") {
    auto const a = pod("a");
    CHECK_THAT(names_in(a + "---\nkind: [\n---\n" + pod("b")),
               Catch::StartsWith("a line 7 column 1: ") && Catch::EndsWith(" b"));
    CHECK_THAT(names_in(a + "---\nkind: !x Pod\n---\n" + pod("b")),
               Catch::StartsWith("a kind: line 6 column 7: tags are not accepted") && Catch::EndsWith(" b"));
    CHECK_THAT(names_in(a + "--- {a: b} c\n---\n" + pod("b")),
               Catch::StartsWith("a line 5 column 12: there is text behind the end") && Catch::EndsWith(" b"));
    CHECK_THAT(names_in(a + "%YAML 1.2\n---\n" + pod("b")),
               Catch::StartsWith("line 5 column 1: there is text behind the end") && Catch::EndsWith(" b"));
    CHECK_THAT(names_in(a + "... x\n---\n" + pod("b")),
               Catch::StartsWith("line 5 column 4: there is text behind the end") && Catch::EndsWith(" b"));
    CHECK_THAT(names_in("%YAML 2.0\n---\n" + a), Catch::StartsWith("line 1 column 1: this version of YAML"));
    CHECK_THAT(names_in("%YAML 1.2\n" + a), Catch::Contains("line 2 column 1: the document has directives"));
    CHECK_THAT(names_in("\n{\"a\": 1} x\n---\n" + pod("b")),
               Catch::StartsWith("line 2 column 10: there is text behind the end") && Catch::EndsWith(" b"));
    CHECK_THAT(names_in("{\"a\": 1}\n{\"a\": ?}\n---\n" + pod("b")),
               Catch::Contains("line 2 column 7: ") && Catch::EndsWith(" b"));
    CHECK_THAT(names_in(a + "---\n" + std::string(limits::definition_bytes_max, '#') + "\nb: 1\n---\n" + pod("c")),
               Catch::StartsWith("a line 5 column 1: the definition has ") && Catch::EndsWith(" c"));
    CHECK_THAT(names_in(a + "\xff"), Catch::Contains("line 5 column 1: the text is not UTF-8"));
}

TEST_CASE("one call takes one definition, and documents that are empty", "[yaml]") {
    CHECK(parse_definition("---\n# c\n---\n" + pod("a") + "...\n---\n").definition.name == "a");
    CHECK(parse_definition("%YAML 1.2\n---\n" + pod("a")).found == problems{});
    CHECK(parse_definition("\xEF\xBB\xBF" + parse_definition(pod("a")).definition.text).found == problems{});
    auto const two = parse_definition(pod("a") + "---\n" + pod("b"));
    REQUIRE(two.found.size() == 1);
    CHECK(two.found[0].message == "line 5 column 1: a second document begins");
}

TEST_CASE("a file of too many or too large definitions is refused at its bound", "[yaml]") {
    std::string many;
    for (std::size_t i = 0; i <= limits::definitions_per_file_max; ++i) many += "--- 1\n";
    auto const all = parse_definition_file(many);
    CHECK(all.size() == limits::definitions_per_file_max + 1);
    CHECK_THAT(all.back().parsed.found.at(0).message, Catch::Contains("more than 10000 definitions"));
    auto const large = parse_definition_file(std::string(limits::definition_file_bytes_max + 1, '\n'));
    REQUIRE(large.size() == 1);
    CHECK_THAT(large[0].parsed.found.at(0).message, Catch::Contains("the limit is"));
}

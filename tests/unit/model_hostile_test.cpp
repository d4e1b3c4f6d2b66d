// Definitions that are meant to cost the server time: each ends with few problems, after work that its size explains.
#include <rik/base/limits.hpp>
#include <rik/base/utf8.hpp>
#include <rik/model/definition.hpp>

#include "support/catch.hpp"

#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

using namespace rik;

namespace {

constexpr std::size_t bytes = 400'000;  // what is quadratic in it takes minutes

std::string repeated(std::string const& piece, std::size_t bytes_max = bytes) {
    std::string text;
    while (text.size() + piece.size() <= bytes_max) text += piece;
    return text;
}

/// "A,B,C": what `make` gives for 0, 1, 2 ...
std::string listed(std::size_t count, std::function<std::string(std::size_t)> const& make) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + make(i);
    return text;
}

std::string pod_with(std::string const& members) {
    return R"({"apiVersion":"v1","kind":"Pod","name":"a",)" + members + "}";
}
std::string pod_with_container(std::string const& members) {
    return pod_with(R"("spec":{"containers":[{"name":"a","image":"x",)" + members + "}]}");
}

/// Parses it in far less than a second of the processor, even in a build that is not optimized.
parsed_definition parse_soon(std::string const& text) {
    auto const began = std::clock();
    auto parsed = parse_definition(text);
    CHECK(std::clock() - began < 2 * CLOCKS_PER_SEC);
    CHECK(parsed.found.size() <= limits::definition_problems_max + 1);
    for (auto const& problem : parsed.found) {
        CHECK(problem.message.size() + problem.field.size() + problem.remedy.size() < 4096);
        CHECK(is_utf8(to_string(problem)));
    }
    return parsed;
}

}  // namespace

TEST_CASE("a definition of many mistakes is refused with the first hundred", "[definition]") {
    auto const unknown = [](std::size_t i) { return fmt::format(R"("x{:05}abcdefghijklmnopqrstuvwxyz":1)", i); };
    auto const twice = [](std::size_t) { return std::string(R"("a":1)"); };
    auto const label = [](std::size_t i) { return fmt::format(R"("-{}":1)", i); };
    auto const variable = [](std::size_t i) { return fmt::format(R"({{"name":"{}"}})", i); };
    auto const number = [](std::size_t) { return std::string("1"); };
    auto const port = [](std::size_t) { return std::string(R"({"type":"x","hostPort":0})"); };
    for (auto const& text : {pod_with(listed(19'000, unknown)), pod_with(listed(19'000, twice)),
                             pod_with("\"labels\":{" + listed(19'000, label) + "}"),
                             pod_with("\"annotations\":{" + listed(19'000, label) + "}"),
                             pod_with_container("\"env\":[" + listed(9'000, variable) + "]"),
                             pod_with_container("\"args\":[" + listed(19'000, number) + "]"),
                             pod_with_container("\"ports\":[" + listed(6'000, port) + "]")}) {
        INFO(text.substr(0, 100));
        auto const parsed = parse_soon(text);
        REQUIRE(parsed.found.size() == limits::definition_problems_max + 1);
        CHECK(parsed.found.back().message == "there are more problems than are listed");
    }
}

TEST_CASE("a definition of a hundred mistakes is refused with all of them", "[definition]") {
    auto const unknown = [](std::size_t i) { return fmt::format(R"("x{}":1)", i); };
    auto const members = R"("spec":{"containers":[{"name":"a","image":"x"}]},)";
    auto const all = parse_soon(pod_with(members + listed(limits::definition_problems_max, unknown)));
    CHECK(all.found.size() == limits::definition_problems_max);
    CHECK(all.found.back().field == "x99");
}

TEST_CASE("warnings end, and say that there are more", "[definition]") {
    auto const port = [](std::size_t i) { return fmt::format(R"({{"containerPort":{},"type":"nodePort"}})", i + 1); };
    auto const parsed = parse_soon(pod_with_container("\"ports\":[" + listed(6'000, port) + "]"));
    CHECK(parsed.found.empty());
    CHECK(parsed.warnings.size() == 101);
    CHECK(parsed.warnings.back() == "There are more warnings than are listed.");
}

TEST_CASE("containers past the limit are not looked at", "[definition]") {
    // Each is expanded to as much as one word may have.
    auto const container = [](std::size_t i) {
        return fmt::format(
            R"({{"name":"a{}","image":"x","env":[{{"name":"A","value":"{}"}},{{"name":"B","value":"{}"}}],)"
            R"("args":["{}"]}})",
            i, std::string(100, 'x'), repeated("$(A)", 400), repeated("$(B)", 3));
    };
    auto const parsed = parse_soon(pod_with("\"spec\":{\"containers\":[" + listed(900, container) + "]}"));
    REQUIRE(parsed.found.size() == 1);
    CHECK_THAT(parsed.found[0].message, Catch::Contains("has 900 containers"));
}

TEST_CASE("long names and texts are shown by their beginnings", "[definition]") {
    auto const name = std::string(900'000, 'x');
    for (auto const& text :
         {pod_with("\"" + name + "\":1"), pod_with("\"labels\":{\"a\":\"" + name + "\"}"),
          pod_with("\"labels\":{\"" + name + "\":\"a\"}"), pod_with("\"tenant\":\"" + name + "\""),
          pod_with("\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"" + name + "\"}]}"),
          pod_with("\"spec\":{\"containers\":[{\"name\":\"" + name + "\",\"image\":\"x\"}]}"),
          pod_with_container("\"resources\":{\"limits\":{\"cpu\":\"" + name + "\"}}"),
          pod_with_container("\"resources\":{\"limits\":{\"cpu\":\"" + std::string(900'000, '1') + "\"}}"),
          pod_with_container("\"workingDir\":\"" + name + "\""),
          pod_with_container("\"env\":[{\"name\":\"1" + name + "\"}]")}) {
        INFO(text.substr(0, 100));
        CHECK_FALSE(parse_soon(text).found.empty());
    }
}

TEST_CASE("YAML that makes parsers work is refused soon", "[definition]") {
    std::string deep;
    for (std::size_t i = 0; i < 1'000; ++i) deep += std::string(i, ' ') + "a:\n";
    std::string unknown;
    for (int i = 0; i < 19'000; ++i) unknown += fmt::format("x{:05}abcdefghijklmnopqrstuvwxyz: 1\n", i);
    for (auto const& text : {"a: " + repeated("["),
                             "a: " + repeated("{"),
                             "k: " + repeated("{a:"),
                             "k: " + repeated("{a: "),
                             "a: " + repeated("[a, "),
                             "a: " + repeated("? "),
                             repeated("? "),
                             "a: " + repeated("'"),
                             "a: '" + repeated("''"),
                             "a: \"" + repeated("\\\""),
                             "a" + repeated(": "),
                             repeated("- "),
                             repeated("-\n"),
                             "a: " + repeated("&a "),
                             "a: " + repeated("!a "),
                             "a: " + repeated("*a "),
                             repeated("%TAG !a! x\n"),
                             repeated("%Y\n"),
                             repeated("---\n"),
                             repeated("--- a\n"),
                             repeated("...\n"),
                             repeated("#\n"),
                             "a: |\n" + repeated("\n"),
                             "a: >\n" + repeated(" \n"),
                             "a: " + repeated("a\n "),
                             "a: " + repeated("a "),
                             repeated("\t"),
                             repeated("\r"),
                             repeated(" "),
                             repeated("\xC2\x85"),
                             repeated("\xEF\xBB\xBF"),
                             "a: " + repeated("- a: "),
                             "- " + repeated("- a: b\n  "),
                             "{" + repeated("a, "),
                             "[" + repeated("a: b, "),
                             repeated("a:\n"),
                             "a: \"" + repeated("\\U0001F600"),
                             "a: [" + repeated("'a': "),
                             deep,
                             unknown}) {
        INFO(text.substr(0, 100));
        for (auto const& parsed : {parse_soon(text), parse_soon("---\n" + text.substr(0, bytes))})
            CHECK_FALSE(parsed.found.empty());
    }
}

// A character of YAML may be six of JSON, and a number of JSON longer when it is written again.
TEST_CASE("a definition that would be too long in the form in which it is kept is refused") {
    std::string bells;
    for (int i = 0; i < 120'000; ++i) bells += "\\a";
    auto const yaml = [](std::string const& value) {
        return "apiVersion: v1\nkind: Pod\nname: bell\nspec:\n  containers:\n  - name: a\n    image: b\n    env:\n"
               "    - {name: A, value: \"" +
               value + "\"}\n    - {name: B, value: \"" + value + "\"}\n";
    };
    auto const refused = parse_definition(yaml(bells));
    REQUIRE(refused.found.size() == 1);
    CHECK(refused.found[0].message.find("bytes as JSON, in which it is kept") != std::string::npos);
    auto const accepted = parse_definition(yaml(bells.substr(0, 120'000)));
    REQUIRE(accepted.found.empty());
    CHECK(parse_definition_json(accepted.definition.text).found.empty());
}

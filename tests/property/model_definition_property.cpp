// Properties: whatever the text, parsing ends with a definition or with problems that say something; the canonical
// text of what is accepted is accepted, makes the same definition, and is its own canonical text; a definition
// written as YAML's flow style, which JSON is, makes the same as JSON.
#include <rik/model/definition.hpp>

#include <rik/base/entropy.hpp>

#include "property/seed.hpp"

#include "support/catch.hpp"

#include <array>
#include <string>

using namespace rik;

namespace {

constexpr std::array<std::string_view, 4> samples{
    R"({"apiVersion":"v1","kind":"Pod","name":"web","replicas":3,"labels":{"app":"x"},"spec":{"containers":[{"name":"web",
"image":"nginx:1.25","env":[{"name":"K","value":"v"}],"command":["sh","-c","exit 0"],"ports":{"port":80,"target_port":8080,
"protocol":"TCP","type":"nodePort"},"resources":{"requests":{"cpu":0.5},"limits":{"cpu":"2","memory":"64Mi"}}}]}})",
    R"({"apiVersion":"v1","kind":"Function","name":"fn","spec":{"containers":[],"function":{"execution":{"rootfs":
"https://x.test/a.ext4"},"exposure":{"port":45001,"targetPort":8080,"type":"NodePort"}}}})",
    R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":{"containers":[{"name":"a","image":"x","ports":[{"containerPort":80,
"hostPort":8080},{"containerPort":53,"protocol":"UDP"}]}],"restartPolicy":"Never","terminationGracePeriodSeconds":5}})",
    "apiVersion: v1\nkind: Pod\nname: web\nspec:\n  hostname: web\n  containers:\n  - name: web\n    image: \"nginx\"\n"
    "    args: [a, 'b', \"c\"]\n    env:\n    - {name: A, value: |-\n        text}\n"};

constexpr std::array<std::string_view, 28> pieces{"{",         "}",
                                                  "[",         "]",
                                                  ",",         ":",
                                                  "\"",        "'",
                                                  "\n",        "\n  ",
                                                  "- ",        "null",
                                                  "true",      "-1",
                                                  "1e999",     "0x",
                                                  "&a ",       "*a",
                                                  "!!str ",    "---\n",
                                                  "...\n",     "\\u0000",
                                                  "\xff",      "|\n",
                                                  "? ",        "\"metadata\":{},",
                                                  "\"spec\":", "99999999999999999999"};

/// A few changes of the kinds that break parsers: bytes, holes, doublings, and pieces of syntax in the wrong place.
std::string mutated(std::string text, entropy& random) {
    auto const changes = 1 + random.below(6);
    for (std::uint64_t i = 0; i < changes && !text.empty(); ++i) {
        auto const where = random.below(text.size());
        switch (random.below(5)) {
            case 0: text[where] = static_cast<char>(random.below(256)); break;
            case 1: text.erase(where, 1 + random.below(20)); break;
            case 2: text.insert(where, pieces.at(random.below(pieces.size()))); break;
            case 3: text.insert(where, text.substr(random.below(text.size()), random.below(60))); break;
            default: text.resize(where); break;
        }
    }
    return text;
}

void check_problems(problems const& found) {
    for (auto const& problem : found) {
        CHECK((problem.code == errc::invalid || problem.code == errc::unsupported));
        CHECK_FALSE(problem.message.empty());
        CHECK_FALSE(problem.remedy.empty());
    }
}

void check_canonical(parsed_definition const& parsed) {
    if (!parsed.found.empty()) return;
    auto const again = parse_definition_json(parsed.definition.text);
    CHECK(again.found == problems{});
    CHECK(again.definition.text == parsed.definition.text);
    CHECK(again.definition.spec == parsed.definition.spec);
    CHECK(again.definition.name == parsed.definition.name);
    CHECK(again.definition.replicas == parsed.definition.replicas);
    CHECK(again.warnings == parsed.warnings);
}

}  // namespace

TEST_CASE("the samples are definitions", "[property][definition]") {
    for (std::size_t i = 0; i < 3; ++i) CHECK(parse_definition(samples.at(i)).found == problems{});
}

TEST_CASE("no text brings the parsers down", "[property][definition]") {
    seeded_entropy random(test_seed());
    for (int round = 0; round < 3000; ++round) {
        auto const sample = samples.at(random.below(samples.size()));
        auto const text = mutated(std::string(sample), random);
        INFO(text);
        for (auto const& parsed : {parse_definition_json(text), parse_definition_yaml(text)}) {
            check_problems(parsed.found);
            check_canonical(parsed);
        }
    }
}

TEST_CASE("JSON read as YAML makes the same definition", "[property][definition]") {
    for (std::size_t i = 0; i < 3; ++i) {
        auto const as_json = parse_definition_json(samples.at(i));
        auto const as_yaml = parse_definition_yaml(samples.at(i));
        CHECK(as_yaml.found == as_json.found);
        CHECK(as_yaml.definition.text == as_json.definition.text);
    }
}

// References to variables: what is expanded, what stays, and that it stays bounded.
#include <rik/base/limits.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/references.hpp>

#include "support/catch.hpp"

#include <array>
#include <ctime>
#include <string>

namespace rik {

namespace {

std::string expanded(std::string_view text) {
    reference_expander with(string_map{{"A", "one"}, {"EMPTY", ""}, {"LOOP", "$(LOOP)"}, {"a.b-c_1", "odd"}});
    auto const made = with.expand(text);
    return made ? *made : to_string(made.error());
}

}  // namespace

TEST_CASE("a text of open references is read in one go", "[unit][model]") {
    std::string open = "$(A)";
    while (open.size() < limits::expanded_bytes_max - 2) open += "$(";
    auto const began = std::clock();  // of this process: others may keep the machine busy
    CHECK(expanded(open) == "one" + open.substr(4));
    CHECK(std::clock() - began < CLOCKS_PER_SEC);
}

TEST_CASE("a reference to a known variable is its value, everything else stays", "[unit][model]") {
    CHECK(expanded("").empty());
    CHECK(expanded("plain") == "plain");
    CHECK(expanded("$(A)") == "one");
    CHECK(expanded("x$(A)y$(A)") == "xoneyone");
    CHECK(expanded("[$(EMPTY)]") == "[]");
    CHECK(expanded("$(a.b-c_1)") == "odd");
    CHECK(expanded("$(NOBODY)") == "$(NOBODY)");
    CHECK(expanded("$(date +%s)") == "$(date +%s)");
    CHECK(expanded("$A ${A} $") == "$A ${A} $");
    CHECK(expanded("$(A") == "$(A");
    CHECK(expanded("$()") == "$()");
    CHECK(expanded("$(LOOP)") == "$(LOOP)");
    CHECK(expanded("$($(A))") == "$($(A))");
}

// Source: the table of cases of Kubernetes' third_party/forked/golang/expansion, in our own words.
TEST_CASE("two dollars are one, and what follows is no reference", "[unit][model]") {
    CHECK(expanded("$$") == "$");
    CHECK(expanded("$$$") == "$$");
    CHECK(expanded("$$(A)") == "$(A)");
    CHECK(expanded("$$$(A)") == "$one");
    CHECK(expanded("$$$$(A)") == "$$(A)");
    CHECK(expanded("$$A") == "$A");
}

TEST_CASE("a variable refers to those before it, and commands refer to all", "[unit][model]") {
    container_definition of{.name = "c", .image = "i"};
    of.env = {{"B", "$(C)"}, {"C", "c"}, {"D", "$(C)$(OUTER)"}};
    of.command = {{"run", "$(D)"}};
    of.args = {{"$(B)"}};
    auto const made = expand_references(of, {{"OUTER", "o"}});
    REQUIRE(made.has_value());
    CHECK(made->env == std::vector<environment_variable>{{"B", "$(C)"}, {"C", "c"}, {"D", "co"}});
    CHECK(made->command == std::vector<std::string>{"run", "co"});
    CHECK(made->args == std::vector<std::string>{"$(C)"});
}

TEST_CASE("values that double each other are refused when they are created, with their path", "[unit][model]") {
    std::string env;
    for (int i = 0; i < 64; ++i)
        env += R"(,{"name":"V)" + std::to_string(i + 1) + R"(","value":"$(V)" + std::to_string(i) + ")$(V" +
               std::to_string(i) + R"x()"})x";
    auto const parsed = parse_definition(
        R"({"apiVersion":"v1","kind":"Pod","name":"p","replicas":1,"spec":{"containers":[{"name":"c","image":"i",)"
        R"("env":[{"name":"V0","value":"xxxxxxxx"})" +
        env + "]}]}}");
    REQUIRE(parsed.found.size() == 1);
    CHECK(parsed.found[0].code == errc::invalid);
    CHECK(parsed.found[0].field == "spec.containers[0].env[17].value");
}

TEST_CASE("what is escaped comes out as it was, whatever it is", "[unit][model]") {
    constexpr std::array letters{'$', '(', ')', 'A'};
    constexpr unsigned length_max = 6;
    for (unsigned length = 0; length <= length_max; ++length) {
        for (unsigned number = 0; number < 1u << 2 * length; ++number) {  // two bits for each letter
            std::string text;
            for (unsigned at = 0; at < length; ++at) text += letters[number >> 2 * at & 3];
            if (expanded(escape_references(text)) != text) FAIL(text);
        }
    }
    SUCCEED();
}

}  // namespace rik

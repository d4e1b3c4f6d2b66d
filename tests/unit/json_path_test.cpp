#include <rik/client/json_path.hpp>

#include "support/catch.hpp"

#include <string>

using namespace rik;

namespace {

constexpr std::string_view list =
    R"({"items":[{"name":"a","state":"running","node":{"name":"n1"},"ports":[80,443],"labels":{"x.io/y":"z"}},
                 {"name":"b","state":"failed","node":null,"ports":[],"ready":true}],"total":2})";

std::string printed(std::string_view path) {
    INFO(path);
    auto const read = json_path::parse(path);
    if (!read) CHECK(to_string(read.error()) == "");
    REQUIRE(read.has_value());
    return *read->print(list);
}

}  // namespace

TEST_CASE("a path prints what it leads to", "[jsonpath]") {
    CHECK(printed("{.items[*].name}") == "a b");
    CHECK(printed(".items[*].name") == "a b");
    CHECK(printed("items[0].name") == "a");
    CHECK(printed("{$.total}") == "2");
    CHECK(printed("{.items[-1].name}") == "b");
    CHECK(printed("{.items[0:1].name}{.items[1:].name}") == "ab");
    CHECK(printed("{.items[0].ports[0,1]}") == "80 443");
    CHECK(printed("{.items[0].ports}") == "[80,443]");
    CHECK(printed("{.items[0].labels.x\\.io/y}") == "z");
    CHECK(printed("{.items[0].labels['x.io/y']}") == "z");
    CHECK(printed("{..name}") == "a n1 b");
    CHECK(printed("{.items[1].node}") == "");
    CHECK(printed("{.items[7].name}{.nothing.at.all}") == "");
}

TEST_CASE("a condition chooses elements", "[jsonpath]") {
    CHECK(printed(R"({.items[?(@.state=="running")].name})") == "a");
    CHECK(printed(R"({.items[?(@.state!='running')].name})") == "b");
    CHECK(printed("{.items[?(@.ready)].name}") == "b");
    CHECK(printed("{.items[?(@.ready==true)].name}") == "b");
    CHECK(printed("{.items[0].ports[?(@>100)]}") == "443");
    CHECK(printed("{.items[?(@.ports[0]<=80)].name}") == "a");
    CHECK(printed("{.items[?(@.name==$.items[1].name)].name}") == "b");
}

TEST_CASE("a range repeats what is inside", "[jsonpath]") {
    CHECK(printed(R"({range .items[*]}{.name}{"\t"}{.state}{"\n"}{end})") == "a\trunning\nb\tfailed\n");
    CHECK(printed(R"(all: {range .items[*]}[{range .ports[*]}{@} {end}]{end}!)") == "all: [80 443 ][]!");
    CHECK(printed(R"({.total " of " .items[0].name})") == "2 of a");
}

TEST_CASE("a wrong path is told with its column", "[jsonpath]") {
    for (auto const* wrong : {"{.items[}", "{.items[*].name", "{range .items[*]}{.name}", "{end}", "{.a[?(@.b=='x)]}",
                              "{.a[?(@.b==)]}", "{.a[x]}", "{,}", "{.a[1,]}", "{.a[?(.b]}"}) {
        INFO(wrong);
        auto const read = json_path::parse(wrong);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == errc::invalid);
        CHECK(read.error().message.find("column") != std::string::npos);
    }
    CHECK(json_path::parse("{.a}")->print("{").error().code == errc::corrupt);
}

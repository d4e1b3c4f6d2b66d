#include <rik/base/utf8.hpp>

#include "support/catch.hpp"

using rik::find_not_utf8;
using rik::is_utf8;
using rik::to_utf8;

TEST_CASE("what is UTF-8 stays as it is", "[utf8]") {
    for (auto const* text : {"", "plain", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x9A\x80", "\xF4\x8F\xBF\xBF"}) {
        CAPTURE(text);
        CHECK(is_utf8(text));
        CHECK(to_utf8(text) == text);
    }
}

TEST_CASE("a byte that is not UTF-8 is found and replaced", "[utf8]") {
    CHECK(find_not_utf8("ab\xff") == 2);
    for (auto const* text : {"\xff", "\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                             "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82"}) {
        CAPTURE(text);
        CHECK_FALSE(is_utf8(text));
        CHECK(is_utf8(to_utf8(text)));
    }
    CHECK(to_utf8("bad \xff name") == "bad \xEF\xBF\xBD name");
    CHECK(to_utf8("\xE2\x82z") == "\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST_CASE("a long text is cut between characters and says so", "[utf8]") {
    CHECK(to_utf8("123456", 6) == "123456");
    CHECK(to_utf8("1234567", 6) == "123...");
    CHECK(to_utf8("12\xE2\x82\xAC\xE2\x82\xAC", 7) == "12...");
    CHECK(to_utf8("12\xE2\x82\xAC\xE2\x82\xAC", 8) == "12\xE2\x82\xAC\xE2\x82\xAC");
    CHECK(to_utf8("\xff\xff\xff", 3) == "...");
}

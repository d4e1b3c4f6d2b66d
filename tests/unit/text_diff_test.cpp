// What differs between two texts, in the form that people know.
#include <rik/client/text_diff.hpp>

#include "support/catch.hpp"

#include <string>

using rik::unified_diff;

TEST_CASE("equal texts have no diff") {
    CHECK(unified_diff("a\nb\n", "a\nb\n", "x", "y").empty());
    CHECK(unified_diff("", "", "x", "y").empty());
}

TEST_CASE("a diff is as diff -u writes it") {
    CHECK(unified_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", "x", "y") ==
          "--- x\n+++ y\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
    CHECK(unified_diff("", "a\nb\n", "x", "y") == "--- x\n+++ y\n@@ -0,0 +1,2 @@\n+a\n+b\n");
    CHECK(unified_diff("a\n", "", "x", "y") == "--- x\n+++ y\n@@ -1 +0,0 @@\n-a\n");
    CHECK(unified_diff("a\nb\n", "a\nc\nb\n", "x", "y") == "--- x\n+++ y\n@@ -1,2 +1,3 @@\n a\n+c\n b\n");
}

TEST_CASE("changes far from each other have a hunk each, near ones share one") {
    std::string before, near, far;
    for (int i = 0; i < 30; ++i) {
        auto const line = std::to_string(i) + "\n";
        before += line;
        near += i == 3 || i == 10 ? "x\n" : line;
        far += i == 3 || i == 11 ? "x\n" : line;
    }
    auto const hunks = [](std::string const& text) {
        std::size_t count = 0;
        for (auto at = text.find("@@ -"); at != text.npos; at = text.find("@@ -", at + 1)) ++count;
        return count;
    };
    CHECK(hunks(unified_diff(before, near, "x", "y")) == 1);
    CHECK(hunks(unified_diff(before, far, "x", "y")) == 2);
}

TEST_CASE("of large texts that differ in all, the middle is replaced") {
    std::string before, after;
    for (int i = 0; i < 3'000; ++i) {
        before += "a" + std::to_string(i) + "\n";
        after += "b" + std::to_string(i) + "\n";
    }
    auto const text = unified_diff(before, after, "x", "y");
    CHECK(text.starts_with("--- x\n+++ y\n@@ -1,3000 +1,3000 @@\n-a0\n-a1\n"));
}

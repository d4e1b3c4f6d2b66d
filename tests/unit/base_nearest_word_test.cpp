#include <rik/base/nearest_word.hpp>

#include "support/catch.hpp"

#include <string>

namespace {

std::string nearest(std::string_view written) {
    rik::nearest_word search(written);
    for (auto const* known : {"stdout", "stderr", "follow", "tail", "timestamps", "since"}) search.consider(known);
    return std::string(search.found().value_or("none"));
}

}  // namespace

TEST_CASE("the word that was meant differs in at most every third letter, or in one", "[nearest_word]") {
    CHECK(nearest("stdot") == "stdout");
    CHECK(nearest("StdErr") == "stderr");
    CHECK(nearest("tale") == "none");
    CHECK(nearest("tai") == "tail");
    CHECK(nearest("flolow") == "follow");
    CHECK(nearest("sicne") == "since");
    CHECK(nearest("timestamp") == "timestamps");
    for (auto const* written : {"", "x", "foo", "everything"}) CHECK(nearest(written) == "none");
}

TEST_CASE("the first of several words that are as near is taken, and huge ones are not compared", "[nearest_word]") {
    CHECK(rik::nearest_word("ac").consider("ab").consider("ad").found() == "ab");
    CHECK_FALSE(rik::nearest_word(std::string(65, 'a')).consider(std::string(64, 'a')).found());
}

#include "names_detail.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace rik::detail {

namespace {

constexpr std::array<std::string_view, 32> adjectives{
    "amber",  "bold",  "brave",  "brisk",  "calm",   "clever", "cosmic", "crisp", "eager", "early",  "fair",
    "fond",   "free",  "gentle", "glad",   "golden", "happy",  "jolly",  "keen",  "kind",  "lively", "lucky",
    "mellow", "merry", "neat",   "nimble", "proud",  "quick",  "quiet",  "sunny", "swift", "warm"};
constexpr std::array<std::string_view, 32> animals{
    "badger", "bear", "bee",   "bird", "cat",   "crane", "crow",  "deer",  "dove",  "duck", "eagle",
    "finch",  "fox",  "frog",  "goat", "gull",  "hare",  "hawk",  "heron", "horse", "lark", "lion",
    "lynx",   "mole", "moose", "moth", "otter", "owl",   "panda", "robin", "seal",  "wolf"};

}  // namespace

std::string make_name(entropy& random) {
    auto const adjective = random.below(adjectives.size());
    auto const animal = random.below(animals.size());
    auto const number = random.below(9000) + 1000;
    return fmt::format("{}-{}-{}", adjectives[adjective], animals[animal], number);
}

}  // namespace rik::detail

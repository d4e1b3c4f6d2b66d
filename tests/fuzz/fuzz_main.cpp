// Runs a fuzz target without a fuzzer: over its corpus, and over what a seed makes of it. The same on every machine.
#include <rik/base/entropy.hpp>

#include <support/seed.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

constexpr std::uint64_t seed_count = 2'000;
constexpr std::size_t changes_max = 6;
constexpr std::array<std::string_view, 20> words{
    "\0",   "\n", "\r\n", "\xff",    "\xc3",     "{",     "}",
    "[",    "]",  "\"",   "\\u0000", "-1",       "1e999", "99999999999999999999",
    "null", "$(", "$$",   ":",       "@sha256:", "../"};

using inputs = std::vector<std::string>;

inputs read_corpus(std::filesystem::path const& directory) {
    std::vector<std::filesystem::path> files;
    for (auto const& each : std::filesystem::directory_iterator(directory)) files.push_back(each.path());
    std::sort(files.begin(), files.end());
    inputs found{""};
    for (auto const& file : files) {
        std::ifstream in(file, std::ios::binary);
        found.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return found;
}

void change(std::string& text, inputs const& corpus, rik::entropy& random) {
    auto const at = random.below(text.size() + 1);
    auto const size = random.below(std::min<std::size_t>(text.size() - at, 32) + 1);
    switch (random.below(5)) {
        case 0: text.insert(at, words[random.below(words.size())]); break;
        case 1: text.erase(at, size); break;
        case 2: text.insert(at, std::string(text, at, size)); break;
        case 3:
            if (at < text.size()) text[at] = static_cast<char>(random.below(256));
            break;
        default: {
            auto const& other = corpus[random.below(corpus.size())];
            auto const from = random.below(other.size() + 1);
            text.replace(at, size, other, from, size);
        }
    }
}

void try_one(std::string const& text) {
    LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(text.data()), text.size());
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 2) {
        std::fprintf(stderr, "usage: %s CORPUS_DIRECTORY   (RIK_SEED=N: one seed alone)\n", arguments[0]);
        return EXIT_FAILURE;
    }
    auto const corpus = read_corpus(arguments[1]);
    for (auto const& each : corpus) try_one(each);
    for (auto const seed : rik::testing::seeds(seed_count)) {
        rik::seeded_entropy random(seed);
        std::printf("RIK_SEED=%llu\r", static_cast<unsigned long long>(seed));  // the last that is seen is to blame
        std::fflush(stdout);
        for (auto text : corpus) {
            for (auto left = 1 + random.below(changes_max); left > 0; --left) change(text, corpus, random);
            try_one(text);
        }
    }
    std::printf("%zu inputs and %llu changes of each\n", corpus.size(), static_cast<unsigned long long>(seed_count));
    return EXIT_SUCCESS;
}

// Properties: a name made of legal parts is taken, and falls into these parts; what a definition may have as its image
// the image store takes, and keeps under a file name of its own; no text brings the parser down.
#include "runtime/oci/image_source_detail.hpp"

#include <rik/base/entropy.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/image_name.hpp>

#include "property/seed.hpp"

#include "support/catch.hpp"

#include <array>
#include <map>
#include <string>
#include <string_view>

using namespace rik;

namespace {

template <std::size_t Count>
std::string one_of(std::array<std::string_view, Count> const& all, entropy& random) {
    return std::string(all.at(random.below(Count)));
}

constexpr std::array<std::string_view, 9> registries{
    "", "", "localhost", "r.io", "REG.example.com:5000", "a:1", "[::1]", "[fe80::1]:5000", "127.0.0.1:65535"};
constexpr std::array<std::string_view, 8> components{"a", "0", "team", "a.b", "a_b", "a__b", "a---b", "x-1.y_2"};
constexpr std::array<std::string_view, 7> tags{"", "", "latest", "1.0", "_x", "V1-rc.2", "timeout"};
constexpr std::array<std::string_view, 6> folders{"/srv", "/a+b", "/..a", "/\xc3\xa4", "/x%2f", "/@,;"};
constexpr std::array<std::string_view, 5> references{"", "1", "_x+y", "busybox:1", "r.io:5000/a/b:1"};

image_name random_parts(entropy& random) {
    image_name name;
    if (random.below(3) == 0) {
        name.transport = random.below(2) == 0 ? image_transport::oci_layout : image_transport::docker_archive;
        for (std::uint64_t i = 0; i <= random.below(6); ++i) name.path += one_of(folders, random);
        name.reference = one_of(references, random);
        return name;
    }
    name.registry = one_of(registries, random);
    name.repository = one_of(components, random);
    // What looks like a host before the first '/' is one.
    if (name.registry.empty() && name.repository.find('.') != std::string::npos) name.repository = "team";
    for (std::uint64_t i = 0; i < random.below(20); ++i) name.repository += "/" + one_of(components, random);
    name.tag = one_of(tags, random);
    if (random.below(3) == 0) name.digest = "sha256:" + std::string(64, "0af"[random.below(3)]);
    return name;
}

std::string text_of(image_name const& name) {
    auto const with = [](std::string_view mark, std::string const& part) {
        return part.empty() ? "" : std::string(mark) + part;
    };
    if (name.transport == image_transport::oci_layout) return "oci:" + name.path + with(":", name.reference);
    if (name.transport == image_transport::docker_archive) {
        return "docker-archive:" + name.path + with(":", name.reference);
    }
    return (name.registry.empty() ? "" : name.registry + "/") + name.repository + with(":", name.tag) +
           with("@", name.digest);
}

constexpr std::array<std::string_view, 18> pieces{"/",   "//",   ":",       "@",       "..",         "/../",
                                                  "/./", "-",    "_",       "oci:",    "docker://",  " ",
                                                  "\n",  "\x7f", "sha256:", "sha512:", "localhost/", "\xff"};

std::string mutated(std::string text, entropy& random) {
    for (std::uint64_t i = 0; i <= random.below(3) && !text.empty(); ++i) {
        auto const where = random.below(text.size());
        switch (random.below(4)) {
            case 0: text[where] = static_cast<char>(random.below(256)); break;
            case 1: text.erase(where, 1 + random.below(4)); break;
            case 2: text.insert(where, one_of(pieces, random)); break;
            default: text.insert(where, text.substr(random.below(text.size()), random.below(100))); break;
        }
    }
    return text;
}

bool is_accepted_in_definition(std::string const& image) {
    std::string quoted;
    for (auto const c : image) quoted += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    return parse_definition_json(
               R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":{"containers":[{"name":"a","image":")" + quoted +
               R"("}]}})")
        .found.empty();
}

/// The names by their keys: two have the same only if they mean the same.
void check_both_ends(std::string const& text, std::map<std::string, std::string>& keys) {
    auto const source = detail::parse_image_source(text);
    if (is_accepted_in_definition(text)) CHECK(source.has_value());
    CHECK(source.has_value() == parse_image_name(text).has_value());
    if (!source) {
        CHECK(source.error().code == errc::invalid);
        CHECK_FALSE(source.error().remedy.empty());
        return;
    }
    CHECK_FALSE(source->location.empty());
    CHECK(source->key.size() <= image_name_bytes_max);
    CHECK(source->key.find('/') == std::string::npos);
    CHECK(source->key != "..");
    auto const meaning = short_name(*parse_image_name(text));
    CHECK(keys.try_emplace(source->key, meaning).first->second == meaning);
}

}  // namespace

TEST_CASE("a name made of legal parts is taken at both ends, and falls into these parts", "[property][images]") {
    seeded_entropy random(test_seed());
    std::map<std::string, std::string> keys;
    for (int round = 0; round < 3000; ++round) {
        auto const parts = random_parts(random);
        auto const text = text_of(parts);
        CAPTURE(text);
        auto const parsed = parse_image_name(text);
        if (text.size() <= image_name_bytes_max / 3) CHECK(parsed.has_value());
        if (parsed) CHECK((*parsed == parts));
        CHECK(is_accepted_in_definition(text) == parsed.has_value());
        check_both_ends(text, keys);
        if (parts.transport == image_transport::registry && parsed) check_both_ends("docker://" + text, keys);
    }
}

TEST_CASE("what a definition may name the image store takes, whatever the text", "[property][images]") {
    seeded_entropy random(test_seed());
    std::map<std::string, std::string> keys;
    for (int round = 0; round < 20'000; ++round) {
        auto const text = mutated(text_of(random_parts(random)), random);
        CAPTURE(text);
        check_both_ends(text, keys);
    }
}

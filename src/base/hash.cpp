#include <rik/base/hash.hpp>

#include <fmt/format.h>

namespace rik {

std::uint64_t fnv1a(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (auto const byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
    return hash;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
    auto mixed = hash * 0x9e3779b97f4a7c15u + word + 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

std::string short_tag(std::string_view text) {
    auto const hash = fnv1a(text);
    return fmt::format("{:08x}", static_cast<std::uint32_t>(hash ^ (hash >> 32)));
}

}  // namespace rik

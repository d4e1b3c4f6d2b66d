// Fixed hashes: the same on every machine, compiler and version, so that their values may be stored and used in names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rik {

/// Returns the 64-bit FNV-1a hash. Do not use it for input that an attacker chooses.
std::uint64_t fnv1a(std::string_view bytes);

/// Returns a hash of `hash`, a hash so far, and one more word: each bit of either changes about half of the bits. The
/// same warning holds.   Source: the finalizer of SplitMix64
std::uint64_t mix(std::uint64_t hash, std::uint64_t word);

/// Returns eight hex digits that stand for `text` in the names of kernel objects, which must be short. The tag of a
/// state directory's path keeps several riks on one machine apart.
std::string short_tag(std::string_view text);

}  // namespace rik

// Fixed hashes: the same on every machine, compiler and version, so their values may be stored and named after.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rik {

/// FNV-1a, 64 bit. Not for anything that an attacker chooses.
std::uint64_t fnv1a(std::string_view bytes);

/// Eight hex digits that stand for `text` in the names of kernel objects, which are short: of a state directory's path
/// they keep several riks on one machine apart.
std::string short_tag(std::string_view text);

}  // namespace rik

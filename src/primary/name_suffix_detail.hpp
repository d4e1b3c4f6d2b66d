// Names that are made up from another one: "web-x2k4v".
#pragma once

#include <rik/base/entropy.hpp>

#include <string>
#include <string_view>

namespace rik::detail {

inline constexpr std::size_t name_suffix_size = 5;

/// `base`, a hyphen and five letters; the first such name of which `is_free` says so, or after a hundred tries any.
template <class IsFree>
std::string name_with_suffix(entropy& random, std::string base, IsFree is_free) {
    // Without vowels, so that no word comes out, and without what looks alike.   Source: Kubernetes, util/rand
    constexpr std::string_view letters = "bcdfghjklmnpqrstvwxz2456789";
    constexpr int tries_max = 100;
    std::string name;
    for (int i = 0; i < tries_max; ++i) {
        name = base + '-';
        for (std::size_t letter = 0; letter < name_suffix_size; ++letter) name += letters[random.below(letters.size())];
        if (is_free(std::string_view(name))) break;
    }
    return name;
}

}  // namespace rik::detail

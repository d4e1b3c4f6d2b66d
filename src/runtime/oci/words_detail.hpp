// Lines of words with one space between them.
#pragma once

#include <algorithm>
#include <string_view>

namespace rik::detail {

/// Takes the first word and the space behind it off `line`.
inline std::string_view next_word(std::string_view& line) {
    auto const word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return word;
}

}  // namespace rik::detail

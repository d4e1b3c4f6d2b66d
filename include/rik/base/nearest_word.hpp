// Finds the known word that was probably meant by a misspelt one.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace rik {

/// Compares what was written with known words, one after the other, ignoring case. A known word can have been meant if
/// adding, removing or changing letters, or swapping neighbours, turns what was written into it, and if no more than a
/// third of the letters (but always one) are touched.
class nearest_word {
public:
    /// `written` must outlive this.
    explicit nearest_word(std::string_view written);

    /// `known` must outlive what `found` gives.
    nearest_word& consider(std::string_view known);
    /// Returns the nearest word, or the first of several that are equally near; nullopt if none can have been meant.
    std::optional<std::string_view> found() const { return nearest_; }

private:
    std::string_view written_;
    std::size_t distance_limit_;  // a word must be nearer
    std::optional<std::string_view> nearest_;
};

}  // namespace rik

// The known word that was probably meant by one that is not known.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace rik {

/// Looks at known words one after the other. A word was meant if at most every third letter, or one, must be added,
/// removed, changed or swapped with the next to make it of what was written, in whatever case.
class nearest_word {
public:
    /// `written` must outlive this.
    explicit nearest_word(std::string_view written);

    /// `known` must outlive what `found` gives.
    nearest_word& consider(std::string_view known);
    /// The nearest of them, the first of several that are as near; nullopt if none can have been meant.
    std::optional<std::string_view> found() const { return nearest_; }

private:
    std::string_view written_;
    std::size_t distance_limit_;  // a word must be nearer
    std::optional<std::string_view> nearest_;
};

}  // namespace rik

#include <rik/base/nearest_word.hpp>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>
#include <vector>

namespace rik {

namespace {

constexpr std::size_t bytes_worth_comparing = 64;

char lower(char letter) { return static_cast<char>(std::tolower(static_cast<unsigned char>(letter))); }

/// How many letters must be added, removed, changed or swapped with the next to make `right` of `left`, in whatever
/// case.
std::size_t edit_distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> before(right.size() + 1);  // the row before the last
    std::vector<std::size_t> last(right.size() + 1);
    std::vector<std::size_t> row(right.size() + 1);
    auto const are_same = [&](std::size_t i, std::size_t j) { return lower(left[i]) == lower(right[j]); };
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 0; i < left.size(); ++i) {
        row[0] = i + 1;
        for (std::size_t j = 0; j < right.size(); ++j) {
            row[j + 1] = std::min({last[j] + (are_same(i, j) ? 0 : 1), last[j + 1] + 1, row[j] + 1});
            auto const is_swapped = i > 0 && j > 0 && are_same(i, j - 1) && are_same(i - 1, j);
            if (is_swapped) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last.back();
}

}  // namespace

nearest_word::nearest_word(std::string_view written)
    : written_(written),
      distance_limit_(written.size() > bytes_worth_comparing ? 0 : std::max(std::size_t{1}, written.size() / 3) + 1) {}

nearest_word& nearest_word::consider(std::string_view known) {
    auto const [shorter, longer] =
        std::minmax({written_.size(), known.size()});  // a list: its pair holds no references
    if (longer - shorter >= distance_limit_) return *this;
    auto const distance = edit_distance(written_, known);
    if (distance >= distance_limit_) return *this;
    distance_limit_ = distance;
    nearest_ = known;
    return *this;
}

}  // namespace rik

#include <rik/client/text_diff.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace rik {

namespace {

constexpr std::size_t context_count = 3;
constexpr std::size_t table_cells_max = 4'000'000;  ///< of the longest common subsequence: 16 MB

using lines = std::vector<std::string_view>;

/// A line, and in which of the texts it is: ' ' both, '-' the first, '+' the second.
struct diff_line {
    char where;
    std::string_view text;
};

lines split_lines(std::string_view text) {
    lines all;
    while (!text.empty()) {
        auto const end = std::min(text.find('\n'), text.size());
        all.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return all;
}

void add(std::vector<diff_line>& to, char where, lines const& from, std::size_t begin, std::size_t end) {
    for (; begin < end; ++begin) to.push_back({where, from[begin]});
}

/// How many lines two parts have in common, from each pair of places on.
class common_table {
public:
    common_table(lines const& a, lines const& b) : width_(b.size() + 1), counts_((a.size() + 1) * width_, 0) {
        for (auto i = a.size(); i-- > 0;)
            for (auto j = b.size(); j-- > 0;)
                at(i, j) = a[i] == b[j] ? get(i + 1, j + 1) + 1 : std::max(get(i + 1, j), get(i, j + 1));
    }
    std::uint32_t get(std::size_t i, std::size_t j) const { return counts_[i * width_ + j]; }

private:
    std::uint32_t& at(std::size_t i, std::size_t j) { return counts_[i * width_ + j]; }

    std::size_t width_;
    std::vector<std::uint32_t> counts_;
};

/// What is taken off stands before what comes in its place.
void add_middle(std::vector<diff_line>& to, lines const& a, lines const& b) {
    if ((a.size() + 1) * (b.size() + 1) > table_cells_max) {
        add(to, '-', a, 0, a.size());
        add(to, '+', b, 0, b.size());
        return;
    }
    common_table const common(a, b);
    std::size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
        if (a[i] == b[j]) {
            to.push_back({' ', a[i]});
            ++i;
            ++j;
        } else if (common.get(i + 1, j) >= common.get(i, j + 1)) {
            to.push_back({'-', a[i++]});
        } else {
            to.push_back({'+', b[j++]});
        }
    }
    add(to, '-', a, i, a.size());
    add(to, '+', b, j, b.size());
}

std::vector<diff_line> compare(lines const& a, lines const& b) {
    auto const shorter = std::min(a.size(), b.size());
    std::size_t head = 0, tail = 0;
    while (head < shorter && a[head] == b[head]) ++head;
    while (tail < shorter - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
    auto const middle = [&](lines const& of) {
        return lines(of.begin() + static_cast<std::ptrdiff_t>(head), of.end() - static_cast<std::ptrdiff_t>(tail));
    };
    std::vector<diff_line> all;
    add(all, ' ', a, 0, head);
    add_middle(all, middle(a), middle(b));
    add(all, ' ', a, a.size() - tail, a.size());
    return all;
}

/// "3,7"; of nothing the place before it.
std::string range_text(std::size_t begin, std::size_t count) {
    auto const first = count == 0 ? begin : begin + 1;
    return count == 1 ? fmt::format("{}", first) : fmt::format("{},{}", first, count);
}

/// The end of the hunk that begins at a change: behind it come more than twice as many common lines as context.
std::size_t end_of_changes(std::vector<diff_line> const& all, std::size_t from) {
    auto end = from;
    for (auto at = from; at < all.size() && at - end <= 2 * context_count; ++at)
        if (all[at].where != ' ') end = at + 1;
    return end;
}

std::size_t count_in(std::vector<diff_line> const& all, std::size_t begin, std::size_t end, char other) {
    std::size_t count = 0;
    for (; begin < end; ++begin) count += all[begin].where == other ? 0 : 1;
    return count;
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after, std::string_view before_name,
                         std::string_view after_name) {
    auto const all = compare(split_lines(before), split_lines(after));
    std::string text;
    for (std::size_t at = 0; at < all.size(); ++at) {
        if (all[at].where == ' ') continue;
        if (text.empty()) text = fmt::format("--- {}\n+++ {}\n", before_name, after_name);
        auto const begin = at - std::min(at, context_count);
        auto const changed = end_of_changes(all, at);
        auto const end = std::min(all.size(), changed + context_count);
        text += fmt::format("@@ -{} +{} @@\n", range_text(count_in(all, 0, begin, '+'), count_in(all, begin, end, '+')),
                            range_text(count_in(all, 0, begin, '-'), count_in(all, begin, end, '-')));
        for (auto i = begin; i < end; ++i) text += fmt::format("{}{}\n", all[i].where, all[i].text);
        at = end - 1;
    }
    return text;
}

}  // namespace rik

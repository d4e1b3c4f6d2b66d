#include <rik/model/index_set.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace rik {

namespace {

/// The first range that ends at `index` or behind it.
auto first_reaching(auto& ranges, std::uint32_t index) {
    return std::ranges::lower_bound(ranges, index, {}, &index_set::range::last);
}

std::uint64_t width(index_set::range const& of) { return std::uint64_t{of.last} - of.first + 1; }

void write(std::string& into, std::uint32_t number) {
    std::array<char, std::numeric_limits<std::uint32_t>::digits10 + 2> digits;
    into.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

/// Takes a number from the beginning of `text`; one with a sign, or with a zero before it, is none.
std::optional<std::uint32_t> take_number(std::string_view& text) {
    std::uint32_t number = 0;
    auto const [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    auto const size = static_cast<std::size_t>(stop - text.data());
    if (failed != std::errc() || (size > 1 && text.front() == '0')) return std::nullopt;
    text.remove_prefix(size);
    return number;
}

std::optional<index_set::range> take_range(std::string_view& text) {
    auto const first = take_number(text);
    if (!first) return std::nullopt;
    if (!text.starts_with('-')) return index_set::range{*first, *first};
    text.remove_prefix(1);
    auto const last = take_number(text);
    if (!last || *last < *first) return std::nullopt;
    return index_set::range{*first, *last};
}

}  // namespace

bool index_set::contains(std::uint32_t index) const {
    auto const found = first_reaching(ranges_, index);
    return found != ranges_.end() && found->first <= index;
}

bool index_set::insert(std::uint32_t index) {
    auto const next = first_reaching(ranges_, index);
    if (next != ranges_.end() && next->first <= index) return false;
    auto const touches_next = next != ranges_.end() && next->first == index + 1;
    auto const has_before = next != ranges_.begin();
    auto const touches_before = has_before && (next - 1)->last + 1 == index;
    if (touches_before && touches_next) {
        (next - 1)->last = next->last;
        ranges_.erase(next);
    } else if (touches_before) {
        (next - 1)->last = index;
    } else if (touches_next) {
        next->first = index;
    } else {
        ranges_.insert(next, range{index, index});
    }
    return true;
}

void index_set::append(range next) {
    if (!ranges_.empty() && ranges_.back().last + 1 == next.first)
        ranges_.back().last = next.last;
    else
        ranges_.push_back(next);
}

bool index_set::erase(std::uint32_t index) {
    auto const found = first_reaching(ranges_, index);
    if (found == ranges_.end() || found->first > index) return false;
    auto const whole = *found;
    if (whole.first == whole.last) {
        ranges_.erase(found);
    } else if (whole.first == index) {
        ++found->first;
    } else if (whole.last == index) {
        --found->last;
    } else {
        found->last = index - 1;
        ranges_.insert(found + 1, range{index + 1, whole.last});
    }
    return true;
}

std::uint64_t index_set::size() const {
    std::uint64_t sum = 0;
    for (auto const& each : ranges_) sum += width(each);
    return sum;
}

std::uint64_t index_set::count_below(std::uint64_t end) const {
    std::uint64_t sum = 0;
    for (auto const& each : ranges_) {
        if (each.first >= end) break;
        sum += std::min<std::uint64_t>(each.last, end - 1) - each.first + 1;
    }
    return sum;
}

std::uint64_t index_set::count_shared(index_set const& other) const {
    std::uint64_t sum = 0;
    auto a = ranges_.begin();
    auto b = other.ranges_.begin();
    while (a != ranges_.end() && b != other.ranges_.end()) {
        auto const first = std::max(a->first, b->first);
        auto const last = std::min(a->last, b->last);
        if (first <= last) sum += width({first, last});
        if (a->last < b->last)
            ++a;
        else
            ++b;
    }
    return sum;
}

std::string to_string(index_set const& of) {
    std::string text;
    for (auto const& each : of.ranges()) {
        if (!text.empty()) text += ',';
        write(text, each.first);
        if (each.first == each.last) continue;
        text += each.last == each.first + 1 ? ',' : '-';
        write(text, each.last);
    }
    return text;
}

std::optional<index_set> parse_index_set(std::string_view text) {
    index_set read;
    std::optional<std::uint32_t> last;
    while (!text.empty()) {
        auto const next = take_range(text);
        if (!next || (last && next->first <= *last)) return std::nullopt;
        auto const has_comma = text.starts_with(',');
        if (!has_comma && !text.empty()) return std::nullopt;
        if (!text.empty()) text.remove_prefix(1);
        if (has_comma && text.empty()) return std::nullopt;
        read.append(*next);
        last = next->last;
    }
    return read;
}

}  // namespace rik

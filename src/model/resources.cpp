#include <rik/model/resources.hpp>

#include <rik/base/quantity.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace rik {

namespace {

auto position_of(auto& entries, std::string_view name) {
    return std::lower_bound(entries.begin(), entries.end(), name,
                            [](auto const& entry, std::string_view wanted) { return entry.first < wanted; });
}

/// Stops at the ends of the range: absurd amounts may come together, and an overflow would turn them around.
std::int64_t saturated_sum(std::int64_t left, std::int64_t right) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(left, right, &sum)) return sum;
    return right > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

std::int64_t saturated_difference(std::int64_t left, std::int64_t right) {
    std::int64_t difference = 0;
    if (!__builtin_sub_overflow(left, right, &difference)) return difference;
    return right < 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

}  // namespace

std::string amount_text(std::string_view resource, std::int64_t amount) {
    if (resource == resource::cpu) return milli_text(amount);
    if (resource == resource::memory || resource == resource::storage) return bytes_text(amount);
    return fmt::format("{}", amount);
}

std::int64_t resources::get(std::string_view name) const {
    auto const at = position_of(entries_, name);
    return at != entries_.end() && at->first == name ? at->second : 0;
}

void resources::set(std::string_view name, std::int64_t amount) {
    auto const at = position_of(entries_, name);
    auto const is_there = at != entries_.end() && at->first == name;
    if (is_there && amount == 0)
        entries_.erase(at);
    else if (is_there)
        at->second = amount;
    else if (amount != 0)
        entries_.emplace(at, name, amount);
}

void resources::add(resources const& more) {
    if (&more == this) return add(resources(more));
    for (auto const& [name, amount] : more.entries_) set(name, saturated_sum(get(name), amount));
}

void resources::subtract(resources const& less) {
    if (&less == this) return entries_.clear();
    for (auto const& [name, amount] : less.entries_) set(name, saturated_difference(get(name), amount));
}

std::optional<std::string_view> resources::first_lacking(resources const& capacity, resources const& taken) const {
    for (auto const& [name, amount] : entries_)
        if (amount > 0 && amount > left_of(name, capacity, taken)) return name;
    return std::nullopt;
}

std::int64_t resources::left_of(std::string_view name, resources const& capacity, resources const& taken) {
    return saturated_difference(capacity.get(name), taken.get(name));
}

}  // namespace rik

#include <rik/store/epoch.hpp>

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace rik {

namespace {

constexpr std::size_t uid_text_size = 36;

std::optional<revision> parse_revision(std::string_view text) {
    revision number = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// A uid, one character, and a revision.
std::optional<std::pair<epoch_id, revision>> parse_pair(std::string_view text, char between) {
    if (text.size() <= uid_text_size || text[uid_text_size] != between) return std::nullopt;
    auto const id = epoch_id::parse(text.substr(0, uid_text_size));
    auto const number = parse_revision(text.substr(uid_text_size + 1));
    if (!id || !number) return std::nullopt;
    return std::pair(*id, *number);
}

}  // namespace

std::string to_string(store_position const& position) {
    return fmt::format("{}-{}", position.epoch.text(), position.reached);
}

result<store_position> parse_store_position(std::string_view text) {
    if (auto const whole = parse_pair(text, '-')) return store_position{whole->first, whole->second};
    if (auto const bare = parse_revision(text)) return store_position{.epoch = {}, .reached = *bare};
    return error{errc::invalid, fmt::format("'{}' is no position in a watch", text.substr(0, 100))};
}

namespace detail {

std::string epochs_text(std::vector<store_epoch> const& epochs) {
    auto const count = std::min(epochs.size(), limits::store_epochs_max);
    std::string text;
    for (auto each = epochs.end() - static_cast<std::ptrdiff_t>(count); each != epochs.end(); ++each)
        text += fmt::format("{} {}\n", each->id.text(), each->first);
    return text;
}

std::vector<store_epoch> parse_epochs(std::string_view text) {
    std::vector<store_epoch> epochs;
    while (!text.empty()) {
        auto const line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        auto const parsed = parse_pair(line, ' ');
        if (!parsed || (!epochs.empty() && parsed->second <= epochs.back().first)) return {};
        epochs.push_back({parsed->first, parsed->second});
    }
    return epochs;
}

revision quiet_since(std::vector<store_epoch> const& epochs, revision last) {
    for (auto each = epochs.rbegin(); each != epochs.rend() && each->first == last; ++each) --last;
    return last;
}

bool was_at(std::vector<store_epoch> const& epochs, store_position const& position, revision last) {
    for (auto each = epochs.begin(); each != epochs.end(); ++each) {
        if (each->id != position.epoch) continue;
        auto const next = std::next(each);
        auto const end = next == epochs.end() ? last : next->first - 1;
        return each->first <= position.reached && position.reached <= end;
    }
    return false;
}

}  // namespace detail

}  // namespace rik

#include <rik/model/labels.hpp>

#include <rik/base/limits.hpp>
#include <rik/model/definition.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

constexpr std::string_view label_remedy = "write key=value, or key- to take the label off";

bool is_label_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// "key" and "value" of "key=value", or of "key".
std::pair<std::string_view, std::string_view> split_label(std::string_view text) {
    auto const sign = text.find('=');
    if (sign == text.npos) return {text, {}};
    return {text.substr(0, sign), text.substr(sign + 1)};
}

}  // namespace

bool is_label_text(std::string_view text) {
    if (text.empty() || text.size() > limits::label_bytes_max) return false;
    if (!is_label_letter(text.front()) || !is_label_letter(text.back())) return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_label_letter(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_label_key(std::string_view key) {
    auto const slash = key.find('/');
    if (slash == std::string_view::npos) return is_label_text(key);
    return !check_name(key.substr(0, slash), {}) && is_label_text(key.substr(slash + 1));
}

std::optional<error> check_label(std::string_view key, std::string_view value) {
    if (!is_label_key(key))
        return error{errc::invalid, fmt::format("'{}' is not a legal key of a label", key), "labels",
                     std::string(label_key_remedy)};
    if (value.empty() || is_label_text(value)) return std::nullopt;
    return error{errc::invalid, fmt::format("'{}' is not a legal value of a label", value), "labels",
                 "use letters, digits, '-', '_' and '.', at most 63"};
}

void change_labels(string_map& of, label_changes const& by) {
    for (auto const& [key, value] : by) {
        if (value)
            of.insert_or_assign(key, *value);
        else
            of.erase(key);
    }
}

result<label_changes::value_type> parse_label_change(std::string_view text) {
    auto const has_value = text.find('=') != text.npos;
    if (!has_value && !text.ends_with('-'))
        return error{errc::invalid, fmt::format("label '{}' has no value", text), "labels", std::string(label_remedy)};
    auto const [key, value] = has_value ? split_label(text) : split_label(text.substr(0, text.size() - 1));
    if (auto wrong = check_label(key, value)) return std::move(*wrong);
    return label_changes::value_type(key, has_value ? std::optional(std::string(value)) : std::nullopt);
}

bool label_selector::matches(string_map const& labels) const {
    return std::ranges::all_of(requirements, [&](label_requirement const& each) {
        auto const found = labels.find(each.key);
        auto const has = found != labels.end();
        auto const is_named = has && std::ranges::find(each.values, found->second) != each.values.end();
        switch (each.how) {
            case label_requirement::relation::in: return is_named;
            case label_requirement::relation::not_in: return !is_named;
            case label_requirement::relation::exists: return has;
            case label_requirement::relation::does_not_exist: return !has;
        }
        return false;
    });
}

}  // namespace rik

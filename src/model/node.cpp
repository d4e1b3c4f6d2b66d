#include <rik/model/node.hpp>

#include "model/definition_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rik {

namespace {

constexpr std::array<std::string_view, 3> effect_words{"NoSchedule", "PreferNoSchedule", "NoExecute"};
constexpr std::string_view taint_remedy =
    "write key=value:Effect or key:Effect; the effects are NoSchedule, PreferNoSchedule and NoExecute";
constexpr std::string_view label_remedy = "write key=value, or key- to take the label off";

error wrong_taint(std::string_view text, std::string_view why) {
    return error{errc::invalid, fmt::format("taint '{}' {}", text, why), "taints", std::string(taint_remedy)};
}

/// "key" and "value" of "key=value", or of "key".
std::pair<std::string_view, std::string_view> split_value(std::string_view text) {
    auto const sign = text.find('=');
    if (sign == text.npos) return {text, {}};
    return {text.substr(0, sign), text.substr(sign + 1)};
}

bool is_meant(taint const& each, taint_change const& by) {
    return each.key == by.what.key && (by.of_any_effect || each.effect == by.what.effect);
}

error no_such_taint(taint_change const& wanted) {
    auto const effect = wanted.of_any_effect ? std::string() : fmt::format(":{}", to_string(wanted.what.effect));
    return error{errc::not_found, fmt::format("the node has no taint {}{}", wanted.what.key, effect), "taints"};
}

}  // namespace

std::string_view to_string(taint_effect effect) { return effect_words[static_cast<std::size_t>(effect)]; }

std::optional<taint_effect> parse_taint_effect(std::string_view text) {
    auto const found = std::ranges::find(effect_words, text);
    if (found == effect_words.end()) return std::nullopt;
    return static_cast<taint_effect>(found - effect_words.begin());
}

std::string to_string(taint const& from) {
    auto const sign = from.value.empty() ? "" : "=";
    return fmt::format("{}{}{}:{}", from.key, sign, from.value, to_string(from.effect));
}

result<taint> parse_taint(std::string_view text) {
    auto const colon = text.rfind(':');
    if (colon == text.npos) return wrong_taint(text, "has no effect");
    auto const effect = parse_taint_effect(text.substr(colon + 1));
    if (!effect) return wrong_taint(text, fmt::format("has no effect that is known: '{}'", text.substr(colon + 1)));
    auto const [key, value] = split_value(text.substr(0, colon));
    if (!detail::is_label_key(key)) return wrong_taint(text, fmt::format("has no legal key: '{}'", key));
    if (!value.empty() && !detail::is_label_text(value))
        return wrong_taint(text, fmt::format("has no legal value: '{}'", value));
    return taint{std::string(key), std::string(value), *effect};
}

result<taint_change> parse_taint_change(std::string_view text) {
    if (!text.ends_with('-')) {
        auto put = parse_taint(text);
        if (!put) return put.error();
        return taint_change{std::move(*put)};
    }
    auto const meant = text.substr(0, text.size() - 1);
    if (meant.find(':') != meant.npos) {
        auto taken = parse_taint(meant);
        if (!taken) return taken.error();
        return taint_change{std::move(*taken), true};
    }
    auto const [key, value] = split_value(meant);
    if (!detail::is_label_key(key)) return wrong_taint(text, fmt::format("has no legal key: '{}'", key));
    return taint_change{{std::string(key)}, true, true};
}

result<std::vector<taint>> changed_taints(std::vector<taint> taints, std::vector<taint_change> const& changes) {
    for (auto const& each : changes) {
        auto const erased_count = std::erase_if(taints, [&](taint const& one) { return is_meant(one, each); });
        if (!each.is_removal)
            taints.push_back(each.what);
        else if (erased_count == 0)
            return no_such_taint(each);
    }
    return taints;
}

std::optional<error> check_label(std::string_view key, std::string_view value) {
    if (!detail::is_label_key(key))
        return error{errc::invalid, fmt::format("'{}' is not a legal key of a label", key), "labels",
                     std::string(detail::label_key_remedy)};
    if (value.empty() || detail::is_label_text(value)) return std::nullopt;
    return error{errc::invalid, fmt::format("'{}' is not a legal value of a label", value), "labels",
                 "use letters, digits, '-', '_' and '.', at most 63"};
}

result<label_changes::value_type> parse_label_change(std::string_view text) {
    auto const has_value = text.find('=') != text.npos;
    if (!has_value && !text.ends_with('-'))
        return error{errc::invalid, fmt::format("label '{}' has no value", text), "labels", std::string(label_remedy)};
    auto const [key, value] = has_value ? split_value(text) : split_value(text.substr(0, text.size() - 1));
    if (auto wrong = check_label(key, value)) return std::move(*wrong);
    return label_changes::value_type(key, has_value ? std::optional(std::string(value)) : std::nullopt);
}

void settle_labels(node& of) {
    of.labels = of.operator_labels;
    of.labels.insert(of.facts.labels.begin(), of.facts.labels.end());  // where there is none of the key yet
}

void settle_death(node& of) {
    if (of.state != node_state::unheard && of.remnants.empty()) of.standing.is_dead = false;
}

}  // namespace rik

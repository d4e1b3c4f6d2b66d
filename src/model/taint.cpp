#include <rik/model/taint.hpp>

#include <rik/model/labels.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rik {

namespace {

constexpr std::array<std::string_view, 3> effect_words{"NoSchedule", "PreferNoSchedule", "NoExecute"};
constexpr std::string_view taint_remedy =
    "write key=value:Effect or key:Effect; the effects are NoSchedule, PreferNoSchedule and NoExecute";

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
    if (!is_label_key(key)) return wrong_taint(text, fmt::format("has no legal key: '{}'", key));
    if (!value.empty() && !is_label_text(value))
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
    if (!is_label_key(key)) return wrong_taint(text, fmt::format("has no legal key: '{}'", key));
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

std::string_view to_string(toleration_operator how) { return how == toleration_operator::exists ? "Exists" : "Equal"; }

std::optional<toleration_operator> parse_toleration_operator(std::string_view text) {
    if (text == "Equal") return toleration_operator::equal;
    if (text == "Exists") return toleration_operator::exists;
    return std::nullopt;
}

bool tolerates(toleration const& by, taint const& what) {
    if (by.effect && *by.effect != what.effect) return false;
    if (by.key.empty()) return by.how == toleration_operator::exists;
    if (by.key != what.key) return false;
    return by.how == toleration_operator::exists || by.value == what.value;
}

bool tolerates(std::vector<toleration> const& by, taint const& what) {
    return std::ranges::any_of(by, [&](toleration const& each) { return tolerates(each, what); });
}

}  // namespace rik

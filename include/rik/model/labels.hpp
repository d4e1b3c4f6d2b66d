// Labels, and what selects objects by them.
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/string_map.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik {

/// The syntax of a label's key, and of its value where that is not empty.   Source: Kubernetes, "Labels and Selectors".
bool is_label_key(std::string_view key);
bool is_label_text(std::string_view text);
inline constexpr std::string_view label_key_remedy =
    "use letters, digits, '-', '_' and '.', at most 63, with an optional prefix such as example.com/";
/// Keys with this prefix are RIK's own: it sets them on containers, and no definition may.
inline constexpr std::string_view own_label_prefix = "rik.io/";

/// Labels to be set (with a value) and to be taken off (nullopt).
using label_changes = std::map<std::string, std::optional<std::string>, std::less<>>;
/// Sets and takes off what `by` says.
void change_labels(string_map& of, label_changes const& by);
/// "key=value" sets a label, "key-" takes it off.   Source: kubectl label. Errors: invalid.
result<label_changes::value_type> parse_label_change(std::string_view text);
/// What is wrong with a label; nullopt if nothing is.
std::optional<error> check_label(std::string_view key, std::string_view value);

/// One condition of a selector.
struct label_requirement {
    enum class relation : std::uint8_t { in, not_in, exists, does_not_exist };
    std::string key;
    relation how = relation::exists;
    std::vector<std::string> values = {};
    friend bool operator==(label_requirement const&, label_requirement const&) = default;
};

/// Which objects are meant: those that meet all requirements.
struct label_selector {
    std::vector<label_requirement> requirements = {};

    bool is_empty() const { return requirements.empty(); }
    bool matches(string_map const& labels) const;
    friend bool operator==(label_selector const&, label_selector const&) = default;
};

/// Reads "app=web,tier!=db,env in (a,b),env notin (c),canary,!old". An object without the key meets `!=` and `notin`.
/// Errors: invalid, with what is wrong and where.   Source: Kubernetes, "Labels and Selectors".
result<label_selector> parse_label_selector(std::string_view text);

/// Conditions on other fields: "state=running,node!=a".
struct field_requirement {
    std::string field;
    std::string value = {};
    bool is_negated = false;
    friend bool operator==(field_requirement const&, field_requirement const&) = default;
};

/// Reads "field=value", "field==value" and "field!=value", joined by commas. A backslash takes its meaning from a
/// comma, an equals sign or a backslash. Errors: invalid.   Source: Kubernetes, "Field Selectors".
result<std::vector<field_requirement>> parse_field_selector(std::string_view text);

}  // namespace rik

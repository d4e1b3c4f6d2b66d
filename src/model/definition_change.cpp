#include <rik/model/definition_change.hpp>

#include "model/definition_tree.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik {

namespace {

namespace json = boost::json;
using detail::canonical_text;

/// Of what is nested deeper no definition is accepted.
json::parse_options const options{.max_depth = limits::definition_depth_max + 1};

json::object read_object(std::string_view text) {
    boost::system::error_code failed;
    auto value = json::parse(text, failed, {}, options);
    return failed || !value.is_object() ? json::object() : std::move(value.get_object());
}

json::value const* find(json::object const& in, std::string_view name) {
    auto const* found = in.if_contains(name);
    return found == nullptr || found->is_null() ? nullptr : found;
}

std::string member_path(std::string const& path, std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

std::optional<std::string> text_of(json::value const* value) {
    if (value == nullptr) return std::nullopt;
    return canonical_text(*value);
}

class comparison {
public:
    void compare(json::value const* before, json::value const* after, std::string const& path) {
        if (before == nullptr && after == nullptr) return;
        if (before != nullptr && after != nullptr) {
            if (before->is_object() && after->is_object())
                return compare(before->get_object(), after->get_object(), path);
            if (before->is_array() && after->is_array()) return compare(before->get_array(), after->get_array(), path);
            if (canonical_text(*before) == canonical_text(*after)) return;
        }
        found_.push_back({path, text_of(before), text_of(after)});
    }
    void compare(json::object const& before, json::object const& after, std::string const& path) {
        for (auto const& member : before) {
            std::string_view const name(member.key());
            compare(find(before, name), find(after, name), member_path(path, name));
        }
        for (auto const& member : after) {
            std::string_view const name(member.key());
            if (find(before, name) == nullptr) compare(nullptr, find(after, name), member_path(path, name));
        }
    }
    std::vector<field_change> take() { return std::move(found_); }

private:
    void compare(json::array const& before, json::array const& after, std::string const& path) {
        auto const element = [](json::array const& in, std::size_t i) { return i < in.size() ? &in[i] : nullptr; };
        for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i)
            compare(element(before, i), element(after, i), fmt::format("{}[{}]", path, i));
    }

    std::vector<field_change> found_;
};

void merge(json::object& into, json::object const& patch) {
    for (auto const& member : patch) {
        if (member.value().is_null()) {
            into.erase(member.key());
            continue;
        }
        auto& target = into[member.key()];
        if (!member.value().is_object()) {
            target = member.value();
            continue;
        }
        if (!target.is_object()) target = json::object();
        merge(target.get_object(), member.value().get_object());
    }
}

json::object const& object_in(json::object const& in, std::string_view name) {
    static json::object const none;
    auto const* found = find(in, name);
    return found != nullptr && found->is_object() ? found->get_object() : none;
}

void apply(json::object& current, json::object const& last, json::object const& wanted) {
    for (auto const& member : last)
        if (find(wanted, std::string_view(member.key())) == nullptr) current.erase(member.key());
    for (auto const& member : wanted) {
        if (member.value().is_null()) continue;
        auto& target = current[member.key()];
        if (target.is_object() && member.value().is_object())
            apply(target.get_object(), object_in(last, std::string_view(member.key())), member.value().get_object());
        else
            target = member.value();
    }
}

}  // namespace

std::string to_string(field_change const& change) {
    if (!change.before) return fmt::format("{}: set to {}", change.path, *change.after);
    if (!change.after) return fmt::format("{}: removed ({})", change.path, *change.before);
    return fmt::format("{}: {} -> {}", change.path, *change.before, *change.after);
}

std::vector<field_change> changes_between(std::string_view before, std::string_view after) {
    comparison made;
    made.compare(read_object(before), read_object(after), {});
    return made.take();
}

result<std::string> merge_patched(std::string_view definition, std::string_view patch) {
    boost::system::error_code failed;
    auto const read = json::parse(patch, failed, {}, options);
    if (failed) return error{errc::invalid, fmt::format("the patch is not JSON: {}", failed.message())};
    if (!read.is_object()) return error{errc::invalid, "the patch is not a JSON object"};
    auto merged = read_object(definition);
    merge(merged, read.get_object());
    return canonical_text(merged);
}

std::string applied_text(std::string_view current, std::string_view last, std::string_view wanted) {
    auto merged = read_object(current);
    apply(merged, read_object(last), read_object(wanted));
    return canonical_text(merged);
}

}  // namespace rik

#include "model/definition_tree.hpp"

#include <rik/base/limits.hpp>
#include <rik/base/utf8.hpp>

#include <fmt/format.h>
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cctype>
#include <utility>

namespace rik::detail {

bool tree_builder::expects_key() const {
    return !open_.empty() && open_.back().container.is_object() && !open_.back().has_key;
}

std::string tree_builder::path() const {
    std::string path;
    for (auto const& level : open_) {
        if (auto const* array = level.container.if_array())
            path += fmt::format("[{}]", array->size());
        else if (level.has_key && !level.is_merging)
            path += (path.empty() ? "" : ".") + shortened(level.key);
    }
    return path;
}

void tree_builder::stop(error problem) {
    if (is_stopped_) return;
    is_stopped_ = true;
    found_.push_back(std::move(problem));
}

bool tree_builder::count_node() {
    if (is_stopped_) return false;
    if (++nodes_count_ <= limits::definition_nodes_max) return true;
    stop({errc::invalid, fmt::format("has more than {} values", limits::definition_nodes_max), path(),
          "split it into several definitions"});
    return false;
}

void tree_builder::begin(json::value container) {
    if (!count_node()) return;
    if (open_.size() >= limits::definition_depth_max)
        return stop({errc::invalid, fmt::format("is nested deeper than {} levels", limits::definition_depth_max),
                     path(), "no field of a definition needs that"});
    open_.push_back(frame{.container = std::move(container), .anchor = std::exchange(anchor_, {})});
}

void tree_builder::end() {
    if (is_stopped_) return;
    auto closed = std::move(open_.back());
    open_.pop_back();
    for (auto& each : closed.merged)
        for (auto& member : each) closed.container.get_object().emplace(member.key(), std::move(member.value()));
    name_value(std::move(closed.anchor), closed.container);
    add(std::move(closed.container));
}

void tree_builder::key(std::string_view name) {
    if (is_stopped_) return;
    auto& innermost = open_.back();
    innermost.key = name;
    innermost.has_key = true;
    name_value(std::exchange(anchor_, {}), json::value(json::string(name)));
}

void tree_builder::merge_key() {
    if (is_stopped_) return;
    open_.back().is_merging = true;
    open_.back().has_key = true;
}

void tree_builder::scalar(json::value value) {
    if (!count_node()) return;
    name_value(std::exchange(anchor_, {}), value);
    add(std::move(value));
}

void tree_builder::name_value(std::string name, json::value const& value) {
    if (!name.empty()) anchors_.insert_or_assign(std::move(name), value);
}

bool tree_builder::alias(std::string_view name) {
    auto const found = anchors_.find(name);
    if (found == anchors_.end()) return false;
    auto const* text = found->second.if_string();
    if (expects_key())
        key(text == nullptr ? name : std::string_view(text->data(), text->size()));
    else if (count_copy(found->second, open_.size()))
        add(found->second);
    return true;
}

/// Counted before it is copied: a few aliases of aliases may stand for more than any memory holds. Recursion is bounded
/// by the depth of what was read.
bool tree_builder::count_copy(json::value const& value, std::size_t depth) {
    if (!count_node()) return false;
    if (auto const* text = value.if_string()) copied_bytes_ += text->size();
    if (copied_bytes_ > limits::definition_bytes_max) {
        stop({errc::invalid,
              fmt::format("with its aliases written out it is longer than {} bytes", limits::definition_bytes_max),
              path(), "use aliases less often"});
        return false;
    }
    if (!value.is_structured()) return true;
    if (depth >= limits::definition_depth_max) {
        stop({errc::invalid, fmt::format("is nested deeper than {} levels", limits::definition_depth_max), path(),
              "no field of a definition needs that"});
        return false;
    }
    if (auto const* list = value.if_array())
        return std::all_of(list->begin(), list->end(),
                           [&](json::value const& each) { return count_copy(each, depth + 1); });
    auto const& members = value.get_object();
    return std::all_of(members.begin(), members.end(), [&](json::key_value_pair const& each) {
        copied_bytes_ += each.key().size();
        return count_copy(each.value(), depth + 1);
    });
}

void tree_builder::merge(frame& innermost, json::value value) {
    auto const list = value.is_array() ? std::move(value.get_array()) : json::array{std::move(value)};
    for (auto const& each : list) {
        if (!each.is_object())
            return stop({errc::invalid, "<< stands before something that has no members", path(),
                         "write an alias of a mapping, or a list of them, behind <<"});
        innermost.merged.push_back(each.get_object());
    }
}

void tree_builder::add(json::value value) {
    if (open_.empty()) {
        root_ = std::move(value);
        return;
    }
    auto& innermost = open_.back();
    if (auto* array = innermost.container.if_array()) {
        array->push_back(std::move(value));
        return;
    }
    if (innermost.is_merging)
        merge(innermost, std::move(value));
    else
        add_member(innermost, std::move(value));
    innermost.has_key = innermost.is_merging = false;
}

void tree_builder::add_member(frame& innermost, json::value value) {
    auto const is_new = innermost.container.if_object()->emplace(innermost.key, std::move(value)).second;
    if (!is_new) note("is given twice", "keep one of the two");
}

void tree_builder::note(std::string what, std::string_view remedy) {
    found_.push_back({errc::invalid, std::move(what), path(), std::string(remedy)});
    if (found_.size() > limits::definition_problems_max) is_stopped_ = true;
}

namespace {

/// Hands the events of Boost.JSON's parser to a tree_builder. Strings may come in parts.
struct json_events {
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

    tree_builder& tree;
    std::string text = {};

    bool go_on(json::error_code& failed) const {
        if (tree.is_stopped()) failed = json::error::too_deep;
        return !tree.is_stopped();
    }
    std::string read_text(json::string_view last) {
        text.append(last.data(), last.size());
        return std::exchange(text, {});
    }

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_object_begin(json::error_code& failed) {
        tree.begin_object();
        return go_on(failed);
    }
    bool on_object_end(std::size_t, json::error_code& failed) {
        tree.end();
        return go_on(failed);
    }
    bool on_array_begin(json::error_code& failed) {
        tree.begin_array();
        return go_on(failed);
    }
    bool on_array_end(std::size_t, json::error_code& failed) {
        tree.end();
        return go_on(failed);
    }
    bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
        text.append(part.data(), part.size());
        return true;
    }
    bool on_key(json::string_view last, std::size_t, json::error_code& failed) {
        tree.key(read_text(last));
        return go_on(failed);
    }
    bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
        text.append(part.data(), part.size());
        return true;
    }
    bool on_string(json::string_view last, std::size_t, json::error_code& failed) {
        return scalar(json::string(read_text(last)), failed);
    }
    bool on_number_part(json::string_view, json::error_code&) { return true; }
    bool on_int64(std::int64_t number, json::string_view, json::error_code& failed) { return scalar(number, failed); }
    bool on_uint64(std::uint64_t number, json::string_view, json::error_code& failed) { return scalar(number, failed); }
    bool on_double(double number, json::string_view, json::error_code& failed) { return scalar(number, failed); }
    bool on_bool(bool value, json::error_code& failed) { return scalar(value, failed); }
    bool on_null(json::error_code& failed) { return scalar(nullptr, failed); }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }

    bool scalar(json::value value, json::error_code& failed) {
        tree.scalar(std::move(value));
        return go_on(failed);
    }
};

constexpr bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0u) != 0x80u; }

/// What is usually done about the byte `at` which a JSON parser stops.
std::string_view json_remedy(std::string_view text, std::size_t at) {
    auto const before = text.find_last_not_of(" \t\r\n", at == 0 ? text.npos : at - 1);
    auto const last = at == 0 || before == text.npos ? '\0' : text[before];
    auto const is_name = text[at] == '"' && (last == '"' || last == '}' || last == ']' ||
                                             std::isalnum(static_cast<unsigned char>(last)) != 0);
    switch (text[at]) {
        case '\'': return "write double quotes: JSON has no others";
        case '/':
        case '#': return "leave the comment out: JSON has none";
        case '\r':
        case '\n': return "close the text in its line; a new line is written \\n";
        case '}':
        case ']':
            if (last == ',') return "leave out the comma before it";
            [[fallthrough]];
        default:
            return is_name ? "a comma is missing before it"
                           : "look there for a comma, quote or bracket too many or too few";
    }
}

error json_problem(std::string_view text, std::size_t at, text_position from, json::error_code why) {
    auto const where = to_string(position_after(text.substr(0, at), from));
    if (at >= text.size())
        return {errc::invalid,
                fmt::format("{}: the JSON text ends too early", where),
                {},
                "close every quote and every bracket"};
    return {errc::invalid, fmt::format("{}: {}", where, why.message()), {}, std::string(json_remedy(text, at))};
}

}  // namespace

text_position position_after(std::string_view text, text_position from) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const is_line_end = text[i] == '\n' || (text[i] == '\r' && text.substr(i + 1, 1) != "\n");
        if (is_line_end)
            from = {from.line + 1, 1};
        else if (begins_character(text[i]) && text[i] != '\r')
            ++from.column;
    }
    return from;
}

std::string to_string(text_position where) { return fmt::format("line {} column {}", where.line, where.column); }

tree_part read_json_part(std::string_view text, text_position from) {
    tree_part part;
    tree_builder tree(part.tree.found);
    json::parse_options options;
    options.max_depth = limits::definition_depth_max + 1;  // so that the tree tells, which knows the path
    json::basic_parser<json_events> parser(options, json_events{tree});
    json::error_code failed;
    part.size = parser.write_some(false, text.data(), text.size(), failed);
    if (tree.is_stopped()) return part;
    if (failed) {
        part.tree.found.push_back(json_problem(text, part.size, from, failed));
        return part;
    }
    part.tree.root = tree.take();
    part.tree.is_complete = true;
    return part;
}

definition_tree read_json_tree(std::string_view text) {
    definition_tree wrong;
    if (is_too_large(text, wrong.found) || is_foreign(text, wrong.found)) return wrong;
    text = without_bom(text);
    auto part = read_json_part(text, {});
    if (part.tree.is_complete && part.size < text.size()) {
        part.tree.is_complete = false;
        part.tree.found.push_back(json_problem(text, part.size, {}, json::error::extra_data));
    }
    return std::move(part.tree);
}

bool is_too_large(std::string_view text, problems& found) {
    if (text.size() <= limits::definition_bytes_max) return false;
    found.push_back(
        {errc::invalid,
         fmt::format("the definition has {} bytes; the limit is {}", text.size(), limits::definition_bytes_max),
         {},
         "make it smaller"});
    return true;
}

bool is_foreign(std::string_view text, problems& found) {
    // What is ASCII has a zero byte in each character of UTF-16.
    auto const is_utf16 =
        text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") || text.substr(0, 2).find('\0') != text.npos;
    auto const at = find_not_utf8(text);
    if (at == text.size() && !is_utf16) return false;
    auto const where = position_after(text.substr(0, is_utf16 ? 0 : at));
    found.push_back({errc::invalid,
                     fmt::format("{}: the text is {}not UTF-8", to_string(where), is_utf16 ? "UTF-16, " : ""),
                     {},
                     "save the file as UTF-8"});
    return true;
}

bool is_json(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    text = without_bom(text);
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    if (!text.starts_with('{')) return false;
    auto const second = text.find_first_not_of(blanks, 1);
    return second == text.npos || text[second] == '"' || text[second] == '}';
}

std::string_view without_bom(std::string_view text) {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

std::string shortened(std::string_view text) {
    constexpr std::size_t bytes_max = 64;
    if (text.size() <= bytes_max) return std::string(text);
    auto end = bytes_max;
    while (end > 0 && !begins_character(text[end])) --end;
    return std::string(text.substr(0, end)) + "...";
}

std::string number_text(double number) {
    auto text = fmt::format("{}", number);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";  // or it would be read back as a whole number
    return text;
}

namespace {

void print(json::value const& value, std::string& into);

void print(json::object const& object, std::string& into) {
    into += '{';
    for (auto const& member : object) {
        if (&member != object.begin()) into += ',';
        into += json::serialize(member.key());
        into += ':';
        print(member.value(), into);
    }
    into += '}';
}

void print(json::array const& array, std::string& into) {
    into += '[';
    for (std::size_t i = 0; i < array.size(); ++i) {
        if (i > 0) into += ',';
        print(array[i], into);
    }
    into += ']';
}

/// Recursion is bounded: the tree is.
void print(json::value const& value, std::string& into) {
    if (auto const* object = value.if_object())
        print(*object, into);
    else if (auto const* array = value.if_array())
        print(*array, into);
    else if (auto const* number = value.if_double())
        into += number_text(*number);
    else
        into += json::serialize(value);
}

}  // namespace

std::string canonical_text(json::value const& root) {
    std::string text;
    print(root, text);
    return text;
}

}  // namespace rik::detail

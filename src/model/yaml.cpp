// YAML into a JSON tree. The one place that knows libyaml.
#include "model/yaml_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/model/yaml.hpp>

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace rik::detail {

namespace {

std::string_view text_of(yaml_char_t const* text, std::size_t size) {
    return {reinterpret_cast<char const*>(text), size};
}

std::string_view text_of(yaml_char_t const* text) { return reinterpret_cast<char const*>(text); }

std::string_view text_of(char const* text) { return text == nullptr ? std::string_view() : std::string_view(text); }

/// An event of libyaml, with what it has allocated.
class yaml_event {
public:
    yaml_event() = default;
    yaml_event(yaml_event const&) = delete;
    yaml_event& operator=(yaml_event const&) = delete;
    ~yaml_event() { yaml_event_delete(&event); }
    yaml_event_t event = {};
};

/// libyaml's parser over one text. It reads little ahead, so that a document costs what it holds.
class yaml_parser {
public:
    explicit yaml_parser(std::string_view text) : rest_(text) {
        if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
        yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
        yaml_parser_set_input(&parser_, &read, this);
    }
    yaml_parser(yaml_parser const&) = delete;
    yaml_parser& operator=(yaml_parser const&) = delete;
    ~yaml_parser() { yaml_parser_delete(&parser_); }

    /// False if the text is wrong: `problem` says where and why.
    bool next(yaml_event& into) {
        if (yaml_parser_parse(&parser_, &into.event) != 0) return true;
        if (parser_.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
        return false;
    }
    yaml_parser_t const& problem() const { return parser_; }

private:
    static int read(void* self, unsigned char* into, std::size_t size, std::size_t* read_size) {
        constexpr std::size_t chunk_bytes_max = 1024;
        auto& rest = static_cast<yaml_parser*>(self)->rest_;
        *read_size = std::min({rest.size(), size, chunk_bytes_max});
        if (*read_size > 0) std::memcpy(into, rest.data(), *read_size);
        rest.remove_prefix(*read_size);
        return 1;
    }

    yaml_parser_t parser_ = {};
    std::string_view rest_;
};

/// The bytes of the first `count` characters.
std::size_t bytes_of(std::string_view text, std::size_t count) {
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        auto const begins_character = (static_cast<unsigned char>(text[at]) & 0xc0u) != 0x80u;
        if (begins_character && count-- == 0) break;
    }
    return at;
}

constexpr std::string_view template_remedy = "it looks like a template: give what its program makes of it";

bool has_template(std::string_view line) { return line.find("{{") != line.npos; }

bool is_conflict(std::string_view line) {
    return line.starts_with("<<<<<<< ") || line.starts_with("=======") || line.starts_with(">>>>>>> ");
}

/// Reads one document: hands the events of libyaml to a tree_builder, and stops at what a definition may not have.
class document_reader {
public:
    /// `places`, if given, gets where each value stands.
    document_reader(std::string_view text, text_position from, problems& found, place_map* places = nullptr)
        : text_(text), from_(from), parser_(text), tree_(found), places_(places) {}

    /// The bytes that are done with.
    std::size_t read() {
        for (;;) {
            yaml_event next;
            if (!parser_.next(next)) return pass_over(note_syntax());
            auto const& event = next.event;
            if (event.type == YAML_DOCUMENT_END_EVENT) return end(event);
            if (event.type == YAML_STREAM_END_EVENT) return text_.size();
            take(event);
            if (tree_.is_stopped()) return pass_over(bytes_of(text_, event.start_mark.index));
        }
    }
    bool is_complete() const { return !tree_.is_stopped(); }
    json::value take_tree() { return tree_.take(); }

private:
    text_position position_of(yaml_mark_t const& mark) const {
        if (mark.line == 0) return {from_.line, from_.column + mark.column};
        return {from_.line + mark.line, mark.column + 1};
    }
    /// A value or a key that a definition may not have.
    void stop(text_position where, std::string_view what, std::string_view remedy) {
        tree_.stop({errc::invalid, fmt::format("{}: {}", to_string(where), what), tree_.path(), std::string(remedy)});
    }
    std::size_t pass_over(std::size_t wrong_byte) const { return find_next_document(text_, wrong_byte); }

    std::size_t end(yaml_event_t const& event) {
        auto const size = bytes_of(text_, event.end_mark.index);
        auto const rest = text_.substr(size);
        auto const is_end = event.data.document_end.implicit != 0 ? is_at_document_end(rest) : is_at_line_end(rest);
        if (is_end) return size;
        stop_at_syntax(position_of(event.end_mark), "there is text behind the end of the definition",
                       "begin the next definition with a line ---, and directives (%) with a line ... before them");
        return pass_over(size);
    }

    /// Of a member where its name stands, of an element where it begins.
    void note_place(yaml_event_t const& event) {
        if (places_ == nullptr || tree_.is_stopped()) return;
        auto const is_value = event.type == YAML_SCALAR_EVENT || event.type == YAML_SEQUENCE_START_EVENT ||
                              event.type == YAML_MAPPING_START_EVENT || event.type == YAML_ALIAS_EVENT;
        if (is_value && !tree_.expects_key()) places_->emplace(tree_.path(), position_of(event.start_mark));
    }

    void take(yaml_event_t const& event) {
        note_place(event);
        switch (event.type) {
            case YAML_ALIAS_EVENT: return read_alias(event);
            case YAML_SCALAR_EVENT: return read_scalar(event);
            case YAML_SEQUENCE_START_EVENT:
                if (accept_collection(event, event.data.sequence_start.anchor, event.data.sequence_start.tag))
                    tree_.begin_array();
                return;
            case YAML_MAPPING_START_EVENT:
                if (accept_collection(event, event.data.mapping_start.anchor, event.data.mapping_start.tag))
                    tree_.begin_object();
                return;
            case YAML_SEQUENCE_END_EVENT:
            case YAML_MAPPING_END_EVENT: return tree_.end();
            default: return;
        }
    }
    void read_scalar(yaml_event_t const& event) {
        auto const& scalar = event.data.scalar;
        if (!accept(event, scalar.anchor, scalar.tag)) return;
        auto const text = text_of(scalar.value, scalar.length);
        auto value = scalar.style == YAML_PLAIN_SCALAR_STYLE ? resolve_plain(text) : json::value(json::string(text));
        auto const where = position_of(event.start_mark);
        if (tree_.expects_key()) {
            if (scalar.style == YAML_PLAIN_SCALAR_STYLE && text == "<<") return tree_.merge_key();
            if (value && value->is_null()) return stop(where, "a key is null", "write the key in quotes");
            tree_.key(text);
            if (places_ != nullptr) places_->emplace(tree_.path(), where);
            return;
        }
        if (scalar.style == YAML_PLAIN_SCALAR_STYLE && is_old_octal(text))
            tree_.note(fmt::format("{} is octal in old YAML and decimal in new YAML", shortened(text)),
                       "write it in quotes if it is text, else with 0o at its beginning or without zeros");
        if (value) return tree_.scalar(std::move(*value));
        stop(where, fmt::format("'{}' is a number that a definition cannot hold", shortened(text)),
             "write it in quotes if it is text");
    }

    void read_alias(yaml_event_t const& event) {
        auto const name = text_of(event.data.alias.anchor);
        if (!tree_.alias(name))
            stop(position_of(event.start_mark),
                 fmt::format("there is no &{} before it that has ended", shortened(name)),
                 fmt::format("write &{} before the value that is meant, or quotes if it is text", shortened(name)));
    }
    bool accept(yaml_event_t const& event, yaml_char_t const* anchor, yaml_char_t const* tag) {
        if (anchor != nullptr) tree_.anchor(text_of(anchor));
        if (tag != nullptr)
            stop(position_of(event.start_mark), "tags are not accepted", "leave the tag out; write text in quotes");
        return !tree_.is_stopped();
    }
    bool accept_collection(yaml_event_t const& event, yaml_char_t const* anchor, yaml_char_t const* tag) {
        if (!accept(event, anchor, tag)) return false;
        if (!tree_.expects_key()) return true;
        auto const line = line_around(bytes_of(text_, event.start_mark.index));
        stop(position_of(event.start_mark), "a key is not a string",
             has_template(line) ? template_remedy : "use a string as key; text with braces needs quotes");
        return false;
    }

    /// The path would be that of what was read before, which may be right.
    void stop_at_syntax(text_position where, std::string_view what, std::string_view remedy) {
        tree_.stop({errc::invalid, fmt::format("{}: {}", to_string(where), what), {}, std::string(remedy)});
    }
    /// The byte at which the syntax is wrong.
    std::size_t note_syntax() {
        auto const& parser = parser_.problem();
        auto const what = text_of(parser.problem);
        if (parser.error == YAML_READER_ERROR) {
            auto const at = std::min(parser.problem_offset, text_.size());
            stop_at_syntax(position_after(text_.substr(0, at), from_), what,
                           "write the character as an escape in double quotes");
            return at;
        }
        auto const at = bytes_of(text_, parser.problem_mark.index);
        // libyaml takes the end of the text for a line of its own.
        auto const where = at == text_.size() ? position_after(text_, from_) : position_of(parser.problem_mark);
        if (text_.substr(at).starts_with('\t')) {
            stop_at_syntax(where, "a tab stands where blanks must", "indent with blanks");
        } else if (at < text_.size() && what.find("cannot start any token") != what.npos) {
            stop_at_syntax(where, fmt::format("{} cannot begin text", text_[at]), syntax_remedy(what));
        } else if (parser.context == nullptr || parser.context_mark.index == parser.problem_mark.index) {
            stop_at_syntax(where, what, syntax_remedy(what));
        } else {
            auto const since = to_string(position_of(parser.context_mark));
            stop_at_syntax(where, fmt::format("{} {} from {} on", what, parser.context, since), syntax_remedy(what));
        }
        return at;
    }
    /// What libyaml says is true, and seldom what its author did.
    std::string_view syntax_remedy(std::string_view what) const {
        auto const& parser = parser_.problem();
        auto const at = bytes_of(text_, parser.problem_mark.index);
        auto const line = line_around(at);
        auto const line_before = line_around(bytes_of(text_, parser.context_mark.index));
        auto const says = [&](std::string_view words) { return what.find(words) != what.npos; };
        if (says("escape"))
            return "write \\\\ for a backslash, \\U and eight digits for any character, or use single quotes";
        if (text_.starts_with("<!") || text_.starts_with("<h"))
            return "it looks like a web page, not like a definition";
        if (has_template(line) || has_template(line_before)) return template_remedy;
        if (is_conflict(line) || is_conflict(line_before)) return "settle the merge conflict, and take out its marks";
        if (has_odd_blank(lines_up_to(at))) return "a character near it only looks like a blank: write blanks";
        if (line.starts_with("```")) return "take the line out: it is the frame of a text in Markdown";
        if (says("cannot start any token")) return "write the text in quotes";
        if (says("mapping values are not allowed"))
            return "look there for wrong indentation; text with a colon and a space in it needs quotes";
        return "look there for wrong indentation, a missing space after ':' or an open quote";
    }
    /// The line with the byte `at`, and the one before it.
    std::string_view lines_up_to(std::size_t at) const {
        auto const line = line_around(at);
        auto const begin = static_cast<std::size_t>(line.data() - text_.data());
        auto above = text_.substr(0, begin);
        if (above.ends_with('\n')) above.remove_suffix(1);
        if (above.ends_with('\r')) above.remove_suffix(1);
        auto const end = above.find_last_of("\r\n");
        auto const first = end == above.npos ? 0 : end + 1;
        return text_.substr(first, begin + line.size() - first);
    }
    std::string_view line_around(std::size_t at) const {
        auto const begin = at == 0 ? text_.npos : text_.find_last_of("\r\n", at - 1);
        auto const line = text_.substr(begin == text_.npos ? 0 : begin + 1);
        return line.substr(0, line.find_first_of("\r\n"));
    }

    std::string_view text_;
    text_position from_;
    yaml_parser parser_;
    tree_builder tree_;
    place_map* places_;
};

/// What YAML 1.2 takes for text, and YAML 1.1, and with it libyaml, for the end of a line.
std::size_t find_old_line_end(std::string_view text) {
    constexpr std::string_view next_line = "\xC2\x85";
    constexpr std::string_view separators = "\xE2\x80";  // line separator, paragraph separator
    for (auto at = text.find_first_of("\xC2\xE2"); at < text.size(); at = text.find_first_of("\xC2\xE2", at + 1)) {
        auto const rest = text.substr(at);
        if (rest.starts_with(next_line)) return at;
        if (rest.starts_with(separators) && rest.size() > 2 && (rest[2] == '\xA8' || rest[2] == '\xA9')) return at;
    }
    return text.size();
}

/// Refuses the document rather than reading it otherwise than its author.
void check_line_ends(std::string_view text, text_position from, definition_tree& tree) {
    auto const at = find_old_line_end(text);
    if (at == text.size()) return;
    tree.is_complete = false;
    tree.found = {error{errc::invalid,
                        fmt::format("{}: a character is text in new YAML and the end of a line in old YAML",
                                    to_string(position_after(text.substr(0, at), from))),
                        {},
                        R"(write it in double quotes, as \N (U+0085), \L (U+2028) or \P (U+2029))"}};
}

/// The first of `text` that has content; the position is that of its end.
tree_part read_first(std::string_view text, text_position& at) {
    auto const start = find_document(text, at);
    at = position_after(text.substr(0, start.at), at);
    tree_part part;
    if (start.at < text.size()) part = read_yaml_part(text.substr(start.at), at);
    at = position_after(text.substr(start.at, part.size), at);
    part.size += start.at;
    if (!start.problem) return part;
    part.tree.is_complete = false;
    part.tree.found = {*start.problem};
    return part;
}

void check_is_last(std::string_view rest, text_position at, definition_tree& tree) {
    auto const next = find_document(rest, at);
    if (!tree.is_complete || next.at == rest.size()) return;
    tree.is_complete = false;
    tree.found.push_back(
        {errc::invalid,
         fmt::format("{}: a second document begins", to_string(position_after(rest.substr(0, next.at), at))),
         {},
         "give one document at a time"});
}

/// A document that is JSON, which libyaml refuses where a string has a surrogate pair ("\ud83d\ude00"), though YAML 1.2
/// has all of JSON in it. nullopt if it is something else, or is wrong.
std::optional<tree_part> read_json_document(std::string_view text, text_position from) {
    auto const at = find_json(text);
    if (!at) return std::nullopt;
    auto part = read_json_part(text.substr(*at), position_after(text.substr(0, *at), from));
    part.size += *at;
    if (!part.tree.is_complete || !may_follow_json(text.substr(part.size))) return std::nullopt;
    return part;
}

}  // namespace

place_map find_places(std::string_view text, text_position from) {
    place_map places;
    problems ignored;
    auto const start = find_document(text, from);
    auto const at = position_after(text.substr(0, start.at), from);
    document_reader(text.substr(start.at), at, ignored, &places).read();
    return places;
}

tree_part read_yaml_part(std::string_view text, text_position from) {
    if (auto json = read_json_document(text, from)) return std::move(*json);
    tree_part part;
    document_reader reader(text, from, part.tree.found);
    part.size = reader.read();
    part.tree.is_complete = reader.is_complete();
    if (part.tree.is_complete) part.tree.root = reader.take_tree();
    check_line_ends(text.substr(0, part.size), from, part.tree);
    return part;
}

definition_tree read_yaml_tree(std::string_view text) {
    definition_tree wrong;
    if (is_too_large(text, wrong.found) || is_foreign(text, wrong.found)) return wrong;
    auto const document = without_boms(text);
    text_position at;
    auto part = read_first(document, at);
    check_is_last(std::string_view(document).substr(part.size), at, part.tree);
    if (!part.tree.is_complete && part.tree.found.empty())
        part.tree.found.push_back(
            {errc::invalid, "the text holds no definition", {}, "begin with apiVersion, kind and name"});
    return std::move(part.tree);
}

}  // namespace rik::detail

namespace rik {

result<std::string> yaml_to_json(std::string_view text) {
    auto const start = detail::find_document(detail::without_bom(text), {});
    if (!start.problem && start.at == detail::without_bom(text).size())
        return error{errc::not_found, "there is nothing in it"};
    auto const tree = detail::is_json(text) ? detail::read_json_tree(text) : detail::read_yaml_tree(text);
    if (!tree.found.empty()) return tree.found.front();
    return detail::canonical_text(tree.root);
}

}  // namespace rik

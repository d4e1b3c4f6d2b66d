// Where the documents of a YAML text begin.
#include "model/yaml_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rik::detail {

namespace {

constexpr std::string_view document_mark = "---";
constexpr std::string_view end_mark = "...";

/// The bytes of the first line, with its end.
std::size_t line_size(std::string_view text) {
    auto const end = text.find_first_of("\r\n");
    if (end == text.npos) return text.size();
    return end + (text.substr(end, 2) == "\r\n" ? 2 : 1);
}

bool says_nothing(std::string_view line) {
    auto const first = line.find_first_not_of(" \t\r\n");
    return first == line.npos || line[first] == '#';
}

bool begins_with_mark(std::string_view text, std::string_view mark) {
    if (!text.starts_with(mark)) return false;
    return text.size() == mark.size() || std::string_view(" \t\r\n").find(text[mark.size()]) != text.npos;
}

/// The bytes of the lines that say nothing.
std::size_t silence_size(std::string_view text) {
    std::size_t size = 0;
    while (size < text.size()) {
        auto const line = text.substr(size, line_size(text.substr(size)));
        if (!says_nothing(line)) break;
        size += line.size();
    }
    return size;
}

/// Does `text` begin with a "---" behind which no content comes?
bool begins_empty_document(std::string_view text) {
    auto const first_line = line_size(text);
    if (!says_nothing(text.substr(document_mark.size(), first_line - document_mark.size()))) return false;
    return is_at_document_end(text.substr(first_line + silence_size(text.substr(first_line))));
}

/// Takes a word and the blanks before it.
std::string_view read_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    auto const word = line.substr(0, line.find_first_of(" \t\r\n"));
    line.remove_prefix(word.size());
    return word;
}

/// Directives that are not known mean nothing, and %TAG means nothing here, as no tag is accepted.
/// Source: YAML 1.2.2, 6.8 "Directives"
bool is_right_directive(std::string_view line) {
    if (read_word(line) != "%YAML") return true;
    auto const version = read_word(line);
    auto const minor = version.substr(std::min(version.size(), std::size_t{2}));
    return version.starts_with("1.") && !minor.empty() && minor.find_first_not_of("0123456789") == minor.npos &&
           says_nothing(line);
}

error wrong_directive(text_position where) {
    return {errc::invalid,
            fmt::format("{}: this version of YAML is not known", to_string(where)),
            {},
            "write %YAML 1.2, or leave the line out"};
}

error missing_mark(text_position where) {
    return {errc::invalid,
            fmt::format("{}: the document has directives (%) and does not begin with ---", to_string(where)),
            {},
            "write a line --- before it"};
}

}  // namespace

bool is_at_document_end(std::string_view text) {
    return text.empty() || begins_with_mark(text, document_mark) || begins_with_mark(text, end_mark);
}

document_start find_document(std::string_view text, text_position from) {
    document_start found;
    bool has_directives = false;
    for (auto rest = text;;) {
        rest.remove_prefix(silence_size(rest));
        found.at = text.size() - rest.size();
        auto const where = [&] { return position_after(text.substr(0, found.at), from); };
        if (rest.starts_with('%')) {
            has_directives = true;
            if (!found.problem && !is_right_directive(rest.substr(0, line_size(rest))))
                found.problem = wrong_directive(where());
        } else if (begins_with_mark(rest, document_mark) && begins_empty_document(rest)) {
            has_directives = false;
        } else if (!begins_with_mark(rest, end_mark)) {
            if (has_directives && !begins_with_mark(rest, document_mark) && !found.problem)
                found.problem = missing_mark(where());
            return found;
        }
        rest.remove_prefix(line_size(rest));
    }
}

std::optional<std::size_t> find_json(std::string_view text) {
    std::size_t at = begins_with_mark(text, document_mark) ? document_mark.size() : 0;
    if (auto const line = line_size(text.substr(at)); says_nothing(text.substr(at, line))) at += line;
    at += silence_size(text.substr(at));
    at = std::min(text.find_first_not_of(" \t", at), text.size());
    return text.substr(at).starts_with('{') ? std::optional(at) : std::nullopt;
}

bool may_follow_json(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    text.remove_prefix(silence_size(text));
    return is_at_document_end(text) || is_json(text);
}

std::string without_boms(std::string_view text) {
    std::string made;
    made.reserve(text.size());
    for (text = without_bom(text); !text.empty(); text = without_bom(text)) {
        auto const line = text.substr(0, line_size(text));
        made += line;
        text.remove_prefix(line.size());
    }
    return made;
}

bool has_odd_blank(std::string_view text) {
    // no-break space, zero width space, ideographic space, byte order mark
    constexpr std::array odd_blanks{"\xC2\xA0", "\xE2\x80\x8B", "\xE3\x80\x80", "\xEF\xBB\xBF"};
    return std::ranges::any_of(odd_blanks, [&](std::string_view each) { return text.find(each) != text.npos; });
}

bool is_at_line_end(std::string_view text) { return says_nothing(text.substr(0, line_size(text))); }

std::size_t find_next_document(std::string_view text, std::size_t at) {
    at = std::max(at, line_size(text));  // its own "---" does not count
    auto const line_end = at == 0 ? text.npos : text.find_last_of("\r\n", at - 1);
    at = line_end == text.npos ? text.size() : line_end + 1;
    while (at < text.size() && !begins_with_mark(text.substr(at), document_mark)) at += line_size(text.substr(at));
    return at;
}

}  // namespace rik::detail

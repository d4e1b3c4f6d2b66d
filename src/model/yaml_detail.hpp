// The parts of reading YAML: where its documents begin, and what its plain scalars mean.
#pragma once

#include "model/definition_tree.hpp"

#include <boost/json.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

/// Does `text` begin with a line that ends a document: "---", "...", or nothing at all?
bool is_at_document_end(std::string_view text);

/// Where reading goes on after what is wrong at the byte `at` of a document: the next line with "---", or the size.
std::size_t find_next_document(std::string_view text, std::size_t at);

/// Where the value of the document at the beginning of `text` begins if it looks like JSON: behind its "---", and
/// blanks and comments. nullopt if something else stands there.
std::optional<std::size_t> find_json(std::string_view text);

/// May `text` stand behind a JSON value? Nothing, comments, the mark of another document or another value may.
bool may_follow_json(std::string_view text);

/// `text` without the byte order marks that begin a line: each of the files that were put together to one may have had
/// its own. Those inside of a line are text.
std::string without_boms(std::string_view text);

/// Has `text` a character in it that only looks like a blank, as they come from web pages?
bool has_odd_blank(std::string_view text);

/// Is there nothing but blanks and a comment up to the end of the line?
bool is_at_line_end(std::string_view text);

/// The value of a plain scalar by the core schema; nullopt for a number that JSON cannot hold.
/// Source: YAML 1.2.2, 10.3.2 "Tag Resolution".
std::optional<json::value> resolve_plain(std::string_view text);

/// Is a plain scalar another number in YAML 1.1, where 0644 is octal, than in 1.2?
bool is_old_octal(std::string_view text);

/// Where the values of a document stand, by their paths.
using place_map = std::map<std::string, text_position, std::less<>>;

/// The places of a text that is right, YAML or JSON; those up to what libyaml does not take. `text` begins at `from` in
/// its file.
place_map find_places(std::string_view text, text_position from);

}  // namespace rik::detail

// From text to a JSON tree within bounds, with what was wrong on the way: the first half of parsing a definition.
#pragma once

#include <rik/base/error.hpp>
#include <rik/model/definition.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

namespace json = boost::json;

/// A place in a file, counted from 1. A column is a character.
struct text_position {
    std::size_t line = 1;
    std::size_t column = 1;
};

/// Where one is after `text`, which begins at `from`.
text_position position_after(std::string_view text, text_position from = {});
std::string to_string(text_position where);  ///< "line 3 column 7"

/// `is_complete` is false if syntax or a bound ended the reading: `root` is then of no use.
struct definition_tree {
    json::value root;
    problems found;
    bool is_complete = false;
};

/// JSON, one value.
definition_tree read_json_tree(std::string_view text);
/// YAML 1.2 core schema, one document beside those that are empty, no tags.
definition_tree read_yaml_tree(std::string_view text);

/// What was read from the beginning of a text that may hold more.
struct tree_part {
    definition_tree tree;
    std::size_t size = 0;  ///< bytes of the text that are done with: what is wrong in them is passed over
};

/// One value. `text` begins at `from` in its file.
tree_part read_json_part(std::string_view text, text_position from);
/// One document that is not empty, from its "---" or its first line on. `text` is UTF-8, without_boms.
tree_part read_yaml_part(std::string_view text, text_position from);

/// Where a document that is not empty begins: with its "---" or its first line.
struct document_start {
    std::size_t at = 0;                 ///< bytes from the beginning of the text; its size if there is no document
    std::optional<error> problem = {};  ///< with the directives before it
};

/// Passes over what may stand before a document: blank lines, comments, directives, empty documents. `text` begins at
/// `from` in its file.   Source: YAML 1.2.2, 9.1 "Documents"
document_start find_document(std::string_view text, text_position from);

/// The second half of parsing a definition: checks what the tree says. `text` is what it was read from, which begins at
/// `from` in its file.
parsed_definition parse_tree(definition_tree tree, std::string_view text, text_position from);
/// Adds what a document of a file defines: a workload, a tenant, or the items of a List.
void parse_tree_of_file(definition_tree tree, std::string_view text, text_position from,
                        std::vector<definition_of_file>& into);

/// Compact JSON with the keys in their order and numbers as people write them.
std::string canonical_text(json::value const& root);

/// `text` for a message: its beginning if it is long, never half a character.
std::string shortened(std::string_view text);

/// A decimal number in the shortest way that people write: "0.5", where Boost.JSON would write "5E-1".
std::string number_text(double number);

/// The problem with the size of a definition's text, noted in `found`.
bool is_too_large(std::string_view text, problems& found);

/// The problem with a text that is not UTF-8, noted in `found`. A BOM is none.
bool is_foreign(std::string_view text, problems& found);

/// Does it begin like a JSON object? A '{' before a name without double quotes is YAML.
bool is_json(std::string_view text);

/// `text` without a byte order mark at its beginning.
std::string_view without_bom(std::string_view text);

/// Builds a tree from the events of a JSON or YAML parser. Notes duplicate keys and goes on; stops at a bound, and
/// when it has noted more than limits::definition_problems_max.
class tree_builder {
public:
    explicit tree_builder(problems& found) : found_(found) {}

    void begin_object() { begin(json::object()); }
    void begin_array() { begin(json::array()); }
    void end();
    void key(std::string_view name);
    void scalar(json::value value);

    /// The next value, or the next key, gets this name; of several with one name the latest counts.
    void anchor(std::string_view name) { anchor_ = name; }
    /// The value of that name as it is, counted as if it were written out. False if there is none, or it is not at its
    /// end.
    bool alias(std::string_view name);
    /// In place of a key: the members of what comes next, which is an object or a list of them, become members of this
    /// object where it has none of their names itself.   Source: YAML 1.1, "Merge Key Language-Independent Type"
    void merge_key();

    /// A problem with the value that comes next. Reading goes on.
    void note(std::string what, std::string_view remedy);
    /// From here on all events are dropped.
    void stop(error problem);
    bool is_stopped() const { return is_stopped_; }
    bool expects_key() const;
    /// Of the value that comes next: "spec.containers[1].image".
    std::string path() const;
    json::value take() { return std::move(root_); }

private:
    struct frame {
        json::value container;
        std::string key = {};
        bool has_key = false;
        bool is_merging = false;  ///< the next value is that of a merge key
        std::string anchor = {};
        std::vector<json::object> merged = {};
    };
    void begin(json::value container);
    void add(json::value value);
    void add_member(frame& innermost, json::value value);
    bool count_node();
    bool count_copy(json::value const& value, std::size_t depth);
    void merge(frame& innermost, json::value value);
    void name_value(std::string name, json::value const& value);

    problems& found_;
    std::vector<frame> open_;
    json::value root_;
    std::size_t nodes_count_ = 0;
    std::size_t copied_bytes_ = 0;
    std::string anchor_ = {};
    std::map<std::string, json::value, std::less<>> anchors_ = {};
    bool is_stopped_ = false;
};

}  // namespace rik::detail

// From text to a JSON tree within bounds, with what was wrong on the way: the first half of parsing a definition.
#pragma once

#include <rik/base/error.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

namespace json = boost::json;

/// `is_complete` is false if syntax or a bound ended the reading: `root` is then of no use.
struct definition_tree {
    json::value root;
    problems found;
    bool is_complete = false;
};

definition_tree read_json_tree(std::string_view text);
/// YAML 1.2 core schema, one document, no anchors, aliases or tags.
definition_tree read_yaml_tree(std::string_view text);

/// Compact JSON with the keys in their order and numbers as people write them.
std::string canonical_text(json::value const& root);

/// `text` for a message: its beginning if it is long, never half a character.
std::string shortened(std::string_view text);

/// A decimal number in the shortest way that people write: "0.5", where Boost.JSON would write "5E-1".
std::string number_text(double number);

/// The problem with the size of a definition's text, noted in `found`.
bool is_too_large(std::string_view text, problems& found);

/// Builds a tree from the events of a JSON or YAML parser. Notes duplicate keys and goes on; stops at a bound.
class tree_builder {
public:
    explicit tree_builder(problems& found) : found_(found) {}

    void begin_object() { begin(json::object()); }
    void begin_array() { begin(json::array()); }
    void end();
    void key(std::string_view name);
    void scalar(json::value value);

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
        std::string key;
        bool has_key = false;
    };
    void begin(json::value container);
    void add(json::value value);
    bool count_node();

    problems& found_;
    std::vector<frame> open_;
    json::value root_;
    std::size_t nodes_count_ = 0;
    bool is_stopped_ = false;
};

}  // namespace rik::detail

// Reading the fields of a definition: each reader notes what is wrong, with the field's path, and goes on.
#pragma once

#include <rik/model/definition.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

namespace json = boost::json;

/// What was found wrong so far. Bounded: after limits::definition_problems_max one last entry says that there are more,
/// and whoever reads a list stops there.
class findings {
public:
    explicit findings(parsed_definition& into) : into_(into) {}

    void problem(std::string field, std::string message, std::string_view remedy);
    void problem(std::optional<error> found);
    /// "FIELD is kept and not acted on: BECAUSE."
    void warn_unused(std::string_view field, std::string_view because);
    /// "FIELD WHAT."
    void warn(std::string_view field, std::string_view what);
    /// Nothing more is noted: it is of no use to go on.
    bool is_full() const { return into_.found.size() > limits::definition_problems_max; }

private:
    parsed_definition& into_;
};

/// A legal field of an object. `unused_because` says why it is known and not acted on; empty: it is acted on.
struct field_rule {
    std::string_view name;
    std::string_view unused_because = {};
};

struct integer_range {
    std::int64_t min = 0;
    std::int64_t max = 0;
};
inline constexpr integer_range port_range{1, 65535};

/// "a list", "a number": for messages.
std::string_view kind_text(json::value const& value);

/// The elements of a path.
std::string path_of(std::string_view parent, std::string_view field);
std::string path_of(std::string_view list, std::size_t index);

/// Reads the fields of one object. A field that is null is as good as left out. Refers to all that it was made with.
class field_reader {
public:
    /// Notes every field that `rules` do not name, with the one that was probably meant.
    field_reader(json::object const& from, std::string path, std::span<field_rule const> rules, findings& notes);

    std::string const& path() const { return path_; }
    std::string path_of(std::string_view field) const { return detail::path_of(path_, field); }
    findings& notes() const { return notes_; }

    json::value const* find(std::string_view field) const;
    /// These note a problem and find nothing if the field has another type.
    std::optional<std::string_view> text(std::string_view field) const;
    std::optional<std::int64_t> integer(std::string_view field, integer_range range) const;
    json::object const* object(std::string_view field) const;
    json::array const* list(std::string_view field) const;
    /// Notes a problem if the field is missing, too.
    std::optional<std::string_view> needed_text(std::string_view field, std::string_view remedy) const;

private:
    void check_names(std::span<field_rule const> rules) const;

    json::object const& from_;
    std::string path_;
    findings& notes_;
};

/// Nothing, and a problem, if `value` at `path` is no object (no string).
json::object const* expect_object(json::value const& value, std::string_view path, findings& notes);
std::optional<std::string_view> expect_text(json::value const& value, std::string_view path, findings& notes);

/// The syntax of a label's key, and of its value where that is not empty.   Source: Kubernetes, "Labels and Selectors".
bool is_label_key(std::string_view key);
bool is_label_text(std::string_view text);
inline constexpr std::string_view label_key_remedy =
    "use letters, digits, '-', '_' and '.', at most 63, with an optional prefix such as example.com/";

/// A map of strings, such as labels.
string_map read_string_map(field_reader const& from, std::string_view field);

/// Labels also have a syntax.  Source: Kubernetes, "Labels and Selectors".
string_map read_labels(field_reader const& from, std::string_view field);

/// The `type` of a port, if given: clusterIP, nodePort or loadBalancer in any case.
void check_port_type(field_reader const& port);

/// The `ports` of a container: in RIK one object, in Kubernetes a list; RIK's OpenAPI file calls it `network`.
std::vector<container_port> read_ports(field_reader const& container);

/// spec.containers.
std::vector<container_definition> read_containers(json::array const& from, std::string_view path, findings& notes);

}  // namespace rik::detail

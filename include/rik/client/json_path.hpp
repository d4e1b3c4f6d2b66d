// JSONPath templates, as kubectl has them: which parts of a JSON text are printed, and how.
#pragma once

#include <rik/base/result.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace rik {

/// A template such as `{.items[*].name}` or `{range .items[*]}{.name}{"\t"}{.state}{"\n"}{end}`. Known are fields (.a,
/// ['a']), elements ([0], [-1], [*], [1:3], [0,2]), all below (..a), conditions ([?(@.state=="running")]), text in
/// quotes, `range` and `end`, and `$` and `@`. Several values are joined by a blank; a field that is not there is
/// nothing.   Source: Kubernetes, "JSONPath Support".
class json_path {
public:
    /// Braces around a single path may be left out. Errors: invalid, with the column.
    static result<json_path> parse(std::string_view text);
    json_path(json_path&&) noexcept;
    json_path& operator=(json_path&&) noexcept;
    ~json_path();

    /// Returns what the template makes of `json`; objects and lists are printed as JSON. Errors: corrupt, it is no
    /// JSON.
    result<std::string> print(std::string_view json) const;

private:
    struct node;
    explicit json_path(std::unique_ptr<node const> root);
    std::unique_ptr<node const> root_;
};

}  // namespace rik

// $(NAME) in commands, arguments and variables.
#pragma once

#include <rik/base/result.hpp>
#include <rik/model/definition.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// Replaces $(NAME) by the value of that variable. An unknown name stays as it is written, and so does every other '$'.
/// "$$" is one '$', so that "$$(NAME)" is the text "$(NAME)". Values are not expanded again.
/// Source: Kubernetes, "Define Dependent Environment Variables"; its third_party/forked/golang/expansion.
class reference_expander {
public:
    /// `known` are the variables that exist before any is defined.
    explicit reference_expander(string_map const& known) : values_(known.begin(), known.end()) {}

    /// Errors: invalid, all texts that this expander has made are longer than limits::expanded_bytes_max together.
    result<std::string> expand(std::string_view text);
    /// Of several definitions of a name the latest counts.
    void define(std::string name, std::string value) { values_.insert_or_assign(std::move(name), std::move(value)); }

private:
    std::map<std::string, std::string, std::less<>> values_;
    std::size_t made_bytes_ = 0;
};

/// The texts of a container that may have references. `command` and `args` are empty if they come from the image.
struct expanded_texts {
    std::vector<std::string> command;
    std::vector<std::string> args;
    std::vector<environment_variable> env;
};

/// A variable that is not written, but refers to something, has its value already, and that is not expanded.
/// Each variable may refer to `known` and to the variables before it; commands and arguments may refer to all of these.
/// None may refer to the image's variables. Errors: invalid, as in `expand`; the error's field is the one of the
/// container at which the texts became too long.
result<expanded_texts> expand_references(container_definition const& of, string_map const& known);

/// Returns a text that `expand` turns into `text`, whatever is in it.
std::string escape_references(std::string_view text);

}  // namespace rik

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

/// Replaces $(NAME) by the value of that variable. A name that is not known stays as it is written, and so does every
/// other '$'; "$$" is one '$', so that "$$(NAME)" is the text "$(NAME)". Values are not looked at again.
/// Source: Kubernetes, "Define Dependent Environment Variables"; its third_party/forked/golang/expansion.
class reference_expander {
public:
    /// `known`: variables that are there before any is defined.
    explicit reference_expander(string_map const& known) : values_(known.begin(), known.end()) {}

    /// Errors: invalid, with this text all that it has made is longer than limits::expanded_bytes_max.
    result<std::string> expand(std::string_view text);
    /// The latest of a name counts.
    void define(std::string name, std::string value) { values_.insert_or_assign(std::move(name), std::move(value)); }

private:
    std::map<std::string, std::string, std::less<>> values_;
    std::size_t made_bytes_ = 0;
};

/// The texts of a container that may have references. `command` and `args` are empty if the image says them.
struct expanded_texts {
    std::vector<std::string> command;
    std::vector<std::string> args;
    std::vector<environment_variable> env;
};

/// Each variable may refer to `known` and to those before it, commands and arguments to all; not to the image's.
/// Errors: invalid, as `expand`; its field is that of the container where it became too long.
result<expanded_texts> expand_references(container_definition const& of, string_map const& known);

/// What `expand` makes `text` of, whatever is in it.
std::string escape_references(std::string_view text);

}  // namespace rik

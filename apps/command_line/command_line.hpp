// What is said of a command line that cannot be understood; shared by rik and rikctl.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace rik::command_line {

/// "did you mean X?" if one of `known` was probably meant by `written`, else `otherwise`.
std::string suggestion(std::string_view written, std::vector<std::string> const& known, std::string otherwise);

/// For an option whose value is one of `words`.
CLI::Validator one_of(std::vector<std::string> words);

/// Why `app` did not take its command line, as `problem` says that its parse has thrown: in one line, with the nearest
/// right word or what there is to choose from.
std::string explain(CLI::App const& app, CLI::ParseError const& problem);

}  // namespace rik::command_line

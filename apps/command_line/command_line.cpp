#include "command_line.hpp"

#include <rik/base/nearest_word.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

namespace rik::command_line {

namespace {

using apps = std::vector<CLI::App const*>;

/// The program and the commands that were given, one below the other.
apps chain_of(CLI::App const& app) {
    apps chain{&app};
    for (auto below = app.get_subcommands(); !below.empty(); below = below.front()->get_subcommands())
        chain.push_back(below.front());
    return chain;
}

/// "rikctl create instance"
std::string name_of(apps const& chain) {
    std::vector<std::string> names;
    for (auto const* each : chain) names.push_back(each->get_name());
    return fmt::format("{}", fmt::join(names, " "));
}

std::vector<std::string> commands_of(CLI::App const& app) {
    std::vector<std::string> names;
    for (auto const* each : app.get_subcommands([](CLI::App const*) { return true; }))
        names.push_back(each->get_name());
    return names;
}

std::vector<std::string> options_of(apps const& chain) {
    std::vector<std::string> names;
    for (auto const* each : chain) {
        for (auto const* option : each->get_options()) {
            for (auto const& name : option->get_lnames()) names.push_back("--" + name);
            for (auto const& name : option->get_snames()) names.push_back("-" + name);
        }
    }
    return names;
}

CLI::Option const* find_option(apps const& chain, std::string_view name) {
    for (auto const* each : chain) {
        for (auto const* option : each->get_options())
            if (option->get_name() == name) return option;
    }
    return nullptr;
}

bool is_option(std::string_view word) { return word.size() > 1 && word.front() == '-' && word != "--"; }

/// The first word that no part of the command line takes, options first: what they would take looks like a word too
/// many. Behind the word that stands where a command should, options are that command's.
std::optional<std::string> unexpected_word(CLI::App const& app, CLI::App const& last) {
    auto words = app.remaining(true);
    std::erase(words, "--");
    auto const lacks_command = !commands_of(last).empty();
    if (lacks_command && !words.empty() && !is_option(words.front())) return words.front();
    auto const option = std::ranges::find_if(words, is_option);
    if (option != words.end()) return *option;
    return words.empty() ? std::nullopt : std::optional(words.front());
}

std::string explain_option(apps const& chain, std::string const& word) {
    auto const name = word.substr(0, word.find('='));
    return fmt::format("{} has no option {}: {}", name_of(chain), name,
                       suggestion(name, options_of(chain), fmt::format("see {} --help", name_of(chain))));
}

std::string explain_command(apps const& chain, std::optional<std::string> const& word) {
    auto const commands = commands_of(*chain.back());
    auto const choice = fmt::format("use {}", fmt::join(commands, ", "));
    if (!word) return fmt::format("a command is missing behind {}: {}", name_of(chain), choice);
    return fmt::format("{} has no command '{}': {}", name_of(chain), *word, suggestion(*word, commands, choice));
}

/// What is needed and not there.
std::string explain_missing(apps const& chain, std::string_view message) {
    constexpr std::string_view ending = " is required";
    if (!message.ends_with(ending)) return std::string(message);
    auto const name = message.substr(0, message.size() - ending.size());
    auto const* const option = find_option(chain, name);
    return fmt::format("{} is missing{}{}", name, option == nullptr ? "" : ": ",
                       option == nullptr ? std::string() : option->get_description());
}

/// An option with too few values, or with too many.
std::string explain_count(apps const& chain, std::string_view message) {
    auto const name = message.substr(0, message.find_first_of(": "));
    auto const* const option = find_option(chain, name);
    if (option == nullptr) return std::string(message);
    if (message.find("disallowed flag") != message.npos) return fmt::format("{} takes no value", name);
    if (message.find("At Most") != message.npos) return fmt::format("{} is given more than once", name);
    return fmt::format("{} needs a value: {}", name, option->get_description());
}

std::string explain_value(apps const& chain, std::string_view message) {
    for (auto const* each : chain) {
        for (auto const* option : each->get_options()) {
            auto const name = option->get_name();
            auto const is_flag = option->get_items_expected_max() == 0;
            if (is_flag && message.find(name) != message.npos) return fmt::format("{} takes no such value", name);
        }
    }
    return std::string(message);
}

}  // namespace

std::string suggestion(std::string_view written, std::vector<std::string> const& known, std::string otherwise) {
    nearest_word nearest(written);
    for (auto const& each : known) nearest.consider(each);
    return nearest.found() ? fmt::format("did you mean {}?", *nearest.found()) : std::move(otherwise);
}

CLI::Validator one_of(std::vector<std::string> words) {
    auto check = [words = std::move(words)](std::string const& text) -> std::string {
        if (std::ranges::find(words, text) != words.end()) return {};
        auto const choice = fmt::format("use {}", fmt::join(words, ", "));
        return fmt::format("'{}' is none of its values: {}", text, suggestion(text, words, choice));
    };
    return CLI::Validator(std::move(check), "");
}

std::string explain(CLI::App const& app, CLI::ParseError const& problem) {
    auto const chain = chain_of(app);
    std::string const message = problem.what();
    auto const type = problem.get_name();
    auto const word = unexpected_word(app, *chain.back());
    if (word && is_option(*word)) return explain_option(chain, *word);
    auto const takes_command = !commands_of(*chain.back()).empty();
    if (takes_command && (word || type == "RequiredError")) return explain_command(chain, word);
    if (problem.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {  // its name is that of a command
        auto const extra = word.value_or(message.substr(message.rfind(": ") + 2));   // CLI11 does not always keep it
        return fmt::format("{}: there is a word too many, '{}'", name_of(chain), extra);
    }
    if (type == "RequiredError") return explain_missing(chain, message);
    if (type == "ArgumentMismatch") return explain_count(chain, message);
    if (type == "ConversionError") return explain_value(chain, message);
    return message;
}

}  // namespace rik::command_line

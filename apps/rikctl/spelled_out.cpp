#include "spelled_out.hpp"

#include <rik/client/resource_kind.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "named_workload.hpp"

namespace rikctl {

namespace {

/// These take a kind of object, and then names.
constexpr std::array<std::string_view, 10> with_kind{"get", "ls",   "describe", "d",     "delete",
                                                     "rm",  "wait", "edit",     "label", "annotate"};
/// These take names of workloads, which may be KIND/NAME; so do those of `rollout`, behind its verb.
constexpr std::array<std::string_view, 8> with_names{"suspend", "resume", "pause", "scale",
                                                     "restart", "logs",   "log",   "rollout"};
constexpr std::array<std::string_view, 32> with_value{"-s",
                                                      "--server",
                                                      "-n",
                                                      "--tenant",
                                                      "--namespace",
                                                      "-o",
                                                      "--output",
                                                      "-l",
                                                      "--selector",
                                                      "--for",
                                                      "--timeout",
                                                      "--field-selector",
                                                      "--workload",
                                                      "--workload-id",
                                                      "--node",
                                                      "--instance",
                                                      "--kind",
                                                      "--cascade",
                                                      "--file",
                                                      "--filename",
                                                      "--id",
                                                      "--replicas",
                                                      "--current-replicas",
                                                      "--tail",
                                                      "--since",
                                                      "--stream",
                                                      "-c",
                                                      "--container",
                                                      "--to-revision",
                                                      "--instance-id",
                                                      "--form",
                                                      "--name"};

bool is_in(auto const& words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

/// Is the next word its value? With -f `delete` names a file, and `logs` follows.
bool takes_next(std::string_view command, std::string_view option) {
    if (option == "-f") return command == "delete" || command == "rm";
    return is_in(with_value, option);
}

/// KEY=VALUE or KEY-, which come last and are no names.
bool is_change(std::string_view command, std::string_view word) {
    if (command != "label" && command != "annotate") return false;
    return word.find('=') != word.npos || word.ends_with('-');
}

/// Where the words behind the command are that are neither options nor their values.
std::vector<std::size_t> word_places(std::vector<std::string> const& arguments, std::size_t command) {
    std::vector<std::size_t> places;
    for (auto i = command + 1; i < arguments.size(); ++i) {
        if (takes_next(arguments[command], arguments[i])) {
            ++i;
            continue;
        }
        if (arguments[i].starts_with('-')) continue;
        if (is_change(arguments[command], arguments[i])) break;
        places.push_back(i);
    }
    return places;
}

/// To users of kubectl a Pod is what runs: an instance. Before a slash it is the kind of a workload.
bool is_pod_word(std::string_view word) { return word == "pod" || word == "pods" || word == "po"; }

bool is_workload_word(std::string_view word) { return rik::parse_resource_kind(word) == rik::resource_kind::workload; }

/// "suspend cronjob hello" as "suspend cronjob/hello".
void put_kind_before_names(std::vector<std::string>& arguments, std::vector<std::size_t> const& words) {
    if (words.size() < 2) return;
    auto const kind = arguments[words.front()];
    if (kind_of_word(kind).empty() && kind != "workload" && kind != "workloads") return;
    for (auto i = words.begin() + 1; i != words.end(); ++i)
        if (arguments[*i].find('/') == std::string::npos) arguments[*i] = kind + '/' + arguments[*i];
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(words.front()));
}

/// Of all workloads those of this kind.
void select_kind(std::vector<std::string>& arguments, std::string const& kind) {
    constexpr std::string_view option = "--field-selector";
    auto const said = std::ranges::find(arguments, option);
    auto const joined =
        std::ranges::find_if(arguments, [&](auto const& each) { return each.starts_with(std::string(option) + '='); });
    if (said != arguments.end() && said + 1 != arguments.end())
        *(said + 1) += ",kind=" + kind;
    else if (joined != arguments.end())
        *joined += ",kind=" + kind;
    else
        arguments.insert(arguments.end(), {std::string(option), "kind=" + kind});
}

/// "get sts web": the first word is the kind.
void say_kind(std::vector<std::string>& arguments, std::size_t command, std::vector<std::size_t> const& words,
              std::string const& kind) {
    auto const is_list = words.size() == 1 && (arguments[command] == "get" || arguments[command] == "ls");
    arguments[words.front()] = "workload";
    if (is_list)
        select_kind(arguments, kind);
    else
        arguments.insert(arguments.end(), {"--kind", kind});
}

/// "get sts/web": the kind stands before each name.
void split_kind(std::vector<std::string>& arguments, std::vector<std::size_t> words) {
    auto split = arguments;
    auto const has_word = is_workload_word(arguments[words.front()]);
    if (has_word) words.erase(words.begin());
    std::optional<std::string> kind;
    for (auto const i : words) {
        auto const which = named(split[i]);
        if (which.name == split[i] || which.name.empty()) continue;
        if (kind && which.kind != *kind) return;
        kind = which.kind;
        split[i] = which.name;
    }
    if (!kind) return;
    if (!has_word) split.insert(split.begin() + static_cast<std::ptrdiff_t>(words.front()), "workload");
    if (!kind->empty()) split.insert(split.end(), {"--kind", *kind});
    arguments = std::move(split);
}

/// "node/a" of "delete node/a": no kind of a workload. nullopt: no such word stands before the slash.
std::optional<std::string> kind_before_slash(std::string const& word) {
    auto const slash = word.find('/');
    if (slash == word.npos || slash + 1 == word.size() || named(word).name != word) return std::nullopt;
    auto kind = word.substr(0, slash);
    return rik::parse_resource_kind(kind) ? std::optional(std::move(kind)) : std::nullopt;
}

/// "delete node/a node/b" as "delete node a b"; several kinds stay as they are.
void split_resources(std::vector<std::string>& arguments, std::vector<std::size_t> const& words,
                     std::string const& kind) {
    auto split = arguments;
    for (auto const i : words) {
        if (kind_before_slash(split[i]) != kind) return;
        split[i].erase(0, kind.size() + 1);
    }
    split.insert(split.begin() + static_cast<std::ptrdiff_t>(words.front()), kind);
    arguments = std::move(split);
}

}  // namespace

std::size_t command_place(std::vector<std::string> const& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        static constexpr std::array<std::string_view, 5> of_all{"-s", "--server", "-n", "--tenant", "--namespace"};
        if (is_in(of_all, arguments[i]))
            ++i;
        else if (!arguments[i].starts_with('-'))
            return i;
    }
    return arguments.size();
}

void spell_out_kinds(std::vector<std::string>& arguments) {
    auto const place = command_place(arguments);
    if (place == arguments.size()) return;
    auto words = word_places(arguments, place);
    if (arguments[place] == "rollout" && !words.empty()) words.erase(words.begin());
    if (words.empty()) return;
    if (is_in(with_names, arguments[place])) return put_kind_before_names(arguments, words);
    if (!is_in(with_kind, arguments[place])) return;
    auto& first = arguments[words.front()];
    if (is_pod_word(first)) {
        first = "instance";
        return;
    }
    if (auto const kind = kind_of_word(first); !kind.empty()) return say_kind(arguments, place, words, kind);
    if (auto const kind = kind_before_slash(first)) return split_resources(arguments, words, *kind);
    if (is_workload_word(first) || named(first).name != first) split_kind(arguments, words);
}

}  // namespace rikctl

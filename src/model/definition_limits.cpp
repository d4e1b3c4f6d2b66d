#include "model/definition_limits.hpp"

#include "model/definition_tree.hpp"

#include <rik/base/limits.hpp>
#include <rik/base/quantity.hpp>
#include <rik/model/references.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace rik::detail {

namespace {

constexpr std::string_view long_text_remedy = "put it into a file of the image";

/// `size` is without the zero byte at the end.
void check_size(field_reader const& fields, std::string const& field, std::size_t size) {
    if (size < limits::argument_bytes_max) return;
    fields.notes().problem(fields.path_of(field),
                           fmt::format("is {} bytes long; no program can be started with more than {} in one text",
                                       size, limits::argument_bytes_max - 1),
                           long_text_remedy);
}

void check_words(field_reader const& fields, std::string_view list, std::vector<std::string> const& words) {
    for (std::size_t i = 0; i < words.size(); ++i) check_size(fields, fmt::format("{}[{}]", list, i), words[i].size());
}

bool has_long_part(std::string_view path) {
    while (!path.empty()) {
        auto const slash = std::min(path.find('/'), path.size());
        if (slash > limits::path_part_bytes_max) return true;
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return false;
}

/// Of the variable as the program gets it: "NAME=value".
void check_variables(field_reader const& fields, std::vector<environment_variable> const& variables) {
    for (std::size_t i = 0; i < variables.size(); ++i)
        check_size(fields, fmt::format("env[{}].value", i), variables[i].name.size() + 1 + variables[i].value.size());
}

/// The program itself is found by its path, or by its name in the directories of PATH.
void check_program(field_reader const& fields, std::vector<std::string> const& command) {
    if (command.empty()) return;
    check_path(fields, "command[0]", command.front());
    if (command.front().empty())
        fields.notes().problem(fields.path_of("command[0]"), "is empty: it names no program",
                               "begin the command with a program, or leave it out for that of the image");
}

void check_cpu_limit(field_reader const& limits, std::int64_t milli) {
    auto const path = limits.path_of(resource::cpu);
    if (milli > limits::cpu_limit_milli_max)
        limits.notes().problem(path, fmt::format("is {} cores, more than any machine has", milli_text(milli)),
                               "leave it out for no limit; 500m is half a core, 2 are two");
    else if (milli < limits::cpu_limit_milli_min)
        limits.notes().warn(path,
                            fmt::format("is raised to {}m: the kernel gives no less", limits::cpu_limit_milli_min));
}

void check_memory_limit(field_reader const& limits, std::int64_t bytes) {
    if (bytes >= limits::memory_limit_bytes_min) return;
    limits.notes().problem(limits.path_of(resource::memory),
                           fmt::format("is {} bytes; no container starts with less than {}", bytes,
                                       bytes_text(limits::memory_limit_bytes_min)),
                           bytes < 1024 * 1024 ? "give it a unit, for example 512Mi"
                                               : "raise it: what it asks for is `requests`, and may be less");
}

}  // namespace

void check_path(field_reader const& fields, std::string_view field, std::string_view path) {
    auto const remedy = fmt::format("use at most {} bytes, and {} between two slashes", limits::path_bytes_max - 1,
                                    limits::path_part_bytes_max);
    if (path.size() >= limits::path_bytes_max)
        fields.notes().problem(fields.path_of(field), fmt::format("is a path of {} bytes", path.size()), remedy);
    else if (has_long_part(path))
        fields.notes().problem(fields.path_of(field), "has a name in its path that is too long", remedy);
}

void check_limit(field_reader const& limits, std::string_view name, std::int64_t amount) {
    if (amount == 0)
        limits.notes().problem(limits.path_of(name), "is 0, with which nothing could run", "leave it out for no limit");
    else if (name == resource::memory)
        check_memory_limit(limits, amount);
    else if (name == resource::cpu)
        check_cpu_limit(limits, amount);
}

void check_startable(container_definition const& container, field_reader const& fields) {
    check_path(fields, "workingDir", container.working_dir);
    auto const written = expand_references(container, {});
    if (!written) {
        auto const& why = written.error();
        return fields.notes().problem(fields.path_of(why.field), why.message, why.remedy);
    }
    check_words(fields, "command", written->command);
    check_words(fields, "args", written->args);
    check_variables(fields, written->env);
    check_program(fields, written->command);
}

}  // namespace rik::detail

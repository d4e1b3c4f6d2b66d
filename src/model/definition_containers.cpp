// spec.containers of a definition.
#include "model/definition_fields.hpp"
#include "model/definition_limits.hpp"
#include "model/definition_tree.hpp"

#include <rik/base/quantity.hpp>
#include <rik/model/image_name.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace rik::detail {

namespace {

constexpr std::array container_rules{field_rule{"name"},  field_rule{"image"},   field_rule{"command"},
                                     field_rule{"args"},  field_rule{"env"},     field_rule{"workingDir"},
                                     field_rule{"ports"}, field_rule{"network"}, field_rule{"resources"}};
constexpr std::array environment_rules{field_rule{"name"}, field_rule{"value"}};
constexpr std::array resources_rules{field_rule{"requests"}, field_rule{"limits"}};
constexpr std::array requests_rules{field_rule{resource::cpu}, field_rule{resource::memory},
                                    field_rule{resource::storage}};
constexpr std::array limits_rules{field_rule{resource::cpu}, field_rule{resource::memory},
                                  field_rule{resource::storage,
                                             "it counts as request, but nothing ends a container that "
                                             "stores more"}};

constexpr std::array resource_names{resource::cpu, resource::memory, resource::storage};
/// Sums of such amounts, over all containers of many instances, stay far from the end of 64 bits.
constexpr std::int64_t amount_max = std::int64_t{1} << 53;

bool is_environment_name(std::string_view name) {
    auto const is_legal = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    };
    return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), is_legal);
}

std::optional<environment_variable> read_variable(json::object const& from, std::string path, findings& notes) {
    field_reader const fields(from, std::move(path), environment_rules, notes);
    auto const name = fields.needed_text("name", "name the variable");
    auto const value = fields.text("value");
    if (!name) return std::nullopt;
    if (!is_environment_name(*name))
        notes.problem(fields.path_of("name"), fmt::format("'{}' is not a legal name of a variable", shortened(*name)),
                      "use letters, digits, '_', '-' and '.', not beginning with a digit");
    return environment_variable{std::string(*name), std::string(value.value_or(""))};
}

std::vector<environment_variable> read_environment(field_reader const& container) {
    std::vector<environment_variable> variables;
    auto const* list = container.list("env");
    if (list == nullptr) return variables;
    std::set<std::string, std::less<>> names;
    for (std::size_t i = 0; i < list->size(); ++i) {
        auto path = path_of(container.path_of("env"), i);
        auto const* object = expect_object((*list)[i], path, container.notes());
        if (object == nullptr) continue;
        auto variable = read_variable(*object, path, container.notes());
        if (!variable) continue;
        if (!names.insert(variable->name).second)
            container.notes().problem(path_of(path, "name"),
                                      fmt::format("'{}' is set twice", shortened(variable->name)),
                                      "keep one of the two");
        variables.push_back(std::move(*variable));
    }
    return variables;
}

/// An empty list is as good as none, as in Kubernetes.
std::optional<std::vector<std::string>> read_words(field_reader const& container, std::string_view field) {
    auto const* found = container.find(field);
    if (found == nullptr) return std::nullopt;
    if (found->is_string()) {
        container.notes().problem(container.path_of(field), "is text, not a list",
                                  R"(write one entry per word: ["sleep", "60"], or ["sh", "-c", "..."] for a shell)");
        return std::nullopt;
    }
    auto const* list = container.list(field);
    if (list == nullptr || list->empty()) return std::nullopt;
    std::vector<std::string> words;
    for (std::size_t i = 0; i < list->size(); ++i)
        if (auto const word = expect_text((*list)[i], path_of(container.path_of(field), i), container.notes()))
            words.emplace_back(*word);
    return words;
}

std::optional<std::int64_t> read_amount(field_reader const& amounts, std::string_view name) {
    auto const* found = amounts.find(name);
    if (found == nullptr) return std::nullopt;
    auto const path = amounts.path_of(name);
    if (!found->is_string() && !found->is_number()) {
        amounts.notes().problem(path, fmt::format("is {}, not an amount", kind_text(*found)),
                                "write for example 2, 500m, 64Mi or 1.5Gi");
        return std::nullopt;
    }
    auto const text = found->is_string() ? std::string(std::string_view(*found->if_string())) : canonical_text(*found);
    auto const amount = parse_quantity(shortened(text), name == resource::cpu ? 1000 : 1);
    if (!amount) {
        amounts.notes().problem(path, amount.error().message, amount.error().remedy);
        return std::nullopt;
    }
    if (*amount <= amount_max) return *amount;
    amounts.notes().problem(path, fmt::format("'{}' is more than any machine has", shortened(text)), "ask for less");
    return std::nullopt;
}

resources read_limits(field_reader const& container) {
    resources amounts;
    auto const* object = container.object("limits");
    if (object == nullptr) return amounts;
    field_reader const fields(*object, container.path_of("limits"), limits_rules, container.notes());
    for (auto const name : resource_names) {
        auto const amount = read_amount(fields, name);
        if (!amount) continue;
        check_limit(fields, name, *amount);
        amounts.set(name, *amount);
    }
    return amounts;
}

/// A limit without a request is its request; a request of 0 is one.
/// Source: Kubernetes, "Resource Management for Pods and Containers", and SetDefaults_Pod.
resources read_requests(field_reader const& container, resources const& limits) {
    auto amounts = limits;
    auto const* object = container.object("requests");
    if (object == nullptr) return amounts;
    field_reader const fields(*object, container.path_of("requests"), requests_rules, container.notes());
    for (auto const name : resource_names) {
        auto const amount = read_amount(fields, name);
        if (!amount) continue;
        auto const limit = limits.get(name);
        if (limit != 0 && *amount > limit)
            fields.notes().problem(fields.path_of(name), "is more than the limit",
                                   "raise the limit or lower the request");
        amounts.set(name, *amount);
    }
    return amounts;
}

void read_resources(field_reader const& container, container_definition& into) {
    auto const* object = container.object("resources");
    if (object == nullptr) return;
    field_reader const fields(*object, container.path_of("resources"), resources_rules, container.notes());
    into.limits = read_limits(fields);
    into.requests = read_requests(fields, into.limits);
}

void read_name_and_image(field_reader const& fields, container_definition& into) {
    if (auto const name = fields.needed_text("name", "name the container")) {
        into.name = *name;
        fields.notes().problem(check_label_name(*name, fields.path_of("name")));
    }
    auto const image = fields.needed_text("image", image_name_remedy);
    if (!image) return;
    into.image = *image;
    if (auto const parsed = parse_image_name(*image); !parsed) {
        auto const& why = parsed.error();
        fields.notes().problem(fields.path_of("image"), fmt::format("'{}': {}", shortened(*image), why.message),
                               why.remedy);
    }
}

container_definition read_container(json::object const& from, std::string path, findings& notes) {
    field_reader const fields(from, std::move(path), container_rules, notes);
    container_definition container;
    read_name_and_image(fields, container);
    container.command = read_words(fields, "command");
    container.args = read_words(fields, "args");
    container.env = read_environment(fields);
    if (auto const directory = fields.text("workingDir")) {
        container.working_dir = *directory;
        if (!directory->starts_with('/'))
            notes.problem(fields.path_of("workingDir"),
                          fmt::format("'{}' is not an absolute path", shortened(*directory)), "begin it with /");
    }
    container.ports = read_ports(fields);
    read_resources(fields, container);
    check_startable(container, fields);
    return container;
}

}  // namespace

std::vector<container_definition> read_containers(json::array const& from, std::string_view path, findings& notes) {
    std::vector<container_definition> containers;
    if (from.size() > limits::containers_per_pod_max)
        notes.problem(std::string(path),
                      fmt::format("has {} containers; the limit is {}", from.size(), limits::containers_per_pod_max),
                      "split it into several Pods");
    std::set<std::string, std::less<>> names;
    for (std::size_t i = 0; i < from.size(); ++i) {
        auto const container_path = path_of(path, i);
        auto const* object = expect_object(from[i], container_path, notes);
        if (object == nullptr) continue;
        auto container = read_container(*object, container_path, notes);
        if (!container.name.empty() && !names.insert(container.name).second)
            notes.problem(path_of(container_path, "name"),
                          fmt::format("'{}' is the name of two containers", shortened(container.name)),
                          "give every container a name of its own");
        containers.push_back(std::move(container));
    }
    return containers;
}

}  // namespace rik::detail

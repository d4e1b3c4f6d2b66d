// spec.containers of a definition.
#include "model/definition_fields.hpp"
#include "model/definition_limits.hpp"
#include "model/definition_tree.hpp"

#include <rik/base/quantity.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace rik::detail {

namespace {

constexpr std::array resource_names{resource::cpu, resource::memory, resource::storage};
amount_reference read_amount_reference(field_reader const& from) {
    amount_reference made;
    auto const what = from.text("resource").value_or("");
    made.is_limit = what.starts_with("limits.");
    made.resource = what.substr(std::min(what.find('.') + 1, what.size()));
    made.container = from.text("containerName").value_or("");
    auto const unit = made.resource == resource::cpu ? 1000 : 1;
    auto const divisor = from.amount("divisor", unit).value_or(0);
    made.divisor = divisor > 0 ? divisor : unit;
    return made;
}

void read_source(field_reader const& from, environment_variable& into) {
    from.in("fieldRef", [&](field_reader const& field) {
        into.from = field_reference{std::string(field.text("fieldPath").value_or(""))};
    });
    auto const has_field = !into.is_written();
    from.in("resourceFieldRef", [&](field_reader const& amount) { into.from = read_amount_reference(amount); });
    if (has_field && from.object("resourceFieldRef") != nullptr)
        from.notes().problem(from.path(), "names two sources", "keep one of the two");
    if (!into.value.empty()) from.notes().problem(from.path(), "stands beside a value", "keep one of the two");
}

environment_variable read_variable(field_reader const& fields) {
    environment_variable variable{std::string(fields.text("name").value_or("")),
                                  std::string(fields.text("value").value_or(""))};
    fields.in("valueFrom", [&](field_reader const& source) { read_source(source, variable); });
    return variable;
}

resources read_limits(field_reader const& fields) {
    resources amounts;
    for (auto const name : resource_names) {
        auto const amount = fields.amount(name, name == resource::cpu ? 1000 : 1);
        if (!amount) continue;
        check_limit(fields, name, *amount);
        amounts.set(name, *amount);
    }
    return amounts;
}

/// `amounts` are the limits. A limit without a request is its request; a request of 0 is one.
/// Source: Kubernetes, "Resource Management for Pods and Containers", and SetDefaults_Pod.
resources read_requests(field_reader const& fields, resources amounts) {
    for (auto const name : resource_names) {
        auto const amount = fields.amount(name, name == resource::cpu ? 1000 : 1);
        if (!amount) continue;
        auto const limit = amounts.get(name);
        if (limit != 0 && *amount > limit)
            fields.notes().problem(fields.path_of(name), "is more than the limit",
                                   "raise the limit or lower the request");
        amounts.set(name, *amount);
    }
    return amounts;
}

/// "NET_ADMIN" for "CAP_NET_ADMIN".
std::vector<std::string> read_capabilities(field_reader const& from, std::string_view field) {
    auto names = from.texts(field);
    for (auto& each : names)
        if (each.starts_with("CAP_")) each.erase(0, 4);
    return names;
}

/// `into` has what the Pod says.
void read_rights(field_reader const& from, container_rights& into) {
    if (auto const user = from.integer("runAsUser")) into.user = user;
    if (auto const group = from.integer("runAsGroup")) into.group = group;
    if (from.find("runAsNonRoot") != nullptr) into.is_never_root = from.flag("runAsNonRoot");
    into.has_read_only_root = from.flag("readOnlyRootFilesystem");
    from.in("capabilities", [&](field_reader const& lists) {
        into.added_capabilities = read_capabilities(lists, "add");
        into.dropped_capabilities = read_capabilities(lists, "drop");
    });
    if (into.is_never_root && into.user == 0)
        from.notes().problem(from.path_of("runAsNonRoot"), "is true, and the user is 0, which is root",
                             "set runAsUser to another number");
}

container_rights read_rights_of_pod(field_reader const& spec) {
    container_rights rights;
    spec.in("securityContext", [&](field_reader const& from) { read_rights(from, rights); });
    return rights;
}

/// In `initContainers`, where RIK's `role` is not a field, or in `containers`, where only Kubernetes' is.
container_role read_role(field_reader const& fields, bool is_init) {
    if (is_init) return fields.text("restartPolicy") == "Always" ? container_role::sidecar : container_role::init;
    return parse_container_role(fields.text("role").value_or("")).value_or(container_role::main);
}

/// With the path at which it is written.
struct written_container {
    container_definition container;
    std::string path;
};

/// The containers of a Pod, list by list.
class container_reader {
public:
    container_reader(field_reader const& spec, instance_template const& pod)
        : spec_(spec), pod_(pod), rights_(read_rights_of_pod(spec)) {}

    void read(std::string_view list) {
        auto const* found = spec_.list(list);
        if (found == nullptr) return;
        check_count(list, found->size());
        spec_.each(list, [&](field_reader const& fields) {
            // Those past the limit are not read: each may cost as much as the whole text.
            if (all_.size() == limits::containers_per_pod_max) return;
            add(fields, read_container(fields, list == "initContainers"));
        });
    }

    /// In the order of their starts.
    std::vector<written_container> take() {
        std::stable_partition(all_.begin(), all_.end(), [](written_container const& each) {
            return each.container.role != container_role::main;
        });
        return std::move(all_);
    }

private:
    void check_count(std::string_view list, std::size_t size) {
        count_ += size;
        if (count_ <= limits::containers_per_pod_max || count_ - size > limits::containers_per_pod_max) return;
        spec_.notes().problem(spec_.path_of(list),
                              fmt::format("has {} containers; the limit is {}", count_, limits::containers_per_pod_max),
                              "split it into several Pods");
    }
    void add(field_reader const& fields, container_definition container) {
        if (!container.name.empty() && !names_.insert(container.name).second)
            fields.notes().problem(fields.path_of("name"),
                                   fmt::format("'{}' is the name of two containers", shortened(container.name)),
                                   "give every container a name of its own");
        all_.push_back({std::move(container), fields.path()});
    }
    container_definition read_container(field_reader const& fields, bool is_init) const;

    field_reader const& spec_;
    instance_template const& pod_;
    container_rights rights_;
    std::set<std::string, std::less<>> names_ = {};
    std::vector<written_container> all_ = {};
    std::size_t count_ = 0;
};

container_definition container_reader::read_container(field_reader const& fields, bool is_init) const {
    container_definition container;
    container.role = read_role(fields, is_init);
    container.name = fields.text("name").value_or("");
    container.image = fields.text("image").value_or("");
    container.pull_policy = parse_image_pull_policy(fields.text("imagePullPolicy").value_or(""));
    container.command = read_words(fields, "command");
    container.args = read_words(fields, "args");
    container.env = read_environment(fields);
    container.working_dir = fields.text("workingDir").value_or("");
    container.ports = read_ports(fields);
    container.rights = rights_;
    fields.in("resources",
              [&](field_reader const& from) { read_resources(from, container.requests, container.limits); });
    fields.in("securityContext", [&](field_reader const& from) { read_rights(from, container.rights); });
    container.mounts = read_mounts(fields, pod_.volumes);
    read_probes(fields, pod_.grace_period, container);
    check_startable(container, fields);
    return container;
}

bool has_container(std::vector<container_definition> const& all, std::string_view name) {
    return std::any_of(all.begin(), all.end(), [&](auto const& each) { return each.name == name; });
}

/// Amounts that variables name are those of a container of the same Pod.
void check_references(field_reader const& spec, std::string const& path, container_definition const& container,
                      std::vector<container_definition> const& all) {
    for (std::size_t i = 0; i < container.env.size(); ++i) {
        auto const* amount = std::get_if<amount_reference>(&container.env[i].from);
        if (amount == nullptr || amount->container.empty() || has_container(all, amount->container)) continue;
        spec.notes().problem(fmt::format("{}.env[{}].valueFrom.resourceFieldRef.containerName", path, i),
                             fmt::format("'{}' is not a container of this Pod", shortened(amount->container)),
                             "name one of its containers");
    }
}

bool is_main(container_definition const& container) { return container.role == container_role::main; }

void check_has_main(field_reader const& spec, std::vector<container_definition> const& all) {
    auto const* list = spec.list("containers");
    if (list == nullptr || std::any_of(all.begin(), all.end(), is_main)) return;
    // One of a wrong type is noted as such.
    if (!std::all_of(list->begin(), list->end(), [](json::value const& each) { return each.is_object(); })) return;
    spec.notes().problem(spec.path_of("containers"),
                         list->empty() ? "is empty" : "has init containers and sidecars only",
                         "a Pod needs at least one container that does its work");
}

}  // namespace

std::vector<environment_variable> read_environment(field_reader const& from) {
    std::vector<environment_variable> variables;
    std::set<std::string, std::less<>> names;
    from.each("env", [&](field_reader const& fields) {
        auto variable = read_variable(fields);
        if (variable.name.empty()) return;
        if (!names.insert(variable.name).second)
            fields.notes().problem(fields.path_of("name"), fmt::format("'{}' is set twice", shortened(variable.name)),
                                   "keep one of the two");
        variables.push_back(std::move(variable));
    });
    return variables;
}

std::optional<std::vector<std::string>> read_words(field_reader const& from, std::string_view field) {
    auto words = from.texts(field);
    if (words.empty()) return std::nullopt;
    return words;
}

void read_resources(field_reader const& from, resources& requests, resources& limits) {
    from.in("limits", [&](field_reader const& fields) { limits = read_limits(fields); });
    requests = limits;
    from.in("requests", [&](field_reader const& fields) { requests = read_requests(fields, limits); });
}

std::vector<std::string> read_containers(field_reader const& spec, instance_template& into) {
    container_reader reader(spec, into);
    reader.read("initContainers");
    reader.read("containers");
    std::vector<std::string> paths;
    for (auto& each : reader.take()) {
        into.containers.push_back(std::move(each.container));
        paths.push_back(std::move(each.path));
    }
    check_has_main(spec, into.containers);
    for (std::size_t i = 0; i < paths.size(); ++i)
        check_references(spec, paths[i], into.containers[i], into.containers);
    return paths;
}

}  // namespace rik::detail

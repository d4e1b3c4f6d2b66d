// What a container is asked while it runs, and what is done after its start and before its end.
#include "model/definition_fields.hpp"
#include "model/definition_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace rik::detail {

namespace {

std::string port_remedy(std::string_view name, std::vector<container_port> const& ports) {
    if (!name.empty() && name.find_first_not_of("0123456789") == name.npos) return "write the number without quotes";
    std::string names;
    for (auto const& each : ports)
        if (!each.name.empty()) names += (names.empty() ? "" : ", ") + each.name;
    return names.empty() ? "write the number of the port, or give one of the container's ports this name"
                         : fmt::format("write the number, or one of {}", names);
}

/// A name is that of one of the container's own ports.
std::uint16_t read_port(field_reader const& from, container_definition const& of) {
    if (auto const number = from.integer("port")) return static_cast<std::uint16_t>(*number);
    auto const name = from.text("port");
    if (!name) return 0;
    auto const named = std::ranges::find(of.ports, *name, &container_port::name);
    if (named != of.ports.end() && !name->empty()) return named->port;
    from.notes().problem(from.path_of("port"),
                         fmt::format("'{}' is not the name of a port of its container", shortened(*name)),
                         port_remedy(*name, of.ports));
    return 0;
}

/// As it is asked for: from the first slash on, without a fragment, and what no request line may have as %XX.
std::string request_target(std::string_view path) {
    std::string target = path.starts_with('/') ? "" : "/";
    for (auto const byte : path.substr(0, path.find('#'))) {
        auto const code = static_cast<unsigned char>(byte);
        if (code > ' ' && code < 0x7f)
            target += byte;
        else
            target += fmt::format("%{:02X}", code);
    }
    return target;
}

exec_action read_exec(field_reader const& from) {
    exec_action made{from.texts("command")};
    auto const* list = from.list("command");
    if (list != nullptr && (list->empty() || made.command.empty() || made.command.front().empty()))
        from.notes().problem(from.path_of("command"), "names no program", "begin it with a program");
    return made;
}

http_action read_http(field_reader const& from, container_definition const& of) {
    http_action made{.port = read_port(from, of), .path = request_target(from.text("path").value_or(""))};
    made.is_https = from.text("scheme") == "HTTPS";
    made.host = from.text("host").value_or("");
    from.each("httpHeaders", [&](field_reader const& header) {
        made.headers.push_back(
            {std::string(header.text("name").value_or("")), std::string(header.text("value").value_or(""))});
    });
    return made;
}

tcp_action read_tcp(field_reader const& from, container_definition const& of) {
    return {read_port(from, of), std::string(from.text("host").value_or(""))};
}

grpc_action read_grpc(field_reader const& from) {
    return {static_cast<std::uint16_t>(from.integer("port").value_or(0)),
            std::string(from.text("service").value_or(""))};
}

sleep_action read_sleep(field_reader const& from, duration grace) {
    auto const time = std::chrono::seconds(from.integer("seconds").value_or(0));
    if (time > grace)
        from.notes().problem(from.path_of("seconds"), "is more than the Pod may take to end",
                             "lower it, or raise terminationGracePeriodSeconds");
    return {time};
}

/// Exactly one of `actions` must be there.
void check_one_action(field_reader const& from, std::initializer_list<std::string_view> actions,
                      std::string_view choices) {
    auto const count = std::count_if(actions.begin(), actions.end(),
                                     [&](std::string_view each) { return from.find(each) != nullptr; });
    if (count == 0)
        from.notes().problem(from.path(), "does not say what is done", fmt::format("give one of {}", choices));
    if (count > 1)
        from.notes().problem(from.path(), "says several things that are done", fmt::format("keep one of {}", choices));
}

std::optional<probe_action> read_probe_action(field_reader const& from, container_definition const& of) {
    check_one_action(from, {"exec", "httpGet", "tcpSocket", "grpc"}, "exec, httpGet, tcpSocket and grpc");
    std::optional<probe_action> made;
    from.in("exec", [&](field_reader const& action) { made = read_exec(action); });
    from.in("httpGet", [&](field_reader const& action) { made = read_http(action, of); });
    from.in("tcpSocket", [&](field_reader const& action) { made = read_tcp(action, of); });
    from.in("grpc", [&](field_reader const& action) { made = read_grpc(action); });
    return made;
}

std::optional<hook_action> read_hook(field_reader const& from, container_definition const& of, duration grace) {
    check_one_action(from, {"exec", "httpGet", "tcpSocket", "sleep"}, "exec, httpGet, tcpSocket and sleep");
    std::optional<hook_action> made;
    from.in("exec", [&](field_reader const& action) { made = read_exec(action); });
    from.in("httpGet", [&](field_reader const& action) { made = read_http(action, of); });
    from.in("tcpSocket", [&](field_reader const& action) { made = read_tcp(action, of); });
    from.in("sleep", [&](field_reader const& action) { made = read_sleep(action, grace); });
    return made;
}

/// 0 stands for the default, as in Kubernetes.   Source: SetDefaults_Probe.
template <class Value>
Value read_usual(field_reader const& from, std::string_view field, Value usual) {
    auto const given = from.integer(field).value_or(0);
    return given == 0 ? usual : Value(given);
}

probe_rules read_rules(field_reader const& from) {
    using std::chrono::seconds;
    probe_rules rules;
    rules.initial_delay = seconds(from.integer("initialDelaySeconds").value_or(0));
    rules.period = read_usual(from, "periodSeconds", std::chrono::duration_cast<seconds>(rules.period));
    rules.timeout = read_usual(from, "timeoutSeconds", std::chrono::duration_cast<seconds>(rules.timeout));
    rules.success_threshold = read_usual(from, "successThreshold", rules.success_threshold);
    rules.failure_threshold = read_usual(from, "failureThreshold", rules.failure_threshold);
    if (auto const grace = from.integer("terminationGracePeriodSeconds")) rules.grace = seconds(*grace);
    return rules;
}

void check_readiness(field_reader const& from, probe_rules const& rules) {
    if (rules.grace)
        from.notes().problem(from.path_of("terminationGracePeriodSeconds"),
                             "has no meaning here: a readiness probe ends nothing", "leave it out");
}

void check_ending(field_reader const& from, probe_rules const& rules) {
    if (rules.success_threshold != 1)
        from.notes().problem(from.path_of("successThreshold"), "must be 1 but for readiness", "leave it out");
}

template <class Check>
std::optional<probe_definition> read_probe(field_reader const& container, std::string_view field,
                                           container_definition const& of, Check check) {
    std::optional<probe_definition> made;
    container.in(field, [&](field_reader const& from) {
        auto const rules = read_rules(from);
        check(from, rules);
        if (auto action = read_probe_action(from, of)) made = probe_definition{std::move(*action), rules};
    });
    return made;
}

constexpr std::array only_of_what_runs_on{"livenessProbe", "readinessProbe", "startupProbe", "lifecycle"};

/// Source: Kubernetes, validateInitContainers.
void check_init(field_reader const& container) {
    for (auto const* field : only_of_what_runs_on)
        if (container.find(field) != nullptr)
            container.notes().problem(container.path_of(field),
                                      "does not belong into an init container: what follows waits for its end",
                                      "leave it out, or make the container a sidecar with restartPolicy: Always");
}

}  // namespace

void read_probes(field_reader const& container, duration grace, container_definition& into) {
    if (into.role == container_role::init) return check_init(container);
    into.startup = read_probe(container, "startupProbe", into, check_ending);
    into.liveness = read_probe(container, "livenessProbe", into, check_ending);
    into.readiness = read_probe(container, "readinessProbe", into, check_readiness);
    container.in("lifecycle", [&](field_reader const& lifecycle) {
        lifecycle.in("postStart", [&](field_reader const& hook) { into.post_start = read_hook(hook, into, grace); });
        lifecycle.in("preStop", [&](field_reader const& hook) { into.pre_stop = read_hook(hook, into, grace); });
    });
}

}  // namespace rik::detail

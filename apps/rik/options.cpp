#include "options.hpp"

#include "standard_descriptors.hpp"

#include <rik/base/ipv4.hpp>
#include <rik/base/quantity.hpp>
#include <rik/base/time_text.hpp>
#include <rik/http/server.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/image_name.hpp>
#include <rik/primary/primary.hpp>
#include <rik/runtime/dns.hpp>

#include <CLI/CLI.hpp>

#include "command_line.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace rik::app {

namespace {

constexpr char const* examples = R"(
Examples:
  rik                                        all roles on this machine, API on /run/rik/rik.sock
  rik --role=primary,scheduler               the first machine of a cluster; nodes dial it
  rik --role=node --scheduler 10.0.0.1:4997  a further machine
  rik --listen 127.0.0.1:5000                the same, and RIK's REST API on its usual port
  rik --state-dir /tmp/r --socket /tmp/r.sock --cluster-cidr 10.99.0.0/16
                                             a second rik beside the first
  rik node check                             what this machine can run, and what it lacks
  rik reset                                  removes everything that this rik made on this machine
  rik reset --all                            the same for every rik of this machine

SIGTERM and SIGINT end rik and stop no instance: the next start takes them over.
Exit codes: 0 ended as asked, 1 failed, 2 wrong command line.)";

std::string check_not_empty(std::string const& text) { return text.empty() ? "it is empty" : ""; }

std::string check_listen(std::string const& text) {
    auto const parsed = parse_tcp_address(text);
    return parsed ? "" : to_string(parsed.error());
}

std::string check_node_name(std::string const& text) {
    auto const wrong = check_object_name(text, "");
    return wrong ? to_string(*wrong) : "";
}

std::string check_oci_runtime(std::string const& text) {
    if (text == "auto" || text == "runc" || text == "crun" || text.starts_with('/')) return "";
    return "'" + text + "' is not runc, crun, auto or an absolute path";
}

std::string check_registry(std::string const& text) {
    auto const parsed = parse_registry(text);
    return parsed ? "" : to_string(parsed.error());
}

/// The port of a request's Host is not looked at.
std::string check_host_name(std::string const& text) {
    auto const plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_'; };
    if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return "";
    return "'" + text + "' is no host name (write it without a scheme and a port)";
}

std::string check_range(std::string const& text) {
    auto const parsed = parse_cluster_cidr(text, primary_options().node_prefix_bits);
    return parsed ? "" : to_string(parsed.error());
}

std::string check_server(std::string const& text) {
    auto const checked = check_dns_servers({text});
    return checked ? "" : to_string(checked.error());
}

std::string check_mtu(std::string const& text) {
    unsigned value = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    auto const is_number = failure == std::errc() && end == text.data() + text.size();
    if (is_number && value >= pod_mtu_min && value <= pod_mtu_max) return "";
    return "'" + text + "' is no MTU: give bytes, " + std::to_string(pod_mtu_min) + " to " +
           std::to_string(pod_mtu_max);
}

[[noreturn]] void refuse(std::string const& why) {
    std::fprintf(stderr, "rik: %s\n", why.c_str());
    std::exit(2);
}

std::filesystem::path absolute(std::string const& path) {
    std::error_code failure;
    auto whole = std::filesystem::absolute(path, failure).lexically_normal();
    if (failure) refuse(path + ": " + failure.message());
    return whole.has_filename() ? whole : whole.parent_path();  // "/srv/rik/"
}

std::string check_node_label(std::string const& text) {
    auto const parsed = parse_label_change(text);
    if (!parsed) return to_string(parsed.error());
    return parsed->second ? "" : "'" + text + "' takes a label off: write KEY=VALUE";
}

std::string check_taint(std::string const& text) {
    auto const parsed = parse_taint(text);
    return parsed ? "" : to_string(parsed.error());
}

/// "cpu=500m,memory=256Mi"
result<resources> parse_reserve(std::string_view text) {
    resources all;
    while (!text.empty()) {
        auto const part = text.substr(0, text.find(','));
        text.remove_prefix(std::min(part.size() + 1, text.size()));
        auto const sign = std::min(part.find('='), part.size());
        auto const name = part.substr(0, sign);
        auto const is_cpu = name == resource::cpu;
        if (!is_cpu && name != resource::memory)
            return error{errc::invalid, "'" + std::string(part) + "' is none of cpu=QUANTITY and memory=QUANTITY"};
        auto const quantity = part.substr(std::min(sign + 1, part.size()));
        auto const amount = parse_quantity(quantity, is_cpu ? 1000 : 1);
        if (!amount) return amount.error();
        all.set(name, *amount);
    }
    return all;
}

std::string check_reserve(std::string const& text) {
    auto const parsed = parse_reserve(text);
    return parsed ? "" : to_string(parsed.error());
}

constexpr duration restart_delay_least = std::chrono::seconds(1);

std::string check_restart_delay(std::string const& text) {
    auto const parsed = parse_duration(text);
    if (!parsed) return to_string(parsed.error());
    if (*parsed >= restart_delay_least && *parsed <= restart_delays().max) return "";
    return text + ": give 1s to 5m";
}

std::string check_role(std::string const& text) {
    if (text == "all") return "";
    auto const parsed = parse_role_set(text);
    return parsed ? "" : parsed.error().message;
}

/// "10.0.0.1:4997": whoever dials must know where.
std::string check_link_address(std::string const& text) {
    auto const parsed = parse_tcp_address(text);
    if (!parsed) return to_string(parsed.error());
    return parsed->host.empty() ? "'" + text + "' names no host" : "";
}

bool is_loopback(std::string const& address) {
    auto const host = parse_tcp_address(address).value().host;
    return host.starts_with("127.") || host == "::1" || host == "localhost";
}

/// The command line as it was given.
struct words {
    options chosen;
    std::string role = "all";
    std::string socket;
    std::string state_dir = chosen.local.state_dir;
    std::string run_dir;
    std::vector<std::string> labels;
    std::vector<std::string> taints;
    std::string reserve;
    std::string restart_delay_max = "5m";
    std::string function_templates = "on";
    std::string level = "info";
    std::string format = "text";
};

void add_places(CLI::App& app, words& to) {
    app.add_option("--state-dir", to.state_dir, "what lasts: stores, images, what containers wrote")
        ->capture_default_str()
        ->check(check_not_empty);
    app.add_option("--run-dir", to.run_dir,
                   "what dies with the boot (default: as before; at first /run/rik/TAG, TAG from the state directory)")
        ->check(check_not_empty);
    app.add_option(
        "--socket", to.socket,
        "unix socket of the API, mode 0660, group rik if there is one; '' for none (default: "
        "/run/rik/rik.sock; without a primary /run/rik/scheduler.sock or node.sock, for health and metrics)");
    app.add_option(
           "--listen", to.chosen.listen,
           "also serve the API on HOST:PORT; may be given again. Whoever reaches it, Pods too, is administrator")
        ->check(check_listen);
    app.add_option("--host-name", to.chosen.host_names,
                   "a name by which clients call the API over TCP, beside the machine's own; may be given again")
        ->check(check_host_name);
}

void add_links(CLI::App& app, options& to) {
    app.add_option("--scheduler", to.roles.scheduler, "where the primary and the nodes find the scheduler: HOST:PORT")
        ->capture_default_str()
        ->check(check_link_address);
    app.add_option("--link-listen", to.roles.link_listen, "where the scheduler listens for them: HOST:PORT")
        ->capture_default_str()
        ->check(check_link_address);
    app.add_flag("--insecure-links", to.insecure_links,
                 "let --link-listen be an address that other machines reach: whoever reaches it can take part in the "
                 "cluster, since links have no TLS yet; for labs");
}

void add_options(CLI::App& app, words& to) {
    auto& local = to.chosen.local;
    app.add_option("--role", to.role,
                   "all: a whole cluster on this machine; or primary, scheduler, node, or several of them joined by a "
                   "comma, linked with those of other processes")
        ->capture_default_str()
        ->check(check_role);
    add_places(app, to);
    add_links(app, to.chosen);
    app.add_option("--cluster-cidr", local.cluster_cidr,
                   "addresses of all Pods; each node gets a /24 of it (default: as before; at first 10.210.0.0/16)")
        ->check(check_range);
    app.add_option("--dns", local.dns_servers,
                   "IPv4 address of a name server for Pods, three at most; may be given again (default: those of "
                   "/etc/resolv.conf that Pods can reach)")
        ->delimiter(',')
        ->check(check_server);
    app.add_option("--mtu", local.pod_mtu,
                   "largest packet on the Pods' interfaces, in bytes (default: as the default route has it)")
        ->check(check_mtu);
    app.add_option("--node-name", local.node_name,
                   "name of this node: lower-case letters, digits, '-' and '.' (default: the host name)")
        ->check(check_node_name);
    app.add_option("--node-label", to.labels, "a label of this node, KEY=VALUE; may be given again")
        ->check(check_node_label);
    app.add_option("--node-taint", to.taints,
                   "a taint that this node has when it joins, KEY=VALUE:EFFECT or KEY:EFFECT; may be given again")
        ->check(check_taint);
    app.add_option("--reserve", to.reserve,
                   "what of the machine is kept for all else that runs on it: cpu=500m,memory=256Mi")
        ->check(check_reserve);
    app.add_option("--restart-delay-max", to.restart_delay_max,
                   "how long a container that ends again and again waits at most before it starts, whatever its "
                   "workload says: 1s to 5m")
        ->capture_default_str()
        ->check(check_restart_delay);
    app.add_option("--oci-runtime", local.oci_runtime,
                   "the program that makes containers: runc, crun, a path, or auto: crun if it is installed and can "
                   "make them on this machine, else runc")
        ->capture_default_str()
        ->check(check_oci_runtime);
    app.add_option("--function-templates", to.function_templates,
                   "on: a Function goes on from a machine that has booted before, where there is one of its size; off: "
                   "each boots by itself")
        ->capture_default_str()
        ->check(command_line::one_of({"on", "off"}));
    app.add_option("--insecure-registry", local.insecure_registries,
                   "HOST:PORT of a registry that speaks plain http, or https with any certificate; may be given again")
        ->check(check_registry);
    app.add_option("--log-level", to.level)
        ->capture_default_str()
        ->check(command_line::one_of({"debug", "info", "warning", "error"}));
    app.add_option("--log-format", to.format)->capture_default_str()->check(command_line::one_of({"text", "json"}));
}

void add_commands(CLI::App& app, options& to) {
    auto* const reset = app.add_subcommand("reset", "remove everything of this state directory from this machine");
    reset->footer("Which one, say --state-dir and --run-dir: see rik --help. Files that rik did not make stay.");
    reset->add_flag("--all", to.all,
                    "every state directory that a rik has used here since the boot, and the usual one");
    reset->callback([&to] { to.what = verb::reset; });
    auto* const node = app.add_subcommand("node", "about this machine as a node; no rik need run");
    node->require_subcommand(1);
    auto* const check = node->add_subcommand("check", "tell which runtimes this machine can offer, and what it lacks");
    check->add_option("RUNTIME", to.runtimes, "oci, for Pods; microvm, for Functions")
        ->check(command_line::one_of({"oci", "microvm"}))
        ->type_name("");
    check->footer("Exit codes: 0 the machine can offer each RUNTIME that is named, or any if none is; 1 it cannot.");
    check->callback([&to] { to.what = verb::check_node; });
    app.add_subcommand("version", "print the version")->callback([&to] { to.what = verb::version; });
    app.require_subcommand(0, 1);
}

log_level level_of(std::string const& name) {
    for (auto const each : {log_level::debug, log_level::info, log_level::warning})
        if (to_string(each) == name) return each;
    return log_level::error;
}

/// An option that none of the roles here uses would be without effect.
void refuse_foreign(CLI::App const& app, words const& said) {
    struct use {
        char const* option;
        role_set by;
        bool has_all;  ///< --role=all uses it, too
    };
    constexpr role_set primary{.primary = true};
    constexpr role_set scheduler{.scheduler = true};
    constexpr role_set node{.node = true};
    constexpr role_set lasting{.primary = true, .node = true};
    constexpr std::array uses{use{"--state-dir", lasting, true},
                              use{"--run-dir", lasting, true},
                              use{"--cluster-cidr", primary, true},
                              use{"--dns", node, true},
                              use{"--mtu", node, true},
                              use{"--node-name", node, true},
                              use{"--insecure-registry", node, true},
                              use{"--node-label", node, true},
                              use{"--node-taint", node, true},
                              use{"--reserve", node, true},
                              use{"--restart-delay-max", node, true},
                              use{"--oci-runtime", node, true},
                              use{"--function-templates", node, true},
                              use{"--scheduler", lasting, false},
                              use{"--link-listen", scheduler, false},
                              use{"--insecure-links", scheduler, false}};
    auto const is_all = said.role == "all";
    auto const roles = is_all ? role_set() : parse_role_set(said.role).value();
    for (auto const& [option, by, has_all] : uses) {
        if (app.get_option(option)->count() == 0) continue;
        auto const is_used =
            is_all ? has_all
                   : (by.primary && roles.primary) || (by.scheduler && roles.scheduler) || (by.node && roles.node);
        if (!is_used)
            refuse(std::string(option) + ": --role=" + said.role + " has no use for it; it is of the role " +
                   to_string(by));
    }
    if (app.get_option("--scheduler")->count() > 0 && roles.scheduler)
        refuse("--scheduler: the scheduler is here, with --role=" + said.role + "; it listens at --link-listen");
}

/// What only a start understands would be without effect.
void refuse_needless(CLI::App const& app, options const& chosen) {
    if (chosen.what == verb::serve) return;
    auto const is_check = chosen.what == verb::check_node;
    auto const word = chosen.what == verb::reset ? "reset" : is_check ? "node check" : "version";
    for (auto const* const name :
         {"--role", "--listen", "--host-name", "--cluster-cidr", "--dns", "--mtu", "--node-name", "--insecure-registry",
          "--node-label", "--node-taint", "--reserve", "--restart-delay-max", "--oci-runtime", "--function-templates",
          "--scheduler", "--link-listen", "--insecure-links"})
        if (app.get_option(name)->count() > 0 && !(is_check && name == std::string_view("--oci-runtime")))
            refuse(std::string(name) + ": rik " + word + " has no use for it");
    for (auto const* const name : {"--state-dir", "--run-dir"})
        if (chosen.all && app.get_option(name)->count() > 0)
            refuse(std::string(name) + ": rik reset --all finds all of them by itself");
}

/// "unix:///run/rik.sock" is how rikctl names it.
std::string socket_path(std::string text) {
    for (std::string_view const scheme : {"unix://", "unix:"}) {
        if (!text.starts_with(scheme)) continue;
        text.erase(0, scheme.size());
        break;
    }
    return text.empty() ? text : absolute(text).string();
}

std::string usual_socket(role_set const& roles, bool has_all) {
    if (has_all || roles.primary) return "/run/rik/rik.sock";
    return roles.scheduler ? "/run/rik/scheduler.sock" : "/run/rik/node.sock";
}

void check_links(options const& chosen) {
    auto const& listen = chosen.roles.link_listen;
    if (!chosen.roles.roles.scheduler || chosen.insecure_links || is_loopback(listen)) return;
    refuse("--link-listen " + listen +
           ": other machines could reach it, and links have no TLS yet; listen at 127.0.0.1, or say --insecure-links");
}

/// What goes together and what does not.
options check(words said, bool has_socket) {
    auto chosen = std::move(said.chosen);
    chosen.has_all_roles = said.role == "all";
    if (!chosen.has_all_roles) chosen.roles.roles = parse_role_set(said.role).value();
    check_links(chosen);
    auto const usual = usual_socket(chosen.roles.roles, chosen.has_all_roles);
    chosen.socket = socket_path(has_socket ? std::move(said.socket) : usual);
    if (chosen.socket.empty() && chosen.listen.empty() && chosen.what == verb::serve)
        refuse("it would listen nowhere; give --socket or --listen");
    chosen.local.state_dir = absolute(said.state_dir);
    chosen.local.function_templates = said.function_templates == "on";
    if (!said.run_dir.empty()) chosen.local.run_dir = absolute(said.run_dir);
    for (auto const& mine : {chosen.local.state_dir, chosen.local.run_dir})
        if (!chosen.socket.empty() && !mine.empty() && chosen.socket.starts_with(mine.string() + "/"))
            refuse("--socket " + chosen.socket + ": it must be outside of " + mine.string() + ", which is rik's alone");
    if (auto const servers = check_dns_servers(chosen.local.dns_servers); !servers)
        refuse("--dns: " + to_string(servers.error()));
    for (auto const& each : said.labels) {
        auto const label = parse_label_change(each).value();
        chosen.local.node_labels[label.first] = *label.second;
    }
    for (auto const& each : said.taints) chosen.local.node_taints.push_back(parse_taint(each).value());
    chosen.local.reserve = parse_reserve(said.reserve).value();
    chosen.local.restart_delay_max = parse_duration(said.restart_delay_max).value();
    chosen.local.version = RIK_VERSION;
    chosen.level = level_of(said.level);
    chosen.has_pretty_log = said.format == "text";
    return chosen;
}

}  // namespace

options parse_command_line(int argc, char** argv) {
    words said;
    CLI::App app{"RIK runs Pods and keeps them running: primary, scheduler and node in one program.", "rik"};
    app.footer(examples);
    app.set_version_flag("--version", "rik " RIK_VERSION);
    app.fallthrough();
    add_options(app, said);
    add_commands(app, said.chosen);
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& problem) {
        if (problem.get_exit_code() == 0) {  // --help and --version
            app.exit(problem);
            std::exit(exit_code_with_output(0, "rik"));
        }
        refuse(command_line::explain(app, problem) + "\nRun rik --help for more.");
    }
    refuse_needless(app, said.chosen);
    refuse_foreign(app, said);
    auto const has_socket = app.get_option("--socket")->count() > 0;
    return check(std::move(said), has_socket);
}

}  // namespace rik::app

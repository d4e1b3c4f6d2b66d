#include <rik/client/run_definition.hpp>

#include <rik/model/definition.hpp>
#include <rik/model/references.hpp>

#include <fmt/format.h>

#include <boost/json.hpp>

#include <charconv>
#include <cstdint>
#include <optional>

namespace rik {

namespace {

namespace json = boost::json;

constexpr std::size_t image_name_bytes_max = 40;  // leaves room for what is appended to it

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (code != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

result<json::object> port_entry(std::string_view text) {
    error const wrong{errc::invalid, fmt::format("'{}' is no port", text), "--port",
                      "write HOST:CONTAINER or HOST:CONTAINER/udp, as in 8080:80"};
    auto const slash = text.find('/');
    auto const protocol = slash == std::string_view::npos ? std::string_view("tcp") : text.substr(slash + 1);
    auto const numbers = text.substr(0, slash);
    auto const colon = numbers.find(':');
    if (colon == std::string_view::npos || (protocol != "tcp" && protocol != "udp")) return wrong;
    auto const host = parse_port(numbers.substr(0, colon));
    auto const container = parse_port(numbers.substr(colon + 1));
    if (!host || !container) return wrong;
    json::object entry;
    entry["containerPort"] = *container;
    entry["hostPort"] = *host;
    entry["protocol"] = protocol == "udp" ? "UDP" : "TCP";
    return entry;
}

result<json::object> variable_entry(std::string_view text) {
    auto const equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0)
        return error{errc::invalid, fmt::format("'{}' is no variable", text), "--env", "write NAME=VALUE"};
    json::object entry;
    entry["name"] = text.substr(0, equals);
    entry["value"] = escape_references(text.substr(equals + 1));
    return entry;
}

/// Fills `container[member]` with what `convert` makes of each text.
result<void> put_list(json::object& container, std::string_view member, std::vector<std::string> const& from,
                      result<json::object> (*convert)(std::string_view)) {
    json::array list;
    for (auto const& each : from) {
        auto entry = convert(each);
        if (!entry) return entry.error();
        list.push_back(std::move(*entry));
    }
    if (!list.empty()) container[member] = std::move(list);
    return {};
}

void put_resources(json::object& container, run_options const& options) {
    json::object limits;
    if (!options.cpu.empty()) limits["cpu"] = options.cpu;
    if (!options.memory.empty()) limits["memory"] = options.memory;
    if (!limits.empty()) container["resources"] = json::object{{"limits", limits}};
}

/// In docker's words.
result<void> put_pull_policy(json::object& container, std::string_view word) {
    if (word.empty()) return {};
    auto policy = std::optional<image_pull_policy>();
    if (word == "always") policy = image_pull_policy::always;
    if (word == "missing") policy = image_pull_policy::if_not_present;
    if (word == "never") policy = image_pull_policy::never;
    if (!policy)
        return error{errc::invalid, fmt::format("'{}' says not when to pull", word), "--pull",
                     "use always, missing or never"};
    container["imagePullPolicy"] = to_string(*policy);
    return {};
}

json::array words_of(run_options const& options) {
    json::array words;
    for (auto const& word : options.command) words.emplace_back(escape_references(word));
    return words;
}

std::string definition_of(run_options const& options, json::object spec) {
    spec["restartPolicy"] = "Never";
    json::object definition;
    definition["apiVersion"] = "v1";
    definition["kind"] = options.is_function ? "Function" : "Pod";
    definition["name"] = options.name;
    definition["replicas"] = 1;
    definition["spec"] = std::move(spec);
    return json::serialize(definition);
}

/// "8080:80", "80".
result<json::object> exposure_object(std::string_view text) {
    auto const colon = text.find(':');
    auto const target = parse_port(text.substr(colon == text.npos ? 0 : colon + 1));
    auto const port = colon == text.npos ? std::optional<std::uint16_t>(0) : parse_port(text.substr(0, colon));
    if (!target || !port)
        return error{errc::invalid, fmt::format("'{}' is no port of a Function", text), "--port",
                     "write HOST:FUNCTION, as in 8080:80, or FUNCTION alone; it is reached by TCP"};
    json::object exposure;
    if (*port != 0) exposure["port"] = *port;
    exposure["targetPort"] = *target;
    return exposure;
}

result<std::string> function_definition_of(run_options const& options) {
    json::object execution{{"rootfs", options.image}};
    if (auto words = words_of(options); !words.empty()) execution["command"] = std::move(words);
    if (auto done = put_list(execution, "env", options.env, variable_entry); !done) return done.error();
    json::object function;
    function["execution"] = std::move(execution);
    if (options.ports.size() > 1)
        return error{errc::invalid, "a Function has one port", "--port", "give one, as in 8080:80"};
    if (!options.ports.empty()) {
        auto exposure = exposure_object(options.ports.front());
        if (!exposure) return exposure.error();
        function["exposure"] = std::move(*exposure);
    }
    put_resources(function, options);
    if (!options.pull.empty())
        return error{errc::invalid, "a root file system has no pull policy", "--pull", "leave it out"};
    return definition_of(options, json::object{{"function", std::move(function)}});
}

}  // namespace

result<std::string> run_definition(run_options const& options) {
    if (options.is_function) return function_definition_of(options);
    json::object container;
    container["name"] = "main";
    container["image"] = options.image;
    // As in a shell's command, and with `docker run`, nothing in them is a reference.
    if (auto args = words_of(options); !args.empty()) container["args"] = std::move(args);
    if (auto done = put_list(container, "ports", options.ports, port_entry); !done) return done.error();
    if (auto done = put_list(container, "env", options.env, variable_entry); !done) return done.error();
    put_resources(container, options);
    if (auto done = put_pull_policy(container, options.pull); !done) return done.error();
    return definition_of(options, json::object{{"containers", json::array{std::move(container)}}});
}

std::string name_from_image(std::string_view image) {
    image = image.substr(0, image.find('@'));
    image.remove_prefix(image.rfind('/') + 1);  // npos + 1 is 0
    if (image.starts_with("oci:")) image.remove_prefix(4);
    image = image.substr(0, image.find(':'));
    std::string name;
    for (auto const byte : image.substr(0, image_name_bytes_max)) {
        auto const is_upper = byte >= 'A' && byte <= 'Z';
        auto const is_plain = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (is_upper)
            name += static_cast<char>(byte - 'A' + 'a');
        else if (is_plain)
            name += byte;
        else if (!name.empty() && name.back() != '-')
            name += '-';
    }
    while (name.ends_with('-')) name.pop_back();
    return name.empty() ? "run" : name;
}

}  // namespace rik

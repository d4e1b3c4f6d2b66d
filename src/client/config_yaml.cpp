#include <rik/client/address.hpp>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace rik {

namespace {

constexpr auto remedy = "write cluster: {name: NAME, server: ADDRESS}";

std::string text_at(YAML::Node const& map, char const* key) {
    auto const node = map[key];
    return node && node.IsScalar() ? node.Scalar() : std::string();
}

}  // namespace

// JSON is YAML, so one parser serves both.
result<client_config> parse_client_config(std::string_view text) {
    try {
        auto const document = YAML::Load(std::string(text));
        auto const cluster = document.IsMap() ? document["cluster"] : YAML::Node(YAML::NodeType::Undefined);
        if (!cluster || !cluster.IsMap()) return error{errc::invalid, "is not set", "cluster", remedy};
        client_config config{text_at(cluster, "name"), text_at(cluster, "server")};
        if (config.server.empty()) return error{errc::invalid, "is not set", "cluster.server", remedy};
        return config;
    } catch (YAML::Exception const& problem) {
        return error{errc::invalid, fmt::format("line {}: {}", problem.mark.line + 1, problem.msg), {}, remedy};
    }
}

}  // namespace rik

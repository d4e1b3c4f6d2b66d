#include <rik/client/address.hpp>
#include <rik/model/yaml.hpp>

#include "client/json_view.hpp"

namespace rik {

namespace {

constexpr auto remedy = "write cluster: {name: NAME, server: ADDRESS}";

error not_set(std::string field) { return {errc::invalid, "is not set", std::move(field), remedy}; }

}  // namespace

result<client_config> parse_client_config(std::string_view text) {
    auto const json = yaml_to_json(text);
    if (!json && json.error().code == errc::not_found) return error{errc::invalid, "the file is empty", {}, remedy};
    if (!json) return json.error();
    auto const document = detail::parse_object(*json);
    auto const* cluster = document ? detail::find(*document, "cluster") : nullptr;
    if (cluster == nullptr || !cluster->is_object()) return not_set("cluster");
    client_config config{detail::text_at(cluster->get_object(), "name"),
                         detail::text_at(cluster->get_object(), "server")};
    if (config.server.empty()) return not_set("cluster.server");
    return config;
}

}  // namespace rik

#include <rik/client/address.hpp>
#include <rik/model/tenant.hpp>
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
    auto const has_cluster = cluster != nullptr && cluster->is_object();
    auto const part = has_cluster ? cluster->get_object() : boost::json::object();
    client_config config{detail::text_at(part, "name"), detail::text_at(part, "server"),
                         detail::text_at(part, "tenant")};
    if (config.tenant.empty() && document) config.tenant = detail::text_at(*document, "tenant");
    if (!config.tenant.empty())
        if (auto wrong = check_tenant_name(config.tenant, "tenant")) return std::move(*wrong);
    if (config.server.empty() && config.tenant.empty()) return not_set(has_cluster ? "cluster.server" : "cluster");
    return config;
}

}  // namespace rik

// A container's config.json and what it is made from, for tests of the OCI runtime's pure parts.
#pragma once

#include "runtime/oci/container_config_detail.hpp"
#include "support/catch.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace rik::detail {

inline constexpr std::string_view passwd =
    "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\n\nbroken\n7:x:70:71::/seven:\n";
inline constexpr std::string_view group =
    "root:x:0:\napp:x:1001:\nextra:x:2000:other,app\nmore:x:2001:app\nbad:x:y:app\n";

inline instance_id some_instance() { return *instance_id::parse("3b241101-e2bb-4255-8caf-4136c566a962"); }

struct config_fixture {
    config_fixture() {
        request.key = {.instance = some_instance(), .name = "main"};
        auto made = std::make_shared<image>();
        made->config.entrypoint = {"/entry"};
        made->config.cmd = {"default"};
        made->config.env = {"PATH=/bin", "A=image", "=no name", "no value"};
        request.from = std::move(made);
    }
    result<boost::json::object> try_config() {
        return container_config({.request = request,
                                 .user = user,
                                 .pod = paths.pod(request.key.instance),
                                 .container = paths.container(request.key),
                                 .mounts = mounts,
                                 .host = host,
                                 .hostname = "pod",
                                 .has_host_network = has_host_network});
    }
    boost::json::object config() {
        auto made = try_config();
        REQUIRE(made.has_value());
        return std::move(*made);
    }

    layout paths{"/run/rik/x", "/var/lib/rik", "0123abcd"};
    container_request request;
    std::vector<mounted_volume> mounts;
    bool has_host_network = false;
    container_user user{.uid = 0, .gid = 0};
    host_limits host{.open_files_max = 20'000, .memory_bytes = std::int64_t{4} << 30};
};

}  // namespace rik::detail

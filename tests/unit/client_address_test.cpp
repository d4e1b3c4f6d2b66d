// Where the server is: the forms of an address, the configuration file, and which source wins.
#include <rik/client/address.hpp>
#include <rik/client/problems.hpp>
#include <rik/client/resource_kind.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/catch.hpp"

namespace {

std::string parsed(std::string_view text) {
    auto const address = rik::parse_server_address(text);
    return address ? to_string(*address) : std::string(to_string(address.error().code));
}

class temporary_directory {
public:
    temporary_directory() {
        std::string pattern = std::filesystem::temp_directory_path() / "rikctl-test-XXXXXX";
        path_ = mkdtemp(pattern.data());
    }
    ~temporary_directory() { std::filesystem::remove_all(path_); }
    std::string write(std::string const& name, std::string_view text) const {
        auto const path = path_ / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
        return path;
    }
    std::string path() const { return path_; }

private:
    std::filesystem::path path_;
};

std::string resolved(rik::address_sources const& sources) {
    auto const address = rik::resolve_server_address(sources);
    return address ? to_string(*address) : to_string(address.error());
}

}  // namespace

TEST_CASE("an address of a server is a socket or a host and a port") {
    CHECK(parsed("unix:///run/rik/rik.sock") == "unix:///run/rik/rik.sock");
    CHECK(parsed("unix:/tmp/a") == "unix:///tmp/a");
    CHECK(parsed("/tmp/a b.sock") == "unix:///tmp/a b.sock");
    CHECK(parsed("http://127.0.0.1:5000") == "http://127.0.0.1:5000");
    CHECK(parsed("http://rik.example/") == "http://rik.example:5000");
    CHECK(parsed("localhost:80") == "http://localhost:80");
    CHECK(parsed("[::1]:5001") == "http://[::1]:5001");
    CHECK(parsed("http://[::1]") == "http://[::1]:5000");
}

TEST_CASE("what is no address of a server is refused") {
    for (auto const* text : {"", "rik", "unix://run/rik.sock", "host:", "host:0", "host:65536", "host:80x", "http://",
                             "http://a/b", ":80", "http://user@host:1", "[::1", "http://a:1:2", "unix://"})
        CHECK(parsed(text) == "invalid");
    CHECK(parsed("https://host:1") == "unsupported");
    CHECK(parsed("/" + std::string(107, 'x')) == "invalid");
    CHECK(parsed("/" + std::string(106, 'x')) == "unix:///" + std::string(106, 'x'));
}

TEST_CASE("a configuration file is YAML or JSON") {
    for (auto const* text : {"cluster:\n  name: home\n  server: http://127.0.0.1:5000\n",
                             "cluster: {name: home, server: 'http://127.0.0.1:5000'}",
                             R"({"cluster": {"name": "home", "server": "http://127.0.0.1:5000"}})"}) {
        auto const config = rik::parse_client_config(text);
        REQUIRE(config.has_value());
        CHECK(config->cluster_name == "home");
        CHECK(config->server == "http://127.0.0.1:5000");
    }
    for (auto const* text :
         {"", "cluster: 1", "cluster: {name: home}", "[1, 2]", "cluster: {server: [a]}", "a: b: c", "{"}) {
        auto const config = rik::parse_client_config(text);
        REQUIRE_FALSE(config.has_value());
        CHECK(config.error().code == rik::errc::invalid);
        CHECK_FALSE(config.error().remedy.empty());
    }
    for (auto const* text : {"", "\n \n", "# cluster: {server: x}\n", "---\n", "\xEF\xBB\xBF"}) {
        auto const config = rik::parse_client_config(text);
        REQUIRE_FALSE(config.has_value());
        CHECK(config.error().message == "the file is empty");
        CHECK(config.error().remedy.find("cluster: {") != std::string::npos);
    }
}

TEST_CASE("the flag wins over the variable, that over the file, and that over the default socket") {
    temporary_directory const home;
    home.write(".rik/config.yaml", "cluster: {name: a, server: home:1}");
    auto const file = home.write("other.yaml", "cluster: {name: a, server: other:2}");
    rik::address_sources sources{"flag:4", "variable:3", file, home.path()};
    CHECK(resolved(sources) == "http://flag:4");
    sources.flag.clear();
    CHECK(resolved(sources) == "http://variable:3");
    sources.server_variable.clear();
    CHECK(resolved(sources) == "http://other:2");
    sources.config_variable.clear();
    CHECK(resolved(sources) == "http://home:1");
    std::filesystem::remove(home.path() + "/.rik/config.yaml");
    CHECK(resolved(sources) == "unix:///run/rik/rik.sock");
    CHECK(resolved({}) == "unix:///run/rik/rik.sock");
}

TEST_CASE("the tenant comes from the flag, the variable, or the file that the server comes from") {
    temporary_directory const home;
    auto const in_cluster = home.write("a.yaml", "cluster: {name: a, server: other:2, tenant: team-a}");
    auto const at_top = home.write("b.yaml", "tenant: team-b\ncluster: {name: a, server: other:2}");
    auto const alone = home.write("c.yaml", "tenant: team-c");
    auto const wrong = home.write("d.yaml", "tenant: Team D");
    auto const tenant_of = [](rik::address_sources const& sources) {
        auto const found = rik::resolve_tenant(sources);
        return found ? *found : to_string(found.error());
    };
    CHECK(tenant_of({}).empty());
    CHECK(tenant_of({.config_variable = in_cluster}) == "team-a");
    CHECK(tenant_of({.config_variable = at_top}) == "team-b");
    CHECK(tenant_of({.config_variable = alone}) == "team-c");
    CHECK(resolved({.config_variable = alone}) == "unix:///run/rik/rik.sock");
    CHECK(tenant_of({.server_variable = "variable:3", .config_variable = in_cluster}).empty());
    CHECK(tenant_of({.config_variable = in_cluster, .tenant_variable = "v"}) == "v");
    CHECK(tenant_of({.config_variable = in_cluster, .tenant_flag = "f", .tenant_variable = "v"}) == "f");
    CHECK_THAT(tenant_of({.config_variable = wrong}), Catch::Contains(wrong) && Catch::Contains("tenant"));
    CHECK_THAT(tenant_of({.tenant_variable = "Team D"}), Catch::Contains("RIK_TENANT"));
}

TEST_CASE("a HOME without a configuration, or that is none, leaves the default") {
    temporary_directory const home;
    std::filesystem::create_symlink("loop", home.path() + "/loop");
    for (auto const& each : {std::string("/dev/null"), std::string("/nonexistent"), home.path() + "/loop", home.path(),
                             "/" + std::string(5'000, 'x'), std::string("relative/none")}) {
        CAPTURE(each);
        CHECK(resolved({.home = each}) == "unix:///run/rik/rik.sock");
    }
    auto const named = rik::resolve_server_address({.config_variable = "/dev/null/config.yaml", .home = home.path()});
    REQUIRE_FALSE(named.has_value());
    CHECK_THAT(named.error().message, Catch::Contains("RIKCONFIG") && Catch::Contains("Not a directory"));
}

TEST_CASE("a configuration file that is there and cannot be read is not passed over") {
    temporary_directory const home;
    std::filesystem::create_directories(home.path() + "/.rik/config.yaml");  // a directory: root may read anything else
    auto const wrong = rik::resolve_server_address({.home = home.path()});
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code == rik::errc::invalid);
    CHECK_THAT(wrong.error().message, Catch::Contains(".rik/config.yaml: Is a directory"));
    auto const missing = rik::resolve_server_address({.config_variable = home.path() + "/none"});
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().code == rik::errc::invalid);
}

TEST_CASE("a wrong address names where it came from") {
    temporary_directory const home;
    auto const file = home.write("c.yaml", "cluster: {name: a}");
    CHECK_THAT(resolved({.flag = "x"}), Catch::Contains("--server: 'x'"));
    CHECK_THAT(resolved({.server_variable = "x"}), Catch::Contains("RIK_CLUSTER_SERVER: 'x'"));
    CHECK_THAT(resolved({.config_variable = file}), Catch::Contains(file) && Catch::Contains("cluster.server"));
    CHECK_THAT(resolved({.config_variable = home.path() + "/none"}), Catch::Contains("RIKCONFIG: cannot read"));
}

TEST_CASE("kinds have long and short names") {
    for (auto const* word : {"workload", "workloads", "wl"})
        CHECK(rik::parse_resource_kind(word) == rik::resource_kind::workload);
    for (auto const* word : {"instance", "instances", "i"})
        CHECK(rik::parse_resource_kind(word) == rik::resource_kind::instance);
    for (auto const* word : {"node", "nodes", "n"}) CHECK(rik::parse_resource_kind(word) == rik::resource_kind::node);
    for (auto const* word : {"event", "events", "ev"})
        CHECK(rik::parse_resource_kind(word) == rik::resource_kind::event);
    for (auto const* word : {"tenant", "tenants", "namespace", "namespaces", "ns"})
        CHECK(rik::parse_resource_kind(word) == rik::resource_kind::tenant);
    CHECK_FALSE(rik::parse_resource_kind("pod"));
    CHECK_FALSE(rik::parse_resource_kind(""));
}

TEST_CASE("every problem of an error body is kept, with its field and remedy") {
    auto const found = rik::parse_problems(400, R"({"error":{"code":"invalid","message":"two things are wrong"},
        "problems":[{"code":"invalid","message":"is missing","field":"spec","remedy":"write one"},
                    {"code":"unsupported","message":"comes later","field":"kind"}]})");
    REQUIRE(found.size() == 2);
    CHECK(found[0] == rik::error{rik::errc::invalid, "is missing", "spec", "write one"});
    CHECK(found[1] == rik::error{rik::errc::unsupported, "comes later", "kind"});
}

TEST_CASE("an error body without a list of problems is one problem") {
    auto const found =
        rik::parse_problems(404, R"({"error":{"code":"not_found","message":"instance x: no such"},"problems":[]})");
    CHECK(found == rik::problems{{rik::errc::not_found, "instance x: no such"}});
}

TEST_CASE("a reply that is not rik's is told by its status") {
    CHECK(rik::parse_problems(404, "<html>nope").front().code == rik::errc::not_found);
    CHECK(rik::parse_problems(503, "").front().code == rik::errc::unavailable);
    CHECK(rik::parse_problems(413, "too large\nsecond line") == rik::problems{{rik::errc::invalid, "too large"}});
    CHECK(rik::parse_problems(500, R"({"unknown":1})").front().code == rik::errc::internal);
    CHECK(rik::parse_problems(400, R"({"error":{"code":"from_the_future","message":"m"}})").front().code ==
          rik::errc::invalid);
}

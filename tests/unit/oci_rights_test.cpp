// The pure parts of the OCI runtime for what a definition says beside its programs: rights, names, limits of the Pod.
#include "runtime/oci/capabilities_detail.hpp"
#include "runtime/oci/cgroups_detail.hpp"
#include "runtime/oci/resolver_detail.hpp"
#include "runtime/oci/sandbox_detail.hpp"
#include "runtime/oci/seccomp_profile_detail.hpp"
#include "runtime/oci/users_detail.hpp"

#include "support/catch.hpp"
#include "support/oci_config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

TEST_CASE("a definition's user and groups are above the image's", "[unit][oci]") {
    auto const resolved = [](std::string_view of_image, container_rights const& rights,
                             std::vector<std::int64_t> const& groups = {}) {
        return resolve_user(user_wish{of_image, rights, groups}, passwd, group);
    };
    CHECK(*resolved("app", {}) == *resolve_user("app", passwd, group));
    CHECK(*resolved("app:extra", {.user = 4711}) == container_user{4711, 0, {0}, "/"});
    CHECK(*resolved("ghost", {.user = 1000}) == container_user{1000, 1001, {1001, 2000, 2001}, "/home/app"});
    CHECK(*resolved("ghost", {.user = 1000, .group = 5}) == container_user{1000, 5, {5, 2000, 2001}, "/home/app"});
    CHECK(*resolved("app:extra", {.group = 5}) == container_user{1000, 5, {5, 2000, 2001}, "/home/app"});
    CHECK(*resolved("", {.group = 5}) == container_user{0, 5, {5}, "/root"});
    CHECK(*resolved("app:77", {}, {8, 77, 9}) == container_user{1000, 77, {77, 8, 9}, "/home/app"});
    CHECK(resolved("ghost", {.group = 5}).error().code == errc::invalid);
}

namespace {

constexpr std::uint64_t everything = ~std::uint64_t{0};

std::string names_of(container_rights const& rights, std::uint64_t held = everything) {
    auto const found = capabilities_of(rights, held);
    return found ? fmt::format("{}", fmt::join(*found, " ")) : found.error().message;
}

}  // namespace

TEST_CASE("capabilities are added to the usual ones and dropped from them", "[unit][oci]") {
    auto const usual = *capabilities_of({}, everything);
    CHECK(usual.size() == 14);
    CHECK(names_of({.dropped_capabilities = {"ALL"}}).empty());
    CHECK(names_of({.added_capabilities = {"NET_ADMIN"}, .dropped_capabilities = {"ALL"}}) == "CAP_NET_ADMIN");
    CHECK(capabilities_of({.added_capabilities = {"ALL"}}, everything)->size() == 41);
    CHECK(capabilities_of({.added_capabilities = {"ALL"}, .dropped_capabilities = {"CHOWN"}}, everything)->size() ==
          40);
    CHECK(capabilities_of({.added_capabilities = {"SYS_TIME"}, .dropped_capabilities = {"KILL"}}, everything)->size() ==
          14);
    CHECK(
        capabilities_of({.added_capabilities = {"NET_RAW"}, .dropped_capabilities = {"NET_RAW"}}, everything)->size() ==
        13);
}

TEST_CASE("what we do not have we do not give, and say so of what was asked for by name", "[unit][oci]") {
    auto const held = everything & ~(std::uint64_t{1} << 24);
    CHECK(capabilities_of({.added_capabilities = {"ALL"}}, held)->size() == 40);
    auto const missing = capabilities_of({.added_capabilities = {"SYS_RESOURCE"}}, held);
    REQUIRE(missing.has_error());
    CHECK(missing.error().code == errc::unsupported);
    CHECK(missing.error().message.starts_with("capability SYS_RESOURCE: "));
    CHECK_FALSE(missing.error().remedy.empty());
}

namespace {

/// Is the call allowed, whatever its arguments are?
bool is_allowed(boost::json::value const& profile, std::string_view call) {
    for (auto const& rule : profile.at("syscalls").as_array()) {
        if (rule.at("action") != "SCMP_ACT_ALLOW" || rule.as_object().contains("args")) continue;
        for (auto const& name : rule.at("names").as_array())
            if (std::string_view(name.as_string()) == call) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("a capability comes with the system calls that it is for", "[unit][oci]") {
    boost::json::value const usual = seccomp_profile({});
    boost::json::value const more = seccomp_profile({"CAP_SYS_ADMIN", "CAP_SYSLOG", "CAP_SYS_TIME"});
    for (auto const* call : {"mount", "unshare", "clone", "clone3", "syslog", "settimeofday"}) {
        INFO(call);
        CHECK_FALSE(is_allowed(usual, call));
        CHECK(is_allowed(more, call));
    }
    CHECK_FALSE(is_allowed(more, "reboot"));
    for (auto const& rule : more.at("syscalls").as_array())  // libseccomp takes no call with two answers
        CHECK((rule.at("names").at(0) != "clone3" && rule.at("names").at(0) != "clone"));
}

TEST_CASE_METHOD(config_fixture, "rights become what runc is told", "[unit][oci]") {
    request.definition.rights.has_read_only_root = true;
    request.definition.rights.added_capabilities = {"SYS_ADMIN"};
    request.definition.rights.dropped_capabilities = {"ALL"};
    request.annotations = {{"rik.io/instance", "web-1"}};
    auto made = config();
    CHECK(made["root"].at("readonly") == true);
    CHECK(boost::json::serialize(made["process"].at("capabilities").at("bounding")) == R"(["CAP_SYS_ADMIN"])");
    CHECK(is_allowed(made["linux"].at("seccomp"), "mount"));
    CHECK(made["annotations"].at("rik.io/instance") == "web-1");
    request.definition.rights = {};
    CHECK(config()["root"].at("readonly") == false);
    CHECK_FALSE(is_allowed(config()["linux"].at("seccomp"), "mount"));
    host.capabilities = 0;
    request.definition.rights.added_capabilities = {"SYS_ADMIN"};
    auto const refused = try_config();
    REQUIRE(refused.has_error());
    CHECK(refused.error().message.find("capability SYS_ADMIN") != std::string::npos);
}

TEST_CASE_METHOD(config_fixture,
                 "its part of what its Pod asks for keeps a container from being the first to be killed",
                 "[unit][oci]") {
    CHECK(config()["process"].at("oomScoreAdj") == 1000);
    request.memory_request_bytes = host.memory_bytes / 4;
    CHECK(config()["process"].at("oomScoreAdj") == 750);
}

TEST_CASE_METHOD(config_fixture, "a container on the host's network has no network namespace", "[unit][oci]") {
    auto const kinds = [&] {
        std::string found;
        auto const made = config();
        for (auto const& each : made.at("linux").at("namespaces").as_array())
            found += std::string(each.at("type").as_string()) + " ";
        return found;
    };
    CHECK(kinds() == "mount pid cgroup ipc uts network ");
    has_host_network = true;
    CHECK(kinds() == "mount pid cgroup ipc uts ");
}

TEST_CASE("a Pod's own lines in /etc/hosts come last", "[unit][oci]") {
    sandbox_request request{.instance = some_instance(), .hostname = "web", .addresses = {"10.1.2.3"}};
    request.host_aliases = {{"10.0.0.7", {"db", "db.x"}}, {"10.0.0.8", {}}};
    CHECK(hosts_text(request, "ignored").ends_with("ip6-allrouters\n10.1.2.3\tweb\n10.0.0.7\tdb\tdb.x\n"));
    request.has_host_network = true;
    CHECK(hosts_text(request, "127.0.0.1 localhost node") == "127.0.0.1 localhost node\n10.0.0.7\tdb\tdb.x\n");
    CHECK(hosts_text(request, "") == "10.0.0.7\tdb\tdb.x\n");
}

TEST_CASE("what a Pod says of names is put behind what its node says", "[unit][oci]") {
    constexpr std::string_view base =
        "nameserver 10.0.0.1\nnameserver 10.0.0.2\nsearch lan\noptions edns0 ndots:1\nsortlist 10.0.0.0\n";
    CHECK(merge_resolver(base, {}).text == base);
    dns_settings settings{
        .servers = {"10.0.0.2", "10.0.0.3"}, .searches = {"x.test", "lan"}, .options = {"ndots:5", "rotate"}};
    auto const merged = merge_resolver(base, settings);
    CHECK(merged.text ==
          "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nsearch lan x.test\n"
          "options edns0 ndots:5 rotate\nsortlist 10.0.0.0\n");
    CHECK(merged.left_out.empty());
    settings.policy = dns_policy::none;
    CHECK(merge_resolver(base, settings).text ==
          "nameserver 10.0.0.2\nnameserver 10.0.0.3\nsearch x.test lan\noptions ndots:5 rotate\n");
    CHECK_FALSE(merge_resolver("search lan\n", {.searches = {"x"}}).has_server);
    CHECK(merge_resolver("domain a\nsearch b c\n", {.searches = {"d"}}).text == "search b c d\n");
}

TEST_CASE("name servers and search domains past the limit are named", "[unit][oci]") {
    dns_settings settings{.servers = {"10.0.0.3", "10.0.0.4"}};
    for (int i = 0; i < 32; ++i) settings.searches.push_back("s" + std::to_string(i));
    auto const merged = merge_resolver("nameserver 10.0.0.1\nnameserver 10.0.0.2\nsearch lan\n", settings);
    REQUIRE(merged.left_out.size() == 2);
    CHECK(merged.left_out[0].starts_with("name server 10.0.0.4 of dnsConfig"));
    CHECK(merged.left_out[1].starts_with("search domain s31 of dnsConfig"));
    CHECK(merged.text.starts_with("nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nsearch lan s0 "));
    dns_settings long_ones;
    for (int i = 0; i < 20; ++i) long_ones.searches.push_back(std::string(120, static_cast<char>('a' + i)));
    CHECK(merge_resolver("", long_ones).left_out.size() == 4);  // 2,048 bytes hold 16 of them
}

TEST_CASE("a limit of cpu is a quota", "[unit][oci]") {
    CHECK(quota_of(0) == cpu_limits{});
    CHECK(quota_of(250) == cpu_limits{.quota_us = 25'000, .period_us = 100'000});
    CHECK(quota_of(1) == cpu_limits{.quota_us = 1'000, .period_us = 100'000});
}

}  // namespace rik::detail

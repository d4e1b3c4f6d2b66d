// Rights, names and shared limits of containers on this machine.
#include "support/catch.hpp"
#include "support/oci_world.hpp"
#include "support/read_text.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

namespace {

instance_id make_pod(oci_world& world, sandbox_request wanted) {
    wanted.instance = world.new_instance();
    auto const instance = wanted.instance;
    world.get(world.runtime().create_sandbox(std::move(wanted)));
    return instance;
}

/// What a container of a Pod says that ends well.
std::string said(oci_world& world, container_request request) {
    auto const key = world.start(std::move(request));
    CHECK(world.wait(key).code == 0);
    return world.read_log(key, {.follow = true});
}

}  // namespace

TEST_CASE("a root that is read only takes no file, and what is mounted in it does", "[e2e][runtime]") {
    oci_world world;
    auto request =
        world.request(world.make_sandbox(), {"sh", "-c",
                                             "touch /new /tmp/new 2>/dev/null || echo refused; "
                                             "touch /dev/shm/new && echo x >>/etc/hosts && echo taken; pwd"});
    request.definition.rights.has_read_only_root = true;
    request.definition.working_dir = "/made/for/me";
    CHECK(said(world, std::move(request)) == "refused\ntaken\n/made/for/me\n");
}

TEST_CASE("a container of one capability has the system calls of that one", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto request =
        world.request(pod, {"sh", "-c", "mount -t tmpfs none /tmp && echo mounted; grep CapEff /proc/self/status"});
    request.definition.rights.dropped_capabilities = {"ALL"};
    request.definition.rights.added_capabilities = {"SYS_ADMIN"};
    CHECK(said(world, std::move(request)) == "mounted\nCapEff:\t0000000000200000\n");
    auto other = world.request(pod, {"sh", "-c", "mount -t tmpfs none /tmp 2>/dev/null || echo refused"}, "other");
    CHECK(said(world, std::move(other)) == "refused\n");
}

TEST_CASE("a Pod on the host's network shares it and leaves it as it is", "[e2e][runtime]") {
    auto const settings = [] {
        return read_text("/proc/sys/net/ipv4/ip_unprivileged_port_start") +
               read_text("/proc/sys/net/ipv4/ping_group_range");
    };
    auto const before = settings();
    auto const own = std::filesystem::read_symlink("/proc/self/ns/net").string();
    oci_world world;
    auto const pod = make_pod(
        world, {.hostname = "ignored", .host_aliases = {{"10.0.0.7", {"db", "db.x"}}}, .has_host_network = true});
    auto const hosts = read_text("/etc/hosts");
    auto const text =
        said(world, world.request(pod, {"sh", "-c",
                                        "stat -L -c %i /proc/self/ns/net; cat /etc/hosts; cat /etc/resolv.conf; "
                                        "hostname"}));
    CHECK(own == "net:[" + text.substr(0, text.find('\n')) + "]");
    CHECK(text.find(hosts) != std::string::npos);
    CHECK(text.find("10.0.0.7\tdb\tdb.x\n" + read_text("/etc/resolv.conf")) != std::string::npos);
    CHECK(text.ends_with(read_text("/proc/sys/kernel/hostname")));
    CHECK(settings() == before);
    world.get(world.runtime().remove_sandbox(pod));
    CHECK(settings() == before);
    CHECK(std::filesystem::read_symlink("/proc/self/ns/net").string() == own);
}

TEST_CASE("containers share their Pod's memory, and who is killed for it says so", "[e2e][runtime]") {
    oci_world world;
    sandbox_request wanted{.hostname = "pod"};
    wanted.limits.set(resource::memory, 48 << 20);
    wanted.limits.set(resource::cpu, 250);
    auto const pod = make_pod(world, std::move(wanted));
    auto const ended = world.wait(world.start(world.request(pod, {"tail", "/dev/zero"}, "greedy")));
    CHECK(ended.out_of_memory);
    CHECK(ended.memory_limit_hit == 48 << 20);
    CHECK(ended.is_limit_of_pod);
    auto own = world.request(pod, {"tail", "/dev/zero"}, "bounded");
    own.definition.limits.set(resource::memory, 16 << 20);
    own.definition.limits.set(resource::cpu, 250);
    auto const of_own = world.wait(world.start(std::move(own)));
    CHECK(of_own.memory_limit_hit == 16 << 20);
    CHECK_FALSE(of_own.is_limit_of_pod);
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("what was left out of a Pod's resolv.conf is told", "[e2e][runtime]") {
    oci_world world([](oci_options& options) { options.dns_servers = {"10.0.0.1", "10.0.0.2"}; });
    sandbox_request wanted{.instance = world.new_instance(), .hostname = "pod"};
    wanted.dns.servers = {"10.0.0.3", "10.0.0.4"};
    auto const pod = wanted.instance;
    auto const made = world.get(world.runtime().create_sandbox(std::move(wanted)));
    CHECK(made.warning.find("name server 10.0.0.4 of dnsConfig") != std::string::npos);
    CHECK(said(world, world.request(pod, {"sh", "-c", "grep -c nameserver /etc/resolv.conf"})) == "3\n");
}

}  // namespace rik::testing

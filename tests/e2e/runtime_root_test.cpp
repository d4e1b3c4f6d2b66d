// What an image puts where RIK and runc mount: nothing of it reaches the host, and the container runs.
#include "support/catch.hpp"
#include "support/oci_world.hpp"
#include "support/read_text.hpp"
#include "support/scratch_directory.hpp"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

namespace rik::testing {

namespace fs = std::filesystem;

namespace {

/// What a container of the world's image says.
std::string output_of(oci_world& world, std::vector<std::string> command) {
    auto const key = world.start(world.request(world.make_sandbox("web-0"), std::move(command)));
    CHECK(world.wait(key).code == 0);
    return world.read_log(key, {.follow = true});
}

/// Puts a link in the place of a directory of the tree, and what it leads to into the tree, too.
void replace_by_link(fs::path const& tree, std::string const& name, fs::path const& target) {
    fs::remove_all(tree / name);
    fs::create_directory_symlink(target, tree / name);
    fs::create_directories(tree / target.relative_path());
}

}  // namespace

TEST_CASE("an image whose /dev, /proc and /sys are links leaves the host alone", "[e2e][runtime]") {
    oci_world world;
    scratch_directory const victim;
    std::ofstream(victim.path() / "ptmx") << "precious";
    auto const tree = world.root() / "tree";
    auto const kind = GENERATE(0, 1, 2);
    auto const up = fs::path("../../../../../../../../../..");
    auto const target = kind == 0 ? victim.path() : up / victim.path().relative_path();
    if (kind < 2) {
        replace_by_link(tree, "dev", target);
        fs::create_directories(tree / victim.path().relative_path());
    } else {
        for (auto const* each : {"dev", "proc", "sys"}) fs::remove_all(tree / each);
        std::ofstream(tree / "dev") << "a file";
        fs::create_directory_symlink("/etc", tree / "proc");
        fs::create_symlink("/no/such/place", tree / "sys");
    }
    CHECK(output_of(world, {"sh", "-c", "ls -d /dev/stdout /dev/ptmx /proc/1 /sys/kernel"}) ==
          "/dev/ptmx\n/dev/stdout\n/proc/1\n/sys/kernel\n");
    CHECK(read_text(victim.path() / "ptmx") == "precious");
    CHECK(std::distance(fs::directory_iterator(victim.path()), {}) == 1);
}

TEST_CASE("whatever an image has for /etc/hosts and its like, a container has the Pod's", "[e2e][runtime]") {
    oci_world world;
    auto const etc = world.root() / "tree/etc";
    SECTION("links to devices and to nowhere") {
        fs::create_symlink("/dev/null", etc / "hosts");
        fs::create_symlink("/no/such/place", etc / "resolv.conf");
        fs::create_symlink("../../../../../../../../etc/hostname", etc / "hostname");
    }
    SECTION("links to the kernel's, an empty directory and a fifo") {
        fs::create_symlink("/proc/1/mounts", etc / "hosts");
        fs::create_directory(etc / "resolv.conf");
        REQUIRE(::mkfifo((etc / "hostname").c_str(), 0600) == 0);
    }
    SECTION("/etc is a link within the image") {
        fs::create_directories(world.root() / "tree/usr");
        fs::rename(etc, world.root() / "tree/usr/etc");
        fs::create_directory_symlink("/usr/etc", etc);
    }
    SECTION("/etc is a link to nowhere") {
        fs::remove_all(etc);
        fs::create_directory_symlink("/no/such/place", etc);
    }
    CHECK(output_of(world, {"sh", "-c", "tail -1 /etc/hosts; cat /etc/hostname; test -f /etc/resolv.conf; echo $?"}) ==
          "10.1.2.3\tweb-0\nweb-0\n0\n");
    CHECK_FALSE(fs::exists("/no/such/place"));
}

TEST_CASE("a directory with files that hides /etc/hosts is the image's fault", "[e2e][runtime]") {
    oci_world world;
    fs::create_directories(world.root() / "tree/etc/hosts/full");
    auto const refused = world.failure(world.runtime().start_container(world.request(world.make_sandbox(), {"true"})));
    CHECK(refused.code == errc::invalid);
    CHECK(refused.message.find("hosts") != std::string::npos);
}

TEST_CASE("the directories of an image's volumes are there, and nowhere else", "[e2e][runtime]") {
    oci_world world;
    scratch_directory const outside;
    fs::create_directory_symlink(outside.path(), world.root() / "tree/var/link");
    fs::create_directories(world.root() / "tree" / outside.path().relative_path());
    auto with_image = world.busybox();
    with_image->config.volumes = {"/var/lib/data/", "../a/./b", "/var/link/deep", "/etc", "/"};
    auto request =
        world.request(world.make_sandbox(), {"sh", "-c", "touch /var/lib/data/f; ls -d /a/b /var/link/deep"});
    request.from = with_image;
    auto const key = world.start(std::move(request));
    CHECK(world.wait(key).code == 0);
    CHECK(world.read_log(key, {.follow = true}) == "/a/b\n/var/link/deep\n");
    CHECK(fs::is_empty(outside.path()));
    with_image->config.volumes = {"/bin/busybox/x"};
    auto impossible = world.request(world.make_sandbox(), {"true"});
    impossible.from = with_image;
    CHECK(world.failure(world.runtime().start_container(std::move(impossible))).code == errc::invalid);
}

TEST_CASE("in its Pod any user may listen on any port and ping, and nobody runs programs of /dev/shm",
          "[e2e][runtime]") {
    oci_world world;
    CHECK(output_of(world, {"sh", "-c",
                            "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range"}) ==
          "0\n0\t2147483647\n");
    CHECK(output_of(world, {"grep", " /dev/shm ", "/proc/self/mountinfo"}).find("noexec") != std::string::npos);
}

}  // namespace rik::testing

// The pure parts of the OCI runtime: config.json, users, cgroups, conmon's messages, names, resolv.conf.
#include "runtime/oci/cgroups_detail.hpp"
#include "runtime/oci/conmon_detail.hpp"
#include "runtime/oci/container_config_detail.hpp"
#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/mounts_detail.hpp"
#include "runtime/oci/program_check_detail.hpp"
#include "runtime/oci/record_detail.hpp"
#include "runtime/oci/resolver_detail.hpp"
#include "runtime/oci/sandbox_detail.hpp"
#include "runtime/oci/users_detail.hpp"

#include "support/catch.hpp"
#include "support/oci_config.hpp"
#include "support/test_image.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stop_token>

#include <sys/stat.h>

namespace rik::detail {

namespace {

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a command replaces entrypoint and cmd, args only the cmd", "[unit][oci]") {
    image_config image{
        .entrypoint = {"/entry", "-x"}, .cmd = {"a", "b"}, .env = {}, .user = {}, .working_dir = {}, .stop_signal = {}};
    expanded_texts written;
    CHECK(*merged_arguments(written, image) == strings{"/entry", "-x", "a", "b"});
    written.args = {"z"};
    CHECK(*merged_arguments(written, image) == strings{"/entry", "-x", "z"});
    written.command = {"/run"};
    CHECK(*merged_arguments(written, image) == strings{"/run", "z"});
    written.args.clear();
    CHECK(*merged_arguments(written, image) == strings{"/run"});
    auto const nothing = merged_arguments({}, {});
    REQUIRE(nothing.has_error());
    CHECK(nothing.error().code == errc::invalid);
}

TEST_CASE("an image's entrypoint of one empty word is none", "[unit][oci]") {
    image_config image;
    image.entrypoint = {""};
    image.cmd = {"sh", "-c", "x"};
    expanded_texts written;
    CHECK(*merged_arguments(written, image) == strings{"sh", "-c", "x"});
    written.args = {"date"};
    CHECK(*merged_arguments(written, image) == strings{"date"});
    written.command = {"run"};
    CHECK(*merged_arguments(written, image) == strings{"run", "date"});
}

TEST_CASE("a program without a name is told, with where it comes from", "[unit][oci]") {
    auto const message = [](expanded_texts const& written, strings entrypoint, strings cmd) {
        image_config image;
        image.entrypoint = std::move(entrypoint);
        image.cmd = std::move(cmd);
        auto const merged = merged_arguments(written, image);
        return merged ? std::string() : merged.error().message;
    };
    auto const has = [](std::string const& text, char const* part) { return text.find(part) != std::string::npos; };
    expanded_texts written;
    CHECK(has(message(written, {""}, {}), "neither it nor its image"));
    CHECK(has(message(written, {}, {""}), "its image's command"));
    CHECK(has(message(written, {""}, {"", "x"}), "its image's command"));
    CHECK(has(message(written, {"", "x"}, {"y"}), "its image's entrypoint"));
    written.args = {""};
    CHECK(has(message(written, {}, {"x"}), "its args"));
    CHECK(message(written, {"/entry"}, {"x"}).empty());  // an empty argument is one
    written.command = {""};
    CHECK(has(message(written, {"/entry"}, {}), "its command"));
}

namespace {

/// The head of an ELF file: 32 or 64 bits, of a machine.
void write_elf(std::filesystem::path const& file, char bits, unsigned char machine) {
    std::string head(64, '\0');
    head.replace(0, 4,
                 "\x7f"
                 "ELF");
    head[4] = bits;
    head[18] = static_cast<char>(machine);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << head;
    std::filesystem::permissions(file, std::filesystem::perms(0755));
}

result<void> check(std::filesystem::path const& tree, std::string program) {
    strings const environment{"A=b", "PATH=/nowhere:/bin"};
    std::string const directory = "/work";
    return check_program(tree, {program, directory, environment});
}

}  // namespace

#if defined(__x86_64__)
TEST_CASE("a 32-bit program is told before it is started, and so is an interpreter", "[unit][oci]") {
    testing::temporary_directory const tree;
    constexpr unsigned char i386 = 3;
    constexpr unsigned char x86_64 = 62;
    write_elf(tree.path() / "bin/old", 1, i386);
    write_elf(tree.path() / "bin/x32", 1, x86_64);
    write_elf(tree.path() / "bin/new", 2, x86_64);
    write_elf(tree.path() / "work/old", 1, i386);
    write_elf(tree.path() / "bin/arm", 1, 40);  // of another machine: perhaps there is an emulator
    std::filesystem::create_symlink("/bin/old", tree.path() / "bin/link");
    std::ofstream(tree.path() / "bin/script") << "#! /bin/old -x\n";
    std::filesystem::permissions(tree.path() / "bin/script", std::filesystem::perms(0755));
    for (auto const* each : {"old", "x32", "/bin/old", "./old", "link", "script"}) {
        CAPTURE(each);
        auto const checked = check(tree.path(), each);
        REQUIRE(checked.has_error());
        CHECK(checked.error().code == errc::unsupported);
        CHECK(checked.error().message.find("32-bit") != std::string::npos);
    }
    for (auto const* each : {"new", "/bin/new", "arm", "no-such", "/etc", ""}) {
        CAPTURE(each);
        CHECK(check(tree.path(), each).has_value());
    }
}
#endif

TEST_CASE_METHOD(config_fixture, "the definition's environment is above rik's, and rik's above the image's",
                 "[unit][oci]") {
    request.environment = {{"A", "rik"}, {"B", "rik"}};
    request.definition.env = {{.name = "B", .value = "definition"}, {.name = "HOME", .value = "/mine"}};
    auto const env = config()["process"].at("env").as_array();
    CHECK(boost::json::serialize(env) == R"(["PATH=/bin","A=rik","B=definition","HOME=/mine","HOSTNAME=pod"])");
}

TEST_CASE_METHOD(config_fixture,
                 "command, args and env refer to variables of the definition and of rik, not of the image",
                 "[unit][oci]") {
    request.environment = {{"NODE", "n1"}};
    request.definition.env = {{.name = "B", .value = "$(NODE)-$(A)"}, {.name = "C", .value = "$(B)!"}};
    request.definition.command = {{"/run", "$(C)"}};
    request.definition.args = {{"$$(C)", "$(date)"}};
    auto made = config();
    CHECK(boost::json::serialize(made["process"].at("args")) == R"x(["/run","n1-$(A)!","$(C)","$(date)"])x");
    auto const env = boost::json::serialize(made["process"].at("env"));
    CHECK(env.find(R"x("B=n1-$(A)","C=n1-$(A)!")x") != std::string::npos);
}

TEST_CASE_METHOD(config_fixture, "limits and requests become cgroup settings", "[unit][oci]") {
    request.definition.limits.set(resource::memory, 64 << 20);
    request.definition.limits.set(resource::cpu, 250);
    request.definition.requests.set(resource::cpu, 100);
    auto made = config();
    auto const& resources = made["linux"].at("resources");
    CHECK(resources.at("memory").at("limit") == 64 << 20);
    CHECK(cpu_limits_of(request.definition) == cpu_limits{.shares = 102, .quota_us = 25'000, .period_us = 100'000});
    CHECK(cpu_limits_of({}) == cpu_limits{.shares = 2});
    CHECK(resources.at("pids").at("limit") == 4096);
    CHECK(made["linux"].at("cgroupsPath") == "/rik-0123abcd/3b241101-e2bb-4255-8caf-4136c566a962/main-0");
    CHECK(made["process"].at("oomScoreAdj") == 985);
    CHECK(made["process"].at("rlimits").at(0).at("hard") == 20'000);
}

TEST_CASE_METHOD(config_fixture, "what the kernel would not start for its size is refused, with the image's variables",
                 "[unit][oci]") {
    auto const failure = [&] {
        auto const made = container_config({.request = request,
                                            .user = user,
                                            .pod = paths.pod(request.key.instance),
                                            .container = paths.container(request.key),
                                            .host = host,
                                            .hostname = "pod"});
        return made ? error{errc::internal, "no error"} : made.error();
    };
    auto large = std::make_shared<image>(*request.from);
    large->config.env = {"OF_IMAGE=" + std::string(200'000, 'x')};
    request.from = large;
    request.definition.name = "main";
    CHECK(failure().code == errc::invalid);
    CHECK(failure().message.starts_with("container main: variable OF_IMAGE is 200009 bytes long"));

    large->config.env.clear();
    for (int i = 0; i < 20; ++i) large->config.env.push_back(std::to_string(i) + "=" + std::string(100'000, 'x'));
    CHECK(failure().code == errc::internal);
    for (int i = 0; i < 2; ++i) large->config.env.push_back("M" + std::to_string(i) + "=" + std::string(100'000, 'x'));
    CHECK(failure().message.find("with those of its image, take 22") != std::string::npos);
    host.stack_bytes_max = ~std::uint64_t{0};  // unlimited
    CHECK(failure().code == errc::internal);
    host.stack_bytes_max = 1;
    CHECK(failure().message.find("no program with more than 131072") != std::string::npos);
}

TEST_CASE_METHOD(config_fixture, "root has Docker's capabilities that we have, others have none", "[unit][oci]") {
    host.capabilities = ~(std::uint64_t{1} << 27);
    auto made = config();
    auto const& of_root = made["process"].at("capabilities");
    CHECK(of_root.at("effective").as_array().size() == 13);
    CHECK(of_root.at("effective") == of_root.at("bounding"));
    user.uid = 1000;
    auto const of_user = config()["process"].at("capabilities");
    CHECK(of_user.at("effective").as_array().empty());
    CHECK(of_user.at("bounding").as_array().size() == 13);
}

TEST_CASE_METHOD(config_fixture, "a container without a limit cannot fill the host's memory by what it may write",
                 "[unit][oci]") {
    auto const pod = paths.pod(request.key.instance);
    auto made = config();
    for (auto const& each : made["mounts"].as_array()) {
        if (each.at("type") != "bind") continue;
        std::filesystem::path const source = each.at("source").as_string().c_str();
        auto const is_on_disk = source.native().starts_with(pod.state.native());
        INFO(source.string());
        CHECK((is_on_disk || source == pod.shm));  // the latter has a size
    }
}

TEST_CASE_METHOD(config_fixture, "sockets of every family but vsock may be made, however the number is written",
                 "[unit][oci]") {
    auto made = config();
    auto const is_allowed = [&](std::uint64_t family) {
        for (auto const& rule : made["linux"].at("seccomp").at("syscalls").as_array()) {
            if (rule.at("names").at(0) != "socket" || rule.at("action") != "SCMP_ACT_ALLOW") continue;
            auto const& condition = rule.at("args").at(0);
            REQUIRE(condition.at("op") == "SCMP_CMP_MASKED_EQ");  // else all 64 bits are looked at, the kernel at 32
            auto const mask = condition.at("value").to_number<std::uint64_t>();
            if ((family & mask) == condition.at("valueTwo").to_number<std::uint64_t>()) return true;
        }
        return false;
    };
    for (std::uint64_t family = 0; family < 46; ++family) {
        for (auto const high : {std::uint64_t{0}, std::uint64_t{1} << 32, ~std::uint64_t{0} << 32}) {
            INFO(family << " with " << high);
            CHECK(is_allowed(high | family) == (family != 40));
        }
    }
}

TEST_CASE("a user is a number or a name of the image's own files", "[unit][oci]") {
    auto const app = resolve_user("app", passwd, group);
    REQUIRE(app.has_value());
    CHECK(*app == container_user{1000, 1001, {1001, 2000, 2001}, "/home/app"});
    CHECK(*resolve_user("1000", passwd, group) == *app);
    CHECK(*resolve_user("", passwd, group) == container_user{0, 0, {0}, "/root"});
    CHECK(*resolve_user("4711", passwd, group) == container_user{4711, 0, {0}, "/"});
    CHECK(*resolve_user("app:extra", passwd, group) == container_user{1000, 2000, {2000}, "/home/app"});
    CHECK(*resolve_user("app:77", passwd, group) == container_user{1000, 77, {77}, "/home/app"});
    CHECK(*resolve_user("0:0", "", "") == container_user{0, 0, {0}, "/root"});
    CHECK(resolve_user("ghost", passwd, group).error().code == errc::invalid);
    CHECK(resolve_user("app:ghost", passwd, group).error().code == errc::invalid);
    CHECK(resolve_user("odd", "odd:x:abc:1::/:\n", group).error().code == errc::invalid);  // and not root
    CHECK(resolve_user("-1", passwd, group).error().code == errc::invalid);
    CHECK(resolve_user("99999999999", passwd, group).error().code == errc::invalid);
}

TEST_CASE("a tree's symbolic links lead nowhere outside", "[unit][oci]") {
    namespace fs = std::filesystem;
    testing::temporary_directory directory;
    auto const tree = directory.path() / "tree";
    fs::create_directories(tree / "etc");
    std::ofstream(directory.path() / "outside") << "evil:x:0:0::/:\n";
    SECTION("relative") { fs::create_symlink("../../outside", tree / "etc/passwd"); }
    SECTION("absolute") { fs::create_symlink(directory.path() / "outside", tree / "etc/passwd"); }
    SECTION("a directory") {
        fs::remove(tree / "etc");
        fs::create_directories(directory.path() / "other");
        fs::rename(directory.path() / "outside", directory.path() / "other/passwd");
        fs::create_symlink("../other", tree / "etc");
    }
    SECTION("of the kernel's own") { fs::create_symlink("/proc/self/root/etc/passwd", tree / "etc/passwd"); }
    SECTION("a fifo") { REQUIRE(::mkfifo((tree / "etc/passwd").c_str(), 0600) == 0); }
    CHECK(resolve_user_in(tree, {"evil", {}, {}}).error().code == errc::invalid);
    CHECK(resolve_user_in(tree, {"5", {}, {}})->uid == 5);
}

TEST_CASE("a link within the tree is followed as the container would", "[unit][oci]") {
    namespace fs = std::filesystem;
    testing::temporary_directory tree;
    fs::create_directories(tree.path() / "etc");
    std::ofstream(tree.path() / "etc/real") << "app:x:5:6::/home:\n";
    fs::create_symlink("/etc/real", tree.path() / "etc/passwd");
    CHECK(resolve_user_in(tree.path(), {"app", {}, {}})->gid == 6);
}

TEST_CASE("hierarchies are found among the mounts", "[unit][oci]") {
    constexpr std::string_view hybrid =
        "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
        "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 master:1 - cgroup cgroup rw,memory\n"
        "40 31 0:37 / /sys/fs/cgroup/a\\040b rw - cgroup cgroup rw,name=systemd\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        "nonsense\n";
    auto const found = cgroups::find(hybrid);
    REQUIRE(found.has_value());
    CHECK(found->hierarchies() ==
          std::vector<std::filesystem::path>{"/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/a b"});
    CHECK(cgroups::find("1 1 0:1 / / rw - ext4 /dev/vda rw\n").error().code == errc::unsupported);
    CHECK(unified_group("4:memory:/x\n0::/system.slice/rik.service\n") == "/system.slice/rik.service");
    CHECK(unified_group("0::/a\n1:cpu:/b\n") == "/a");
    CHECK(unified_group("4:memory:/x\n").empty());
    constexpr auto own = "9:name=systemd:/system.slice/rik.service\n4:memory:/x\n2:cpu,cpuacct:/\n0::/y";
    CHECK(group_of_hierarchy(own, "rw,memory") == "/x");
    CHECK(group_of_hierarchy(own, "rw,cpu,cpuacct") == "/");
    CHECK(group_of_hierarchy(own, "rw,xattr,name=systemd") == "/system.slice/rik.service");
    CHECK(group_of_hierarchy(own, "rw,pids").empty());
    CHECK(group_of_hierarchy("", "rw,pids").empty());
    CHECK(group_of_hierarchy("nonsense", "rw,pids").empty());
    CHECK(find_count("low 1\noom 3\noom_kill 2\n", "oom_kill") == 2);
    CHECK_FALSE(find_count("oom_kill_disable 0\n", "oom_kill"));
}

TEST_CASE("a group that met its own limit is told from one whose machine was short of memory", "[unit][oci]") {
    auto const v2 = [](std::string_view events) { return read_memory_trouble_v2(events, "67108864\n"); };
    CHECK(v2("low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\noom_group_kill 0\n") == memory_trouble{2, 64 << 20});
    CHECK(v2("low 0\nhigh 0\nmax 0\noom 0\noom_kill 2\noom_group_kill 0\n") == memory_trouble{2, 0});
    CHECK(v2("low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\n") == memory_trouble{});
    CHECK(v2("") == memory_trouble{});
    CHECK(read_memory_trouble_v2("oom 1\noom_kill 1\n", "max\n") == memory_trouble{1, 0});

    std::string_view const killed_once = "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n";
    CHECK(read_memory_trouble_v1(killed_once, "7\n", "0\n", "67108864\n") == memory_trouble{1, 64 << 20});
    CHECK(read_memory_trouble_v1(killed_once, "0\n", "7\n", "67108864\n") == memory_trouble{1, 64 << 20});
    CHECK(read_memory_trouble_v1(killed_once, "0\n", "", "67108864\n") == memory_trouble{1, 0});
    CHECK(read_memory_trouble_v1(killed_once, "0\n", "", "67108864\n", "67100672\n") == memory_trouble{1, 64 << 20});
    CHECK(read_memory_trouble_v1(killed_once, "0\n", "", "67108864\n", "33554432\n") == memory_trouble{1, 0});
    CHECK(read_memory_trouble_v1("oom_kill_disable 0\nunder_oom 0\n", "7\n", "", "67108864\n") == memory_trouble{});
}

TEST_CASE("mounts below a directory come deepest first, and none beside it", "[unit][oci]") {
    auto const mounts = parse_mounts(
        "1 0 0:1 / /run/rik rw - tmpfs t rw\n2 1 0:2 / /run/rik/a rw - tmpfs t rw\n"
        "3 1 0:3 / /run/rik2 rw - tmpfs t rw\n4 2 0:4 / /run/rik/a/b rw shared:1 - overlay o rw\n");
    CHECK(mounts_below(mounts, "/run/rik") == strings{"/run/rik/a/b", "/run/rik/a", "/run/rik"});
}

TEST_CASE("a tree is removed however deep it is, and links are not followed", "[unit][oci]") {
    namespace fs = std::filesystem;
    testing::temporary_directory directory;
    auto const tree = directory.path() / "tree";
    std::ofstream(directory.path() / "outside") << "kept";
    fs::create_directories(tree / "deep-0/full");
    fs::create_symlink("../outside", tree / "link");
    auto deepest = tree;
    for (int depth = 0; depth < 300; ++depth) deepest /= "d";
    fs::create_directories(deepest);
    std::ofstream(deepest / "file") << "";
    CHECK(remove_tree(tree).has_value());
    CHECK_FALSE(fs::exists(tree));
    CHECK(remove_tree(tree).has_value());
    CHECK(remove_tree("/no/such/directory/at/all").has_value());
    CHECK(fs::exists(directory.path() / "outside"));
}

TEST_CASE("a removal that is stopped leaves the rest", "[unit][oci]") {
    testing::temporary_directory directory;
    auto const tree = directory.path() / "tree";
    std::filesystem::create_directories(tree / "inner");
    std::stop_source stops;
    stops.request_stop();
    auto const removed = remove_tree(tree, stops.get_token());
    REQUIRE(removed.has_error());
    CHECK(removed.error().code == errc::internal);
    CHECK(std::filesystem::exists(tree / "inner"));
}

TEST_CASE("conmon's first words", "[unit][oci]") {
    CHECK(*parse_created("{\"data\": 4711}\n") == 4711);
    CHECK(parse_created("").error().code == errc::unavailable);  // conmon or the OCI runtime was killed
    CHECK(parse_created("{\"data\": -1}\n").error().code == errc::internal);
    auto const missing = parse_created(
        R"({"data": -1, "message": "runc create failed: unable to start container process: exec: \"/x\": stat /x: no such file or directory"})");
    CHECK(missing.error().code == errc::invalid);
    CHECK(missing.error().message == R"(exec: "/x": stat /x: no such file or directory)");
    CHECK(parse_created(R"({"data":-1,"message":"mount: no space left on device"})").error().code == errc::exhausted);
}

TEST_CASE("a container's directory tells its name and attempt", "[unit][oci]") {
    container_key const key{.instance = some_instance(), .name = "web-1", .attempt = 12};
    CHECK(container_directory(key) == "web-1-12");
    CHECK(parse_container_directory(some_instance(), "web-1-12") == key);
    for (auto const* const each : {"", "web", "-1", "web-", "web-x", "web-1x", "web-99999999999"}) {
        CHECK_FALSE(parse_container_directory(some_instance(), each));
    }
}

TEST_CASE("a record is read as it was written, and damage is noticed", "[unit][oci]") {
    container_record const record{.boot_id = "b",
                                  .container = {.pid = 7, .start_ticks = 1u << 31},
                                  .monitor = {.pid = 8, .start_ticks = 9},
                                  .started_at = wall_time(std::chrono::microseconds(1'700'000'000'123'456)),
                                  .stop_signal = SIGINT};
    auto const text = record_text(record);
    auto const read = parse_record(text);
    REQUIRE(read.has_value());
    CHECK(read->container == record.container);
    CHECK(read->monitor == record.monitor);
    CHECK(read->started_at == record.started_at);
    CHECK(read->stop_signal == SIGINT);
    CHECK(parse_record(text.substr(0, text.size() / 2)).error().code == errc::corrupt);
    CHECK(parse_record("{}").error().code == errc::corrupt);
    CHECK(parse_record("[1]").error().code == errc::corrupt);
}

TEST_CASE("stop signals by name and number", "[unit][oci]") {
    CHECK(parse_signal("") == SIGTERM);
    CHECK(parse_signal("SIGINT") == SIGINT);
    CHECK(parse_signal("QUIT") == SIGQUIT);
    CHECK(parse_signal("9") == SIGKILL);
    CHECK(parse_signal("SIGRTMIN+3") == SIGRTMIN + 3);
    CHECK(parse_signal("SIGRTMIN") == SIGRTMIN);
    CHECK(parse_signal("RTMAX") == SIGRTMAX);
    CHECK(parse_signal("SIGRTMAX-1") == SIGRTMAX - 1);
    CHECK(parse_signal("sigusr1") == SIGUSR1);
    CHECK(parse_signal("SIGIO") == SIGIO);
    CHECK(parse_signal("SIGPOLL") == SIGPOLL);
    CHECK(parse_signal("SIGCLD") == SIGCHLD);
    for (auto const* const none : {"nonsense", "4711", "0", "-9", "RTMIN+", "RTMIN+99", "RTMAX-99", "SIG"}) {
        CHECK_FALSE(parse_signal(none));
    }
}

TEST_CASE("a Pod's resolv.conf has only servers that it can reach", "[unit][oci]") {
    constexpr std::string_view stub = "# stub\nnameserver 127.0.0.53\nsearch lan\noptions edns0\n";
    auto const text_of = [](std::string_view host, std::string_view upstream = "") {
        return resolver_for_pods({}, host, upstream).text;
    };
    CHECK(resolver_for_pods({"10.0.0.10"}, stub, "").text == "nameserver 10.0.0.10\nsearch lan\noptions edns0\n");
    CHECK(text_of("nameserver 9.9.9.9\nnameserver\t127.0.0.1\n") == "nameserver 9.9.9.9\n");
    CHECK(text_of(stub, "nameserver 192.168.1.1\nsearch home\n") == "nameserver 192.168.1.1\nsearch home\n");
    for (auto const* useless : {"127.0.0.1", "127.1", "2130706433", "0x7f000001", "::1", "0.0.0.0", "0", "fe80::1%eth0",
                                "2001:db8::1", "224.0.0.251", "255.255.255.255", "localhost", "1.2.3.4.5", ""}) {
        INFO(useless);
        auto const made = resolver_for_pods({}, fmt::format("nameserver {}\nsearch lan\n", useless), "");
        CHECK(made.text == "search lan\n");
        CHECK_FALSE(made.has_server);
        CHECK(made.dropped.size() == 1);
        CHECK(find_fault(made)->message.find(useless) != std::string::npos);
        CHECK(find_fault(made)->remedy.find("--dns") != std::string::npos);
    }
}

TEST_CASE("of a resolv.conf only what is one is taken over", "[unit][oci]") {
    using namespace std::string_literals;
    auto const text_of = [](std::string_view host) { return resolver_for_pods({}, host, "").text; };
    CHECK(text_of("").empty());
    CHECK(text_of("nameserver 1.1.1.1") == "nameserver 1.1.1.1\n");
    CHECK(text_of("nameserver 1.1.1.1 # ours\r\nsearch a b\r\n") == "nameserver 1.1.1.1\nsearch a b\n");
    CHECK(text_of(" nameserver 1.1.1.1\nnameservers 1.1.1.1\nnameserver1.1.1.1\nlookup file bind\n").empty());
    CHECK(text_of("nameserver ::1\nnameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4\n") ==
          "nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\n");
    std::string const odd = "search a"s + '\0' + "b\n\xff\xfe\nsearch a\x1b[2J\ndomain d\nsortlist 10.0.0.0\n";
    CHECK(text_of(odd).find('\x1b') == std::string::npos);
    CHECK(text_of(odd).starts_with("domain d\n"));
    CHECK_FALSE(find_fault(resolver_for_pods({}, "nameserver 1.1.1.1", "")));
}

TEST_CASE("servers that somebody chooses are checked", "[unit][oci]") {
    CHECK(check_dns_servers({}));
    CHECK(check_dns_servers({"1.1.1.1", "10.0.0.10", "8.8.8.8"}));
    CHECK(check_dns_servers({"1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4"}).error().code == errc::invalid);
    auto const six = check_dns_servers({"2606:4700::1111"});
    REQUIRE_FALSE(six);
    CHECK(six.error().message.find("IPv6") != std::string::npos);
    CHECK(check_dns_servers({"dns.example"}).error().message.find("dns.example") != std::string::npos);
}

TEST_CASE("a long host name is cut between labels", "[unit][oci]") {
    CHECK(fitting_hostname(std::string(62, 'a') + "-b") == std::string(62, 'a'));
}

}  // namespace rik::detail

// Volumes that live as long as their Pod: on disk, in memory, shared, kept over restarts, and gone with it.
#include "support/catch.hpp"
#include "support/oci_world.hpp"
#include "support/read_text.hpp"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

namespace rik::testing {

namespace fs = std::filesystem;

namespace {

class volume_world : public oci_world {
public:
    instance_id make_pod(std::vector<volume_definition> volumes, std::optional<std::int64_t> group = {},
                         std::int64_t memory_limit = 0) {
        auto const made = new_instance();
        sandbox_request wanted{.instance = made, .hostname = "pod", .addresses = {"10.1.2.3"}};
        wanted.volumes = std::move(volumes);
        wanted.volume_group = group;
        if (memory_limit > 0) wanted.limits.set(resource::memory, memory_limit);
        get(runtime().create_sandbox(std::move(wanted)));
        return made;
    }
    /// What the script prints, and "exit N" if that is not 0.
    std::string run_in(instance_id const& pod, std::vector<volume_mount> mounts, std::string script,
                       std::string name = "main", std::string user = "") {
        auto wanted = request(pod, {"sh", "-c", "exec 2>&1; " + script}, std::move(name));
        wanted.definition.mounts = std::move(mounts);
        auto with_image = busybox();
        with_image->config.user = user;
        wanted.from = with_image;
        auto const key = start(std::move(wanted));
        auto const code = wait(key).code;
        return read_log(key, {.follow = true}) + (code == 0 ? "" : "exit " + std::to_string(code));
    }
    error refusal(instance_id const& pod, std::vector<volume_mount> mounts) {
        auto wanted = request(pod, {"true"}, "refused");
        wanted.definition.mounts = std::move(mounts);
        return failure(runtime().start_container(std::move(wanted)));
    }
    fs::path disk(instance_id const& pod) { return root() / "state/pods" / pod.text() / "volumes"; }
};

volume_definition on_disk(std::string name) { return {.name = std::move(name), .source = empty_dir{}}; }
volume_definition in_memory(std::string name, std::int64_t bytes = 0) {
    return {.name = std::move(name), .source = empty_dir{.is_in_memory = true, .bytes_max = bytes}};
}

}  // namespace

TEST_CASE("a volume is shared by the containers of its Pod, and whoever they run as may write",
          "[e2e][runtime][volumes]") {
    volume_world world;
    auto const pod = world.make_pod({on_disk("data"), in_memory("fast")});
    CHECK(world.run_in(pod, {{"data", "/data"}, {"fast", "/deep/in/it"}},
                       "stat -c '%a %u %g' /data /deep/in/it; echo one > /data/file; echo two > /deep/in/it/file",
                       "first", "app") == "777 0 0\n777 0 0\n");
    CHECK(world.run_in(pod, {{.volume = "data", .path = "/elsewhere", .is_read_only = true}, {"fast", "/fast"}},
                       "cat /elsewhere/file /fast/file; echo x > /elsewhere/x || echo refused",
                       "second") == "one\ntwo\nsh: can't create /elsewhere/x: Read-only file system\nrefused\n");
    world.get(world.runtime().create_sandbox(
        {.instance = pod, .hostname = "pod", .addresses = {}, .volumes = {on_disk("data"), in_memory("fast")}}));
    CHECK(world.run_in(pod, {{"data", "/data"}, {"fast", "/fast"}}, "cat /data/file /fast/file", "third") ==
          "one\ntwo\n");
    SECTION("removed with its Pod") { world.get(world.runtime().remove_sandbox(pod)); }
    SECTION("removed when the Pod has ended") {
        world.get(world.runtime().vacate_sandbox(pod));
        CHECK_FALSE(fs::exists(world.disk(pod)));
    }
    CHECK(read_text("/proc/self/mountinfo").find(pod.text()) == std::string::npos);
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a volume in memory has a limit: its own, else its Pod's", "[e2e][runtime][volumes]") {
    volume_world world;
    auto const pod = world.make_pod({in_memory("small", 1 << 20), in_memory("other")}, {}, 64 << 20);
    CHECK(world.run_in(pod, {{"small", "/small"}, {"other", "/other"}},
                       "dd if=/dev/zero of=/small/x bs=64k count=32 2>/dev/null || echo full; stat -c %s /small/x; "
                       "grep ' /other ' /proc/mounts | tr , '\\n' | grep size") == "full\n1048576\nsize=65536k\n");
}

TEST_CASE("a group owns the volumes, and what is made in them", "[e2e][runtime][volumes]") {
    volume_world world;
    auto const pod = world.make_pod({on_disk("data"), in_memory("fast")}, 3000);
    CHECK(world.run_in(pod, {{"data", "/data"}, {"fast", "/fast"}},
                       "touch /data/x /fast/x; stat -c '%a %g' /data /fast; stat -c %g /data/x /fast/x", "main",
                       "app") == "2777 3000\n2777 3000\n3000\n3000\n");
}

TEST_CASE("a sub path is made, is a place within its volume, and stays so", "[e2e][runtime][volumes]") {
    volume_world world;
    auto const pod = world.make_pod({on_disk("data")});
    auto const sub = [](std::string path, std::string at) {
        return volume_mount{.volume = "data", .path = std::move(at), .sub_path = std::move(path)};
    };
    CHECK(world.run_in(
              pod, {sub("a/b", "/mine"), {"data", "/all"}},
              "echo hi > /mine/file; cat /all/a/b/file; stat -c %a /mine; ln -s / /all/out; ln -s ../a /all/a/in; "
              "ln -s ../../../../../../../../../etc /all/up; echo text > /all/text",
              "first") == "hi\n777\n");
    SECTION("a link stays within the volume") {
        CHECK(world.run_in(pod, {sub("a/in/b", "/mine")}, "cat /mine/file", "second") == "hi\n");
        CHECK(world.run_in(pod, {sub("out/a/b", "/mine")}, "cat /mine/file", "third") == "hi\n");
        CHECK(world.refusal(pod, {sub("up/passwd/x", "/mine")}).code == errc::invalid);
        CHECK_FALSE(fs::exists("/etc/passwd/x"));
        CHECK_FALSE(fs::exists(world.disk(pod) / "data/etc"));
    }
    SECTION("a file is a place, too") {
        CHECK(world.run_in(pod, {sub("text", "/etc/hosts")}, "cat /etc/hosts", "second") == "text\n");
    }
    SECTION("but nothing can be within one") {
        auto const refused = world.refusal(pod, {sub("text/below", "/mine")});
        CHECK(refused.code == errc::invalid);
        CHECK(refused.message.find("text/below") != std::string::npos);
    }
    world.get(world.runtime().remove_sandbox(pod));
    CHECK(read_text("/proc/self/mountinfo").find(pod.text()) == std::string::npos);
}

TEST_CASE("a mount of a sub path goes with its container", "[e2e][runtime][volumes]") {
    volume_world world;
    auto const pod = world.make_pod({on_disk("data")});
    auto wanted = world.request(pod, {"sleep", "1000"});
    wanted.definition.mounts = {{.volume = "data", .path = "/mine", .sub_path = "a"}};
    auto const key = world.start(std::move(wanted));
    CHECK(read_text("/proc/self/mountinfo").find(pod.text() + "/containers/main-0/mounts/0") != std::string::npos);
    world.get(world.runtime().remove_container(key));
    CHECK(read_text("/proc/self/mountinfo").find(pod.text() + "/containers/main-0/mounts/0") == std::string::npos);
    CHECK(fs::exists(world.disk(pod) / "data/a"));
}

TEST_CASE("a volume takes the place of what a container has by itself", "[e2e][runtime][volumes]") {
    volume_world world;
    auto const pod = world.make_pod({on_disk("data"), in_memory("shm")});
    CHECK(
        world.run_in(pod, {{"shm", "/dev/shm/"}, {"data", "/etc"}},
                     "touch /dev/shm/x; ls /etc; grep -c pod /etc/hosts; grep -c rik /proc/self/mountinfo >/dev/null; "
                     "touch /etc/mine") == "hostname\nhosts\nresolv.conf\n1\n");
    auto const refused = world.refusal(pod, {{"data", "/etc/hosts"}});
    CHECK(refused.code == errc::invalid);
    CHECK(refused.message.find("/etc/hosts") != std::string::npos);
    auto const unknown = world.refusal(pod, {{"other", "/x"}});
    CHECK(unknown.code == errc::invalid);
    CHECK(unknown.message.find("other") != std::string::npos);
}

TEST_CASE("volumes that were made by half are completed, and those of an earlier boot", "[e2e][runtime][volumes]") {
    volume_world world;
    auto const pod = world.make_pod({on_disk("data"), in_memory("fast")});
    world.run_in(pod, {{"data", "/data"}, {"fast", "/fast"}}, "touch /data/kept /fast/lost", "first");
    fs::remove(world.root() / "run/pods" / pod.text() / "ready");
    world.get(world.runtime().create_sandbox(
        {.instance = pod, .hostname = "pod", .addresses = {}, .volumes = {on_disk("data"), in_memory("fast")}}));
    CHECK(world.run_in(pod, {{"data", "/data"}, {"fast", "/fast"}}, "ls /data /fast", "second") ==
          "/data:\nkept\n\n/fast:\n");
}

}  // namespace rik::testing

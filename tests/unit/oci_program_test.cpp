// How runc and crun are called, and what they leave behind: pure.
#include "runtime/oci/conmon_detail.hpp"
#include "runtime/oci/oci_program_detail.hpp"
#include "runtime/oci/stray_children_detail.hpp"

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace rik::detail {

namespace {

using words = std::vector<std::string>;

constexpr std::string_view hybrid =
    "35 31 0:32 / /groups/memory rw - cgroup cgroup rw,memory\n"
    "36 31 0:33 / /groups/freezer rw - cgroup cgroup rw,freezer\n"
    "41 31 0:38 / /groups/unified rw - cgroup2 cgroup2 rw\n";
constexpr std::string_view unified = "41 31 0:38 / /groups rw - cgroup2 cgroup2 rw\n";

oci_program const crun{.path = "/usr/bin/crun", .maker = oci_maker::crun, .launcher = "/usr/bin/rik-launch"};
oci_program const runc{.path = "/usr/sbin/runc"};

}  // namespace

TEST_CASE("by its name a program is called as runc or as crun", "[unit][oci]") {
    CHECK(maker_of("/usr/bin/crun") == oci_maker::crun);
    CHECK(maker_of("/opt/crun-1.20") == oci_maker::crun);
    CHECK(maker_of("/usr/sbin/runc") == oci_maker::runc);
    CHECK(maker_of("/opt/crun/youki") == oci_maker::runc);
}

TEST_CASE("crun does not see the second version of cgroups beside the first", "[unit][oci]") {
    auto const both = *cgroups::find(hybrid);
    auto const one = *cgroups::find(unified);
    CHECK(words_to_create(both, crun) == words{"/usr/bin/rik-launch", "--hide", "/groups/unified", "/usr/bin/crun"});
    CHECK(words_to_create(one, crun) == words{"/usr/bin/crun"});
    CHECK(words_to_create(both, runc) == words{"/usr/sbin/runc"});
    CHECK(words_to_exec(both, runc, "/pod/main-0", "exec-1", 999) == words{"/usr/sbin/runc"});
    CHECK(words_to_exec(one, crun, "/pod/main-0", "exec-1", std::nullopt) == words{"/usr/bin/crun"});
}

TEST_CASE("what crun runs in a container has the oom_score_adj of that", "[unit][oci]") {
    auto const one = *cgroups::find(unified);
    CHECK(words_to_exec(one, crun, "/pod/main-0", "exec-1", 999) ==
          words{"/usr/bin/rik-launch", "--oom-score-adj", "999", "/usr/bin/crun"});
    auto const both = words_to_exec(*cgroups::find(hybrid), crun, "/pod/main-0", "exec-1", 2);
    REQUIRE(both.size() > 5);
    CHECK(words(both.begin(), both.begin() + 3) == words{"/usr/bin/rik-launch", "--oom-score-adj", "2"});
    CHECK(words(both.end() - 3, both.end()) == words{"--hide", "/groups/unified", "/usr/bin/crun"});
}

TEST_CASE("what crun says is told as what runc says", "[unit][oci]") {
    auto const said = [](std::string const& message) {
        return parse_created(R"({"data": -1, "message": ")" + message + "\"}\n").error();
    };
    auto const missing = said("executable file `/x` not found in $PATH: No such file or directory");
    CHECK(missing.code == errc::invalid);
    CHECK(said("chdir `/srv/x`: Permission denied").code == errc::invalid);
    CHECK(said("write cgroup.procs: Cannot allocate memory").code == errc::exhausted);
    CHECK(said("creating cgroup directory: Device or resource busy").code == errc::internal);
    CHECK(said("read from sync socket").code == errc::unavailable);  // a process of crun's was killed
    auto const mount = said("mount `/data` to `etc/hosts`: Not a directory");
    CHECK(mount.code == errc::invalid);
    CHECK(mount.message == "mount `/data` to `/etc/hosts`: Not a directory");
}

TEST_CASE("a child that is run in a container is told from the container", "[unit][oci]") {
    auto const status = [](std::string const& pids) {
        return "Name:\tsleep\nState:\tZ (zombie)\nPid:\t4711\n" + (pids.empty() ? "" : "NSpid:\t" + pids + "\n") +
               "NSpgid:\t1\n";
    };
    CHECK(is_run_in_container(status("4711\t12")));
    CHECK(is_run_in_container(status("4711\t15\t12")));
    CHECK_FALSE(is_run_in_container(status("4711\t1")));
    CHECK_FALSE(is_run_in_container(status("4711")));
    CHECK_FALSE(is_run_in_container(status("")));
}

}  // namespace rik::detail

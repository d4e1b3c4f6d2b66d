// What keeps Pods alive on the OCI runtime: programs that are run, volumes, usage. Pure parts.
#include "runtime/oci/cgroups_detail.hpp"
#include "runtime/oci/exec_detail.hpp"
#include "runtime/oci/usage_detail.hpp"
#include "runtime/oci/volumes_detail.hpp"
#include "support/catch.hpp"
#include "support/oci_config.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace rik::detail {

TEST_CASE("a program is run with the process of its container and another command", "[unit][oci]") {
    auto const made =
        find_exec_process(R"({"process": {"args": ["a"], "cwd": "/x", "noNewPrivileges": true}})", {"b", "c"});
    REQUIRE(made.has_value());
    auto const process = boost::json::parse(made->text).as_object();
    CHECK(process.at("args") == boost::json::array{"b", "c"});
    CHECK(process.at("cwd") == "/x");
    CHECK(process.at("noNewPrivileges") == true);
    CHECK_FALSE(made->oom_score_adj);
    CHECK(find_exec_process(R"({"process": {"oomScoreAdj": 999}})", {"b"})->oom_score_adj == 999);
    CHECK(find_exec_process("{}", {"b"}).error().code == errc::corrupt);
    CHECK(find_exec_process("[", {"b"}).error().code == errc::corrupt);
    CHECK(find_exec_process("{}", {}).error().code == errc::invalid);
}

TEST_CASE("why a program was not run is in the log of the OCI runtime", "[unit][oci]") {
    CHECK_FALSE(find_exec_error(""));
    CHECK_FALSE(find_exec_error("no JSON\n{\"level\":\"warning\",\"msg\":\"slow\"}\n"));
    auto const invalid = find_exec_error(
        "{\"level\":\"warning\",\"msg\":\"slow\"}\n{\"level\":\"error\",\"msg\":\"exec failed: unable to start "
        "container "
        "process: exec: \\\"x\\\": executable file not found in $PATH\",\"time\":\"now\"}\n");
    REQUIRE(invalid);
    CHECK(invalid->code == errc::invalid);
    CHECK(invalid->message == "exec: \"x\": executable file not found in $PATH");
    auto const gone = find_exec_error("{\"level\":\"error\",\"msg\":\"cannot exec in a stopped container\"}");
    REQUIRE(gone);
    CHECK(gone->code == errc::not_found);
}

TEST_CASE("a volume in memory is bounded by itself, by its Pod or by the machine", "[unit][oci]") {
    empty_dir const none{.is_in_memory = true};
    empty_dir const some{.is_in_memory = true, .bytes_max = 100};
    CHECK(memory_volume_bytes(none, 0, 1000) == 500);
    CHECK(memory_volume_bytes(none, 80, 1000) == 80);
    CHECK(memory_volume_bytes(some, 0, 1000) == 100);
    CHECK(memory_volume_bytes(some, 80, 1000) == 80);
    CHECK(memory_volume_bytes(some, 200, 1000) == 100);
}

TEST_CASE("mounts come before those within them, and a volume in the place of what would be there", "[unit][oci]") {
    config_fixture on;
    on.mounts = {{"/v/a", "/etc//hosts/", true}, {"/v/b", "/etc", false}, {"/v/c", "/data", false}};
    auto const made = on.config();
    std::vector<std::string> places;
    for (auto const& each : made.at("mounts").as_array()) {
        places.emplace_back(each.at("destination").as_string());
        if (places.back() == "/etc/hosts") CHECK(each.at("source") == "/v/a");
    }
    auto const at = [&](char const* place) { return std::find(places.begin(), places.end(), place); };
    CHECK(std::count(places.begin(), places.end(), "/etc/hosts") == 1);
    CHECK(at("/etc") < at("/etc/hosts"));
    CHECK(at("/etc") < at("/etc/hostname"));
    CHECK(at("/dev") < at("/dev/shm"));
    CHECK(at("/data") != places.end());
}

TEST_CASE("the working set is what the kernel cannot take back at once", "[unit][oci]") {
    CHECK(working_set(100, "inactive_file 5\ntotal_inactive_file 30\n") == 70);
    CHECK(working_set(100, "anon 1\ninactive_file 5\n") == 95);
    CHECK(working_set(100, "inactive_file 500\n") == 0);
    CHECK(working_set(100, "") == 100);
}

TEST_CASE("a Pod's bytes are those of all its interfaces but the loopback one", "[unit][oci]") {
    CHECK(parse_network_bytes("Inter-|   Receive       |  Transmit\n face |bytes packets|bytes packets\n"
                              "    lo:     500       5    0    0    0     0          0         0      500       5\n"
                              "  eth0:    1200      10    0    0    0     0          0         0       34       1\n"
                              "net1:7 1 0 0 0 0 0 0 8 1\n") == network_bytes{1207, 42});
    CHECK(parse_network_bytes("") == network_bytes{});
}

}  // namespace rik::detail

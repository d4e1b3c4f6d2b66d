// What an instance's state is, given its containers.
#include "node/status_detail.hpp"

#include <support/catch.hpp>

using namespace rik;
using namespace rik::detail;

namespace {

container_status exited(std::string name, int code) {
    container_status made{.name = std::move(name), .state = container_state::running};
    set_exited(made, container_exit{.code = code});
    return made;
}

std::string message_of(int code) { return exited("main", code).message; }

}  // namespace

TEST_CASE("a Pod goes on while one of its containers does") {
    container_status const runs{.name = "a", .state = container_state::running};
    container_status const waits{.name = "b"};
    CHECK_FALSE(end_of({runs}));
    CHECK_FALSE(end_of({exited("done", 0), runs}));
    CHECK_FALSE(end_of({exited("done", 0), waits}));
}

TEST_CASE("a Pod has succeeded when all its containers exited with 0") {
    auto const how = end_of({exited("a", 0), exited("b", 0)});
    REQUIRE(how);
    CHECK(how->state == instance_state::succeeded);
    CHECK(how->reason == "Completed");
}

TEST_CASE("a Pod fails with the first container that exits otherwise, when all have ended") {
    container_status const runs{.name = "a", .state = container_state::running};
    CHECK_FALSE(end_of({runs, exited("b", 3)}));
    auto const how = end_of({exited("a", 0), exited("b", 3), exited("c", 4)});
    REQUIRE(how);
    CHECK(how->state == instance_state::failed);
    CHECK(how->reason == "Error");
    CHECK(how->message == "container b: exited with 3");
}

TEST_CASE("a Pod fails when an exit code is lost") {
    container_status lost{.name = "a", .state = container_state::running};
    set_exited(lost, container_exit{.code = 137, .code_known = false});
    CHECK_FALSE(lost.exit_code);
    auto const how = end_of({lost});
    REQUIRE(how);
    CHECK(how->state == instance_state::failed);
    CHECK(how->reason == "ExitCodeLost");
}

TEST_CASE("an exit names a signal only if there is one of that number") {
    CHECK(message_of(0) == "exited with 0");
    CHECK(message_of(128) == "exited with 128");
    CHECK(message_of(129) == "exited with 129 (128 + signal 1)");
    CHECK(message_of(143) == "exited with 143 (128 + signal 15)");
    CHECK(message_of(159) == "exited with 159 (128 + signal 31, perhaps of a 32-bit program, which rik does not run)");
    CHECK(message_of(192) == "exited with 192 (128 + signal 64)");
    CHECK(message_of(193) == "exited with 193");
    CHECK(message_of(255) == "exited with 255");
}

TEST_CASE("a container that used too much memory says so, and not its signal") {
    container_status which{.name = "a", .state = container_state::running};
    set_exited(which, container_exit{.code = 137, .out_of_memory = true});
    CHECK(which.exit_code == 137);
    CHECK(which.reason == "OOMKilled");
}

TEST_CASE("whose memory was short is told: the container's own, or that of its node") {
    auto const message_with = [](std::int64_t limit_hit, bool is_limit_of_pod = false) {
        container_status which{.name = "a", .state = container_state::running};
        container_exit how{.code = 137, .out_of_memory = true, .memory_kills = 1};
        how.memory_limit_hit = limit_hit;
        how.is_limit_of_pod = is_limit_of_pod;
        set_exited(which, how);
        return which.message;
    };
    CHECK(message_with(64 << 20) == "was killed at its memory limit of 64Mi");
    CHECK(message_with(64 << 20, true) == "was killed at its Pod's memory limit of 64Mi");
    CHECK(message_with(0) == "was killed because its node was short of memory");
}

TEST_CASE("a container whose child was killed for want of memory says so, however it ended") {
    container_exit how{.code = 1, .memory_kills = 2, .memory_limit_hit = 64 << 20};
    container_status which{.name = "a", .state = container_state::running};
    set_exited(which, how);
    CHECK(which.reason == "Error");
    CHECK(which.message == "exited with 1; 2 of its processes had been killed at its memory limit of 64Mi");
    auto const failed = end_of({which});
    REQUIRE(failed);
    CHECK(failed->message == "container a: " + which.message);

    how.code = 0;
    container_status fine{.name = "b", .state = container_state::running};
    set_exited(fine, how);
    CHECK(fine.reason == "Completed");
    auto const done = end_of({exited("a", 0), fine});
    REQUIRE(done);
    CHECK(done->state == instance_state::succeeded);
    CHECK(done->message ==
          "all containers exited with 0; container b: 2 of its processes had been killed at its memory limit of 64Mi");

    how.code_known = false;
    container_status lost{.name = "c", .state = container_state::running};
    set_exited(lost, how);
    CHECK(lost.reason == "ExitCodeLost");
    CHECK(lost.message.find("memory limit of 64Mi") != std::string::npos);
}

TEST_CASE("an end is read as it was written") {
    instance_end const how{instance_state::failed, "StartFailed", "container a: no such file\nand one more line"};
    CHECK(parse_end(encode_end(how)) == how);
    instance_end const silent{instance_state::succeeded, "", ""};
    CHECK(parse_end(encode_end(silent)) == silent);
}

TEST_CASE("what is no end is refused") {
    CHECK_FALSE(parse_end(""));
    CHECK_FALSE(parse_end("failed"));
    CHECK_FALSE(parse_end("failed\nError"));
    CHECK_FALSE(parse_end("running\nStarted\n"));
    CHECK_FALSE(parse_end("ended\nError\nwhy"));
}

TEST_CASE("containers wait at first") {
    instance_template pod;
    pod.containers.push_back({.name = "a", .image = "a:1"});
    auto const all = waiting_containers(pod);
    REQUIRE(all.size() == 1);
    CHECK(all[0].name == "a");
    CHECK(all[0].state == container_state::waiting);
}

TEST_CASE("a container that was stopped for its Pod's end says so, and how it ended") {
    container_status which{.name = "a", .state = container_state::running};
    set_stopping(which, "its Pod ends: container b: exited with 3");
    CHECK(which.state == container_state::running);
    CHECK(which.message == "stopped because its Pod ends: container b: exited with 3");
    auto obeyed = which;
    set_exited(obeyed, container_exit{.code = 143});
    CHECK(obeyed.reason == "Stopped");
    CHECK(obeyed.exit_code == 143);
    CHECK(obeyed.message ==
          "was stopped because its Pod ends: container b: exited with 3; exited with 143 (128 + signal 15)");
    set_exited(which, container_exit{.code = 137, .out_of_memory = true});
    CHECK(which.reason == "OOMKilled");
}

TEST_CASE("what goes wrong while a container is stopped is told until it has ended, and with its end") {
    container_status which{.name = "a", .state = container_state::running, .reason = "Started"};
    add_to_stopping(which, "its preStop hook failed: exited with 4");
    CHECK(which.message.empty());  // it is not being stopped
    set_stopping(which, "a restart was asked for");
    auto told = which;
    for (int i = 0; i < 2; ++i) add_to_stopping(told, "its preStop hook failed: exited with 4");
    CHECK(told.message == "stopped because a restart was asked for; its preStop hook failed: exited with 4");
    set_exited(told, container_exit{.code = 0});
    CHECK(told.message ==
          "was stopped because a restart was asked for; its preStop hook failed: exited with 4; exited with 0");
    auto const done = end_of({exited("b", 0), told});
    REQUIRE(done);
    CHECK(done->message ==
          "all containers exited with 0; container a: was stopped because a restart was asked for; its preStop hook "
          "failed: exited with 4");
    set_stopping_no_more(which);
    CHECK(which.reason == "Started");
    CHECK(which.message.empty());
    set_exited(which, container_exit{.code = 3});
    CHECK(which.reason == "Error");
    auto const ended = which;
    set_stopping_no_more(which);
    CHECK(which == ended);
}

TEST_CASE("a Pod that goes on says which of its containers are done") {
    container_status const runs{.name = "b", .state = container_state::running};
    CHECK(all_run({runs, runs}));
    CHECK_FALSE(all_run({exited("a", 0), runs}));
    CHECK(describe_progress({exited("a", 0), runs}) == "a: exited with 0; 1 of 2 containers runs");
    CHECK(describe_progress({exited("a", 0)}) == "a: exited with 0");
    CHECK(describe_progress({runs}) == "1 of 1 containers runs");
}

TEST_CASE("what is said of a Pod begins with what is wrong") {
    auto const later = wall_time(std::chrono::hours(1));
    container_status killed{.name = "main", .state = container_state::running};
    set_exited(killed, {.code = 137, .out_of_memory = true, .memory_kills = 1, .memory_limit_hit = 16 << 20});
    set_restarting(killed);
    auto waits = killed;
    settle(waits, {.phase = unit_phase::waiting, .restart_count = 1, .starts_at = later});
    CHECK(progress_of({waits}).message == "main: was killed at its memory limit of 16Mi");
    auto starts = killed;
    settle(starts, {.phase = unit_phase::starting, .restart_count = 1});
    CHECK(starts.reason == "ContainerCreating");
    CHECK(starts.message == "was killed at its memory limit of 16Mi; is being started again");
    auto runs = killed;
    set_running(runs, later);
    runs.restart_count = 1;
    CHECK(progress_of({runs}).reason == "Restarted");
    CHECK(progress_of({runs}).message ==
          "main was restarted once, after it was killed at its memory limit of 16Mi; all containers run");
    waits.role = container_role::init;
    CHECK(start_progress_of({waits}).message == "init container main: was killed at its memory limit of 16Mi");
}

TEST_CASE("an image's name stands behind what is wrong with it") {
    container_status which{.name = "php"};
    auto const said_of = [&](std::string message) {
        set_not_started(which, {"ErrImagePull", std::move(message)});
        auto const said = start_trouble_of({which});
        REQUIRE(said);
        CHECK(said->reason == "ImagePullFailed");
        return said->message;
    };
    CHECK(said_of("image demo:9: the registry does not have it") ==
          "php: the registry does not have it (image demo:9)");
    CHECK(said_of("container php: image demo:9: it is: not here") == "php: it is: not here (image demo:9)");
    CHECK(said_of("the disk is full") == "php: the disk is full");
    CHECK(said_of("image demo") == "php: image demo");
}

TEST_CASE("a Pod fails with an init container, and ends without its sidecars") {
    auto init = exited("i", 3);
    init.role = container_role::init;
    container_status const waits{.name = "a"};
    REQUIRE(end_of({init, waits}));
    CHECK(end_of({init, waits})->message == "container i: exited with 3");
    container_status sidecar{.name = "s", .role = container_role::sidecar, .state = container_state::running};
    auto done = exited("i", 0);
    done.role = container_role::init;
    CHECK_FALSE(end_of({done, sidecar, waits}));
    CHECK(end_of({done, sidecar, exited("a", 0)})->state == instance_state::succeeded);
    CHECK(describe_progress({done, sidecar, exited("a", 0)}) == "a: exited with 0; 1 of 2 containers runs");
}

TEST_CASE("a container that waits says why, in Kubernetes' words") {
    struct row {
        container_outlook outlook;
        std::string reason;
    };
    wall_time const later{std::chrono::hours(1)};
    start_trouble const trouble{"ErrImagePull", "no such image"};
    for (auto const& [outlook, reason] : {
             row{{.phase = unit_phase::waiting}, "ContainerCreating"},
             row{{.phase = unit_phase::starting}, "ContainerCreating"},
             row{{.phase = unit_phase::waiting, .has_its_turn = false}, "PodInitializing"},
             row{{.phase = unit_phase::waiting, .starts_at = later}, "CrashLoopBackOff"},
             row{{.phase = unit_phase::starting, .trouble = trouble}, "ErrImagePull"},
         }) {
        container_status which{.name = "a"};
        settle(which, outlook);
        CHECK(which.reason == reason);
        CHECK(which.starts_at == outlook.starts_at);
    }
}

TEST_CASE("a container that starts again keeps how it ended, and nothing else of that attempt") {
    auto which = exited("a", 3);
    which.started_at = wall_time(std::chrono::seconds(5));
    set_restarting(which);
    settle(which, {.phase = unit_phase::waiting, .restart_count = 1, .starts_at = wall_time(std::chrono::hours(1))});
    CHECK(which.state == container_state::waiting);
    CHECK_FALSE(which.exit_code);
    CHECK_FALSE(which.started_at);
    REQUIRE(which.last);
    CHECK(which.last->exit_code == 3);
    CHECK(which.last->reason == "Error");
    CHECK(which.restart_count == 1);
    CHECK(progress_of({which}).reason == "CrashLoopBackOff");
    set_running(which, wall_time(std::chrono::hours(1)));
    CHECK(progress_of({which}).reason == "Restarted");
}

TEST_CASE("a Pod whose sidecar does not come up says so, and not that its containers are made") {
    auto sidecar = exited("s", 3);
    sidecar.role = container_role::sidecar;
    set_restarting(sidecar);
    settle(sidecar, {.phase = unit_phase::waiting, .restart_count = 1, .starts_at = wall_time(std::chrono::hours(1))});
    container_status main{.name = "a", .reason = "PodInitializing"};
    CHECK(start_progress_of({sidecar, main}).reason == "Initializing");
    CHECK(start_progress_of({sidecar, main}).message == "sidecar s: exited with 3");
    set_running(sidecar, wall_time());
    settle(sidecar, {.phase = unit_phase::running, .note = "its startup probe failed: tcp :80: refused"});
    CHECK(start_progress_of({sidecar, main}).message == "sidecar s: its startup probe failed: tcp :80: refused");
    settle(sidecar, {.phase = unit_phase::running, .has_started = true});
    CHECK(start_progress_of({sidecar, main}).reason == "Preparing");
}

TEST_CASE("a container whose next attempt never comes is told as it ended") {
    auto which = exited("a", 3);
    set_restarting(which);
    settle(which, {.phase = unit_phase::waiting, .restart_count = 2, .starts_at = wall_time(std::chrono::hours(1))});
    settle(which, {.phase = unit_phase::done, .restart_count = 1});
    CHECK(which.state == container_state::exited);
    CHECK(which.exit_code == 3);
    CHECK(which.reason == "Error");
    CHECK(which.restart_count == 1);
    CHECK_FALSE(which.starts_at);
    CHECK_FALSE(which.last);
}

TEST_CASE("the log that is meant is that of the newest attempt that has run, or of the one before") {
    container_status which{.name = "a"};
    CHECK_FALSE(attempt_to_read(which, false));
    which.state = container_state::running;
    CHECK(attempt_to_read(which, false) == 0u);
    CHECK_FALSE(attempt_to_read(which, true));
    which.restart_count = 2;
    CHECK(attempt_to_read(which, false) == 2u);
    CHECK(attempt_to_read(which, true) == 1u);
    which.state = container_state::waiting;
    CHECK(attempt_to_read(which, false) == 1u);
}

TEST_CASE("the first readiness of a machine ends its start, and the next attempt has a start of its own") {
    container_status which{.name = "function"};
    set_running(which, wall_time(std::chrono::seconds(10)));
    note_ready(which, wall_time(std::chrono::seconds(11)));
    CHECK_FALSE(which.machine);
    which.machine = machine_boot{.acceleration = "tcg", .steps = {{"running", 1900}}};
    note_ready(which, wall_time(std::chrono::seconds(11)));
    note_ready(which, wall_time(std::chrono::seconds(20)));
    CHECK(which.machine->steps == std::vector<boot_step>{{"running", 1900}, {"ready", 2900}});
    set_waiting(which);
    CHECK_FALSE(which.machine);
}

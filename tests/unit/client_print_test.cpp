// What people see of objects: tables, descriptions, JSON. Golden texts, because the layout is what is promised.
#include <rik/client/print.hpp>
#include <rik/client/run_definition.hpp>
#include <rik/model/definition.hpp>

#include "support/catch.hpp"
#include "unit/client_samples.hpp"

namespace {

std::string table(rik::resource_kind kind, std::string const& json, bool is_wide = false, bool has_colours = false) {
    rik::table_options const options{.wide = is_wide, .now = test::now};
    auto rows = rik::table_rows(kind, json, options);
    REQUIRE(rows.has_value());
    rows->insert(rows->begin(), rik::table_header(kind, options));
    return rik::table_writer(has_colours).write(*rows);
}

std::string text_of(rik::result<std::string> const& from) { return from ? *from : to_string(from.error()); }

}  // namespace

TEST_CASE("a table of instances is aligned and cuts long reasons") {
    CHECK(table(rik::resource_kind::instance, test::list_of(test::instance_running + "," + test::instance_failed)) ==
          "NAME    READY   STATUS    RESTARTS   NODE   ADDRESS      AGE   REASON\n"
          "web-1   2/2     Running   2          a      10.210.0.5   3m    Started\n"
          "web-2   0/1     Error     0          -      -            1s    ImagePullFailed: "
          "registry:5000/team/application: the registry does not know the tag 1.2.3-rc4 (404)\n");
    auto long_one = test::instance_failed;
    long_one.replace(long_one.find("(404)"), 5, std::string(60, 'x'));
    CHECK_THAT(table(rik::resource_kind::instance, long_one), Catch::EndsWith("-rc4 xxxxxxxxxxxxx...\n"));
}

TEST_CASE("the wide table has workload, ports, images, ids, and whole reasons") {
    CHECK(
        table(rik::resource_kind::instance, test::instance_running, true) ==
        "NAME    READY   STATUS    RESTARTS   NODE   ADDRESS      AGE   WORKLOAD   RELEASE   PORTS          IMAGES     "
        "          ID"
        "                                     REASON\n"
        "web-1   2/2     Running   2          a      10.210.0.5   3m    web        3         8080->80/TCP   "
        "nginx:1.25,busybox   "
        "11111111-1111-4111-8111-111111111111   Started: All containers run.\n");
    CHECK_THAT(table(rik::resource_kind::instance, test::instance_failed, true),
               Catch::Contains("the tag 1.2.3-rc4 (404)\n"));
}

namespace {

/// One instance with these containers, as a row: "1/2|CrashLoopBackOff|3 (2m ago)".
std::string shown(std::string const& containers, std::string const& members = R"("state":"running","ready":false)") {
    auto const json = "{\"name\":\"a\"," + members + ",\"containers\":[" + containers + "]}";
    auto const rows = rik::table_rows(rik::resource_kind::instance, json, {.now = test::now});
    REQUIRE(rows.has_value());
    auto const& row = rows->at(0);
    return row.at(1).text + "|" + row.at(2).text + "|" + row.at(3).text;
}

std::string one(std::string const& role, std::string const& rest) {
    return R"({"name":"c","role":")" + role + "\"," + rest + "}";
}
std::string const runs = R"("state":"running","started":true,"ready":true)";
std::string const runs_unready = R"("state":"running","started":true,"ready":false)";
std::string const done = R"("state":"exited","reason":"Completed","exitCode":0,"ready":false)";
std::string const crashed =
    R"("state":"waiting","reason":"CrashLoopBackOff","ready":false,"restartCount":3,"lastState":{"finishedAt":"2026-11-21T19:18:00Z"})";
std::string const waits = R"("state":"waiting","reason":"PodInitializing","ready":false)";

}  // namespace

TEST_CASE("a Pod's status is what kubectl's users know") {
    auto const creating = one("main", R"("state":"waiting","reason":"ContainerCreating")");
    CHECK(shown(one("main", runs), R"("state":"running","ready":true)") == "1/1|Running|0");
    CHECK(shown(one("main", R"("state":"waiting","reason":"")"), R"("state":"pending")") == "0/1|Pending|0");
    CHECK(shown(creating, R"("state":"creating")") == "0/1|ContainerCreating|0");
    CHECK(shown(one("main", runs) + "," + one("main", crashed)) == "1/2|CrashLoopBackOff|3 (2m ago)");
    CHECK(shown(one("main", done), R"("state":"succeeded")") == "0/1|Completed|0");
    CHECK(shown(one("main", runs_unready) + "," + one("main", done)) == "0/2|NotReady|0");
    auto const killed = one("main", R"("state":"exited","reason":"OOMKilled","exitCode":137)");
    auto const stopped = one("main", R"("state":"exited","reason":"Stopped","exitCode":143)");
    CHECK(shown(stopped + "," + killed, R"("state":"failed","reason":"ContainerFailed")") == "0/2|OOMKilled|0");
    CHECK(shown(killed, R"("state":"failed","reason":"Evicted")") == "0/1|Evicted|0");
    CHECK(shown("", R"("state":"failed","reason":"NodeRebooted")") == "no|NodeRebooted|0");
    CHECK(shown(one("main", R"("state":"exited","reason":"","exitCode":5)")) == "0/1|ExitCode:5|0");
    CHECK(shown(one("main", runs), R"("state":"destroying")") == "1/1|Terminating|0");
    CHECK(shown(one("main", runs), R"("state":"running","deletingSince":"2026-11-21T19:18:00Z")") ==
          "1/1|Terminating|0");
    CHECK(shown(one("main", runs), R"("state":"unknown")") == "0/1|Unknown|0");
}

TEST_CASE("a Pod that initializes says how far it is, and what is in the way") {
    auto const main = one("main", waits);
    CHECK(shown(one("init", done) + "," + one("init", waits) + "," + main, R"("state":"creating")") ==
          "0/1|Init:1/2|0");
    CHECK(shown(one("init", done) + "," + one("sidecar", runs) + "," + main, R"("state":"creating")") ==
          "1/2|PodInitializing|0");
    CHECK(shown(one("init", crashed) + "," + main, R"("state":"creating")") == "0/1|Init:CrashLoopBackOff|3 (2m ago)");
    auto const failed = one("init", R"("state":"exited","reason":"Error","exitCode":1)");
    CHECK(shown(failed + "," + main, R"("state":"failed")") == "0/1|Init:Error|0");
    // Afterwards an init container's restarts are its own story, and a sidecar's are the Pod's.
    auto const initialized = R"("state":"running","initializedAt":"2026-11-21T19:18:00Z")";
    CHECK(shown(one("init", done + R"(,"restartCount":4)") + "," + one("sidecar", crashed) + "," + one("main", runs),
                initialized) == "1/2|CrashLoopBackOff|3 (2m ago)");
}

namespace {

/// The last column of one instance with these members.
std::string reason_of(std::string const& members, std::string const& containers) {
    auto const json = "{\"name\":\"a\"," + members + ",\"containers\":[" + containers + "]}";
    auto const rows = rik::table_rows(rik::resource_kind::instance, json, {.now = test::now});
    REQUIRE(rows.has_value());
    return rows->at(0).back().text;
}

}  // namespace

TEST_CASE("a Pod that waits says when it starts again") {
    auto const members = R"("state":"running","ready":false,"reason":"CrashLoopBackOff","message":"c: exited with 3")";
    auto const waiting = [](std::string const& at) {
        return one("main", R"("state":"waiting","reason":"CrashLoopBackOff","startsAt":")" + at + "\"");
    };
    CHECK(reason_of(members, waiting("2026-11-21T19:20:19.500000Z")) ==
          "CrashLoopBackOff: c: exited with 3; starts again in 20s");
    CHECK(reason_of(members, waiting("2026-11-21T19:20:19.500000Z") + "," + one("sidecar", runs)) ==
          "CrashLoopBackOff: c: exited with 3; c starts again in 20s");
    CHECK(reason_of(members, waiting("2026-11-21T19:20:00.000000Z")) == "CrashLoopBackOff: c: exited with 3");
    CHECK(reason_of(R"("state":"failed","reason":"Error","message":"x")", waiting("2026-11-21T19:21:00.000000Z")) ==
          "Error: x");
}

TEST_CASE("a Pod that runs and is not ready says which container, and why") {
    auto const members = R"("state":"running","ready":false,"reason":"Started","message":"all containers run")";
    auto const why = one("main", runs_unready + R"(,"message":"its readiness probe failed: http :80/: HTTP 503")");
    auto const said = "Started: c: its readiness probe failed: http :80/: HTTP 503";
    CHECK(reason_of(members, one("sidecar", runs) + "," + why) == said);
    CHECK(reason_of(members, one("main", runs_unready)) == "Started: all containers run");
    auto const ready = R"("state":"running","ready":true,"reason":"Started","message":"all containers run")";
    CHECK(reason_of(ready, why) == "Started");
    auto const ending = R"("state":"running","ready":false,"reason":"Ending","message":"the rest is being stopped")";
    CHECK(reason_of(ending, why) == "Ending: the rest is being stopped");
    auto const json = "{\"name\":\"a\"," + std::string(members) + ",\"containers\":[" + why + "]}";
    CHECK_THAT(text_of(rik::describe_instance(json, "", test::list_of(""), test::now)),
               Catch::Contains("Reason:       " + std::string(said) + "\n"));
}

TEST_CASE("tables of workloads, nodes and events") {
    CHECK(table(rik::resource_kind::workload, test::list_of(test::workload_web)) ==
          "NAME   KIND   STATE    REPLICAS   AGE\n"
          "web    Pod    active   3          20m\n");
    CHECK_THAT(table(rik::resource_kind::workload, test::workload_web, true),
               Catch::Contains("8080->80/TCP,9000/UDP   app=web"));
    CHECK(table(rik::resource_kind::node, test::list_of(test::node_a)) ==
          "NAME   STATE   SINCE   INSTANCES   CPU      MEMORY   ADDRESS     AGE   REASON\n"
          "a      ready   10m     3           500m/2   0/24Gi   192.0.2.1   1d    -\n");
    CHECK_THAT(table(rik::resource_kind::node, test::list_of(test::node_in_trouble)),
               Catch::Contains("notReady") && Catch::Contains("NetworkNotReady: subnet in use by lan0\n"));
    CHECK_THAT(table(rik::resource_kind::node, test::list_of(test::node_kept_free)),
               Catch::Contains("unheard,cordoned,dead"));
    CHECK(table(rik::resource_kind::event, test::events_of_web) ==
          "AGE     TYPE      OBJECT           REASON      MESSAGE\n"
          "3m      normal    instance/web-1   Scheduled   It goes to node a.\n"
          "2m58s   warning   instance/web-1   PullSlow    nginx:1.25 takes long.\n");
}

TEST_CASE("a table stays whole when a server leaves members out, or sends others") {
    CHECK(table(rik::resource_kind::instance,
                R"({"items":[{},{"name":5,"state":null,"containers":3,"addresses":"x"}]})") ==
          "NAME   READY   STATUS   RESTARTS   NODE   ADDRESS   AGE   REASON\n"
          "-      no      -        0          -      -         -     -\n"
          "5      no      -        0          -      -         -     -\n");
    CHECK_FALSE(rik::table_rows(rik::resource_kind::node, "[]", {}).has_value());
    CHECK_FALSE(rik::table_rows(rik::resource_kind::node, "no json", {}).has_value());
}

TEST_CASE("what could act on a terminal is not printed, and letters count once") {
    CHECK(table(rik::resource_kind::workload, R"({"items":[{"name":"a\u001b[2J\nb"},{"name":"größe"}]})") ==
          "NAME      KIND   STATE   REPLICAS   AGE\n"
          "a [2J b   -      -       -          -\n"
          "größe     -      -       -          -\n");
}

TEST_CASE("control characters become blanks, letters and line ends stay") {
    CHECK(rik::printable("a\tb\nc") == "a\tb\nc");
    CHECK(rik::printable("\x1B[2J\r\x7F\x01") == " [2J   ");
    CHECK(rik::printable("\xC2\x80 \xC2\x9F \xC2\xA0 \xC3\x9F \xC2") == "    \xC2\xA0 \xC3\x9F \xEF\xBF\xBD");
}

TEST_CASE("colours do not change the alignment") {
    CHECK_THAT(table(rik::resource_kind::instance, test::instance_running, false, true),
               Catch::Contains("web-1   2/2     \x1B[32mRunning\x1B[0m   2"));
    CHECK_THAT(table(rik::resource_kind::instance, test::instance_failed, false, true),
               Catch::Contains("\x1B[31mError\x1B[0m"));
}

TEST_CASE("later rows of a watch stand below the earlier ones") {
    rik::table_writer writer(false);
    std::vector<rik::table_row> const first{{{"NAME"}, {"STATE"}}, {{"a-long-name"}, {"running"}}};
    std::vector<rik::table_row> const later{{{"b"}, {"failed"}}};
    CHECK(writer.write(first) == "NAME          STATE\na-long-name   running\n");
    CHECK(writer.write(later) == "b             failed\n");
    CHECK(writer.write({}).empty());
}

TEST_CASE("the story of an instance") {
    auto const text =
        text_of(rik::describe_instance(test::instance_running, test::workload_web, test::events_of_web, test::now));
    CHECK(text == R"(Name:         web-1
Id:           11111111-1111-4111-8111-111111111111
Kind:         Pod
Workload:     web (99999999-9999-4999-8999-999999999999)
Release:      3
Node:         a (n1)
State:        running
Since:        2m57s ago (2026-11-21 19:17:02 UTC)
Reason:       Started: All containers run.
Status:       Running
Ready:        yes
Addresses:    10.210.0.5
Host ports:   8080->80/TCP (web)
Labels:       app=web
              tier=front
Created:      3m ago (2026-11-21 19:17:00 UTC)
Containers:
  web
    Image:    nginx:1.25
    State:    running
    Started:  2m58s ago (2026-11-21 19:17:02 UTC)
    Command:  sh -c 'echo '\''a b'\'''
    Ports:    8080->80/TCP
    Env:      MODE=fast
              ME <- metadata.name
              MEMORY <- limits.memory of log
    Limits:   cpu 500m, memory 64Mi
  log
    Image:    busybox
    State:    running
    Started:  2m57s ago (2026-11-21 19:17:02 UTC)
    Restarts: 2
    Ports:    9000/UDP
Events:
  TIME                      AFTER    FROM        REASON         MESSAGE
  2026-11-21 19:17:00 UTC   +0ms     scheduler   Scheduled      It goes to node a.
  2026-11-21 19:17:01 UTC   +1.25s   node a      PullSlow (!)   nginx:1.25 takes long.
)");
}

TEST_CASE("a description tells each container's life, by role, and the conditions") {
    auto const instance =
        R"json({"name":"web-1","id":"1","kind":"Pod","state":"running","ready":false,"restarts":2,"restartsDone":1,
  "createdAt":"2026-11-21T19:17:00Z","initializedAt":"2026-11-21T19:17:05Z",
  "containers":[{"name":"setup","role":"init","image":"busybox","state":"exited","reason":"Completed","exitCode":0,"ready":true},
   {"name":"proxy","role":"sidecar","image":"envoy","state":"running","ready":true,"restartCount":0},
   {"name":"web","role":"main","image":"nginx","state":"waiting","reason":"CrashLoopBackOff","message":"it waits 20 s",
    "ready":false,"restartCount":2,"startsAt":"2026-11-21T19:20:10Z","lastState":{"state":"exited","reason":"OOMKilled",
    "message":"","exitCode":137,"startedAt":"2026-11-21T19:19:00Z","finishedAt":"2026-11-21T19:19:12Z"}}],
  "conditions":[{"type":"PodScheduled","status":"True","reason":"","message":"","since":null},
   {"type":"Ready","status":"False","reason":"ContainersNotReady","message":"containers with unready status: [web]","since":null}]})json";
    auto const workload =
        R"json({"name":"web","definition":{"spec":{"initContainers":[{"name":"setup","image":"busybox","command":["true"]}],
  "containers":[{"name":"web","image":"nginx","livenessProbe":{"httpGet":{"path":"/healthz","port":8080}},
   "readinessProbe":{"exec":{"command":["cat","/tmp/ready"]},"initialDelaySeconds":5,"failureThreshold":1},
   "startupProbe":{"tcpSocket":{"port":80}},"lifecycle":{"preStop":{"sleep":{"seconds":3}}},
   "volumeMounts":[{"name":"scratch","mountPath":"/data"},{"name":"cache","mountPath":"/cache","readOnly":true,"subPath":"a"}]}],
  "volumes":[{"name":"scratch","emptyDir":{}},{"name":"cache","emptyDir":{"medium":"Memory","sizeLimit":"64Mi"}}]}}})json";
    CHECK(text_of(rik::describe_instance(instance, std::string(workload), "", test::now)) == R"(Name:         web-1
Id:           1
Kind:         Pod
Node:         none yet
State:        running
Status:       CrashLoopBackOff
Ready:        no
Restart:      asked for; its node has not obeyed yet
Created:      3m ago (2026-11-21 19:17:00 UTC)
Init containers:
  setup
    Image:    busybox
    State:    exited with code 0
    Reason:   Completed
    Ready:    yes
    Command:  true
  proxy
    Image:    envoy
    Role:     sidecar
    State:    running
    Ready:    yes
Containers:
  web
    Image:    nginx
    State:    waiting
    Reason:   CrashLoopBackOff: it waits 20 s
    Starts at: 2026-11-21 19:20:10 UTC
    Last state: exited with code 137 after 12s
    Last reason: OOMKilled
    Last started: 1m ago (2026-11-21 19:19:00 UTC)
    Last finished: 48s ago (2026-11-21 19:19:12 UTC)
    Ready:    no
    Restarts: 2
    Startup:  tcp-socket :80 delay=0s timeout=1s period=10s #success=1 #failure=3
    Liveness: http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3
    Readiness: exec [cat /tmp/ready] delay=5s timeout=1s period=10s #success=1 #failure=1
    Pre stop: sleep 3s
    Mounts:   /data from scratch (rw)
              /cache from cache (ro), path=a
Volumes:
  scratch:    emptyDir
  cache:      emptyDir in memory, at most 64Mi
Conditions:
  TYPE           STATUS   SINCE   REASON
  PodScheduled   True     -       -
  Ready          False    -       ContainersNotReady: containers with unready status: [web]
Events: none are kept
)");
}

TEST_CASE("events that happened more than once say how often, and since when") {
    auto const often = test::list_of(
        R"({"time":"2026-11-21T19:17:00Z","type":"warning","kind":"node","name":"a","reason":"NodeUnheard","message":"m","source":"primary","count":7,"firstTime":"2026-11-21T19:10:00Z"})");
    CHECK_THAT(table(rik::resource_kind::event, often), Catch::Contains("3m (x7 over 10m)"));
    CHECK_THAT(text_of(rik::describe_instance(test::instance_running, "", often, test::now)),
               Catch::Contains("m (x7 since 2026-11-21 19:10:00 UTC)"));
}

TEST_CASE("a description cuts nothing and needs neither workload nor events") {
    auto const text = text_of(rik::describe_instance(test::instance_failed, "", "", test::now));
    CHECK_THAT(text, Catch::Contains("Node:         none yet"));
    CHECK_THAT(text, Catch::Contains("does not know the tag 1.2.3-rc4 (404)\n"));
    CHECK_THAT(text, Catch::Contains("State:    exited with code 3 after 12s"));
    CHECK_THAT(text, Catch::EndsWith("Events: none are kept\n"));
    CHECK(rik::describe_instance("{", "", "", test::now).error().code == rik::errc::corrupt);
}

TEST_CASE("descriptions of workloads and nodes have the table of their instances") {
    auto const instances = test::list_of(test::instance_running);
    auto const workload = text_of(rik::describe_workload(test::workload_web, instances, test::list_of(""), test::now));
    CHECK_THAT(workload, Catch::Contains("Instances:\n  NAME    READY"));
    CHECK_THAT(workload, Catch::Contains("    Limits:   cpu 500m, memory 64Mi\n"));
    auto const node = text_of(rik::describe_node(test::node_a, test::list_of(""), "", test::now));
    CHECK_THAT(node, Catch::Contains("Capacity:     cpu 2, memory 24Gi, pods 110\n"));
    CHECK_THAT(node, Catch::Contains("Instances:    none\n"));
    CHECK_THAT(text_of(rik::describe_node(test::node_kept_free, test::list_of(""), "", test::now)),
               Catch::Contains("gpu=yes:NoSchedule\n") && Catch::Contains(" old:NoExecute\n"));
    CHECK_THAT(text_of(rik::describe_node(test::node_in_trouble, test::list_of(""), "", test::now)),
               Catch::Contains("NetworkNotReady:") && Catch::Contains("subnet in use by lan0\n"));
}

TEST_CASE("a Job says what has ended of it, and how each attempt failed") {
    std::string const job =
        R"({"id":"11111111-0000-4000-8000-000000000001","name":"pi","kind":"Job","state":"failed","replicas":1,)"
        R"("generation":1,"release":"r","createdAt":"2026-11-21T19:00:00Z","definition":{"spec":{"completions":5}},)"
        R"("progress":{"wanted":0,"conditions":[{"type":"Failed","status":"True","reason":"BackoffLimitExceeded",)"
        R"("message":"Job has reached the specified backoff limit"}],"job":{"active":1,"terminating":2,"succeeded":3,)"
        R"("failed":4,"ignored":1,"completedIndexes":"0-2","failedIndexes":"4"}}})";
    CHECK_THAT(table(rik::resource_kind::workload, test::list_of(job)), Catch::Contains("pi     Job    failed   3/5"));
    auto const queue = R"({"name":"q","kind":"Job","definition":{"parallelism":2},"progress":{"job":{"succeeded":3}}})";
    CHECK_THAT(table(rik::resource_kind::workload, test::list_of(queue)), Catch::Contains(" 3 "));
    auto const told = text_of(rik::describe_workload(job, test::list_of(""), test::list_of(""), test::now));
    CHECK_THAT(told, Catch::Contains("1 active, 3 succeeded, 4 failed, 1 that do not count, 2 leaving\n"));
    CHECK_THAT(told, Catch::Contains("True (BackoffLimitExceeded): Job has reached") && Catch::Contains(" 0-2\n"));
    CHECK_THAT(told, !Catch::Contains("Replicas:"));
    std::string const rollout =
        R"({"failures":[{"time":"2026-11-21T19:00:00Z","number":1,"instance":"pi-a","index":3,"container":"main",)"
        R"("exitCode":42,"reason":"Error","verdict":"failure 1: 0 are borne"},{"time":"2026-11-21T19:00:00Z",)"
        R"("number":2,"instance":"pi-b","index":null,"container":"","exitCode":null,"reason":"Deleted","verdict":""}]})";
    auto const failures = text_of(rik::describe_failures(rollout, test::now));
    CHECK_THAT(failures, Catch::StartsWith("Failures:\n") && Catch::Contains("1. pi-a (index 3):"));
    CHECK_THAT(failures, Catch::Contains("container main ended with 42 (Error): failure 1: 0 are borne\n"));
    CHECK_THAT(failures, Catch::Contains("2. pi-b:") && Catch::Contains("ago: Deleted\n"));
    CHECK(text_of(rik::describe_failures(R"({"failures":[]})", test::now)).empty());
}

TEST_CASE("a Job tells the rules that its definition has, in either form") {
    auto const told = [](std::string const& definition) {
        auto const job = R"({"name":"pi","kind":"Job","state":"active","definition":)" + definition + "}";
        return text_of(rik::describe_workload(job, test::list_of(""), test::list_of(""), test::now));
    };
    std::string const rules =
        R"({"parallelism":2,"completions":5,"completionMode":"Indexed","backoffLimit":0,"activeDeadlineSeconds":60,)"
        R"("ttlSecondsAfterFinished":100})";
    for (auto const& text : {told(rules), told(R"({"spec":)" + rules + "}")})
        for (auto const* line : {"Parallelism:  2\n", "Completions:  5\n", "Completion mode: Indexed\n",
                                 "Backoff limit: 0\n", "Active deadline: 60s\n", "TTL:          100s\n"})
            CHECK_THAT(text, Catch::Contains(line));
    CHECK_THAT(told("{}"), !Catch::Contains("Backoff") && !Catch::Contains("TTL") && !Catch::Contains("Paral"));
}

TEST_CASE("of a Job with many instances those that are not done are shown first, and not all others") {
    std::string const job = R"({"name":"pi","tenant":"team","kind":"Job","state":"active"})";
    auto const told = [&](int done_count) {
        std::string items;
        for (int i = 0; i < done_count; ++i)
            items += R"({"name":"done-)" + std::to_string(i) + R"(.","state":"succeeded"},)";
        items += R"({"name":"failed-1","state":"failed"},{"name":"failed-2","state":"failed"})";
        return text_of(rik::describe_workload(job, test::list_of(items), test::list_of(""), test::now));
    };
    auto const many = told(100);
    CHECK(many.find("failed-1") < many.find("failed-2"));
    CHECK(many.find("failed-2") < many.find("done-0."));
    CHECK_THAT(many, Catch::Contains("done-27.") && !Catch::Contains("done-28."));
    CHECK_THAT(many, Catch::Contains("\n  ... and 72 more: rikctl -n team get instances --workload pi\n"));
    CHECK_THAT(told(28), Catch::Contains("done-27.") && !Catch::Contains("more:"));
    rik::error const away{rik::errc::unavailable, "the server is away"};
    CHECK_THAT(text_of(rik::describe_workload(job, away, test::list_of(""), test::now)),
               Catch::Contains("Instances:    cannot be read: the server is away"));
}

TEST_CASE("of a Deployment with many instances those in trouble are shown first, with all that is said of them") {
    std::string const web = R"({"name":"web","kind":"Deployment","state":"active","release":"r","releaseNumber":7})";
    std::string items;
    for (int i = 0; i < 40; ++i)
        items += R"({"name":"fine-)" + std::to_string(i) + R"(.","state":"running","ready":true},)";
    auto const long_reason = std::string(200, 'x') + "!";
    items += R"({"name":"late","state":"running","ready":false},{"name":"bad","state":"failed","reason":"Error",)"
             R"("message":")" +
             long_reason + "\"}";
    auto const text = text_of(rik::describe_workload(web, test::list_of(items), test::list_of(""), test::now));
    CHECK_THAT(text, Catch::Contains("Release:      7 (r)\n") && Catch::Contains("Error: " + long_reason + "\n"));
    CHECK(text.find("  bad ") < text.find("  late "));
    CHECK(text.find("  late ") < text.find("  fine-0."));
    CHECK_THAT(text, Catch::Contains("fine-27.") && !Catch::Contains("fine-28."));
    CHECK_THAT(text, Catch::Contains("\n  ... and 12 more: rikctl get instances --workload web\n"));
}

TEST_CASE("a node's instances tell their tenant where one is not of default") {
    auto other = test::instance_running;
    other.replace(other.find(R"("tenant":"default")"), 18, R"("tenant":"team-a")");
    auto const mixed = text_of(rik::describe_node(test::node_a, test::list_of(other), "", test::now));
    CHECK_THAT(mixed, Catch::Contains("  TENANT   NAME    READY") && Catch::Contains("  team-a   web-1   2/2"));
    auto const plain = text_of(rik::describe_node(test::node_a, test::list_of(test::instance_running), "", test::now));
    CHECK_THAT(plain, !Catch::Contains("TENANT"));
}

TEST_CASE("JSON is laid out anew and not changed") {
    auto const* const json = R"({"b":1.50,"a":[1,{"x":"a\"]} \\"},[]],"e":{},"n":null,"u":"\u00e4"})";
    CHECK(rik::pretty_json(json) == R"({
  "b": 1.50,
  "a": [
    1,
    {
      "x": "a\"]} \\"
    },
    []
  ],
  "e": {},
  "n": null,
  "u": "\u00e4"
})");
    CHECK(rik::compact_json(rik::pretty_json(json)) == json);
    CHECK(rik::pretty_json("{ }") == "{}");
    CHECK(rik::pretty_json("\"open") == "\"open");
    CHECK(rik::pretty_json("\"open\\") == "\"open\\");
    CHECK(rik::pretty_json("]]").size() > 0);
}

TEST_CASE("names of a list") {
    CHECK(*rik::object_names(test::list_of(test::instance_running + "," + test::instance_failed)) ==
          std::vector<std::string>{"web-1", "web-2"});
    CHECK(*rik::object_names(test::node_a) == std::vector<std::string>{"a"});
}

TEST_CASE("the definition of run is one that RIK takes") {
    rik::run_options options{.image = "busybox:1.36", .name = "job"};
    options.command = {"sh", "-c", "exit 3"};
    options.ports = {"8080:80", "53:5353/udp"};
    options.env = {"A=b=c", "EMPTY="};
    options.cpu = "500m";
    options.memory = "64Mi";
    auto const text = rik::run_definition(options);
    REQUIRE(text.has_value());
    auto const parsed = rik::parse_definition(*text);
    CHECK(parsed.found.empty());
    CHECK(parsed.warnings.empty());
    auto const& container = parsed.definition.spec.containers.at(0);
    CHECK(container.args == options.command);
    CHECK(container.env == std::vector<rik::environment_variable>{{"A", "b=c"}, {"EMPTY", ""}});
    REQUIRE(container.ports.size() == 2);
    CHECK(container.ports[0].host_port == 8080);
    CHECK(container.ports[1].protocol == rik::port_protocol::udp);
    CHECK(parsed.definition.spec.restart == rik::restart_policy::never);
}

TEST_CASE("the definition of run --function is one that RIK takes") {
    rik::run_options options{.image = "https://x.test/fn.ext4", .name = "fn", .is_function = true};
    options.command = {"serve", "$(HOME)"};
    options.ports = {"8080:80"};
    options.env = {"A=b"};
    options.memory = "256Mi";
    auto const text = rik::run_definition(options);
    REQUIRE(text.has_value());
    auto const parsed = rik::parse_definition(*text);
    CHECK(parsed.found == rik::problems{});
    CHECK(parsed.warnings.empty());
    CHECK(parsed.definition.kind == rik::workload_kind::function);
    auto const& unit = parsed.definition.spec.containers.at(0);
    CHECK(unit.image == options.image);
    CHECK(unit.command == std::vector<std::string>{"serve", "$$(HOME)"});
    CHECK(unit.env == std::vector<rik::environment_variable>{{"A", "b"}});
    CHECK(unit.ports.at(0).host_port == 8080);
    CHECK(unit.ports.at(0).port == 80);
    CHECK(unit.limits.get(rik::resource::memory) == 256 << 20);

    auto const chosen = rik::run_definition({.image = "/srv/a", .name = "fn", .is_function = true, .ports = {"80"}});
    CHECK(rik::needs_chosen_port(rik::parse_definition(*chosen).definition.spec));
    for (auto const& ports : {std::vector<std::string>{"80/udp"}, {"a"}, {"0:80"}, {"80:80", "81:81"}})
        CHECK(
            rik::run_definition({.image = "/srv/a", .name = "fn", .is_function = true, .ports = ports}).error().field ==
            "--port");
}

namespace {

std::string const workload_function =
    R"json({"id":"1","name":"fn","kind":"Function","state":"active","replicas":1,"definition":{"apiVersion":"v1",
 "kind":"Function","name":"fn","spec":{"function":{"execution":{"rootfs":"/srv/a.ext4","command":["/bin/serve"],
 "env":[{"name":"A","value":"b"}]},"exposure":{"targetPort":80},"resources":{"limits":{"memory":"256Mi"}}}}}})json";
std::string const instance_function =
    R"json({"id":"2","name":"fn-1","kind":"Function","state":"running","ready":true,"node":{"id":"n1","name":"a"},
 "addresses":["10.210.0.5"],"exposure":{"port":45123,"targetPort":80,"type":"NodePort"},
 "hostPorts":[{"hostPort":45123,"port":80,"protocol":"TCP","container":"function"}],
 "containers":[{"name":"function","role":"main","image":"/srv/a.ext4","state":"running","ready":true,
  "machine":{"acceleration":"tcg","boot":[{"step":"prepared","afterMs":34},{"step":"kernelUp","afterMs":1520},{"step":"later","afterMs":2000}]}}]})json";

}  // namespace

TEST_CASE("a Function is described with what it runs and where it is reached") {
    auto const instance = text_of(rik::describe_instance(instance_function, workload_function, "", test::now));
    for (auto const* part :
         {"Host ports:   45123->80/TCP (function)", "Function:\n  function\n", "Image:    /srv/a.ext4",
          "Command:  /bin/serve", "Env:      A=b", "Limits:   memory 256Mi", "Machine:  tcg (emulated)",
          "Boot:     cold: prepared 0.03s, kernel up 1.52s, later 2.00s"})
        CHECK_THAT(instance, Catch::Contains(part));
    auto const workload = text_of(rik::describe_workload(workload_function, test::list_of(""), "", test::now));
    for (auto const* part : {"Function:\n  function\n", "Image:    /srv/a.ext4", "Ports:    80/TCP"})
        CHECK_THAT(workload, Catch::Contains(part));
    CHECK_THAT(table(rik::resource_kind::instance, instance_function, true), Catch::Contains("45123->80/TCP"));
    CHECK_THAT(table(rik::resource_kind::workload, workload_function, true), Catch::Contains("/srv/a.ext4"));
}

TEST_CASE("a node is described with what it lacks for a runtime") {
    auto const node = text_of(rik::describe_node(
        R"json({"id":"n1","name":"a","state":"ready","runtimes":["oci"],"missingRuntimes":{"microvm":"no kernel"}})json",
        test::list_of(""), "", test::now));
    CHECK_THAT(node, Catch::Contains("Runtimes:     oci\nNo microvm:   no kernel\n"));
}

TEST_CASE("run refuses ports and variables that are none") {
    for (auto const* port : {"80", "a:80", "80:0", "80:80/tcpx", "80:80:80", "70000:1", ""})
        CHECK(rik::run_definition({.image = "x", .name = "n", .ports = {port}}).error().field == "--port");
    for (auto const* variable : {"A", "=b", ""})
        CHECK(rik::run_definition({.image = "x", .name = "n", .env = {variable}}).error().field == "--env");
}

TEST_CASE("a name is made from an image's") {
    CHECK(rik::name_from_image("nginx:1.25") == "nginx");
    CHECK(rik::name_from_image("docker://registry:5000/team/My_App:1.2") == "my-app");
    CHECK(rik::name_from_image("registry/app@sha256:0123") == "app");
    CHECK(rik::name_from_image("oci:/tmp/dir:latest") == "dir");
    CHECK(rik::name_from_image("___") == "run");
    CHECK(rik::name_from_image("") == "run");
    for (auto const* image : {"a..b", "9", "Ünï", "a_-_b"})
        CHECK_FALSE(rik::check_name(rik::name_from_image(image), "name"));
}

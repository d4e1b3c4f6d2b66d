// Objects of /rik/v1 as a server sends them, for tests of what is printed of them.
#pragma once

#include <rik/base/time.hpp>

#include <string>

namespace test {

inline rik::wall_time at(char const* text) { return *rik::parse_wall_time(text); }

inline auto const now = at("2026-11-21T19:20:00.000000Z");

inline std::string const instance_running =
    R"({"id":"11111111-1111-4111-8111-111111111111","kind":"Pod","tenant":"default",
 "name":"web-1","workload":{"id":"99999999-9999-4999-8999-999999999999","name":"web"},"release":3,"labels":{"app":"web","tier":"front"},
 "createdAt":"2026-11-21T19:17:00.000000Z","generation":1,"revision":9,"node":{"id":"n1","name":"a"},"fence":9,
 "state":"running","reason":"Started","message":"All containers run.","since":"2026-11-21T19:17:02.500000Z","ready":true,
 "addresses":["10.210.0.5"],"hostPorts":[{"hostPort":8080,"port":80,"protocol":"TCP","container":"web"}],
 "containers":[{"name":"web","image":"nginx:1.25","state":"running","reason":"","message":"","exitCode":null,
  "startedAt":"2026-11-21T19:17:02.000000Z","finishedAt":null,"restartCount":0},
  {"name":"log","image":"busybox","state":"running","reason":"","message":"","exitCode":null,
  "startedAt":"2026-11-21T19:17:02.100000Z","finishedAt":null,"restartCount":2}],"deletingSince":null})";

inline std::string const instance_failed =
    R"json({"id":"22222222-2222-4222-8222-222222222222","kind":"Pod","tenant":"default",
 "name":"web-2","workload":null,"labels":{},"createdAt":"2026-11-21T19:19:58.500000Z","revision":10,"node":null,"fence":null,
 "state":"failed","reason":"ImagePullFailed",
 "message":"registry:5000/team/application: the registry does not know the tag 1.2.3-rc4 (404)",
 "since":"2026-11-21T19:19:59.000000Z","ready":false,"addresses":[],"hostPorts":[],
 "containers":[{"name":"web","image":"x","state":"exited","reason":"Error","message":"","exitCode":3,
 "startedAt":"2026-11-21T19:19:00.000000Z","finishedAt":"2026-11-21T19:19:12.000000Z","restartCount":0}],
 "deletingSince":null})json";

inline std::string list_of(std::string const& items) { return "{\"revision\":12,\"items\":[" + items + "]}"; }

inline std::string const workload_web =
    R"json({"id":"99999999-9999-4999-8999-999999999999","kind":"Pod","tenant":"default",
 "name":"web","labels":{"app":"web"},"annotations":{},"createdAt":"2026-11-21T19:00:00.000000Z","generation":1,"revision":7,
 "state":"active","replicas":3,"release":"r1","deletingSince":null,
 "definition":{"apiVersion":"v1","kind":"Pod","name":"web","spec":{"containers":[
 {"name":"web","image":"nginx:1.25","command":["sh","-c","echo 'a b'"],"env":[{"name":"MODE","value":"fast"},
  {"name":"ME","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},
  {"name":"MEMORY","valueFrom":{"resourceFieldRef":{"resource":"limits.memory","containerName":"log"}}}],
  "ports":[{"containerPort":80,"hostPort":8080}],"resources":{"limits":{"cpu":"500m","memory":"64Mi"}}},
 {"name":"log","image":"busybox","ports":{"port":80,"target_port":9000,"protocol":"UDP"}}]}}})json";

inline std::string const node_a =
    R"json({"id":"n1","name":"a","state":"ready","stateSince":"2026-11-21T19:10:00.000000Z",
 "createdAt":"2026-11-20T19:20:00.000000Z","revision":3,"version":"0.1.0","bootId":"b","runtimes":["oci"],
 "addresses":["192.0.2.1"],"podSubnet":"10.210.0.0/24","labels":{},"capacity":{"cpu":"2","memory":"24Gi","pods":"110"},
 "requested":{"cpu":"500m"},"instances":3})json";

inline std::string const node_kept_free =
    R"json({"id":"n3","name":"c","state":"unheard","unschedulable":true,"declaredDead":true,
 "taints":[{"key":"gpu","value":"yes","effect":"NoSchedule"},{"key":"old","value":"","effect":"NoExecute"}]})json";

inline std::string const node_in_trouble =
    R"json({"id":"n2","name":"b","state":"notReady","stateSince":"2026-11-21T19:10:00.000000Z",
 "troubles":[{"reason":"NetworkNotReady","message":"subnet in use by lan0"}],
 "createdAt":"2026-11-20T19:20:00.000000Z","capacity":{},"requested":{},"instances":0})json";

inline std::string const events_of_web = list_of(
    R"({"time":"2026-11-21T19:17:00.000000Z","type":"normal","kind":"instance","id":"1","name":"web-1","tenant":"default",
        "reason":"Scheduled","message":"It goes to node a.","source":"scheduler"},
       {"time":"2026-11-21T19:17:01.250000Z","type":"warning","kind":"instance","id":"1","name":"web-1","tenant":"default",
        "reason":"PullSlow","message":"nginx:1.25 takes long.","source":"node a"})");

}  // namespace test

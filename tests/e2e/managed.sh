#!/usr/bin/env bash
# Workloads that keep themselves, on a cluster of real processes: the exercises of the lesson.
# usage: managed.sh BUILD_DIRECTORY   (as root)
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
built=$1

# shellcheck source=tests/e2e/cluster_lab.sh
source "$repository/tests/e2e/cluster_lab.sh"

# workload KIND IMAGE [SPEC-LINES]
workload() {
    cat <<END
apiVersion: apps/v1
kind: $1
metadata:
  name: web
spec:
${3:-}
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: $2
          command: [sh, -c, "echo version ${4:-1}; exec sleep 1000"]
END
}

apply() { rikctl apply -f - <<<"$1"; }
running() { rikctl get instances -o json | jq --raw-output '[.items[] | select(.state == "running" and .ready)] | length'; }
count_is() { [[ $(running) == "$1" && $(rikctl get instances -o name | grep --count .) == "$1" ]]; }
first_running() { rikctl get instances -o json | jq --raw-output '[.items[] | select(.state == "running")][0].name'; }
nodes_used() { rikctl get instances -o json | jq --raw-output '[.items[] | select(.state == "running") | .node.name] | unique | length'; }
are_on_nodes() { count_is "$1" && [[ $(nodes_used) == "$1" ]]; }
is_gone() { ! rikctl get instance "$1" >/dev/null 2>&1; }

test_a_bare_pod_does_not_come_back() {
    check 'a bare Pod is applied' 0 apply 'apiVersion: v1
kind: Pod
metadata: {name: alone}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: "demo:1", command: [sleep, "1000"]}]'
    check 'it runs' 0 rikctl wait instance alone --for running --timeout 60s
    check 'it is deleted' 0 rikctl delete instance alone --wait --timeout 60s
    sleep 1
    check 'it does not come back' 3 rikctl get instance alone
}

test_replica_set() {
    check 'a ReplicaSet is applied' 0 apply "$(workload ReplicaSet demo:1 '  replicas: 3')"
    check 'three run' 0 lab_wait_for 60 count_is 3
    check 'it is scaled' 0 rikctl scale replicaset/web --replicas 5 --wait --timeout 60s
    is 'all of them are ready then' 5 "$(running)"
    check 'it is scaled down' 0 rikctl scale replicaset/web --replicas 1
    check 'one runs' 0 lab_wait_for 60 count_is 1
    check 'it is shown' 0 rikctl get workloads
    says 'ReplicaSet' '1/1'
    check 'it is deleted' 0 rikctl delete workload web --wait --timeout 60s
    check 'all are gone' 0 lab_wait_for 30 count_is 0
}

test_deployment() {
    local one
    check 'a Deployment is applied' 0 apply "$(workload Deployment demo:1 '  replicas: 3')"
    check 'it is rolled out' 0 rikctl rollout status deployment/web --timeout 60s
    says 'is rolled out'
    one=$(first_running)
    check 'one of its Pods is deleted' 0 rikctl delete instance "$one" --wait --timeout 60s
    check 'another one comes' 0 lab_wait_for 60 count_is 3
    check 'and not the same' 0 is_gone "$one"
    check 'a new template is applied' 0 apply "$(workload Deployment demo:1 '  replicas: 3' 2)"
    check 'it is rolled out' 0 rikctl rollout status web --timeout 60s
    one=$(first_running)
    is 'the new one runs' 'version 2' "$(rikctl logs "$one")"
    check 'its history is kept' 0 rikctl rollout history web
    says 'REVISION' '(current)'
    check 'it goes back' 0 rikctl rollout undo web --wait --timeout 60s
    one=$(first_running)
    is 'the old one runs' 'version 1' "$(rikctl logs "$one")"
    check 'it is restarted' 0 rikctl rollout restart web --wait --timeout 60s
    check 'it tells its story' 0 rikctl describe workload web
    says 'Progress' 'Progressing' 'made ' 'removed'
}

# Nothing of this image is on the nodes.
test_a_rollout_that_fails() {
    check 'a template that cannot run is applied' 0 apply "$(workload Deployment docker://127.0.0.1:9/none:1 $'  replicas: 3\n  progressDeadlineSeconds: 3')"
    check 'its status fails' 6 rikctl rollout status web --timeout 60s
    says 'instance web-' 'container main' 'ImagePull'
    check 'what ran runs on' 0 test "$(running)" -ge 2
    check 'it goes back' 0 rikctl rollout undo web --wait --timeout 60s
    check 'three run' 0 lab_wait_for 60 count_is 3
    check 'it is paused' 0 rikctl rollout pause web
    check 'a new template waits' 0 apply "$(workload Deployment demo:1 $'  replicas: 3\n  paused: true' 3)"
    sleep 1
    check 'and its status says so' 4 rikctl rollout status web --timeout 5s
    says 'is paused'
    check 'it is resumed' 0 rikctl rollout resume web
    check 'it is rolled out' 0 rikctl rollout status web --timeout 60s
    check 'it is deleted' 0 rikctl delete workload web --wait --timeout 60s
}

restarts_done() { rikctl get instances -o json | jq --raw-output '[.items[] | select(.restartsDone == 1 and .ready)] | length'; }

# What users ask of a workload as a whole.
test_operations() {
    local one
    check 'a ReplicaSet is applied' 0 apply "$(workload ReplicaSet demo:1 '  replicas: 3')"
    check 'it is active' 0 rikctl rollout status web --timeout 60s
    check 'it is paused' 0 rikctl pause web --wait --timeout 60s
    check 'nothing of it is left' 0 lab_wait_for 60 count_is 0
    check 'it is shown' 0 rikctl get workload web
    says 'paused'
    check 'it is resumed' 0 rikctl resume replicaset/web --wait --timeout 60s
    check 'as many as before run' 0 lab_wait_for 60 count_is 3
    check 'it is active again' 0 rikctl rollout status web --timeout 60s
    check 'it restarts in place' 0 rikctl restart replicaset/web --wait --timeout 60s
    says 'has restarted'
    is 'each has obeyed once' 3 "$(restarts_done)"
    one=$(first_running)
    check 'one is labelled' 0 rikctl label instance "$one" app=debug --overwrite
    check 'another one takes its place' 0 lab_wait_for 60 count_is 4
    check 'and it runs on, as nobody of it' 0 rikctl get instances -l app=debug -o name
    says "$one"
    check 'it is deleted, and its instances stay' 0 rikctl delete workload web --cascade orphan --wait --timeout 60s
    check 'they run on' 0 lab_wait_for 30 count_is 4
    check 'another ReplicaSet adopts them' 0 apply "$(workload ReplicaSet demo:1 '  replicas: 3')"
    check 'it makes none' 0 rikctl rollout status web --timeout 60s
    is 'so there are as many' 4 "$(running)"
    check 'it is deleted to its end' 0 rikctl delete workload web --cascade foreground --timeout 60s
    check 'the debugged one stays' 0 lab_wait_for 30 count_is 1
    check 'and is deleted' 0 rikctl delete instance "$one" --wait --timeout 60s
}

test_daemon_set() {
    check 'a DaemonSet is applied' 0 apply "$(workload DaemonSet demo:1)"
    check 'one runs on each node' 0 lab_wait_for 60 are_on_nodes 2
    check 'a node joins' 0 cluster add
    check 'one runs there, too' 0 lab_wait_for 60 are_on_nodes 3
    check 'a drain leaves it there' 4 rikctl node drain node-3
    says 'DaemonSet'
    check 'it leaves' 0 cluster remove node-3
    check 'it is given up' 0 lab_wait_for 60 rikctl node declare-dead node-3 --yes
    check 'it is forgotten' 0 rikctl node remove node-3
    check 'the others stay' 0 lab_wait_for 60 are_on_nodes 2
    check 'it is deleted' 0 rikctl delete workload web --wait --timeout 60s
    check 'all are gone' 0 lab_wait_for 60 count_is 0
}

main() {
    cluster_lab_open
    test_a_bare_pod_does_not_come_back
    test_replica_set
    test_deployment
    test_a_rollout_that_fails
    test_operations
    test_daemon_set
    checks_close
}

main

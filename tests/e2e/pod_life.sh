#!/usr/bin/env bash
# How Pods stay alive: restarts with back-off, probes, init containers, sidecars, hooks, volumes, want of memory, restarts
# in place, logs of the attempt before. It may run beside other tests.   usage: pod_life.sh RIK RIKCTL   (as root)
# shellcheck disable=SC2016,SC2119  # scripts for containers are in single quotes; lab_rik_start without options
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rik_program=$1
rikctl_program=$2

# shellcheck source=scripts/lib/lab.sh
source "$repository/scripts/lib/lab.sh"
# shellcheck source=scripts/lib/leftovers.sh
source "$repository/scripts/lib/leftovers.sh"
# shellcheck source=tests/e2e/checks.sh
source "$repository/tests/e2e/checks.sh"

rikctl() { "$rikctl_program" --server "unix://$lab_dir/rik.sock" "$@"; }

field() { rikctl get instance "$1" -o json 2>/dev/null | jq --raw-output "if .items then .items[0] else . end | $2"; }
has_field() { [[ $(field "$1" "$2") == "$3" ]]; }
# of CONTAINER JQ-PATH: that part of a container.
of() { printf '(.containers[] | select(.name == "%s") | %s)' "$1" "$2"; }

has_said() { [[ $(rikctl logs "$1" -c "$2" 2>/dev/null) == "$3" ]]; }
# The state of some lasts only until they are started again.
list_says() { [[ $(rikctl get instances) == *"$1"* ]]; }

# log_is WHAT INSTANCE CONTAINER TEXT: within half a minute.
log_is() {
    lab_wait_for 30 has_said "$2" "$3" "$4" || true
    is "$1" "$4" "$(rikctl logs "$2" -c "$3")"
}

# becomes INSTANCE JQ-PATH VALUE: within half a minute.
becomes() {
    if lab_wait_for 30 has_field "$1" "$2" "$3"; then note ok "$1 $2 is $3"; else note NOT "$1 $2 is $(field "$1" "$2"), $(field "$1" .message) instead of $3"; fi
}
# stays SECONDS INSTANCE JQ-PATH VALUE
stays() {
    local end=$((SECONDS + $1)) now
    while ((SECONDS < end)); do
        now=$(field "$2" "$3")
        if [[ $now != "$4" ]]; then note NOT "$2 $3 became $now"; return; fi
        sleep 0.3
    done
    note ok "$2 $3 stays $4"
}

make_image() {
    lab_root "$lab_dir/root"
    umoci init --layout "$lab_dir/layout"
    umoci new --image "$lab_dir/layout:plain"
    umoci insert --image "$lab_dir/layout:plain" "$lab_dir/root" /
}

# container SCRIPT [MEMBERS [NAME]]
container() {
    jq --null-input --compact-output --arg script "$1" --arg name "${3:-main}" --arg image "oci:$lab_dir/layout:plain" \
        "{name: \$name, image: \$image, command: [\"sh\", \"-c\", \$script]} + {${2:-}}"
}

# run_pod NAME SPEC-MEMBERS CONTAINER...: a workload and an instance, both called NAME. What is restarted waits 1 s at first.
run_pod() {
    local name=$1 spec=$2
    shift 2
    printf '%s\n' "$@" | jq --slurp --compact-output --arg name "$name" '{apiVersion: "v1", kind: "Pod", name: $name,
        annotations: {"rik.io/restart-delay": "1s", "rik.io/restart-delay-max": "8s"},
        spec: ({restartPolicy: "Always", terminationGracePeriodSeconds: 2, containers: .} + {'"$spec"'})}' >"$lab_dir/$name.json"
    rikctl create workload -f "$lab_dir/$name.json" >/dev/null
    rikctl create instance --workload "$name" --name "$name" >/dev/null
}

restarts_at_least() { (($(field "$1" "$(of "${3:-main}" .restartCount)") >= $2)); }
restarts() {
    if lab_wait_for 30 restarts_at_least "$@"; then note ok "$1 was restarted $2 times"; else note NOT "$1 was restarted $(field "$1" "$(of "${3:-main}" .restartCount)") times instead of $2"; fi
}

test_crashes() {
    run_pod crash '' "$(container 'echo attempt; exit 3')"
    restarts crash 2
    becomes crash "$(of main .reason)" CrashLoopBackOff
    is 'its state is running' running "$(field crash .state)"
    is 'how it ended is kept' 'exited 3' "$(field crash "$(of main '"\(.lastState.state) \(.lastState.exitCode)"')")"
    check 'a list says it' 0 lab_wait_for 20 list_says CrashLoopBackOff
    check 'the log of the attempt before can be read' 0 rikctl logs --previous crash
    says attempt
    # Waits of 0, 1, 2 and 4 s lie between five starts.
    restarts crash 4
    run_pod once 'restartPolicy: "Never"' "$(container 'exit 3')"
    becomes once '.state' failed
    is 'nothing restarts it' 0 "$(field once "$(of main .restartCount)")"
    run_pod ended 'restartPolicy: "OnFailure"' "$(container 'exit 0')"
    becomes ended '.state' succeeded
}

test_on_failure() {
    run_pod second 'restartPolicy: "OnFailure", volumes: [{name: "data", emptyDir: {}}]' \
        "$(container 'test -e /data/seen && exit 0; touch /data/seen; exit 1' 'volumeMounts: [{name: "data", mountPath: "/data"}]')"
    becomes second .state succeeded
    is 'it was restarted once' 1 "$(field second "$(of main .restartCount)")"
}

test_liveness() {
    run_pod live-exec '' "$(container 'touch /tmp/well; sleep 3; rm /tmp/well; exec sleep 1000' \
        'livenessProbe: {exec: {command: ["test", "-e", "/tmp/well"]}, periodSeconds: 1, failureThreshold: 2}')"
    run_pod live-http '' "$(container 'mkdir /www; echo ok >/www/health; httpd -p 8080 -h /www; sleep 3; rm /www/health; exec sleep 1000' \
        'livenessProbe: {httpGet: {path: "/health", port: 8080}, initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 2}')"
    run_pod live-well '' "$(container 'mkdir /www; echo ok >/www/health; exec httpd -f -p 8080 -h /www' \
        'livenessProbe: {httpGet: {path: "/health", port: 8080}, initialDelaySeconds: 1, periodSeconds: 1}')"
    restarts live-exec 1
    restarts live-http 1
    check 'events tell of the probe' 0 rikctl get events live-http
    says Killing 'liveness probe failed'
    is 'what is well is left alone' 0 "$(field live-well "$(of main .restartCount)")"
}

test_readiness() {
    run_pod ready '' "$(container 'sleep 2; touch /tmp/ready; sleep 4; rm /tmp/ready; exec sleep 1000' \
        'readinessProbe: {exec: {command: ["test", "-e", "/tmp/ready"]}, periodSeconds: 1, failureThreshold: 1}')"
    becomes ready .state running
    is 'it is not ready at first' false "$(field ready .ready)"
    becomes ready .ready true
    becomes ready .ready false
    is 'and is not restarted for that' 0 "$(field ready "$(of main .restartCount)")"
    run_pod ready-tcp '' "$(container 'sleep 2; exec httpd -f -p 7000 -h /etc' \
        'readinessProbe: {tcpSocket: {port: 7000}, periodSeconds: 1}')"
    becomes ready-tcp .ready true
}

test_startup() {
    # Liveness alone would end it after a second.
    run_pod slow-start '' "$(container 'sleep 4; touch /tmp/up; exec sleep 1000' \
        'startupProbe: {exec: {command: ["test", "-e", "/tmp/up"]}, periodSeconds: 1, failureThreshold: 20},
         livenessProbe: {exec: {command: ["test", "-e", "/tmp/up"]}, periodSeconds: 1, failureThreshold: 1}')"
    becomes slow-start "$(of main .started)" true
    stays 3 slow-start "$(of main .restartCount)" 0
    run_pod never-up '' "$(container 'exec sleep 1000' \
        'startupProbe: {exec: {command: ["false"]}, periodSeconds: 1, failureThreshold: 2}')"
    restarts never-up 1
}

test_init() {
    local mount='volumeMounts: [{name: "data", mountPath: "/data"}]'
    run_pod init "volumes: [{name: \"data\", emptyDir: {}}], initContainers: [
        $(container 'echo first >>/data/order; sleep 1' "$mount" first),
        $(container 'while :; do sleep 1; done' "$mount, restartPolicy: \"Always\", startupProbe: {exec: {command: [\"true\"]}, periodSeconds: 1}" side),
        $(container 'echo second >>/data/order' "$mount" second)]" \
        "$(container 'echo main >>/data/order; cat /data/order; exec sleep 1000' "$mount")"
    becomes init .ready true
    is 'one came after the other' $'first\nsecond\nmain' "$(rikctl logs init -c main)"
    is 'each has its role' 'first init, side sidecar, second init, main main' \
        "$(field init '[.containers[] | "\(.name) \(.role)"] | join(", ")')"
    run_pod bad-init "initContainers: [$(container 'exit 1' '' first)]" "$(container 'echo never')"
    restarts bad-init 2 first
    is 'what comes after one that fails waits' waiting "$(field bad-init "$(of main .state)")"
    check 'a list says how far it is' 0 lab_wait_for 20 list_says Init:
}

test_sidecar() {
    run_pod job "restartPolicy: \"Never\", initContainers: [
        $(container 'trap "exit 0" TERM; while :; do sleep 0.2; done' 'restartPolicy: "Always"' side)]" "$(container 'sleep 1')"
    becomes job .state succeeded
    is 'the sidecar ended after it' exited "$(field job "$(of side .state)")"
}

test_hooks() {
    local mount='volumeMounts: [{name: "data", mountPath: "/data"}]'
    run_pod hooks 'volumes: [{name: "data", emptyDir: {}}]' \
        "$(container 'trap "cat /data/said; exit 0" TERM; while :; do sleep 0.2; done' "$mount, lifecycle: {
            postStart: {exec: {command: [\"sh\", \"-c\", \"echo started >>/data/said\"]}},
            preStop: {exec: {command: [\"sh\", \"-c\", \"echo stops >>/data/said\"]}}}")"
    becomes hooks .ready true
    check 'it is restarted in place' 0 rikctl restart hooks --wait
    is 'hooks ran before and after' $'started\nstops' "$(rikctl logs --previous hooks)"
    run_pod bad-hook '' "$(container 'exec sleep 1000' 'lifecycle: {postStart: {exec: {command: ["false"]}}}')"
    restarts bad-hook 1
}

test_volumes() {
    local write='volumeMounts: [{name: "data", mountPath: "/in"}, {name: "fast", mountPath: "/fast"}]'
    local read='volumeMounts: [{name: "data", mountPath: "/out", readOnly: true}]'
    run_pod shared 'volumes: [{name: "data", emptyDir: {}}, {name: "fast", emptyDir: {medium: "Memory", sizeLimit: "1Mi"}}]' \
        "$(container 'echo here >>/in/file; cat /in/file; grep -c " /fast tmpfs" /proc/mounts; dd if=/dev/zero of=/fast/x bs=1M count=2 2>/dev/null || echo full; exec sleep 1000' "$write" writer)" \
        "$(container 'while ! test -e /out/file; do sleep 0.2; done; touch /out/x 2>/dev/null || echo read-only; cat /out/file; exec sleep 1000' "$read" reader)"
    becomes shared .ready true
    log_is 'one writes' shared writer $'here\n1\nfull'
    log_is 'the other reads' shared reader $'read-only\nhere'
    check 'it is restarted in place' 0 rikctl restart shared --wait
    log_is 'what was written is still there' shared writer $'here\nhere\n1\nfull'
    is 'it is counted' 1 "$(field shared .restartsDone)"
}

test_memory() {
    run_pod greedy '' "$(container 'tail /dev/zero' 'resources: {limits: {memory: "24Mi"}}')"
    restarts greedy 1
    is 'why it ended is kept' OOMKilled "$(field greedy "$(of main .lastState.reason)")"
}

test_usage() {
    run_pod busy '' "$(container 'while :; do :; done' 'resources: {limits: {cpu: "200m"}}')"
    becomes busy .state running
    has_usage() { [[ $(rikctl top instances 2>/dev/null | awk '$1 == "busy" {print $3}') =~ ^[0-9]+m$ ]]; }
    if lab_wait_for 45 has_usage; then note ok 'what it uses is shown'; else note NOT 'what it uses is not shown'; fi
    check 'of its container, too' 0 rikctl top pods --containers
    says CONTAINER busy
}

main() {
    local kind
    checks_open
    make_image
    lab_rik_start
    lab_wait_for 10 leftovers_learn
    test_crashes
    test_on_failure
    test_liveness
    test_readiness
    test_startup
    test_init
    test_sidecar
    test_hooks
    test_volumes
    test_memory
    test_usage
    lab_rik_stop TERM
    check 'it is reset' 0 lab_rik_reset
    for kind in "${leftovers_kinds[@]}"; do is "no $kind are left" '' "$(leftovers_list "$kind")"; done
    checks_close
}

main

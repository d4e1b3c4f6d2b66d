#!/usr/bin/env bash
# Fifty Pods outlive a rik that is killed: the same processes, restart counts, clocks and probes; what ended meanwhile is
# told with its code. It may run beside other tests.   usage: survival.sh RIK RIKCTL   (as root)
# shellcheck disable=SC2016,SC2119  # scripts for containers are in single quotes; lab_rik_start without options
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rik_program=$1
rikctl_program=$2
quiet_count=46  # beside the four that do something

# shellcheck source=scripts/lib/lab.sh
source "$repository/scripts/lib/lab.sh"
# shellcheck source=scripts/lib/leftovers.sh
source "$repository/scripts/lib/leftovers.sh"
# shellcheck source=tests/e2e/checks.sh
source "$repository/tests/e2e/checks.sh"

rikctl() { "$rikctl_program" --server "unix://$lab_dir/rik.sock" "$@"; }
instances() { rikctl get instances -o json | jq --raw-output --arg name "$1" ".items[] | select(.workload.name == \$name) | $2"; }
main_of() { instances "$1" ".containers[0] | $2"; }
is_so() { [[ $(main_of "$1" "$2") == "$3" ]]; }

make_image() {
    lab_root "$lab_dir/root"
    umoci init --layout "$lab_dir/layout"
    umoci new --image "$lab_dir/layout:plain"
    umoci insert --image "$lab_dir/layout:plain" "$lab_dir/root" /
}

# workload NAME SCRIPT [MEMBERS-OF-CONTAINER [COUNT]]
workload() {
    jq --null-input --compact-output --arg name "$1" --arg script "$2" --arg image "oci:$lab_dir/layout:plain" \
        '{apiVersion: "v1", kind: "Pod", name: $name, annotations: {"rik.io/restart-delay": "20s"}, spec: {restartPolicy: "Always",
          terminationGracePeriodSeconds: 1, containers: [{name: "main", image: $image, command: ["sh", "-c", $script]} + {'"${3:-}"'}]}}' \
        >"$lab_dir/$1.json"
    rikctl create workload -f "$lab_dir/$1.json" >/dev/null
    rikctl create instance --workload "$1" --replicas "${4:-1}" >/dev/null
}

running_count() { rikctl get instances -o json | jq '[.items[] | select(.state == "running")] | length'; }
all_run() { (($(running_count) == quiet_count + 4)); }
# Of the containers: where each is kept, its first process, and when that began, which tells it from another of the same number.
processes() {
    local file pid
    while read -r file; do
        pid=$(<"$file")
        [[ -d /proc/$pid ]] && printf '%s %s %s\n' "${file#"$lab_dir"}" "$pid" "$(sed 's/.*) //' "/proc/$pid/stat" | cut --delimiter=' ' --fields=20)"
    done < <(find "$lab_dir/run" "$lab_dir/state" -path '*bundle*' -name pid -o -path '*/containers/*' -name pid) | sort
}

main() {
    checks_open
    make_image
    lab_rik_start
    lab_wait_for 10 leftovers_learn
    workload quiet 'exec sleep 1000' '' "$quiet_count"
    workload ready 'touch /tmp/ready; exec sleep 1000' \
        'readinessProbe: {exec: {command: ["test", "-e", "/tmp/ready"]}, periodSeconds: 1, failureThreshold: 1}'
    workload unready 'exec sleep 1000' \
        'readinessProbe: {exec: {command: ["test", "-e", "/tmp/ready"]}, periodSeconds: 1, failureThreshold: 1}'
    workload ends 'trap "exit 7" USR1; while :; do sleep 0.1; done'
    workload crashes 'exit 3'
    check 'fifty Pods run' 0 lab_wait_for 60 all_run
    check 'one waits for its restart' 0 lab_wait_for 30 is_so crashes '"\(.reason) \(.restartCount >= 1)"' 'CrashLoopBackOff true'
    check 'one is ready' 0 lab_wait_for 20 is_so ready .ready true
    local before after restarts_before restarts_after ending killed kind
    ending=$(find "$lab_dir/run" "$lab_dir/state" -name pid -exec grep --no-filename '' {} + | while read -r pid; do
        if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep --quiet USR1; then printf '%s\n' "$pid"; fi; done | head --lines=1)
    restarts_before=$(main_of crashes .restartCount)
    killed=$EPOCHSECONDS
    lab_rik_stop KILL
    before=$(processes | grep --invert-match " $ending ")
    is 'there are as many processes' $((quiet_count + 2)) "$(wc --lines <<<"$before")"
    kill -s USR1 "$ending"
    lab_wait_for 10 lab_has_ended "$ending"
    sleep 1
    local started=${EPOCHREALTIME/[.,]/}
    lab_rik_start
    check 'all are taken over' 0 lab_wait_for 10 all_run
    printf '       taken over and ready %d ms after the start\n' $(((${EPOCHREALTIME/[.,]/} - started) / 1000))
    after=$(processes)
    is 'they are the same processes' "$before" "$(grep --fixed-strings --line-regexp "$before" <<<"$after")"
    is 'none of them was restarted' 0 "$(main_of quiet .restartCount | sort --unique)"
    check 'what ended meanwhile is told with its code' 0 lab_wait_for 10 is_so ends '"\(.lastState.exitCode // .exitCode)"' 7
    is 'what was ready is ready' true "$(main_of ready .ready)"
    is 'what was not is not' false "$(main_of unready .ready)"
    restarts_after=$(main_of crashes .restartCount)
    is 'what waits for its restart waits on' true "$( ((restarts_after >= restarts_before && (restarts_after == restarts_before || EPOCHSECONDS - killed >= 15))) && printf true || printf '%s after %s' "$restarts_after" "$restarts_before")"
    lab_rik_stop TERM
    check 'it is reset' 0 lab_rik_reset
    for kind in "${leftovers_kinds[@]}"; do is "no $kind are left" '' "$(leftovers_list "$kind")"; done
    checks_close
}

main

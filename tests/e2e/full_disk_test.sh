#!/usr/bin/env bash
# A Pod that fills the disk of its node, with bytes or with files, is evicted, and nothing else suffers. The state is on
# a small file system of its own. It may run beside other tests.   usage: full_disk_test.sh RIK RIKCTL   (as root)
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
instances() { rikctl get instances -o json | jq --raw-output "$1"; }

make_image() {
    lab_root "$lab_dir/root"
    umoci init --layout "$lab_dir/layout"
    umoci new --image "$lab_dir/layout:plain"
    umoci insert --image "$lab_dir/layout:plain" "$lab_dir/root" /
}

# open_disk TMPFS-OPTIONS: rik starts with its state on it.
open_disk() {
    mkdir "$lab_dir/state"
    mount -t tmpfs -o "mode=0700,$1" rik-full-disk-test "$lab_dir/state"
    lab_rik_start
    lab_wait_for 10 leftovers_learn
}

close_disk() {
    lab_rik_stop TERM
    check 'it is reset' 0 lab_rik_reset
    umount "$lab_dir/state"
    rm -rf "$lab_dir/state"
    nothing_is_left
}

# quiet NAME: a Pod that writes nothing.
quiet() {
    jq --null-input --arg name "$1" --arg image "oci:$lab_dir/layout:plain" '{apiVersion: "v1", kind: "Pod", metadata: {name: $name},
        spec: {terminationGracePeriodSeconds: 1, containers: [{name: "main", image: $image, command: ["sleep", "1000"]}]}}' |
        rikctl apply -f - >/dev/null
    rikctl wait instance "$1" --for running --timeout 60s >/dev/null
}

# writer SCRIPT: a Deployment of one Pod, with a long grace of which it makes use.
writer() {
    jq --null-input --arg script "trap : TERM; $1" --arg image "oci:$lab_dir/layout:plain" '{apiVersion: "apps/v1", kind: "Deployment",
        metadata: {name: "writer"}, spec: {replicas: 1, selector: {matchLabels: {app: "writer"}}, template: {metadata: {labels: {app: "writer"}},
        spec: {terminationGracePeriodSeconds: 300, containers: [{name: "main", image: $image, command: ["sh", "-c", $script]}]}}}}' |
        rikctl apply -f - >/dev/null
}

processes_of_quiet() {
    local file
    for file in $(find "$lab_dir/run" -name pid | sort); do
        if grep --quiet --null-data '^1000$' "/proc/$(<"$file")/cmdline"; then printf '%s\n' "$(<"$file")"; fi
    done
}
evicted() { instances '[.items[] | select(.reason == "Evicted")][0] | select(. != null) | '"$1"; }
has_evicted() { [[ -n $(evicted .name) ]]; }
has_trouble() { [[ $(rikctl get nodes -o json | jq --raw-output '.items[0].troubles // [] | map(.reason) | join(" ")') == *"$1"* ]]; }
node_is_ready() { rikctl get nodes -o json | jq --exit-status '.items[0].state == "ready"' >/dev/null; }
used() { df --output="$1" --block-size=1M "$lab_dir/state" | tail --lines=1 | tr --delete ' '; }

# runs_full WHAT SAID: whoever fills the disk is evicted and says SAID, in WHAT of the volume; all else runs on.
runs_full() {
    local before first
    before=$(processes_of_quiet)
    is 'two Pods are quiet' 2 "$(wc --lines <<<"$before")"
    check 'the writer is evicted' 0 lab_wait_for 60 has_evicted
    first=$(evicted .name)
    is 'it has failed' failed "$(instances ".items[] | select(.name == \"$first\") | .state")"
    output=$(instances ".items[] | select(.name == \"$first\") | .message")
    says "$@"
    check 'its Deployment is deleted' 0 rikctl delete deployment writer --wait --timeout 60s
    check 'the node is ready again' 0 lab_wait_for 60 node_is_ready
    is 'the others run on, as the same processes' "$before" "$(processes_of_quiet)"
    is 'and were not restarted' '0 0' "$(instances '[.items[] | select(.name | startswith("quiet")) | .containers[0].restart_count // 0] | join(" ")')"
    is 'rik lives' true "$(kill -0 "$rik_pid" && echo true)"
    is 'nobody else was evicted' '' "$(instances '.items[] | select(.reason == "Evicted") | .name' | grep --invert-match '^writer' || true)"
}

test_bytes() {
    open_disk size=300m
    quiet quiet-1
    quiet quiet-2
    writer 'while :; do cat /dev/zero >>/root/x 2>/dev/null; done'
    check 'the node takes no instances meanwhile' 0 lab_wait_for 60 has_trouble DiskPressure
    runs_full 'the node was low on ephemeral-storage: ' 'it keeps 128Mi free' 'container main was using ' 'and its request is 0'
    is 'the disk is nearly empty again, but for the room of the databases' true "$((($(used used) < 80)) && echo true || used used)"
    check 'a container that writes more than its limit' 0 limited
    check 'is evicted' 0 lab_wait_for 60 has_state limited failed
    output=$(instances '.items[] | select(.name == "limited") | "\(.reason) \(.message)"')
    says 'Evicted container main exceeded its local ephemeral storage limit 10Mi: it uses '
    close_disk
}

limited() {
    jq --null-input --arg image "oci:$lab_dir/layout:plain" '{apiVersion: "v1", kind: "Pod", metadata: {name: "limited"},
        spec: {terminationGracePeriodSeconds: 1, containers: [{name: "main", image: $image, resources: {limits: {"ephemeral-storage": "10Mi"}},
        command: ["sh", "-c", "dd if=/dev/zero of=/root/x bs=1M count=12; exec sleep 1000"]}]}}' | rikctl apply -f -
}
has_state() { [[ $(instances ".items[] | select(.name == \"$1\") | .state") == "$2" ]]; }

# A writer that is faster than anybody can be evicted, and takes each byte that becomes free; it begins when rik is dead.
test_start() {
    open_disk size=300m
    quiet quiet-1
    quiet quiet-2
    writer 'sleep 3; echo begins; while :; do cat /dev/zero >>/root/x 2>/dev/null; done'
    check 'the writer runs' 0 lab_wait_for 30 writer_runs
    lab_rik_stop KILL
    check 'the disk is full' 0 lab_wait_for 60 is_full
    start
    check 'rik starts all the same' 0 lab_wait_for 30 rikctl get nodes
    runs_full 'the node was low on ephemeral-storage: ' 'container main was using '
    close_disk
}

# Nobody here has filled it, so nobody is evicted; rik goes on, is stopped, killed and started, and deletes.
# Its databases have no room of their own until there is some.
test_foreign() {
    mkdir "$lab_dir/state"
    mount -t tmpfs -o mode=0700,size=300m rik-full-disk-test "$lab_dir/state"
    lab_rik_start
    lab_rik_stop TERM
    rm -f "$lab_dir"/state/*/state.db-wal  # as if it had been made by a rik that found no room
    head --bytes=1048576 /dev/zero >"$lab_dir/state/spare"
    fill
    rm -f "$lab_dir/state/spare"
    start
    check 'rik starts without room' 0 lab_wait_for 30 rikctl get nodes
    rm -f "$lab_dir"/state/filler-*
    check 'the node is ready' 0 lab_wait_for 60 node_is_ready
    lab_wait_for 10 leftovers_learn
    quiet quiet-1
    quiet quiet-2
    local signal
    for signal in TERM KILL; do
        fill
        check 'the node takes no instances' 0 lab_wait_for 60 has_trouble DiskPressure
        lab_rik_stop "$signal"
        fill
        start
        check "rik starts on a full disk after SIG$signal" 0 lab_wait_for 30 rikctl get nodes
        is 'its Pods run' 'running running' "$(instances '[.items[].state] | join(" ")')"
    done
    check 'a Pod is deleted' 0 rikctl delete instance quiet-1 --wait --timeout 60s
    is 'the other runs' running "$(instances '.items[].state')"
    rm -f "$lab_dir"/state/filler-*
    check 'the node is ready again' 0 lab_wait_for 60 node_is_ready
    quiet quiet-3
    is 'and takes instances' 'running running' "$(instances '[.items[].state] | join(" ")')"
    close_disk
}

# A first start without room says so and leaves nothing behind.
test_no_room() {
    local size
    for size in 16k 32k; do
        mkdir "$lab_dir/state"
        mount -t tmpfs -o "mode=0700,size=$size" rik-full-disk-test "$lab_dir/state"
        check "a first start with $size" 1 timeout 30 "$rik_program" --role=all --state-dir "$lab_dir/state" --run-dir "$lab_dir/run" --socket "$lab_dir/rik.sock"
        says 'rik cannot start'
        is 'leaves nothing in the state directory' '' "$(ls -A "$lab_dir/state")"
        is 'and no run directory' false "$([[ -e $lab_dir/run ]] && echo true || echo false)"
        umount "$lab_dir/state"
        rmdir "$lab_dir/state"
    done
}

start() {  # it may be unready for a while
    "$rik_program" --role=all --state-dir "$lab_dir/state" --run-dir "$lab_dir/run" --socket "$lab_dir/rik.sock" --cluster-cidr "$lab_cidr" >>"$lab_dir/rik.log" 2>&1 &
    rik_pid=$!
}

writer_runs() { [[ $(instances '.items[] | select(.name | startswith("writer")) | .state') == running ]]; }
is_full() { (($(df --output=avail --block-size=1 "$lab_dir/state" | tail --lines=1) < 65536)); }
fill() {
    local -i size
    for size in 1048576 4096 1; do dd if=/dev/zero of="$lab_dir/state/filler-$RANDOM-$size" bs=$size count=1000 2>/dev/null || true; done
}

test_files() {
    open_disk size=600m,nr_inodes=20000
    quiet quiet-1
    quiet quiet-2
    writer 'mkdir -p /root/x; i=0; while :; do true 2>/dev/null >/root/x/$i; i=$((i + 1)); done'
    runs_full 'the node was low on inodes: ' 'it keeps 1000 free' 'container main had '
    is 'the disk has files again' true "$((($(used iused) < 4000)) && echo true || used iused)"
    close_disk
}

clean_up() {
    local status=$?
    if ((status != 0)) && [[ -s $lab_dir/rik.log ]]; then tail --lines=30 "$lab_dir/rik.log"; fi
    trap '' INT TERM
    trap - EXIT
    set +e
    lab_rik_stop TERM
    lab_rik_reset >"$lab_dir/reset.log" 2>&1
    umount --lazy "$lab_dir/state" 2>/dev/null
    rm -rf "$lab_dir/state"
    lab_close
    exit "$status"
}

main() {
    checks_open
    trap clean_up EXIT
    leftovers_begin
    make_image
    test_no_room
    test_bytes
    test_start
    test_foreign
    test_files
    checks_close
}

main

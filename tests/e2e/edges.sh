#!/usr/bin/env bash
# What is at the edges: values of options that are none, refusals that must leave nothing, a state directory that cannot
# be written, few open files, an older backup.
# usage: edges.sh RIK RIKCTL   (as root)
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
rik() { timeout --kill-after=5 10 "$rik_program" --socket "$lab_dir/other.sock" "$@"; }
in_lab() { rik --state-dir "$lab_dir/state" --run-dir "$lab_dir/run" --cluster-cidr "$lab_cidr" "$@"; }

make_image() {
    lab_root "$lab_dir/root"
    umoci init --layout "$lab_dir/layout"
    umoci new --image "$lab_dir/layout:sleeper"
    umoci insert --image "$lab_dir/layout:sleeper" "$lab_dir/root" /
}

make_workload() {
    printf '{"apiVersion":"v1","kind":"Pod","name":"%s","spec":{"containers":[{"name":"main","image":"oci:%s","command":["sleep","1000"]}]}}\n' \
        "$1" "$lab_dir/layout:sleeper" | rikctl create workload -f - >/dev/null
}

says_not() { is "... it does not say: $1" false "$([[ $output == *"$1"* ]] && echo true || echo false)"; }
files_in_lab() { (cd "$lab_dir" && find . -mindepth 1 -maxdepth 1 | sort | tr '\n' ' '); }

test_options() {
    local option before
    before=$(files_in_lab)
    for option in '--node-name=A B' --node-name=Upper --node-name= --node-name=6b29fc40-ca47-4067-b31d-00dd010662da \
        --insecure-registry=http://host:1/path --insecure-registry=plainword --insecure-registry= '--insecure-registry=a b:1' \
        --insecure-registry=h:70000 --host-name=console:80 --host-name= --host-name=http://console --run-dir= --state-dir= \
        --cluster-cidr= --cluster-cidr=10.1.0.0 --cluster-cidr=10.1.2.3/16 --listen= --listen=http://127.0.0.1:1 \
        --listen=127.0.0.1:99999 --log-level=loud --log-format=xml --role=nodes; do
        check "a value that is none: $option" 2 rik "$option"
        says "${option%%=*}"
    done
    for option in node-name state-dir run-dir cluster-cidr log-level; do
        check "--$option twice" 2 rik "--$option" a "--$option" b
        says "--$option"
    done
    check 'at a reset, what only a start understands' 2 rik reset --state-dir "$lab_dir/state" --node-name a
    says --node-name
    check 'one directory, and all' 2 rik reset --all --state-dir "$lab_dir/state"
    says --state-dir
    check 'an empty server' 2 "$rikctl_program" --server '' get nodes
    says --server
    is 'nothing was made' "$before" "$(files_in_lab)"
}

# without_cgroups COMMAND...: on a machine where no hierarchy of control groups is mounted.
without_cgroups() { unshare --mount sh -c 'umount --recursive --lazy /sys/fs/cgroup && exec "$@"' sh "$@"; }

test_refusals() {
    local before
    touch "$lab_dir/file"
    before=$(files_in_lab)
    check 'a path that mount options cannot have is not reset' 1 rik reset --state-dir "$lab_dir/a,b" --run-dir "$lab_dir/run"
    says "','"
    check 'nor one below a file' 1 rik reset --state-dir "$lab_dir/file/state" --run-dir "$lab_dir/run"
    says 'Not a directory'
    says_not 'as root'
    check 'nor with a run directory that is a state directory' 1 rik reset --state-dir "$lab_dir/both/state" --run-dir "$lab_dir/both"
    says 'not apart'
    check 'nor with one that has something else in it' 1 rik reset --state-dir "$lab_dir/new/state" --run-dir "$lab_dir/root"
    says "$lab_dir/root"
    is 'resets that were refused made nothing' "$before" "$(files_in_lab)"
    check 'a start with such a run directory' 1 rik --run-dir "$lab_dir/root/sub" --state-dir "$lab_dir/new/state,x" --cluster-cidr "$lab_cidr"
    check 'a start on a machine without control groups' 1 without_cgroups "$rik_program" --socket "$lab_dir/far/other.sock" \
        --state-dir "$lab_dir/new/state" --run-dir "$lab_dir/run" --cluster-cidr "$lab_cidr"
    is 'starts that were refused made nothing' "$before" "$(files_in_lab)"
    mkdir "$lab_dir/mine"
    check 'a start that is refused in an empty directory of the user' 1 without_cgroups "$rik_program" \
        --socket "$lab_dir/other.sock" --state-dir "$lab_dir/mine" --run-dir "$lab_dir/run" --cluster-cidr "$lab_cidr"
    is 'it is empty again' '' "$(ls "$lab_dir/mine")"
    rmdir "$lab_dir/mine"
}

test_unwritable_state() {
    local kind
    lab_rik_start
    make_workload left
    check 'an instance runs' 0 rikctl create instance --workload left --wait
    lab_wait_for 10 leftovers_learn
    lab_rik_stop TERM
    mount --bind "$lab_dir/state" "$lab_dir/state"
    mount --options remount,ro,bind "$lab_dir/state"
    check 'a state directory that cannot be written is no reason to leave the rest' 1 lab_rik_reset
    says 'Read-only file system' stays 'make it writable'
    says_not 'as root'
    for kind in processes namespaces cgroups interfaces addresses rules; do is "no $kind are left" '' "$(leftovers_list "$kind")"; done
    check 'again' 1 lab_rik_reset
    says stays
    check 'a start says what to do' 1 in_lab
    says 'Read-only file system' 'make it writable'
    says_not 'as root'
    umount "$lab_dir/state"
    check 'once it can be written it is reset' 0 lab_rik_reset
    nothing_is_left
    check 'and once more' 0 lab_rik_reset
    says 'no such state directory'
}

# watchers COUNT: quiet watches that stay open, or are refused.
watchers() {
    python3 -c 'import socket, sys, time
kept = []
for _ in range(int(sys.argv[2])):
    one = socket.socket(socket.AF_UNIX); one.settimeout(5)
    try:
        one.connect(sys.argv[1]); one.sendall(b"GET /rik/v1/nodes?watch=true HTTP/1.1\r\nHost: localhost\r\n\r\n"); kept.append(one)
    except OSError: pass
print("open", flush=True); time.sleep(600)' "$lab_dir/rik.sock" "$1" >"$lab_dir/watchers" &
    lab_pids+=($!)
    lab_wait_for 30 grep --quiet open "$lab_dir/watchers"
}

# run_now COUNT: so many instances run.
run_now() { [[ $(rikctl get instances -o json | jq '[.items[] | select(.state == "running")] | length') == "$1" ]]; }

test_few_files() {
    local whole=$rik_program
    printf '#!/bin/sh\nexec prlimit --nofile=256:256 %s "$@"\n' "$whole" >"$lab_dir/few"
    chmod +x "$lab_dir/few"
    rik_program=$lab_dir/few
    : >"$lab_dir/rik.log"
    lab_rik_start
    lab_wait_for 10 leftovers_learn
    is 'a low limit of open files is warned about' 1 "$(grep --count 'limit of open files is low' "$lab_dir/rik.log")"
    watchers 230
    make_workload few
    # Not --wait: it watches, and there are as many watches as the limit allows.
    check 'Pods are made beside 230 quiet watches' 0 rikctl create instance --workload few --replicas 3
    check 'and start' 0 lab_wait_for 60 run_now 3
    is 'nobody was short of files' 0 "$(grep --count --ignore-case 'too many open files' "$lab_dir/rik.log")"
    prlimit --pid "$rik_pid" --nofile=20:256
    rikctl create instance --workload few --name late >/dev/null || true
    sleep 3
    prlimit --pid "$rik_pid" --nofile=256:256
    check 'one that begins while there are no files runs later' 0 lab_wait_for 90 run_now 4
    is 'nothing else is blamed' 0 "$(grep --count 'somebody else' "$lab_dir/rik.log")"
    lab_rik_stop TERM
    rik_program=$whole
    check 'it is reset' 0 lab_rik_reset
    nothing_is_left
}

test_older_backup() {
    local watcher  # of what is told by a watch: workloads are asked for again and again
    lab_rik_start
    make_workload one
    rikctl create tenant one >/dev/null
    lab_rik_stop TERM
    cp --archive "$lab_dir/state" "$lab_dir/backup"
    lab_rik_start
    lab_wait_for 10 leftovers_learn
    rikctl get tenants -w -o json >"$lab_dir/watched" 2>&1 &
    watcher=$!
    lab_pids+=("$watcher")
    rikctl create tenant two >/dev/null
    lab_wait_for 10 grep --quiet '"two"' "$lab_dir/watched"
    lab_rik_stop TERM
    lab_rik_start
    rikctl create tenant three >/dev/null
    lab_wait_for 20 grep --quiet '"three"' "$lab_dir/watched"
    is 'a restart loses no place' 0 "$(grep --count '"restarted"' "$lab_dir/watched")"
    lab_rik_stop TERM
    for part in rik-state primary node; do rm -r "${lab_dir:?}/state/$part" && cp --archive "$lab_dir/backup/$part" "$lab_dir/state/$part"; done
    lab_rik_start
    rikctl create tenant four five six seven >/dev/null
    lab_wait_for 20 grep --quiet '"seven"' "$lab_dir/watched"
    is 'an older backup is noticed' 1 "$(grep --count '"restarted"' "$lab_dir/watched")"
    is 'all that is there was told' 'five four one seven six' "$(sed '1,/restarted/d' "$lab_dir/watched" |
        sed --quiet --regexp-extended 's/.*"name":"(one|two|three|four|five|six|seven)".*/\1/p' | sort | tr '\n' ' ' | sed 's/ $//')"
    kill "$watcher"
    lab_rik_stop TERM
    check 'it is reset' 0 lab_rik_reset
    nothing_is_left
}

clean_up() {
    local status=$?
    trap '' INT TERM
    trap - EXIT
    set +e
    if ((status != 0)) && [[ -s $lab_dir/rik.log ]]; then tail --lines=30 "$lab_dir/rik.log"; fi
    umount --lazy "$lab_dir/state" 2>/dev/null
    rik_program=$real_program
    lab_close
    exit "$status"
}

main() {
    ((EUID == 0)) || { printf 'edges.sh: it needs root\n' >&2; exit 1; }
    readonly real_program=$rik_program
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    lab_open
    leftovers_begin
    make_image
    test_options
    test_refusals
    test_unwritable_state
    test_few_files
    test_older_backup
    checks_close
}

main

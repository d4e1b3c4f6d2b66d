#!/usr/bin/env bash
# How rik starts and what `rik reset` removes: all of rik's, nothing else, whatever the command line says.
# usage: start_and_reset.sh RIK RIKCTL   (as root)
# shellcheck disable=SC2016  # scripts for containers are in single quotes
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

# rik OPTION...: with the lab's directories and addresses, in front; ended when it should have refused and did not.
rik() {
    timeout --kill-after=5 10 "$rik_program" --socket "$lab_dir/other.sock" "$@"
}
in_lab() { rik --state-dir "$lab_dir/state" --run-dir "$lab_dir/run" --cluster-cidr "$lab_cidr" "$@"; }

make_image() {
    lab_root "$lab_dir/root"
    umoci init --layout "$lab_dir/layout"
    umoci new --image "$lab_dir/layout:sleeper"
    umoci insert --image "$lab_dir/layout:sleeper" "$lab_dir/root" /
}

# without_image_tools COMMAND...: as if skopeo and umoci were not installed.
without_image_tools() {
    timeout --kill-after=5 20 unshare --mount sh -c 'for each in skopeo umoci; do mount --bind /dev/null "$(command -v $each)"; done; exec "$@"' sh "$@"
}

# An instance that runs, of a rik that has ended.
leave_instance() {
    lab_rik_start "$@"
    make_left
    check 'an instance runs' 0 rikctl create instance --workload left --wait
    lab_wait_for 10 leftovers_learn
    lab_rik_stop TERM
}

make_left() {
    printf '{"apiVersion":"v1","kind":"Pod","name":"left","spec":{"containers":[{"name":"main","image":"oci:%s","command":["sleep","1000"]}]}}\n' \
        "$lab_dir/layout:sleeper" | rikctl create workload -f - >/dev/null
}

listens() { [[ -n $(ss -Hltn "sport = :$1") ]]; }
no_bridge() { [[ -z $(ip -o -4 address show to "$lab_cidr") ]]; }

# It needs no rik, no state directory and no rights.
test_node_check() {
    check 'what the machine can run is told' 0 "$rik_program" node check oci
    says 'oci: can be offered' 'conmon: /' 'microvm: '
    check 'and what it lacks, with what to install' 1 without_image_tools "$rik_program" node check oci
    says 'oci: cannot be offered' 'it has no skopeo' 'install them with: apt-get install skopeo umoci'
    check 'a runtime that is none is a wrong command line' 2 "$rik_program" node check docker
    check 'and so is an option that only a start has' 2 "$rik_program" --listen 127.0.0.1:5000 node check
}

test_wrong_starts() {
    local port
    port=$(lab_port 5)
    check 'an address that is none is a wrong command line' 2 in_lab --listen 1.2.3:4x
    check 'an empty state directory name too' 2 rik --state-dir ''
    check 'and to listen nowhere' 2 "$rik_program" --socket '' --state-dir "$lab_dir/state"
    python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1]))); time.sleep(600)' "$port" &
    lab_pids+=($!)
    lab_wait_for 20 listens "$port"
    check 'a port that is taken' 1 in_lab --listen "127.0.0.1:$port"
    says "$port"
    is 'has made no bridge' true "$(no_bridge && echo true)"
    is 'and no state directory' false "$([[ -e $lab_dir/state ]] && echo true || echo false)"
    check 'rik needs root' 1 setpriv --reuid 65534 --clear-groups "$rik_program" --socket '' --listen "127.0.0.1:$(lab_port 6)" \
        --state-dir "/tmp/rik-nobody-$$"
    says root
    check 'programs that are not installed are named at the start' 1 without_image_tools "$rik_program" --socket "$lab_dir/other.sock" \
        --state-dir "$lab_dir/state" --run-dir "$lab_dir/run" --cluster-cidr "$lab_cidr"
    says 'apt-get install skopeo umoci'
    check 'a state directory is not a run directory' 1 rik --state-dir "$lab_dir/state" --run-dir "$lab_dir/state"
    says 'not apart'
    check 'nor is it below one' 1 rik --state-dir "$lab_dir/both/state" --run-dir "$lab_dir/both"
    says 'not apart'
    check 'nor is the socket in one' 2 "$rik_program" --state-dir "$lab_dir/state" --socket "$lab_dir/state/rik.sock"
    rm -rf "$lab_dir/both" "$lab_dir/state"
    check 'a path that mount options cannot have' 1 rik --state-dir "$lab_dir/my state"
    says 'a space' "$lab_dir/my state"
    check 'also of the run directory' 1 rik --state-dir "$lab_dir/state" --run-dir "$lab_dir/a:b"
    says "':'" "$lab_dir/a:b"
    is 'neither was made' '' "$(ls -d "$lab_dir/my state" "$lab_dir/state" "$lab_dir/a:b" 2>/dev/null)"
    mkdir --mode=0777 "$lab_dir/open" && chmod 0777 "$lab_dir/open"
    check 'a directory into which anybody may write' 1 rik --state-dir "$lab_dir/open"
    says "$lab_dir/open" 'others than its owner'
    mkdir "$lab_dir/theirs" && chown 65534 "$lab_dir/theirs"
    check 'or that is not of root' 1 rik --state-dir "$lab_dir/theirs"
    says "$lab_dir/theirs" 65534
    for port in 0.0.0.0/0 127.0.0.0/16 169.254.0.0/16 224.0.0.0/8 10.0.0.0/25 10.1.2.3/16; do
        check "addresses that are none for Pods: $port" 2 rik --state-dir "$lab_dir/state" --cluster-cidr "$port"
        says --cluster-cidr
    done
    is 'nothing was made' '' "$(find "$lab_dir/open" "$lab_dir/theirs" "$lab_dir/state" -mindepth 1 2>/dev/null)"
    touch "$lab_dir/file"
    check 'a state directory below a file' 1 rik --state-dir "$lab_dir/file/state"
    says "$lab_dir/file" 'Not a directory'
}

test_foreign_directories() {
    mkdir --parents "$lab_dir/photos/images" "$lab_dir/precious/pods"
    touch "$lab_dir/photos/images/holiday" "$lab_dir/precious/pods/thesis"
    check 'a directory of somebody else is no state directory' 1 rik --state-dir "$lab_dir/photos" --cluster-cidr "$lab_cidr"
    says "$lab_dir/photos" 'did not make it'
    check 'and not reset' 1 rik reset --state-dir "$lab_dir/photos"
    says "$lab_dir/photos"
    check 'nor is it a run directory' 1 rik --state-dir "$lab_dir/state" --run-dir "$lab_dir/precious" --cluster-cidr "$lab_cidr"
    says "$lab_dir/precious"
    check 'and not reset as one' 1 rik reset --state-dir "$lab_dir/state" --run-dir "$lab_dir/precious"
    mkdir "$lab_dir/open-run" "$lab_dir/their-run" && chmod 0777 "$lab_dir/open-run" && chown 65534 "$lab_dir/their-run"
    check 'nor is one into which anybody may write' 1 rik --state-dir "$lab_dir/state" --run-dir "$lab_dir/open-run" --cluster-cidr "$lab_cidr"
    says "$lab_dir/open-run" 'others than its owner'
    check 'or that is not of root' 1 rik --state-dir "$lab_dir/state" --run-dir "$lab_dir/their-run" --cluster-cidr "$lab_cidr"
    says "$lab_dir/their-run" 65534
    is 'nothing was put into them' '' "$(find "$lab_dir/open-run" "$lab_dir/their-run" -mindepth 1)"
    is 'all of it is still there, and nothing else' 'photos photos/images photos/images/holiday precious precious/pods precious/pods/thesis' \
        "$(cd "$lab_dir" && find photos precious | sort | tr '\n' ' ' | sed 's/ $//')"
    check 'the attempt is reset' 0 lab_rik_reset
}

test_reset() {
    leave_instance
    chmod 0777 "$lab_dir/run"
    check 'a run directory that has become open to everybody is refused at the next start' 1 in_lab
    says "$lab_dir/run" 'others than its owner' 'chmod go-w'
    chmod go-w "$lab_dir/run"
    check 'another run directory is refused at the next start' 1 rik --state-dir "$lab_dir/state" --run-dir "$lab_dir/else"
    says "$lab_dir/run"
    check 'other addresses too' 1 rik --state-dir "$lab_dir/state" --cluster-cidr 10.99.0.0/16
    says "$lab_cidr"
    check 'and another run directory at the reset' 1 rik reset --state-dir "$lab_dir/state" --run-dir "$lab_dir/else"
    says "$lab_dir/run"
    check 'the next start needs neither of them' 124 rik --state-dir "$lab_dir/state"
    touch "$lab_dir/state/mine"
    check 'reset needs only the state directory, and no tools for images' 0 without_image_tools "$rik_program" reset --state-dir "$lab_dir/state"
    is 'a file of the user stays' mine "$(ls "$lab_dir/state")"
    rm -r "$lab_dir/state"
    nothing_is_left
}

# What is mounted in the state directory is somebody's disk: reset takes rik's things off it and leaves the rest.
test_mounted_part() {
    local images=$lab_dir/state/images
    lab_rik_start
    lab_rik_stop TERM
    mount -t tmpfs none "$images"
    leave_instance
    touch "$images/mine"
    mount -t tmpfs none "$images/tmp"
    touch "$images/tmp/precious"
    check 'nothing is deleted across a mount point in the middle of it' 1 lab_rik_reset
    says "$images/tmp: something is mounted in it" unmount
    is 'what is mounted there is whole' precious "$(ls "$images/tmp")"
    umount "$images/tmp"
    check 'a part that is a mount point does not keep reset from its end' 0 lab_rik_reset
    says "$images" 'something is mounted on it'
    is 'only what rik did not make is left of it' mine "$(ls "$images")"
    is 'and of the state directory' images "$(ls "$lab_dir/state")"
    umount "$images"
    rm -r "$lab_dir/state"
    nothing_is_left
}

# in_private_machine SCRIPT: with links, /run and /var/lib of its own, so that no other rik of this machine is there.
in_private_machine() {
    unshare --mount --net bash -euc "mount -t tmpfs none /run && mount -t tmpfs none /var/lib && ip link set lo up; $1" 2>&1
}

test_all_of_the_machine() {
    local start='for each in one two; do
        rm -f /run/$each.sock; options=; if [[ $each == two ]]; then options="--run-dir '$lab_dir'/run-two"; fi
        '$rik_program' --state-dir '$lab_dir'/$each --socket /run/$each.sock $options >/run/$each.log 2>&1 & pid=$!
        for ((i = 0; i < 200; ++i)); do curl -sf --unix-socket /run/$each.sock http://localhost/readyz >/dev/null && break; sleep 0.05; done
        kill $pid; wait $pid || { cat /run/$each.log; exit 9; }
    done;'
    check 'all riks of a machine are reset' 0 in_private_machine "$start '$rik_program' reset --all; ip -o link | grep ' rk' || true; ls /run/rik"
    says "nothing of $lab_dir/one is left" "nothing of $lab_dir/two is left"
    is 'nothing else is said' 2 "$(wc --lines <<<"$output")"
    is 'the directories are gone' '' "$(ls -d "$lab_dir"/{one,two,run-two} 2>/dev/null)"
    check 'then there is nothing to do' 0 in_private_machine "'$rik_program' reset --all"
    says 'no rik has left anything'
    check 'one whose state directory is not known is named' 1 in_private_machine "ip link add rkdeadbeef type bridge; '$rik_program' reset --all"
    says rkdeadbeef '--state-dir'
}

# Who removes the lock file of a rik that runs must not get two of them.
test_lost_lock() {
    lab_rik_start
    lab_wait_for 10 leftovers_learn
    rm "$lab_dir/state/lock"
    check 'a second rik is refused although the lock file is gone' 1 in_lab
    says 'another rik uses'
    check 'and so is its reset' 1 lab_rik_reset
    says 'another rik uses'
    check 'the first one is well' 0 rikctl get workloads
    lab_rik_stop TERM
    check 'it is reset after its end' 0 lab_rik_reset
    nothing_is_left
}

test_lost_mark() {
    lab_rik_start
    lab_rik_stop TERM
    printf 'nonsense\n' >"$lab_dir/state/rik-state"
    check 'a damaged mark is refused' 1 in_lab
    says 'damaged' 'remove what is in the directory'
    rm "$lab_dir/state/rik-state"
    check 'a lost one too' 1 in_lab
    says 'not empty' 'remove what is in it'
    rm -r "$lab_dir/state"/*
    check 'and what it says helps' 0 lab_rik_reset
    nothing_is_left
}

test_lost_database() {
    leave_instance
    mv "$lab_dir/state/primary" "$lab_dir/primary.away"
    check 'a node without its primary is not run on unseen' 1 in_lab
    says 'another cluster' 'rik reset'
    rm -r "$lab_dir/state/primary"
    mv "$lab_dir/primary.away" "$lab_dir/state/primary"
    check 'with its database back it starts' 124 in_lab
    check 'and is reset' 0 lab_rik_reset
    nothing_is_left
}

test_lost_state() {
    leave_instance
    mv "$lab_dir/state" "$lab_dir/moved"
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$lab_dir/rik.sock"  # as after kill -9
    check 'without its state directory everything of its tag is removed' 0 lab_rik_reset
    is 'and the socket that nobody answers on' false "$([[ -e $lab_dir/rik.sock ]] && echo true || echo false)"
    says 'no such state directory'
    rm -r "$lab_dir/moved"
    nothing_is_left
    check 'a directory that never was is said not to be there' 0 rik reset --state-dir "$lab_dir/typo/deep"
    says 'no such state directory'
    is 'nor what would stand above it is there afterwards' false "$([[ -e $lab_dir/typo ]] && echo true || echo false)"
}

# A first start that was killed has left a lock and half a mark. And the tag comes from the path: a slash at its end must
# make no difference.
test_half_and_slash() {
    mkdir "$lab_dir/state"
    touch "$lab_dir/state/lock" "$lab_dir/state/rik-state.new"
    lab_rik_start
    lab_wait_for 10 leftovers_learn
    lab_rik_stop TERM
    ln -s "$lab_dir" "$lab_dir.link"
    check 'so must a symbolic link, and a slash at the end' 0 rik reset --state-dir "$lab_dir.link/state/" --run-dir "$lab_dir.link/run"
    rm "$lab_dir.link"
    nothing_is_left
}

# fill FIFO: until it takes no more.
fill() {
    python3 -c 'import os, sys
pipe = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
try:
    while True: os.write(pipe, b"-")
except BlockingIOError: pass' "$1"
}

# Who reads the log may pause, as a pager does. A second signal would end rik at once.
test_paused_log() {
    local reader
    mv "$lab_dir/rik.log" "$lab_dir/rik.log.before"
    mkfifo "$lab_dir/rik.log"
    exec 9<>"$lab_dir/rik.log"
    lab_rik_start
    fill "$lab_dir/rik.log"
    make_left
    check 'an instance is started while nobody reads the log' 0 timeout 20 "$rikctl_program" --server "unix://$lab_dir/rik.sock" \
        create instance --workload left --wait
    check 'and rik is ready' 0 curl --silent --fail --max-time 5 --unix-socket "$lab_dir/rik.sock" http://localhost/readyz
    leftovers_learn
    kill -s TERM "$rik_pid"
    cat <&9 >"$lab_dir/fifo.log" &
    reader=$!
    lab_pids+=("$reader")
    lab_wait_for 20 lab_has_ended "$rik_pid" || true
    lab_rik_stop TERM
    lab_wait_for 5 grep --quiet 'rik has stopped' "$lab_dir/fifo.log" || true
    kill "$reader"
    exec 9<&-
    is 'nothing of the log is lost' '1 1' "$(grep --count 'instance started' "$lab_dir/fifo.log") $(grep --count 'rik has stopped' "$lab_dir/fifo.log")"
    rm "$lab_dir/rik.log"
    check 'it is reset' 0 lab_rik_reset
    nothing_is_left
}

clean_up() {
    local status=$?
    trap '' INT TERM
    trap - EXIT
    set +e
    if ((status != 0)) && [[ -s $lab_dir/rik.log ]]; then tail --lines=30 "$lab_dir/rik.log"; fi
    umount --lazy "$lab_dir"/state/images{/tmp,} 2>/dev/null
    lab_close
    exit "$status"
}

main() {
    ((EUID == 0)) || { printf 'start_and_reset.sh: it needs root\n' >&2; exit 1; }
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    lab_open
    leftovers_begin
    make_image
    test_node_check
    test_wrong_starts
    test_foreign_directories
    test_reset
    test_mounted_part
    test_all_of_the_machine
    test_lost_lock
    test_lost_mark
    test_lost_database
    test_lost_state
    test_half_and_slash
    test_paused_log
    checks_close
}

main

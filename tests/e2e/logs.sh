#!/usr/bin/env bash
# What containers write comes out byte for byte: live, later, in part, over restarts of rik; and a server that is lost is
# told.   usage: logs.sh RIK RIKCTL   (as root)
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
run() { rikctl run --quiet "$@"; }
logs_api() { curl --silent --no-buffer --unix-socket "$lab_dir/rik.sock" "http://localhost/rik/v1/instances/$1"; }

# same WHAT FILE FILE
same() {
    if cmp --silent "$2" "$3"; then note ok "$1"; else note NOT "$1: $(cmp "$2" "$3" 2>&1 || true)"; fi
}
has_text() { grep --quiet --fixed-strings -- "$2" "$1"; }
# soon WHAT SECONDS FILE TEXT
soon() {
    if lab_wait_for "$2" has_text "$3" "$4"; then note ok "$1"; else note NOT "$1: no '$4' in '$(head --bytes=300 "$3")'"; fi
}
# follow NAME COMMAND...: in the background; its output and its errors go to files NAME.out and NAME.err.
follow() {
    local name=$1 file=$lab_dir/$1
    shift
    rm -f "$file.code"
    {
        local code=0
        "$rikctl_program" --server "unix://$lab_dir/rik.sock" "$@" >"$file.out" 2>"$file.err" || code=$?
        printf '%s' "$code" >"$file.code"
    } &
    declare -g "follower_$name=$!"
}
# ended NAME: its exit code.
ended() {
    if lab_wait_for 60 test -s "$lab_dir/$1.code"; then cat "$lab_dir/$1.code"; else printf hangs; fi
}

make_image() {
    lab_root "$lab_dir/root"
    mkdir "$lab_dir/root/data"
    # NULs, CRs, bytes that are not UTF-8, lines of any length; the same each time.
    python3 - "$lab_dir/root/data" <<'TEXT'
import random, sys
random.seed(20261128)
d = sys.argv[1]
open(d + "/random", "wb").write(random.randbytes(1 << 20))
open(d + "/long", "wb").write(b"x" * (1 << 20))
open(d + "/other", "wb").write(random.randbytes(300_000) + b"\r\n\0end")
TEXT
    umoci init --layout "$lab_dir/layout"
    umoci new --image "$lab_dir/layout:main"
    umoci insert --image "$lab_dir/layout:main" "$lab_dir/root" /
    image=oci:$lab_dir/layout:main
}

test_bytes() {
    local data=$lab_dir/root/data out=$lab_dir/out err=$lab_dir/err kind
    printf abc >"$lab_dir/abc"
    run --rm "$image" -- printf abc >"$out" 2>"$err" </dev/null
    same 'nothing is added to output without a newline' "$lab_dir/abc" "$out"
    for kind in random long; do
        run --name "$kind" "$image" -- cat "/data/$kind" >"$out" 2>"$err"
        same "$kind output, live" "$data/$kind" "$out"
        rikctl logs "$kind" >"$out"
        same "$kind output, later" "$data/$kind" "$out"
        logs_api "$kind/logs?follow=true" >"$out"
        same "$kind output, as text of the API" "$data/$kind" "$out"
    done
    run --name both "$image" -- sh -c 'cat /data/other >&2 & cat /data/random; wait' >"$out" 2>"$err"
    same 'standard output beside standard error' "$data/random" "$out"
    same 'standard error beside standard output' "$data/other" "$err"
    rikctl logs both --stream stderr >"$err"
    same 'standard error alone, later' "$data/other" "$err"
    rikctl logs both >"$out"
    is 'both together have all bytes' "$(($(stat --format=%s "$data/random") + $(stat --format=%s "$data/other")))" "$(stat --format=%s "$out")"
    rikctl delete workload random long both --wait >/dev/null
}

test_live() {
    follow partial run --name partial "$image" -- sh -c 'printf "Setting up..."; sleep 4; echo done'
    lab_wait_for 20 rikctl wait instance partial --for started
    soon 'text without a newline comes when it is written' 3 "$lab_dir/partial.out" 'Setting up...'
    if has_text "$lab_dir/partial.out" 'done'; then note NOT 'the line was not finished then'; else note ok 'the line was not finished then'; fi
    is 'it ends' 0 "$(ended partial)"
    is 'and is whole' 'Setting up...done' "$(cat "$lab_dir/partial.out")"
    rikctl delete workload partial --wait >/dev/null
}

test_tail() {
    run --name tail "$image" -- sh -c 'echo one; head -c 20000 /dev/zero | tr "\0" x; echo; echo bad >&2; usleep 200000; printf three' >/dev/null 2>&1
    is 'the last line has no newline' three "$(rikctl logs tail --tail 1 --stream stdout)"
    is 'a long line is one' 20006 "$(rikctl logs tail --tail 2 --stream stdout | wc --bytes)"
    is 'of none there is nothing' 0 "$(rikctl logs tail --tail 0 | wc --bytes)"
    is 'more than there are is all' "$(rikctl logs tail | cksum)" "$(rikctl logs tail --tail 1000 | cksum)"
    is 'nothing is newer than now' 0 "$(rikctl logs tail --since 0s | wc --bytes)"
    is 'all is newer than an hour ago' "$(rikctl logs tail | cksum)" "$(rikctl logs tail --since 1h | cksum)"
    # Not lines: 'bad' may come in the middle of the long one, as the two streams are read beside each other.
    is 'each line has its time' 4 "$(rikctl logs tail --timestamps | grep --only-matching '20[0-9-]*T' | wc --lines)"
    rikctl delete workload tail --wait >/dev/null
}

# A line about each 20 ms, in two pieces, for 20 s.
test_restarts() {
    local script='i=1; while [ $i -le 400 ]; do printf "line "; usleep 20000; echo $i; i=$((i + 1)); usleep 20000; done'
    follow attached run --name ticks "$image" -- sh -c "$script"
    lab_wait_for 20 rikctl wait instance ticks --for started
    soon 'it writes' 10 "$lab_dir/attached.out" 'line 20'
    follow tail logs -f --tail 5 ticks
    follow times logs -f --tail 1 --timestamps ticks
    soon 'a tail follows' 10 "$lab_dir/tail.out" line
    soon 'and one with times' 10 "$lab_dir/times.out" line
    lab_rik_stop TERM
    soon 'it says that the server is lost' 10 "$lab_dir/tail.err" 'the connection to the server is lost'
    sleep 1
    start_rik
    soon 'and that it is back' 20 "$lab_dir/tail.err" 'the server is there again'
    sleep 1
    lab_rik_stop KILL
    start_rik
    is 'run ends with the container' 0 "$(ended attached)"
    is 'the tail ends' 0 "$(ended tail)"
    is 'that with times, too' 0 "$(ended times)"
    seq --format='line %g' 400 >"$lab_dir/ticks"
    same 'run has each line once' "$lab_dir/ticks" "$lab_dir/attached.out"
    tail --lines="$(wc --lines <"$lab_dir/tail.out")" "$lab_dir/ticks" >"$lab_dir/expected"
    same 'the tail has each line once' "$lab_dir/expected" "$lab_dir/tail.out"
    tail --lines="$(wc --lines <"$lab_dir/times.out")" "$lab_dir/ticks" >"$lab_dir/expected"
    sed 's/^20[0-9T:.+-]* //' "$lab_dir/times.out" >"$lab_dir/times"
    same 'with one time for each line' "$lab_dir/expected" "$lab_dir/times"
    rikctl delete workload ticks --wait >/dev/null
}

# run_to REDIRECTION ARGUMENT...: `run` of a container that writes until it is stopped.
run_to() {
    timeout --kill-after=5 60 bash -o pipefail -c "\"\$@\" $1" bash "$rikctl_program" --server "unix://$lab_dir/rik.sock" \
        run "${@:2}" "$image" -- sh -c 'trap exit TERM; while sleep 0.1; do echo more; done'
}

test_lost_output() {
    local to
    for to in '>/dev/full' '>&-'; do
        check "run $to says that it cannot write" 125 run_to "$to" --rm --name lost
        says 'cannot write the output' 'lost is being deleted'
        check 'and with --rm nothing goes on' 0 rikctl wait workload lost --for deleted --timeout 30s
    done
    check 'without --rm it does' 125 run_to '>/dev/full' --name lost
    says 'lost goes on: rikctl logs -f lost'
    is 'as it says' running "$(rikctl get instance lost -o json | jq --raw-output .state)"
    rikctl delete workload lost --wait >/dev/null
    check 'a reader that goes away is no failure' 130 run_to '| head --lines=1' --rm --name lost
    check 'and ends it' 0 rikctl wait workload lost --for deleted --timeout 30s
}

# A rik that hangs makes no wait longer.
test_hanging_server() {
    local before=$SECONDS
    kill -STOP "$rik_pid"
    check 'a wait for a server that hangs is out of time' 6 rikctl wait instance asleep --for finished --timeout 2s
    check 'so is a deletion that waits' 6 rikctl delete instance asleep --wait --timeout 2s
    kill -CONT "$rik_pid"
    if ((SECONDS - before < 9)); then note ok 'and both in time'; else note NOT "both in time: $((SECONDS - before)) s"; fi
}

test_lost_wait() {
    run --detach --name asleep "$image" -- sleep 1000 >/dev/null
    test_hanging_server
    follow wait wait instance asleep --for finished --timeout 5s
    sleep 1
    lab_rik_stop TERM
    is 'a wait without a server is out of time' 6 "$(ended wait)"
    check 'what it has said' 0 cat "$lab_dir/wait.err"
    says 'warning: the connection to the server is lost' 'asleep was running when last heard' 'the server does not answer'
    start_rik
    rikctl delete workload asleep --wait >/dev/null
}

test_words() {
    check 'rik knows a wrong option' 2 "$rik_program" --rol=all
    says 'did you mean --role?'
    check 'rik knows a wrong role' 2 "$rik_program" --role=foo
    says "--role: 'foo' is no role: use primary, scheduler, node, several joined by a comma, or all"
    check 'rik knows a wrong command' 2 "$rik_program" rest
    says "rik has no command 'rest': did you mean reset?"
    check 'also before an option' 2 "$rik_program" start -d
    says "rik has no command 'start': use reset, node, version"
    check 'rik knows a wrong value' 2 "$rik_program" --log-level inof
    says 'did you mean info?'
}

start_rik() { lab_rik_start --log-level info; }

main() {
    checks_open
    make_image
    leftovers_begin
    start_rik
    test_words
    test_bytes
    test_live
    test_tail
    test_lost_output
    test_restarts
    test_lost_wait
    lab_wait_for 10 leftovers_learn
    lab_rik_stop TERM
    check 'reset removes what is left' 0 lab_rik_reset
    nothing_is_left
    checks_close
}

main

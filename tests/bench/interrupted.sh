#!/usr/bin/env bash
# interrupted.sh FUNCTION_BENCH RIK: a benchmark that is interrupted while machines run leaves no process, mount or
# directory.
set -euo pipefail

root=$(mktemp --directory /var/lib/rik-interrupted-XXXXXX)
rik=$2
clear_up() {
    local pids side
    mapfile -t pids < <(pgrep --full -- "--state-dir $root/")
    ((${#pids[@]} == 0)) || kill "${pids[@]}"
    for side in "$root"/*/{cold,warm}; do
        [[ ! -d $side/state ]] || "$rik" --state-dir "$side/state" --run-dir "$side/run" reset >/dev/null || true
    done
    rm --recursive --force --one-file-system "$root"
}
trap clear_up EXIT

await() {
    for ((tries = 0; tries < 600; ++tries)); do
        "$@" && return
        sleep 0.1
    done
    return 1
}
machine_is_there() { pgrep --full -- "conmon .*$root/" >/dev/null; }
has_ended() { ! kill -0 "$pid" 2>/dev/null; }
left() {
    pgrep --list-full --full -- "$root/rik-" || true
    grep --fixed-strings "$root/" /proc/self/mountinfo || true
    find "$root" -mindepth 1 -name 'rik-*'
}

failed=0
for signal in INT TERM; do
    "$1" "$rik" --samples 1 --at-once 1 --root "$root" >"$root/said" 2>&1 &
    pid=$!
    await machine_is_there || { printf 'NOT  there is a machine: %s\n' "$(<"$root/said")"; failed=1; }
    kill -s "$signal" "$pid"
    await has_ended || { printf 'NOT  it ends by SIG%s\n' "$signal"; kill -KILL "$pid"; failed=1; }
    wait "$pid" && { printf 'NOT  it says that it did not succeed\n'; failed=1; }
    if [[ -z $(left) ]]; then printf 'ok   SIG%s leaves nothing\n' "$signal"; else printf 'NOT  SIG%s leaves: %s\n' "$signal" "$(left)"; failed=1; fi
done
exit "$failed"

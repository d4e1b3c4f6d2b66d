#!/usr/bin/env bash
# killed_test.sh E2E_RUNTIME: a test that is killed, as by a limit of time, leaves no process, mount, group or directory.
set -euo pipefail

said=$(mktemp)
trap 'rm -f "$said"' EXIT
"$1" 'a world that lasts until it is killed' >"$said" &
pid=$!
for ((tries = 0; tries < 200; ++tries)); do
    read -r _ root tag < <(grep '^world ' "$said") && break
    sleep 0.1
done
[[ -n ${root-} ]] || { printf 'NOT  there is a world\n'; exit 1; }
kill -KILL "$pid"
wait "$pid" || true

left() {
    pgrep --full -- "$root/"
    find /sys/fs/cgroup -type d -name "rik-$tag" 2>/dev/null
    grep --fixed-strings "$root/" /proc/self/mountinfo
    ls --directory "$root" 2>/dev/null
}
for ((tries = 0; tries < 200; ++tries)); do
    [[ -n $(left) ]] || { printf 'ok   nothing of it is left\n'; exit; }
    sleep 0.1
done
printf 'NOT  nothing of it is left: %s\n' "$(left)"
exit 1

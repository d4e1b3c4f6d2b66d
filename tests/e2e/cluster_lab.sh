# shellcheck shell=bash
# A cluster of real processes (scripts/cluster) for an end-to-end script, and its checks. Whoever sources this sets
# `repository` and `built`, the build directory, and calls cluster_lab_open.

# shellcheck disable=SC2154  # these two are the script's

dir='' cluster_pid='' log=''

# shellcheck source=scripts/lib/lab.sh
source "$repository/scripts/lib/lab.sh"
# shellcheck source=tests/e2e/checks.sh
source "$repository/tests/e2e/checks.sh"

rikctl() { "$built/apps/rikctl/rikctl" --server "unix://$dir/rik.sock" "$@"; }
cluster() { "$repository/scripts/cluster" --dir "$dir" "$@"; }

# With two nodes. Whatever ends the script, the cluster goes; after a failure the end of its log is shown.
cluster_lab_open() {
    trap cluster_lab_close EXIT
    trap 'exit 130' INT TERM
    log=$(mktemp)
    setsid "$repository/scripts/cluster" --built "$built" 2 >"$log" 2>&1 &
    cluster_pid=$!
    lab_wait_for 60 grep --quiet 'nodes are ready' "$log"
    dir=$(sed --quiet 's|.*unix://\(.*\)/rik.sock.*|\1|p' "$log")
}

cluster_lab_close() {
    local code=$?
    trap '' INT TERM
    if [[ -n $cluster_pid ]]; then
        kill -s TERM -- "-$cluster_pid" 2>/dev/null || kill -s TERM "$cluster_pid" 2>/dev/null || true
        lab_wait_for 60 lab_has_ended "$cluster_pid" || true
    fi
    if ((code != 0)) && [[ -n $log ]]; then tail --lines=20 "$log"; fi
    rm -f "$log"
    exit "$code"
}

#!/usr/bin/env bash
# Both programs without standard input, output or error, with a full output, and with input that cannot be read.
# usage: standard_streams.sh RIK RIKCTL   (as root)
# shellcheck disable=SC2016  # scripts for other shells are in single quotes
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rik_program=$1
rikctl_program=$2

# shellcheck source=scripts/lib/lab.sh
source "$repository/scripts/lib/lab.sh"
# shellcheck source=tests/e2e/checks.sh
source "$repository/tests/e2e/checks.sh"

# with REDIRECTION PROGRAM ARGUMENT...: all but the redirected goes where it went.
with() {
    local redirection=$1
    shift
    timeout --kill-after=5 20 sh -c "exec \"\$@\" $redirection" sh "$@"
}
rikctl() { "$rikctl_program" --server "unix://$lab_dir/rik.sock" "$@"; }
rikctl_with() { with "$1" "$rikctl_program" --server "unix://$lab_dir/rik.sock" "${@:2}"; }

test_output() {
    local program
    for program in "$rik_program" "$rikctl_program"; do
        check 'help that cannot be written is a failure' 1 with '>/dev/full' "$program" --help
        says 'cannot write the output'
        check 'also to a closed output' 1 with '>&-' "$program" --help
        check 'nothing is needed of the standard error' 0 with '2>&-' "$program" --help
    done
    check 'so is the version' 1 with '>/dev/full' "$rik_program" version
    check 'and that of rikctl' 1 with '>&-' "$rikctl_program" version --client
}

test_input() {
    mkfifo "$lab_dir/fifo"
    truncate --size=10G "$lab_dir/sparse"
    check 'a closed input is an error' 1 rikctl_with '<&-' create workload -f -
    says 'cannot read the standard input: Bad file descriptor'
    check 'a directory as input, too' 1 rikctl_with '</tmp' create workload -f -
    says 'cannot read the standard input: Is a directory'
    check 'for delete as well' 1 rikctl_with '<&-' delete -f -
    check 'a directory is no file' 1 rikctl create workload -f /tmp
    says '/tmp: Is a directory'
    check 'nor is what is not there' 1 rikctl create workload -f "$lab_dir/none"
    check 'a file without end is not read to its end' 1 rikctl create workload -f /dev/zero
    check 'nor one of 10 GiB' 1 rikctl create workload -f "$lab_dir/sparse"
    says 'is longer than'
    check 'also as input' 1 rikctl_with "<'$lab_dir/sparse'" create workload -f -
    says 'is longer than'
    (printf 'kind: [' >"$lab_dir/fifo") &
    check 'a FIFO is read' 1 rikctl create workload -f "$lab_dir/fifo"
    says 'line 1 column'
    wait $!
}

# descriptor N: what the running rik has there.
descriptor() { readlink "/proc/$rik_pid/fd/$1"; }

test_server() {
    local number
    "$rik_program" --state-dir "$lab_dir/state" --run-dir "$lab_dir/run" --socket "$lab_dir/rik.sock" \
        --cluster-cidr "$lab_cidr" <&- >&- 2>&- &
    rik_pid=$!
    check 'rik starts without any of them' 0 lab_wait_for 60 rikctl get nodes
    for number in 0 1 2; do is "descriptor $number is no socket and no database" /dev/null "$(descriptor "$number")"; done
    check 'output that is lost is a failure' 1 rikctl_with '>&-' get nodes
    check 'with a full output, too' 1 rikctl_with '>/dev/full' get nodes -o json
    check 'without standard error it works' 0 rikctl_with '2>&-' get nodes
    lab_rik_stop TERM
    check 'it is reset' 0 lab_rik_reset
}

clean_up() {
    local status=$?
    trap '' INT TERM
    trap - EXIT
    set +e
    lab_close
    exit "$status"
}

main() {
    ((EUID == 0)) || { printf 'standard_streams.sh: it needs root\n' >&2; exit 1; }
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    lab_open
    test_output
    test_input
    test_server
    checks_close
}

main

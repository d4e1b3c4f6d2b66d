# shellcheck shell=bash
# Checks of the end-to-end scripts: each prints a line, and the script goes on.

passed=0 failed=0
output=''  # of the last command that `check` ran, stdout and stderr
began=${EPOCHREALTIME/[.,]/}

note() {
    if [[ $1 == ok ]]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    printf '%6.2f %s  %s\n' "$(seconds)" "$1" "$2"
}
seconds() { printf '%d.%02d' $(((${EPOCHREALTIME/[.,]/} - began) / 1000000)) $(((${EPOCHREALTIME/[.,]/} - began) / 10000 % 100)); }

# check WHAT EXIT_CODE COMMAND...: runs it; keeps what it prints.
check() {
    local what=$1 wanted=$2 code=0
    shift 2
    output=$("$@" 2>&1) || code=$?
    if ((code == wanted)); then
        note ok "$what"
    else
        note NOT "$what: exit code $code instead of $wanted of: $*"
        printf '%s\n' "$output" | sed 's/^/        /'
    fi
}

# says TEXT...: the last output has all of these.
says() {
    local text
    for text in "$@"; do
        if [[ $output == *"$text"* ]]; then note ok "... it says: $text"; continue; fi
        note NOT "... it does not say: $text"
        printf '%s\n' "$output" | sed 's/^/        /'
    done
}

# is WHAT EXPECTED ACTUAL
is() {
    if [[ $2 == "$3" ]]; then note ok "$1"; else note NOT "$1: '$3' instead of '$2'"; fi
}

# With leftovers.sh: nothing of the lab's rik is on the machine.
nothing_is_left() {
    local kind
    for kind in "${leftovers_kinds[@]}"; do is "no $kind are left" '' "$(leftovers_list "$kind")"; done
    is 'no sysctl but that of forwarding is changed' '' "$(leftovers_changed_settings)"
}

# With lab.sh: opens the lab. Whatever ends the script, what it has made goes; after a failure the end of rik's log is shown.
checks_open() {
    ((EUID == 0)) || { printf '%s: it needs root\n' "${0##*/}" >&2; exit 1; }
    trap checks_clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    lab_open
}

checks_clean_up() {
    local status=$?
    trap '' INT TERM
    trap - EXIT
    set +e
    if ((status != 0)) && [[ -s $lab_dir/rik.log ]]; then tail --lines=30 "$lab_dir/rik.log"; fi
    lab_close
    exit "$status"
}

# The last line, and whether all went well.
checks_close() {
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0))
}

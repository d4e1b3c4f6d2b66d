# shellcheck shell=bash
# What a rik of a lab (lab.sh) has on this machine, counted from outside: from /proc, /sys, ip and nft, not from rik.

# shellcheck disable=SC2154  # lab_dir and lab_cidr are those of lab.sh

leftovers_tag=''   # the 8 digits in the names of its kernel objects
leftovers_interfaces=() # interfaces that it was seen to have

# shellcheck disable=SC2034  # whoever sources this reads it
readonly leftovers_kinds=(processes mounts namespaces cgroups interfaces addresses rules directories)

# NAME=VALUE of settings that nobody but an administrator changes, without those of riks' own interfaces: others may run.
leftovers_settings() {
    local moving='^(fs\.(dentry-state|inode-|file-nr|quota|aio-nr)|kernel\.(random|ns_last_pid|pty\.nr|core_modes|sched_domain)'
    moving+='|net\.netfilter\.nf_conntrack_(count|max|buckets)|vm\.drop_caches|net\.ipv[46]\.(conf|neigh)\.r[ktv][0-9a-f]{8,}\.)'
    sysctl --all --pattern '^(net|kernel|vm|user|fs)\.' 2>/dev/null | grep --invert-match --extended-regexp "$moving" |
        sed 's/ = /=/'
}

# Before rik is started.
leftovers_begin() {
    leftovers_settings >"$lab_dir/settings.before"
}

# While it runs: learns what it is called, from the bridge that has an address of the lab.
leftovers_learn() {
    leftovers_tag=$(ip -o -4 address show to "$lab_cidr" | sed --quiet --regexp-extended 's/^[0-9]+: rk([0-9a-f]{8}) .*/\1/p' | head --lines=1)
    [[ -n $leftovers_tag ]] || return 1
    mapfile -t leftovers_interfaces < <(leftovers_own_interfaces)
}

leftovers_own_interfaces() {
    ip -o link show master "rk$leftovers_tag" | sed --regexp-extended 's/^[0-9]+: ([^:@]+).*/\1/'
    printf 'rk%s\n' "$leftovers_tag"
}

# leftovers_list KIND: what there is, a line each.
leftovers_list() {
    case $1 in
        processes) leftovers_processes ;;
        mounts) awk -v under="$lab_dir/" 'index($5, under) == 1 && !/ - nsfs / {print $5}' /proc/self/mountinfo ;;
        namespaces) awk -v under="$lab_dir/" 'index($5, under) == 1 && / - nsfs / {print $5}' /proc/self/mountinfo ;;
        cgroups) if [[ -n $leftovers_tag ]]; then find /sys/fs/cgroup -type d -path "*/rik-$leftovers_tag*" 2>/dev/null; fi ;;
        interfaces) leftovers_present_interfaces ;;
        addresses) ip -o -4 address show to "$lab_cidr"; ip -4 route show root "$lab_cidr" ;;
        rules) nft list ruleset 2>/dev/null | grep --fixed-strings --regexp="rik_${leftovers_tag:-none}" --regexp="${lab_cidr%.0.0/*}." ;;
        directories) ls --directory "$lab_dir"/{state,run,rik.sock} "/run/rik/${leftovers_tag:-none}" 2>/dev/null ;;
    esac || true
}

# Those in its cgroups, and those that have its directory on their command line (conmon; grep has it not).
leftovers_processes() {
    local pid
    {
        grep --files-with-matches --fixed-strings "/rik-${leftovers_tag:-none}" /proc/[0-9]*/cgroup
        # shellcheck disable=SC2062  # there is no pattern on this line
        grep --files-with-matches --text -f - /proc/[0-9]*/cmdline <<<"$lab_dir/state"$'\n'"$lab_dir/run"
    } 2>/dev/null | cut --delimiter=/ --fields=3 | sort --unique --numeric-sort |
        while read -r pid; do
            if lab_has_ended "$pid"; then continue; fi  # what is dead waits for init, if its parent was killed
            printf '%s %s\n' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
        done 2>/dev/null
}

leftovers_present_interfaces() {
    local name
    for name in ${leftovers_interfaces[@]+"${leftovers_interfaces[@]}"}; do
        if [[ -e /sys/class/net/$name ]]; then printf '%s\n' "$name"; fi
    done
}

leftovers_count() { leftovers_list "$1" | wc --lines; }

# Settings that were there before and have another value now. A rik turns forwarding on for the whole machine and leaves it
# on; the kernel changes the rest of these with it.
leftovers_changed_settings() {
    awk -F '=' 'NR == FNR {before[$1] = $2; next}
                $1 in before && before[$1] != $2 {printf "%s: was %s, is %s\n", $1, before[$1], $2}' \
        "$lab_dir/settings.before" <(leftovers_settings) |
        grep --invert-match '^net\.ipv4\.\(ip_forward\|conf\.[^.]*\.forwarding\|conf\.all\.accept_redirects\):' || true
}

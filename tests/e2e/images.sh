#!/usr/bin/env bash
# Images through the real programs: moved tags, policies, archives, removal; umasks; state directories that cannot be used.
# usage: images.sh RIK RIKCTL   (as root)
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
output_of() { rikctl run --rm --quiet "$@"; }

# push VERSION NAME: an image whose `version` prints VERSION.
push() {
    printf '#!/bin/sh\necho %s\n' "$1" >"$lab_dir/root/bin/version"
    chmod 0755 "$lab_dir/root/bin/version"
    rm -rf "$lab_dir/layout"
    lab_push "$lab_dir/root" "$2" --config.cmd version
}

make_images() {
    lab_registry_start
    lab_root "$lab_dir/root"
    push one app:latest
    push one app:dev
    lab_push "$lab_dir/root" empty:1 --config.entrypoint '' --config.cmd version
}

test_moved_tags() {
    local latest=$lab_registry/app dev=$lab_registry/app:dev
    is 'the first of a floating tag' one "$(output_of "$latest")"
    is 'the first of a fixed tag' one "$(output_of "$dev")"
    push two app:latest
    push two app:dev
    is 'a floating tag that was moved is seen' two "$(output_of "$latest")"
    is 'a fixed one is not' one "$(output_of "$dev")"
    is 'unless it is asked for' two "$(output_of --pull always "$dev")"
    is 'and then for all' two "$(output_of --pull never "$dev")"
    check 'what is not here and must not be pulled fails' 125 rikctl run --rm --name missing --pull never "$lab_registry/nothing:1"
    says Never 'rikctl images'
    check 'other words are refused' 2 rikctl run --pull sometimes "$dev"
    is 'an empty entrypoint is none' one "$(output_of "$lab_registry/empty:1")"
}

test_use() {
    check 'an instance runs' 0 rikctl run -d --name user "$lab_registry/app:dev" -- sleep 1000
    local digest
    digest=$(rikctl get instance user -o json | jq --raw-output '.containers[0].imageDigest')
    check 'describe says its digest' 0 rikctl describe instance user
    says "$digest" sha256:
    check 'the list has it' 0 rikctl images
    says "$lab_registry/app:dev" "${digest:7:12}" USED-BY
    check 'as JSON' 0 rikctl images list -o json
    is 'who uses it' user "$(jq --raw-output --arg digest "$digest" '.items[] | select(.digest == $digest) | .usedBy[]' <<<"$output")"
    check 'it is not removed' 4 rikctl images remove "$lab_registry/app:dev"
    says user
    check 'nor by its digest' 4 rikctl images rm "$digest"
    check 'a name that is none' 3 rikctl images remove no-such-image
    rikctl delete workload user --wait >/dev/null
    check 'then it is' 0 rikctl images remove "$digest"
    check 'once' 3 rikctl images remove "$digest"
    check 'and pulled again' 0 rikctl images pull "$lab_registry/app:dev"
    says "$digest"
    check 'a name that no registry has' 3 rikctl images pull "$lab_registry/nothing:1"
    says nothing:1
}

test_archives() {
    (
        cd "$lab_dir"
        skopeo copy --quiet --src-tls-verify=false "docker://$lab_registry/app:dev" docker-archive:app.tar:offline/app:1
        check 'a path is that of the machine' 0 rikctl images load app.tar
        says offline/app:1
        ((failed == 0))
    ) || failed=$((failed + 1))
    is 'it runs without a registry' two "$(output_of offline/app:1)"
    is 'by any of its names' two "$(output_of --pull never docker.io/offline/app:1)"
    check 'a layout needs a name' 1 rikctl images load "$lab_dir/layout"
    says --name
    check 'and has it' 0 rikctl images load "$lab_dir/layout" --name offline:latest
    is 'a floating tag of a registry that is not there serves' two "$(output_of docker.io/library/offline 2>/dev/null)"
    check 'what is no archive is told' 1 rikctl images load /etc/passwd
    says /etc/passwd
    check 'what is not there, too' 3 rikctl images load /no/such/file
}

test_kill_while_pulling() {
    local pull code=0
    dd if=/dev/urandom of="$lab_dir/root/large" bs=1M count=64 status=none
    push large large:1
    rm "$lab_dir/root/large"
    rikctl images pull "$lab_registry/large:1" >/dev/null 2>&1 &
    pull=$!
    sleep 0.7
    lab_rik_stop KILL
    wait "$pull" || true
    lab_rik_start
    check 'a pull that was killed is done again' 0 rikctl images pull "$lab_registry/large:1"
    rikctl images pull "$lab_registry/large:1" >"$lab_dir/first" &
    pull=$!
    check 'two at once' 0 rikctl images pull "$lab_registry/large:1"
    wait "$pull" || code=$?  # not by `check`: its subshell has no children to wait for
    is 'both are done' 0 "$code"
    is 'and it runs' large "$(output_of "$lab_registry/large:1")"
}

# test_umask MASK: all that containers see of it.
test_umask() {
    local mask=$1
    lab_rik_stop TERM
    lab_rik_reset >/dev/null 2>&1
    umask "$mask"
    lab_rik_start
    umask 022
    tar --create --file "$lab_dir/plain-$mask.tar" --directory "$lab_dir/root" bin/busybox bin/id bin/stat bin/sh bin/touch etc/passwd etc/group
    rm -rf "$lab_dir/plain"
    umoci init --layout "$lab_dir/plain"
    umoci new --image "$lab_dir/plain:1"
    umoci raw add-layer --image "$lab_dir/plain:1" "$lab_dir/plain-$mask.tar"
    umoci config --image "$lab_dir/plain:1" --config.user app --config.workingdir /not/there
    is "umask $mask: a user finds its programs" 'uid=1000' "$(output_of "oci:$lab_dir/plain:1" -- id | cut -d'(' -f1)"
    is "umask $mask: directories that nobody names, and the container's umask" '755 755 755 0022' \
        "$(output_of "oci:$lab_dir/plain:1" -- sh -c 'echo $(stat -c %a / /bin /not) $(umask)')"
}

test_unusable_state() {
    mkdir -p "$lab_dir/overlay"/{upper,work,root}
    mount -t overlay overlay -o "upperdir=$lab_dir/overlay/upper,workdir=$lab_dir/overlay/work,lowerdir=$lab_dir/root" "$lab_dir/overlay/root"
    check 'a state directory on an overlay is refused' 1 timeout --kill-after=5 10 "$rik_program" --role=all --socket "$lab_dir/other.sock" \
        --state-dir "$lab_dir/overlay/root/state" --run-dir "$lab_dir/other-run" --cluster-cidr "$lab_cidr"
    says overlay --state-dir ext4
    is 'nothing is left there' '' "$(find "$lab_dir/overlay/root/state" "$lab_dir/other-run" 2>/dev/null)"
    umount "$lab_dir/overlay/root"
}

clean_up() {
    local status=$?
    umount "$lab_dir/overlay/root" 2>/dev/null || true
    lab_close || status=1
    exit "$status"
}

main() {
    ((EUID == 0)) || { printf 'images.sh: it needs root\n' >&2; exit 1; }
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    lab_open
    make_images
    lab_rik_start
    test_moved_tags
    test_use
    test_archives
    test_kill_while_pulling
    test_umask 027
    test_umask 000
    test_unusable_state
    checks_close
}

main

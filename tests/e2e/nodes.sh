#!/usr/bin/env bash
# What an operator does with a node, through the real programs.   usage: nodes.sh RIK RIKCTL   (as root)
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rik_program=$1
rikctl_program=$2

# shellcheck source=scripts/lib/lab.sh
source "$repository/scripts/lib/lab.sh"
# shellcheck source=tests/e2e/checks.sh
source "$repository/tests/e2e/checks.sh"

rikctl() { "$rikctl_program" --server "unix://$lab_dir/rik.sock" "$@"; }

make_image() {
    lab_registry_start
    lab_root "$lab_dir/root"
    lab_push "$lab_dir/root" main:1
}

# create NAME COMMAND: a workload and an instance, both called NAME.
create() {
    printf '{"apiVersion":"v1","kind":"Pod","name":"%s","spec":{"terminationGracePeriodSeconds":2,"containers":[{"name":"main","image":"docker://%s/main:1","command":["sh","-c","%s"]}]}}\n' \
        "$1" "$lab_registry" "$2" | rikctl create workload -f - >/dev/null
    rikctl create instance --workload "$1" --name "$1" >/dev/null
}

message_of() { rikctl get instance "$1" -o json | jq --raw-output '.message'; }
waits_because() { [[ $(message_of "$1") == *"$2"* ]]; }
state_of() { rikctl get nodes -o json | jq --raw-output '.items[0] | "\(.state) \(.unschedulable)"'; }

test_cordon() {
    check 'a node is cordoned' 0 rikctl node cordon "$node"
    check 'the table shows it' 0 rikctl get nodes
    says ready,cordoned
    create first 'exec sleep 1000'
    check 'a new instance waits, and says why' 0 lab_wait_for 10 waits_because first "node is cordoned (1 node: $node)"
    check 'the node is uncordoned' 0 rikctl node uncordon "$node"
    check 'the instance runs' 0 rikctl wait instance first --for running --timeout 30s
}

test_taints_and_labels() {
    check 'a taint is set' 0 rikctl node taint "$node" gpu=yes:NoSchedule
    create second 'trap \"\" TERM; while :; do sleep 1; done'
    check 'a new instance waits' 0 lab_wait_for 10 waits_because second "node has a taint (1 node: $node: gpu=yes:NoSchedule)"
    check 'what is there runs on' 0 rikctl wait instance first --for running --timeout 1s
    check 'the description has the taint' 0 rikctl describe node "$node"
    says gpu=yes:NoSchedule kubernetes.io/arch= 'taints: gpu=yes:NoSchedule'
    check 'the taint is taken off' 0 rikctl node taint "$node" gpu-
    check 'the instance runs' 0 rikctl wait instance second --for running --timeout 30s
    check 'a taint that is not there is an error' 3 rikctl node taint "$node" gpu-
    check 'a label is set' 0 rikctl node label "$node" zone=north
    check 'it is shown' 0 rikctl get nodes -o wide
    says zone=north
    check 'it is taken off' 0 rikctl node label "$node" zone-
    check 'what the node offers is not taken off' 4 rikctl node label "$node" kubernetes.io/os-
    says "the node's own"
}

test_drain_and_removal() {
    check 'a node in use is not removed' 4 rikctl node remove "$node"
    says '2 instances (first, second)'
    check 'a node that is heard is not dead' 4 rikctl node declare-dead "$node" --yes
    says 'is heard'
    create third 'true'
    check 'one has ended' 0 rikctl wait instance third --for finished --timeout 30s
    check 'a drain leaves what nobody replaces' 4 rikctl node drain "$node"
    says 'instance third is deleted' 'instance first stays' 'instance second stays' --force
    is 'the node is cordoned' 'ready true' "$(state_of)"
    local began_at=$SECONDS
    check 'a forced drain leaves nothing' 0 rikctl node drain "$node" --force --timeout 60s
    says 'instance first is deleted' 'instance second is deleted' "node $node is drained"
    is 'the one that ignores signals had its grace' true "$( ((SECONDS - began_at >= 2)) && echo true)"
    is 'no instances are left' '' "$(rikctl get instances -o name)"
    check 'a drain of an empty node is done at once' 0 rikctl node drain "$node"
    check 'the node is removed' 0 rikctl node remove "$node"
    check 'its agent is still there: it joins anew' 0 lab_wait_for 30 joined_anew
    create fourth 'exec sleep 1000'
    check 'and takes instances' 0 rikctl wait instance fourth --for running --timeout 30s
}

joined_anew() { [[ $(state_of) == 'ready false' ]]; }

main() {
    checks_open
    make_image
    lab_rik_start
    lab_wait_for 30 joined_anew
    node=$(rikctl get nodes -o name)
    test_cordon
    test_taints_and_labels
    test_drain_and_removal
    checks_close
}

main

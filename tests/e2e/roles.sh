#!/usr/bin/env bash
# Roles as processes of their own: any order of start, any of them dies, two nodes, their health.
# usage: roles.sh RIK RIKCTL   (as root)
# shellcheck disable=SC2016  # scripts for containers are in single quotes
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rik_program=$1
rikctl_program=$2

# shellcheck source=scripts/lib/lab.sh
source "$repository/scripts/lib/lab.sh"
# shellcheck source=scripts/lib/roles.sh
source "$repository/scripts/lib/roles.sh"
# shellcheck source=tests/e2e/checks.sh
source "$repository/tests/e2e/checks.sh"

rikctl() { "$rikctl_program" --server "unix://$lab_dir/primary.sock" "$@"; }
health() { curl --silent --unix-socket "$lab_dir/$1.sock" "http://localhost/$2"; }
field() { rikctl get instance "$1" -o json 2>/dev/null | jq --raw-output "if .items then .items[0] else . end | $2"; }
has_field() { [[ $(field "$1" "$2") == "$3" ]]; }
becomes() {
    if lab_wait_for 30 has_field "$1" "$2" "$3"; then note ok "$1 $2 is $3"; else note NOT "$1 $2 is $(field "$1" "$2") instead of $3"; fi
}
node_field() { rikctl get nodes -o json 2>/dev/null | jq --raw-output ".items[] | select(.name == \"$1\") | $2"; }
has_node_field() { [[ $(node_field "$1" "$2") == "$3" ]]; }

make_image() {
    lab_root "$lab_dir/root"
    umoci init --layout "$lab_dir/layout"
    umoci new --image "$lab_dir/layout:main"
    umoci insert --image "$lab_dir/layout:main" "$lab_dir/root" /
    skopeo copy --quiet "oci:$lab_dir/layout:main" "docker-archive:$lab_dir/main.tar:main:1"
}

# definition NAME: a Pod that counts.
definition() {
    printf '{"apiVersion":"v1","kind":"Pod","name":"%s","replicas":1,"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"main","image":"main:1","imagePullPolicy":"Never","command":["sh","-c","echo begin; i=0; while true; do i=$((i+1)); echo tick $i; usleep 100000; done"]}]}}\n' "$1"
}
create() { definition "$1" | rikctl create workload -f - >/dev/null; }

# Each option of one role beside another is refused by its name.
test_foreign_options() {
    check 'a state directory is nothing for a scheduler' 2 "$rik_program" --role=scheduler --state-dir /tmp/x
    says '--state-dir: --role=scheduler has no use for it; it is of the role primary,node'
    check 'a node has no Pod network of its own choice' 2 "$rik_program" --role=node --cluster-cidr 10.1.0.0/16
    says '--cluster-cidr: --role=node has no use for it; it is of the role primary'
    check 'a primary runs no Pods' 2 "$rik_program" --role=primary --dns 10.0.0.1
    says '--dns: --role=primary has no use for it; it is of the role node'
    check 'all roles in one process have no links to others' 2 "$rik_program" --role=all --scheduler 127.0.0.1:1
    says '--scheduler: --role=all has no use for it'
    check 'a scheduler does not dial itself' 2 "$rik_program" --role=primary,scheduler --scheduler 127.0.0.1:1
    says '--scheduler: the scheduler is here'
    check 'links without TLS are not for other machines' 2 "$rik_program" --role=scheduler --link-listen 0.0.0.0:4997
    says '--link-listen 0.0.0.0:4997' '--insecure-links'
    check 'a role is there once' 2 "$rik_program" --role=node,node
    says 'node is there twice'
    check 'a wrong role is named' 2 "$rik_program" --role=primary,foo
    says "'foo' is no role: use primary, scheduler, node, several joined by a comma, or all"
}

test_start_in_any_order() {
    roles_begin a node
    roles_begin primary primary
    check 'a node without a scheduler answers' 0 lab_wait_for 20 roles_answers a
    is 'and says what it lacks' 'no scheduler is connected' "$(health a readyz | grep --only-matching 'no scheduler is connected')"
    roles_begin scheduler scheduler
    check 'all are ready when the last has come' 0 roles_wait_ready 10 primary scheduler a
    roles_begin b node
    check 'a second node joins' 0 roles_wait_ready 10 b
    check 'both are there' 0 rikctl get nodes
    says ' ready ' a b
    is 'each has a Pod subnet of its own' 2 "$(rikctl get nodes -o json | jq --raw-output '.items[].podSubnet' | sort --unique | wc --lines)"
    local node
    for node in a b; do check "an image for $node" 0 rikctl images load "$lab_dir/main.tar" --node "$node"; done
}

test_pods() {
    local name
    start() { create "$1"; rikctl create instance --workload "$1" --name "$1" >/dev/null; }
    rikctl node cordon b >/dev/null  # on a busy machine one of two nodes may seem to be the better for all
    start one
    becomes one .node.name a
    rikctl node uncordon b >/dev/null
    rikctl node cordon a >/dev/null
    start two
    becomes two .node.name b
    rikctl node uncordon a >/dev/null
    start three
    for name in one two three; do becomes "$name" .state running; done
    is 'they run on both nodes' 2 "$(rikctl get instances -o json | jq --compact-output '.items[].node' | sort --unique | wc --lines)"
    check 'logs come through the scheduler' 0 lab_wait_for 10 has_log one 'tick 3'
    check 'images are listed through it' 0 rikctl images --node b
    says 'main:1'
    check 'a Pod is deleted' 0 rikctl delete workload three --wait
}
has_log() { [[ $(rikctl logs "$1") == *"$2"* ]]; }

starts_of() { rikctl logs "$1" | grep --count begin; }

# test_death_of NAME ROLES: nothing that runs notices.
test_death_of() {
    local name=$1 roles=$2
    roles_end "$name" KILL
    sleep 0.3
    roles_begin "$name" "$roles"
    check "$name comes back" 0 roles_wait_ready 20 primary scheduler a b
    becomes one .state running
    becomes two .state running
    is "no container was started again by the death of $name" '1 1' "$(starts_of one) $(starts_of two)"
    check 'a new Pod runs' 0 rikctl create instance --workload one --name "after-$name" --wait
    check 'and goes' 0 rikctl delete instance "after-$name" --wait
}

test_health() {
    local name
    for name in primary scheduler a; do
        is "$name is healthy" ok "$(health "$name" healthz)"
        is "$name is ready" ok "$(health "$name" readyz)"
        check "$name has metrics" 0 health "$name" metrics
        says process_resident_memory_bytes "rik_${name/#a/node}_"
    done
    check 'the scheduler has nothing else' 0 health scheduler rik/v1/nodes
    says 'there is nothing at this path'
}

test_unheard_node() {
    roles_signal b STOP
    check 'a node that hangs is told as unheard' 0 lab_wait_for 30 has_node_field b .state unheard
    roles_signal b CONT
    check 'and is ready again when it goes on' 0 lab_wait_for 30 has_node_field b .state ready
}

test_no_scheduler() {
    roles_end scheduler KILL
    check 'without a scheduler no node is heard' 0 lab_wait_for 30 has_node_field a .state unheard
    is 'and the node says why' NoScheduler "$(node_field a '.troubles[0].reason')"
    becomes one .state unknown
    roles_begin scheduler scheduler
    check 'all are ready when it is back' 0 roles_wait_ready 20 primary scheduler a b
    check 'and heard' 0 lab_wait_for 30 has_node_field a .state ready
    becomes one .state running
    is 'nothing was started again' '1 1' "$(starts_of one) $(starts_of two)"
}

test_end() {
    check 'everything is deleted' 0 rikctl delete workload one two --wait
    local name
    for name in a b primary; do
        roles_end "$name" TERM
        check "$name is reset" 0 roles_reset "$name"
    done
    roles_end scheduler TERM
    is 'no processes are left' '' "$(pgrep --full "$lab_dir/" | grep --invert-match --line-regexp "$$" | xargs --no-run-if-empty ps -o args= --pid | grep --invert-match 'roles.sh' || true)"
    is 'no state is left' '' "$(find "$lab_dir" -maxdepth 2 -not -path "$lab_dir/root/*" \( -name state -o -name run -o -name '*.sock' \))"
    is 'no interfaces are left' '' "$(ip -o -4 address show to "$lab_cidr")"
}

close() {
    roles_close
    lab_close
}

trap close EXIT
trap 'exit 130' INT TERM
lab_open
roles_open
make_image
test_foreign_options
test_start_in_any_order
test_pods
test_health
for each in 'scheduler scheduler' 'primary primary' 'a node' 'b node'; do
    # shellcheck disable=SC2086  # words
    test_death_of $each
done
test_unheard_node
test_no_scheduler
test_end
trap - EXIT
if ((failed)); then for each in "$lab_dir"/*.log; do printf -- '-- %s\n' "$each"; tail --lines=40 "$each"; done; fi
close
checks_close

#!/usr/bin/env bash
# Tenants, through the real programs.   usage: tenants.sh RIK RIKCTL   (as root)
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

# definition NAME COMMAND [TENANT]
definition() {
    printf '{"apiVersion":"v1","kind":"Pod","name":"%s",%s"spec":{"terminationGracePeriodSeconds":2,"containers":[{"name":"main","image":"docker://%s/main:1","command":["sh","-c","%s"]}]}}\n' \
        "$1" "${3:+\"tenant\":\"$3\",}" "$lab_registry" "$2"
}

# create TENANT NAME COMMAND: a workload and an instance, both called NAME.
create() {
    definition "$2" "$3" | rikctl -n "$1" create workload -f - >/dev/null
    rikctl -n "$1" create instance --workload "$2" --name "$2" >/dev/null
}

test_names_are_apart() {
    check 'default is there' 0 rikctl get tenants -o name
    is 'and nothing else' default "$output"
    check 'a tenant is made' 0 rikctl create tenant team-a --label zone=north
    check 'another one is' 0 rikctl create ns team-b
    check 'and not twice' 4 rikctl create tenant team-a
    create team-a web 'echo from a; hostname; exec sleep 1000'
    create team-b web 'echo from b; hostname; exec sleep 1000'
    check 'two instances of one name run on one node' 0 rikctl -n team-a wait instance web --for running --timeout 30s
    check 'the other, too' 0 rikctl -n team-b wait instance web --for running --timeout 30s
    check 'each has its own log' 0 lab_wait_for 10 logs_are team-a $'from a\nweb'
    check 'the other, too' 0 lab_wait_for 10 logs_are team-b $'from b\nweb'
    check 'the list of default is empty' 0 rikctl get instances
    says 'There are no instances.'
    check 'all are listed with -A' 0 rikctl get instances -A
    says TENANT team-a team-b
    check 'a list keeps to its tenant' 0 rikctl get instances -n team-b -o json
    is 'it has one' team-b "$(jq --raw-output '[.items[].tenant] | join(",")' <<<"$output")"
    check 'what is in a tenant is described' 0 rikctl describe tenant team-a
    says zone=north Workloads: web
    is 'RIK_TENANT names the tenant' web "$(RIK_TENANT=team-a rikctl get workloads -o name)"
}

logs_are() { [[ $(rikctl -n "$1" logs web) == "$2" ]]; }

test_what_is_not_there() {
    check 'a list in a tenant that does not exist is an error' 3 rikctl get workloads -n team-x
    says 'tenant team-x does not exist' 'rikctl create tenant team-x'
    definition late true team-x >"$lab_dir/late.json"
    check 'nothing is made in one' 3 rikctl create workload -f "$lab_dir/late.json"
    says 'tenant team-x does not exist'
    check 'a definition and a call that name two are refused' 1 rikctl create workload -f "$lab_dir/late.json" -n team-a
    says team-x team-a
    check 'default stays' 1 rikctl delete tenant default
    says 'cannot be deleted'
}

instances_count() { rikctl get instances -A -o json | jq --raw-output '.items | length'; }

test_a_tenant_goes() {
    local id
    id=$(rikctl -n team-a get instance web -o json | jq --raw-output .id)
    check 'a tenant goes with what is in it' 0 rikctl delete tenant team-a --wait --timeout 60s
    says 'with 1 workload and 1 instance' 'tenant team-a is deleted'
    is 'one instance is left' 1 "$(instances_count)"
    is 'nothing of the other is on the machine' '' "$(find "$lab_dir" -name "*$id*" -print -quit)"
    check 'the other tenant runs on' 0 rikctl -n team-b wait instance web --for running --timeout 1s
    is 'its events are gone' '' "$(rikctl events -A -o json | jq --raw-output '.items[] | select(.tenant == "team-a") | .name')"
    check 'the name is free' 0 rikctl create tenant team-a
    check 'and empty' 0 rikctl get workloads -n team-a
    says 'There are no workloads in tenant team-a.'
}

is_up() { rikctl get nodes -o json | jq --exit-status '.items[0].state == "ready"' >/dev/null; }

main() {
    checks_open
    make_image
    lab_rik_start
    lab_wait_for 30 is_up
    test_names_are_apart
    test_what_is_not_there
    test_a_tenant_goes
    checks_close
}

main

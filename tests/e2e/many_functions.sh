#!/usr/bin/env bash
# Many Functions and Pods on one node: all come up and answer, survive the death of rik, and go without a trace.
#   many_functions.sh RIK RIKCTL [FUNCTIONS [PODS [OPTION_OF_RIK...]]]   (as root; 10 and 50 if nothing is said)
# By hand with ten and fifty, which takes minutes where machines are emulated; with fewer it is a test.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rik_program=$1
rikctl_program=$2
readonly function_count=${3:-10} pod_count=${4:-50}
rik_options=("${@:5}")

# shellcheck source=scripts/lib/lab.sh
source "$repository/scripts/lib/lab.sh"
# shellcheck source=scripts/lib/leftovers.sh
source "$repository/scripts/lib/leftovers.sh"
# shellcheck source=tests/e2e/checks.sh
source "$repository/tests/e2e/checks.sh"

readonly patience_s=$((120 + 60 * function_count))

rikctl() { "$rikctl_program" --server "unix://$lab_dir/rik.sock" "$@"; }
rows() { rikctl get instances -o json; }
is_up() { rikctl get nodes -o json | jq --exit-status '.items[0].state == "ready"' >/dev/null; }
ready_count() { rows | jq '[.items[] | select(.ready)] | length'; }
all_are_ready() { [[ $(ready_count) == $((function_count + pod_count)) ]]; }
has_template() { compgen -G "$lab_dir/state/microvm/templates/*.template" >/dev/null; }
warm_count() { rows | jq '[.items[].containers[].machine.boot[]?.step | select(. == "restored")] | length'; }
fetch() { curl --silent --noproxy '*' --max-time 10 "$1"; }

# Processors and memory are asked for in small amounts: what is tested is how many there are.
apply_all() {
    check 'Functions are applied' 0 rikctl apply -f - <<END
apiVersion: v1
kind: ReplicaSet
name: machines
replicas: $function_count
template:
  spec:
    terminationGracePeriodSeconds: 5
    function:
      execution:
        rootfs: docker://$lab_registry/many:1
      resources: {requests: {memory: 32Mi}, limits: {memory: 128Mi}}
END
    check 'Pods are applied' 0 rikctl apply -f - <<END
apiVersion: v1
kind: ReplicaSet
name: containers
replicas: $pod_count
template:
  spec:
    terminationGracePeriodSeconds: 1
    containers:
      - name: web
        image: docker://$lab_registry/many:1
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
END
}

# Each at the address of its Pod, and each Function at its port of the node as well.
call_all() {
    local address port answers=0
    for address in $(rows | jq --raw-output '.items[].addresses[0]'); do
        if [[ $(fetch "http://$address:8080/") == hello ]]; then answers=$((answers + 1)); fi
    done
    is "$1: each answers at its address" $((function_count + pod_count)) "$answers"
    answers=0
    for port in $(rows | jq --raw-output '.items[].exposure.port // empty'); do
        if [[ $(fetch "http://127.0.0.1:$port/") == hello ]]; then answers=$((answers + 1)); fi
    done
    is "$1: each Function answers at its port" "$function_count" "$answers"
}

main() {
    checks_open
    lab_registry_start
    lab_root "$lab_dir/root"
    mkdir "$lab_dir/root/www"
    echo hello >"$lab_dir/root/www/index.html"
    lab_push "$lab_dir/root" many:1 --config.cmd /bin/httpd --config.cmd -f --config.cmd -p --config.cmd 8080 --config.cmd -h --config.cmd /www
    leftovers_begin
    lab_rik_start "${rik_options[@]}"
    lab_wait_for 30 is_up
    lab_wait_for 10 leftovers_learn
    # It prepares what all of them share: kernel, root file system, and a template unless rik is told to make none.
    check 'one is run to its end' 0 rikctl run --function --name first --rm --timeout 120s "docker://$lab_registry/many:1" -- /bin/true
    if [[ " ${rik_options[*]} " != *' off '* ]]; then check 'there is a template' 0 lab_wait_for 60 has_template; fi
    local began=$SECONDS
    apply_all
    if ((failed > 0)); then exit 1; fi
    check 'all are ready' 0 lab_wait_for "$patience_s" all_are_ready
    echo "     after $((SECONDS - began)) s, at a load of $(cut -d' ' -f1 /proc/loadavg); warm: $(warm_count)"
    if ((failed > 0)); then rikctl get instances; fi
    call_all 'at first'
    lab_rik_stop KILL
    lab_rik_start "${rik_options[@]}"
    check 'all are taken over' 0 lab_wait_for 60 all_are_ready
    call_all 'after the death of rik'
    leftovers_learn
    check 'they are deleted' 0 rikctl delete workload machines containers --wait --timeout 300s
    lab_rik_stop TERM
    check 'rik is reset' 0 lab_rik_reset
    nothing_is_left
    is 'no machine is left' '' "$(pgrep --full "qemu-system-x86_64.*$lab_dir" || true)"
    checks_close
}

main

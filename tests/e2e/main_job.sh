#!/usr/bin/env bash
# The main job through the real programs: definitions in, Pods running, everything out again, and what goes wrong on the
# way is said.   usage: main_job.sh RIK RIKCTL   (as root)
# shellcheck disable=SC2016,SC2031  # scripts for containers are in single quotes; one test is a subshell on purpose
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

field() { rikctl get instance "$1" -o json 2>/dev/null | jq --raw-output "if .items then .items[0] else . end | $2"; }
has_field() { [[ $(field "$1" "$2") == "$3" ]]; }

# becomes INSTANCE JQ-PATH VALUE: within half a minute.
becomes() {
    if lab_wait_for 30 has_field "$1" "$2" "$3"; then note ok "$1 $2 is $3"; else note NOT "$1 $2 is $(field "$1" "$2") instead of $3"; fi
}

address_of() { field "$1" '.addresses[0]'; }
page_of() { curl --silent --noproxy '*' --max-time 10 --retry 5 --retry-connrefused --retry-delay 1 "http://$1/"; }

# -- images and definitions

make_images() {
    lab_registry_start
    lab_root "$lab_dir/root"
    cat >"$lab_dir/root/bin/serve" <<'TEXT'
#!/bin/sh
trap 'exit 0' TERM
mkdir -p /tmp/www
hostname >/tmp/www/index.html
echo "serving"
httpd -f -p "${1:-8080}" -h /tmp/www &
wait
TEXT
    chmod 0755 "$lab_dir/root/bin/serve"
    lab_push "$lab_dir/root" main:1 --config.cmd serve
    lab_push "$lab_dir/root" user:1 --config.user app --config.workingdir /home/app --config.env FROM_IMAGE=image \
        --config.entrypoint echo --config.entrypoint entry --config.cmd default
    image=docker://$lab_registry/main:1
}

# definition NAME CONTAINER-MEMBERS...: a Pod of one container, in JSON.
definition() {
    printf '{"apiVersion":"v1","kind":"Pod","name":"%s","replicas":1,"spec":{"containers":[{"name":"main","image":"%s"%s}]}}\n' \
        "$1" "$image" "${2:+,$2}"
}

# run_one NAME MEMBERS: a workload and an instance, both called NAME.
run_one() {
    definition "$1" "$2" | rikctl create workload -f - >/dev/null
    rikctl create instance --workload "$1" --name "$1" >/dev/null
}

test_examples() {
    cat >"$lab_dir/two.yaml" <<TEXT
apiVersion: v1
kind: Pod
name: two
replicas: 1
spec:
  terminationGracePeriodSeconds: 3
  containers:
    - name: server
      image: $image
      ports: {port: 80, target_port: 8080, protocol: TCP, type: nodePort}
    - name: other
      image: 127.0.0.1:${lab_registry##*:}/main:1
      command: [sh, -c, 'wget -q -O - http://127.0.0.1:8080/; exec sleep 1000']
TEXT
    cat >"$lab_dir/function.json" <<'TEXT'
{"apiVersion": "v1", "kind": "Function", "name": "lambda", "replicas": 1,
 "spec": {"containers": [], "nodeSelector": {"no": "such-node"}, "function": {"execution": {"rootfs": "https://example.org/root.ext4"}}}}
TEXT
    definition one '"env":[{"name":"K","value":"v"}]' >"$lab_dir/one.json"
    check 'a workload from JSON' 0 rikctl create workload -f "$lab_dir/one.json"
    check 'a workload from YAML, with ports as RIK writes them' 0 rikctl create workload -f "$lab_dir/two.yaml"
    check 'a Function is accepted' 0 rikctl create workload -f "$lab_dir/function.json"
    check 'instances of a Function are made' 0 rikctl create instance --workload lambda --name lambda
    check 'two instances' 0 rikctl create instance --workload one --replicas 2
    check 'one with a name' 0 rikctl create instance --workload two --name two --wait
    check 'all of a workload run' 0 rikctl wait workload one --for running
    run_one giant '"resources":{"requests":{"memory":"900Ti"}}'
    check 'what fits nowhere is pending' 0 lab_wait_for 10 has_field giant .reason Unschedulable
    is 'it says how much lacks' 'asked 900Ti, most free' "$(field giant .message | grep --only-matching 'asked 900Ti, most free')"
    check 'it is deleted' 0 rikctl delete workload giant --wait
    is 'a server answers at the address of its Pod, with its name' two "$(page_of "$(address_of two):8080")"
    check 'containers of a Pod reach each other' 0 lab_wait_for 10 has_log two other two
    becomes lambda .state pending
    is 'a Function that no node may run says so' Unschedulable "$(field lambda .reason)"
}

has_log() { [[ $(rikctl logs "$1" -c "$2") == *"$3"* ]]; }

test_wrong_definitions() {
    cat >"$lab_dir/bad.yaml" <<'TEXT'
apiVersion: v1
kind: Pod
name: Bad_Name
spec:
  containers:
    - name: main
      command: [sh]
      ports: [{port: 99999}]
      resources: {limits: {memory: lots}}
      wrong: 1
TEXT
    check 'a wrong definition is refused' 1 rikctl create workload -f "$lab_dir/bad.yaml"
    says Bad_Name 'spec.containers[0].image' 'spec.containers[0].ports[0].port' 'spec.containers[0].resources.limits.memory' 'spec.containers[0].wrong'
    printf '{"kind": ' >"$lab_dir/half.json"
    check 'half a definition is refused' 1 rikctl create workload -f "$lab_dir/half.json"
    check 'a missing file is refused' 1 rikctl create workload -f "$lab_dir/none.yaml"
    says none.yaml
    check 'a name that is taken is refused' 4 rikctl create workload -f "$lab_dir/one.json"
    check 'an unknown workload has no instances' 3 rikctl create instance --workload nothing
    says nothing
    check 'an instance name that is taken is refused' 4 rikctl create instance --workload two --name two
    check 'what is not there cannot be deleted' 3 rikctl delete instance nothing
    check 'what is not there has no logs' 3 rikctl logs nothing
}

test_ends() {
    run_one three '"command":["sh","-c","echo bye; exit 3"]'
    run_one zero '"command":["sh","-c","echo done"]'
    run_one hungry '"command":["dd","if=/dev/zero","of=/dev/null","bs=256M","count=1"],"resources":{"limits":{"memory":"16Mi"}}'
    run_one lost '"command":["no-such-program"]'
    image=docker://$lab_registry/nothing:1 run_one noimage ''
    becomes three '"\(.state) \(.containers[0].exitCode)"' 'failed 3'
    check 'describe tells the exit code' 0 rikctl describe instance three
    says 'exited with code 3'
    check 'logs of what has ended' 0 rikctl logs three
    says bye
    becomes zero .state succeeded
    becomes hungry '.state + " " + .reason' 'failed OOMKilled'
    becomes lost .state failed
    is 'the program that is not there is named' no-such-program "$(field lost .message | grep --only-matching no-such-program)"
    becomes noimage '.state + " " + .reason' 'failed ImagePullFailed'
    is 'the image that is not there is named' nothing:1 "$(field noimage .message | grep --only-matching nothing:1 | head --lines=1)"
    check 'waiting for a failed instance to run gives up' 1 rikctl wait instance three --for running
    check 'create --wait of what ends at once tells how it ended' 1 rikctl create instance --workload three --name three-again --wait
    says 'three-again cannot become running' 'exited with 3'
    is 'its event Started is not about its end' 'all containers run' "$(rikctl get events --instance three-again -o json | jq --raw-output '.items[] | select(.reason == "Started").message' | grep --only-matching 'all containers run')"
    run_one mother '"command":["sh","-c","tail /dev/zero; exit 1"],"resources":{"limits":{"memory":"32Mi"}}'
    becomes mother '.state + " " + .message' 'failed container main: exited with 1; 1 of its processes had been killed at its memory limit of 32Mi'
    is 'the image that is not there is named once' 1 "$(field noimage .message | grep --only-matching nothing:1 | grep --count '')"
    check 'waiting for its end is over' 0 rikctl wait instance three --for finished
    check 'run hands on the exit code' 7 rikctl run "$image" --name ran --rm --quiet -- sh -c 'echo out; exit 7'
    says out
    is 'run prints each stream to its own' 'out' "$(rikctl run "$image" --name apart --rm --quiet -- sh -c 'echo out; echo bad >&2' 2>"$lab_dir/run.err")"
    is '... also the errors' 'bad' "$(cat "$lab_dir/run.err")"
    is 'run hands on dollars as they are' '$(A) $$' "$(rikctl run "$image" --name dollars --rm --quiet -e A=b -- echo '$(A)' '$$')"
    is 'rik, which inherits the conmons, keeps no zombie' '' "$(ps --ppid "$rik_pid" --format stat=,args= | grep '^Z' || true)"
    is 'and has inherited conmons' conmon "$(ps --ppid "$rik_pid" --format comm= | grep --max-count=1 conmon || true)"
}

test_container_settings() {
    run_one references '"command":["echo","$(C)","$$(A)","$(NOBODY)"],"env":[{"name":"A","value":"1"},{"name":"C","value":"$(A)!"}]'
    run_one settings '"command":["sh","-c"],"args":["echo $A-$B; pwd"],"workingDir":"/var","env":[{"name":"A","value":"1"},{"name":"B","value":"two words"}]'
    image=docker://$lab_registry/user:1 run_one user '"command":["sh","-c","id -un; pwd; echo $FROM_IMAGE $HOME"]'
    image=docker://$lab_registry/user:1 run_one arguments '"args":["mine"]'
    image=docker://$lab_registry/user:1 run_one defaults ''
    check 'they end' 0 rikctl wait instance references settings user arguments defaults --for finished --timeout 30s
    is 'command, args, env and workingDir' $'1-two words\n/var' "$(rikctl logs settings)"
    is 'references to variables' '1! $(A) $(NOBODY)' "$(rikctl logs references)"
    is 'user, working directory and environment of the image' $'app\n/home/app\nimage /home/app' "$(rikctl logs user)"
    is 'args replace what follows the entry point' 'entry mine' "$(rikctl logs arguments)"
    is 'an image says what to run' 'entry default' "$(rikctl logs defaults)"
}

test_logs() {
    run_one counter '"command":["sh","-c","for i in 1 2 3 4; do echo line $i; sleep 0.3; done"]'
    check 'it runs' 0 rikctl wait instance counter --for started
    check 'logs -f ends with the instance' 0 timeout 20 "$rikctl_program" --server "unix://$lab_dir/rik.sock" logs -f counter
    says $'line 1\nline 2\nline 3\nline 4'
    run_one apart '"command":["sh","-c","echo out; echo bad >&2; echo more"]'
    check 'both streams' 0 rikctl wait instance apart --for finished
    is 'logs of standard error alone' 'bad' "$(rikctl logs apart --stream stderr)"
    is 'logs of standard output alone' $'out\nmore' "$(rikctl logs apart --stream stdout)"
    is 'the last line of one stream' 'more' "$(rikctl logs apart --stream stdout --tail 1)"
    is 'the last lines' $'line 3\nline 4' "$(rikctl logs counter --tail 2)"
    is 'of several containers the first is meant' "$(rikctl logs two -c server)" "$(rikctl logs two)"
}

test_host_port() {
    local port
    port=$(lab_port 3)
    definition ported "\"command\":[\"serve\"],\"ports\":[{\"containerPort\":8080,\"hostPort\":$port}]" | rikctl create workload -f - >/dev/null
    rikctl create instance --workload ported --name ported-1 --wait >/dev/null
    rikctl create instance --workload ported --name ported-2 >/dev/null
    is 'a host port leads to its Pod' ported-1 "$(page_of "127.0.0.1:$port")"
    becomes ported-2 .state pending
    lab_wait_for 10 has_message ported-2 'host port is taken' || true
    is 'the second one waits' 'host port is taken' "$(field ported-2 .message | grep --only-matching 'host port is taken')"
    is 'and says for which, and who has it' "$port/TCP by instance ported-1 of workload ported" "$(field ported-2 .message | sed --quiet "s|.*\($port/TCP\) on [^ ]* \(by instance ported-1 of workload ported\).*|\1 \2|p")"
    check 'the first one is deleted' 0 rikctl delete instance ported-1 --wait
    becomes ported-2 .state running
    is 'the second one has the port now' ported-2 "$(page_of "127.0.0.1:$port")"
    check 'somebody else deletes the table of the firewall' 0 nft delete table ip "rik_$leftovers_tag"
    check 'and it is made anew' 0 lab_wait_for 20 nft list table ip "rik_$leftovers_tag"
    is 'the port leads to its Pod again' ported-2 "$(page_of "127.0.0.1:$port")"
}

has_message() { [[ $(field "$1" .message) == *"$2"* ]]; }

listens() { [[ -n $(ss -Hltn "sport = :$1") ]]; }

# A registry that takes connections and never answers.
test_delete_in_between() {
    local port
    port=$(lab_port 4)
    python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1]))); time.sleep(600)' "$port" &
    lab_pids+=($!)
    lab_wait_for 20 listens "$port"
    image=docker://127.0.0.1:$port/never:1 run_one never ''
    becomes never .state creating
    check 'an instance is deleted while its image is pulled' 0 rikctl delete workload never --wait --timeout 20s
    definition early '"command":["serve"]' | rikctl create workload -f - >/dev/null
    rikctl create instance --workload early --replicas 3 >/dev/null
    check 'instances are deleted while they are made' 0 rikctl delete workload early --wait --timeout 30s
    check 'they are gone' 3 rikctl get workload early
}

test_restarts() {
    local signal address
    address=$(address_of two)
    for signal in TERM KILL; do
        lab_rik_stop "$signal"
        is "SIG$signal of rik stops no instance" two "$(page_of "$address:8080")"
        check 'without rik, rikctl says that it is not there' 5 rikctl get instances
        start_rik
        becomes two .state running
        is 'it is taken over with its address' "$address" "$(address_of two)"
        is 'and answers' two "$(page_of "$address:8080")"
        is 'its logs are still there' serving "$(rikctl logs two -c server)"
        is 'what had failed stays failed' failed "$(field three .state)"
        is 'the host port is still there' ported-2 "$(page_of "127.0.0.1:$(lab_port 3)")"
    done
}

test_refusals() {
    check 'a second rik with the same state directory is refused' 1 "$rik_program" --state-dir "$lab_dir/state" \
        --run-dir "$lab_dir/run" --socket "$lab_dir/second.sock" --cluster-cidr "$lab_cidr"
    says "$lab_dir/state"
    check 'rik reset is refused while it runs' 1 lab_rik_reset
    says "$lab_dir/state"
    check 'a wrong option is refused' 2 "$rik_program" --nonsense
}

# Another rik beside this one, from its start to its reset.
test_neighbour() (
    local first_layout=$lab_dir/layout neighbour_address first_address=$1
    # shellcheck disable=SC2030  # this is a subshell so that it has a lab of its own
    lab_dir='' rik_pid='' lab_pids=() leftovers_tag='' failed=0
    trap 'lab_close || true' EXIT
    lab_open
    leftovers_begin
    lab_rik_start
    lab_wait_for 30 leftovers_learn
    image=oci:$first_layout:main-1 run_one neighbour ''
    check 'an instance of a second rik runs' 0 rikctl wait instance neighbour --for running
    neighbour_address=$(address_of neighbour)
    is 'it answers' neighbour "$(page_of "$neighbour_address:8080")"
    is 'the instance of the first one answers' two "$(page_of "$first_address:8080")"
    lab_rik_stop TERM
    check 'the second one is reset' 0 lab_rik_reset
    nothing_is_left
    is 'the instance of the first one still answers' two "$(page_of "$first_address:8080")"
    exit $((failed != 0))
)

v0() {
    local path=$1
    shift
    curl --silent --noproxy '*' --max-time 10 --write-out '\n%{http_code}' "$@" "http://127.0.0.1:$(lab_port 2)/api/v0/$path"
}

# What the generated Go client could not read of instances.list: one word or type that it does not know, and it has nothing.
v0_go_problems='.instances[0][] | .value as $it | select((
    ([.id, .name, $it.id, $it.namespace, $it.workload_id] | all(type == "string"))
    and ($it.kind | IN("Pod", "Function"))
    and ($it.status | IN("Running", "Pending", "Failed", "Terminated", "Creating", "Destroying"))
    and ($it.spec.containers | type == "array" and all(.[]; (.name | type == "string") and (.image | type == "string")))
    and ($it.spec.function | type | IN("null", "object"))
    and ($it.kind != "Function" or ($it.spec.function.execution.rootfs | type == "string"))) | not)'

test_v0() {
    local reply id instance
    reply=$(v0 workloads.create --data "$(definition old '"command":["serve"]')")
    is 'v0 workloads.create answers 200' 200 "${reply##*$'\n'}"
    id=$(jq --raw-output .id <<<"${reply%$'\n'*}")
    is 'with the id alone' "{\"id\":\"$id\"}" "${reply%$'\n'*}"
    reply=$(v0 workloads.create --data "$(definition old '')")
    is 'a taken name is 404' $'Name already used\n404' "$reply"
    reply=$(v0 instances.create --data "{\"workload_id\":\"$id\"}")
    is 'v0 instances.create answers 201' 201 "${reply##*$'\n'}"
    instance=$(jq --raw-output '.[0]' <<<"${reply%$'\n'*}")
    is 'a list of ids' "[\"$instance\"]" "${reply%$'\n'*}"
    lab_wait_for 30 v0_is_running "$id" || true
    is 'workloads.instances' "{\"id\":\"$instance\",\"kind\":\"Pod\",\"status\":\"Running\",\"workload_id\":\"$id\"}" \
        "$(v0 "workloads.instances/$id" | head --lines=1 | jq --compact-output --sort-keys '.instances[0] | {id, kind, status, workload_id}')"
    is 'workloads.list is a bare array' old "$(v0 workloads.list | head --lines=1 | jq --raw-output ".[] | select(.id == \"$id\") | .value.name")"
    is 'instances.list is a bare array' "$instance" "$(v0 instances.list | head --lines=1 | jq --raw-output ".[] | select(.value.workload_id == \"$id\") | .value.id")"
    is 'and wrapped twice for the Go client' array "$(v0 instances.list --header 'Accept: text/plain' | head --lines=1 | jq --raw-output '.instances[0] | type')"
    reply=$(v0 instances.create --data "{\"workload_id\":\"$id\",\"name\":\"$instance\"}")
    is 'a taken name of an instance is 404' $'Name already used\n404' "$reply"
    # `lambda`, `two`, `three` and `zero` are there since earlier tests.
    reply=$(v0 instances.list --header 'Accept: text/plain' | head --lines=1)
    is 'the Go client reads instances of each kind and state' '' "$(jq --raw-output "$v0_go_problems" <<<"$reply")"
    is 'they are Pods and Functions in different states' \
        'Function Pending, Pod Failed, Pod Running, Pod Terminated' \
        "$(jq --raw-output '[.instances[0][].value | "\(.kind) \(.status)"] | unique | join(", ")' <<<"$reply")"
    is 'instances.delete answers 204' $'\n204' "$(v0 instances.delete --data "{\"id\":\"$instance\"}")"
    lab_wait_for 30 v0_has_no_instances "$id" || true
    is 'no instances are 204' $'\n204' "$(v0 "workloads.instances/$id")"
    is 'workloads.delete answers 204' $'\n204' "$(v0 workloads.delete --data "{\"id\":\"$id\"}")"
    reply=$(v0 workloads.delete --data '{"id":"nothing"}')
    is 'an unknown workload is 404' $'Workload id nothing not found\n404' "$reply"
}

v0_is_running() { [[ $(v0 "workloads.instances/$1" | head --lines=1 | jq --raw-output '.instances[0].status') == Running ]]; }
v0_has_no_instances() { [[ $(v0 "workloads.instances/$1") == *204 ]]; }

test_removal() {
    local kind
    for kind in "${leftovers_kinds[@]}"; do
        if [[ -z $(leftovers_list "$kind") ]]; then note NOT "the check is blind: it finds no $kind of running instances"; fi
    done
    check 'workloads are deleted with their instances' 0 rikctl delete workload one two lambda --wait --timeout 30s
    lab_rik_stop TERM
    check 'reset removes what still runs' 0 lab_rik_reset
    nothing_is_left
    check 'reset again has nothing to do' 0 lab_rik_reset
}

start_rik() { lab_rik_start --listen "127.0.0.1:$(lab_port 2)"; }

main() {
    checks_open
    make_images
    leftovers_begin
    start_rik
    test_examples
    lab_wait_for 10 leftovers_learn
    test_wrong_definitions
    test_ends
    test_container_settings
    test_logs
    test_host_port
    test_delete_in_between
    test_refusals
    test_restarts
    test_neighbour "$(address_of two)" || failed=$((failed + 1))
    test_v0
    lab_wait_for 10 leftovers_learn
    test_removal
    checks_close
}

main

#!/usr/bin/env bash
# What a definition says beside its programs, as containers see it: rights, variables, names, the node's network, limits
# of the whole Pod. It may run beside other tests.   usage: pod_fields.sh RIK RIKCTL   (as root)
# shellcheck disable=SC2016,SC2119  # scripts for containers are in single quotes; lab_rik_start without options
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
    if lab_wait_for 30 has_field "$1" "$2" "$3"; then note ok "$1 $2 is $3"; else note NOT "$1 $2 is $(field "$1" "$2"), $(field "$1" .message) instead of $3"; fi
}

# Some more links than the root of other labs has, and one more group.
make_images() {
    lab_root "$lab_dir/root"
    printf 'root:x:0:\napp:x:1000:\nextra:x:2000:app\n' >"$lab_dir/root/etc/group"
    umoci init --layout "$lab_dir/layout"
    umoci new --image "$lab_dir/layout:plain"
    umoci insert --image "$lab_dir/layout:plain" "$lab_dir/root" /
    umoci tag --image "$lab_dir/layout:plain" named
    umoci config --image "$lab_dir/layout:named" --config.user app
}

# container SCRIPT [MEMBERS [NAME [IMAGE]]]
container() {
    jq --null-input --compact-output --arg script "$1" --arg name "${3:-main}" --arg image "oci:$lab_dir/layout:${4:-plain}" \
        "{name: \$name, image: \$image, command: [\"sh\", \"-c\", \$script]} + {${2:-}}"
}

# run_pod NAME SPEC-MEMBERS CONTAINER...: a workload and an instance, both called NAME.
run_pod() {
    local name=$1 spec=$2
    shift 2
    printf '%s\n' "$@" | jq --slurp --compact-output --arg name "$name" '{apiVersion: "v1", kind: "Pod",
        name: $name, labels: {app: "shop", "x.io/tier": "front"}, annotations: {"x.io/note": "as $(it) is"},
        spec: ({containers: ., terminationGracePeriodSeconds: 1} + {'"$spec"'})}' >"$lab_dir/$name.json"
    rikctl create workload -f "$lab_dir/$name.json" >/dev/null
    rikctl create instance --workload "$name" --name "$name" >/dev/null
}

# said NAME: what it has written when it has ended.
said() {
    lab_wait_for 30 has_field "$1" .state succeeded || field "$1" '"\(.state) \(.reason) \(.message)"'
    rikctl logs "$1"
}

test_rights() {
    local who='echo "$(id -u):$(id -g) $(id -G)"'
    run_pod rights 'securityContext: {runAsUser: 1000, runAsGroup: 3000, supplementalGroups: [4000], fsGroup: 5000}' \
        "$(container "$who; touch /new 2>/dev/null || echo read-only; touch /dev/shm/new && echo shm; grep -E 'Cap(Eff|Bnd)' /proc/self/status" \
            'securityContext: {readOnlyRootFilesystem: true, capabilities: {drop: ["ALL"], add: ["NET_ADMIN"]}}')"
    run_pod user '' "$(container "$who" 'securityContext: {runAsUser: 1000}')"
    run_pod stranger '' "$(container "$who" 'securityContext: {runAsUser: 4711}' main named)"
    run_pod group '' "$(container "$who" 'securityContext: {runAsGroup: 7}' main named)"
    run_pod dropped '' "$(container 'touch /tmp/x; chown 5 /tmp/x 2>/dev/null || echo kept; mount -t tmpfs none /tmp 2>/dev/null || echo refused' \
        'securityContext: {capabilities: {drop: ["CHOWN"]}}')"
    run_pod added '' "$(container 'mount -t tmpfs none /tmp && grep -c " /tmp tmpfs" /proc/mounts' 'securityContext: {capabilities: {add: ["SYS_ADMIN"]}}')"
    is 'user, groups, a root that is read only, capabilities' \
        $'1000:3000 3000 2000 4000 5000\nread-only\nshm\nCapEff:\t0000000000000000\nCapBnd:\t0000000000001000' "$(said rights)"
    is 'the group of a user is that of the passwd' '1000:1000 1000 2000' "$(said user)"
    is 'or 0, whatever the image says' '4711:0 0' "$(said stranger)"
    is "a group alone is the image's user's" '1000:7 7 2000' "$(said group)"
    is 'what is dropped is gone' $'kept\nrefused' "$(said dropped)"
    is 'what is added works' 1 "$(said added)"
}

test_volume_group() {
    run_pod owned 'securityContext: {fsGroup: 5000}, volumes: [{name: "data", emptyDir: {}}, {name: "fast", emptyDir: {medium: "Memory"}}]' \
        "$(container 'id -G; touch /data/new /fast/new; stat -c "%a %g" /data /fast; stat -c %g /data/new /fast/new' \
            'securityContext: {runAsUser: 1000}, volumeMounts: [{name: "data", mountPath: "/data"}, {name: "fast", mountPath: "/fast"}]')"
    is 'volumes, and what is made in them, belong to the group' $'1000 2000 5000\n2777 5000\n2777 5000\n5000\n5000' "$(said owned)"
}

test_no_root() {
    run_pod as-root '' "$(container 'echo no' 'securityContext: {runAsNonRoot: true}')"
    run_pod as-name '' "$(container 'echo no' 'securityContext: {runAsNonRoot: true}' main named)"
    run_pod as-other 'securityContext: {runAsNonRoot: true}' "$(container 'id -u' 'securityContext: {runAsUser: 5}')"
    becomes as-root '.state + " " + .reason' 'failed CreateContainerConfigError'
    check 'why it was not started is told' 0 rikctl describe instance as-root
    says 'container main' 'runAsNonRoot is true' 'runAsUser'
    becomes as-name '.state + " " + .reason' 'failed CreateContainerConfigError'
    is 'the name of the user is told' "'app'" "$(field as-name .message | grep --only-matching "'app'")"
    is 'another user may start' 5 "$(said as-other)"
    is 'nothing of what was refused is there' '' "$(ls -d "$lab_dir/run/pods/$(field as-root .id)" 2>/dev/null)"
}

test_variables() {
    local variables
    variables='env: [
        {name: "POD", valueFrom: {fieldRef: {fieldPath: "metadata.name"}}},
        {name: "SPACE", valueFrom: {fieldRef: {fieldPath: "metadata.namespace"}}},
        {name: "POD_ID", valueFrom: {fieldRef: {fieldPath: "metadata.uid"}}},
        {name: "TIER", valueFrom: {fieldRef: {fieldPath: "metadata.labels['"'x.io/tier'"']"}}},
        {name: "NOTE", valueFrom: {fieldRef: {fieldPath: "metadata.annotations['"'x.io/note'"']"}}},
        {name: "NONE", valueFrom: {fieldRef: {fieldPath: "metadata.labels['"'none'"']"}}},
        {name: "NODE", valueFrom: {fieldRef: {fieldPath: "spec.nodeName"}}},
        {name: "IP", valueFrom: {fieldRef: {fieldPath: "status.podIP"}}},
        {name: "HOST", valueFrom: {fieldRef: {fieldPath: "status.hostIP"}}},
        {name: "MEMORY", valueFrom: {resourceFieldRef: {resource: "limits.memory", divisor: "1Mi"}}},
        {name: "CPU", valueFrom: {resourceFieldRef: {resource: "requests.cpu", divisor: "1m"}}},
        {name: "CORES", valueFrom: {resourceFieldRef: {resource: "limits.cpu"}}},
        {name: "ALL", value: "$(POD)/$(TIER)"}],
        resources: {requests: {cpu: "50m"}, limits: {memory: "64Mi"}}'
    run_pod variables '' "$(container 'echo "$POD $SPACE $POD_ID $TIER [$NOTE] [$NONE] $NODE $MEMORY $CPU $CORES $ALL"
        grep -q "^$IP[[:space:]]" /etc/hosts && echo own; echo "$HOST"' "$variables")"
    is 'fields and amounts become variables' \
        "variables default $(field variables .id) front [as \$(it) is] [] $node 64 50 $(nproc) variables/front
own
$node_address" "$(said variables)"
}

test_names() {
    run_pod aliases 'hostAliases: [{ip: "10.9.8.7", hostnames: ["db", "db.test"]}],
        dnsConfig: {nameservers: ["10.9.8.1"], searches: ["x.test"], options: [{name: "ndots", value: "3"}, {name: "rotate"}]}' \
        "$(container 'tail -n 1 /etc/hosts; grep -E "10.9.8.1|x.test|ndots" /etc/resolv.conf | tail -n 2')"
    run_pod alone 'dnsPolicy: "None", dnsConfig: {nameservers: ["10.9.8.2"], searches: ["y.test"]}' "$(container 'cat /etc/resolv.conf')"
    is 'aliases are in /etc/hosts' $'10.9.8.7\tdb\tdb.test' "$(said aliases | head --lines=1)"
    is 'search domains and options are added' 1 "$(said aliases | grep --count 'options.*ndots:3 rotate')"
    is 'with the policy None there is nothing else' $'nameserver 10.9.8.2\nsearch y.test' "$(said alone)"
}

# Of the machine's network what a Pod could change, and no other test does.
host_network() {
    sysctl net.ipv4.ip_unprivileged_port_start net.ipv4.ping_group_range net.ipv4.conf.lo.forwarding
    ip address show dev lo
    hostname
}

answers() { curl --silent --noproxy '*' --max-time 2 "http://$1/"; }

test_host_network() {
    local before port id
    port=$(lab_port 7)
    before=$(host_network)
    run_pod on-host 'hostNetwork: true, hostAliases: [{ip: "10.9.8.7", hostnames: ["db"]}]' \
        "$(container 'readlink /proc/self/ns/net; hostname; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; tail -n 1 /etc/hosts
            echo page >/tmp/index.html; exec httpd -f -p '"$port"' -h /tmp' \
        "ports: [{containerPort: $port}]")"
    becomes on-host .state running
    is 'its address is that of the node' "$node_address" "$(field on-host '.addresses | join(",")')"
    check 'describe shows it' 0 rikctl describe instance on-host
    says "$node_address"
    check 'it answers at the node' 0 lab_wait_for 10 answers "$node_address:$port"
    is 'it sees the network, the name and the settings of the node, and its alias' \
        "$(readlink /proc/self/ns/net; hostname; sysctl --values net.ipv4.ip_unprivileged_port_start; printf '10.9.8.7\tdb')" \
        "$(rikctl logs on-host | head --lines=4)"
    id=$(field on-host .id)
    is "its name servers are the node's" "$(cat /etc/resolv.conf)" "$(cat "$lab_dir/state/pods/$id/etc/resolv.conf")"
    run_pod second 'hostNetwork: true' "$(container 'sleep 1000' "ports: [{containerPort: $port}]")"
    becomes second .reason Unschedulable
    check 'it waits for the port' 0 rikctl describe instance second
    says "$port"
    rikctl delete workload second --wait >/dev/null
    lab_rik_stop KILL
    lab_rik_start
    becomes on-host .reason TakenOver
    is 'it is taken over with its address' "running $node_address 0" "$(field on-host '"\(.state) \(.addresses | join(",")) \(.containers[0].restartCount // 0)"')"
    check 'and answers' 0 answers "$node_address:$port"
    check 'it is deleted' 0 rikctl delete workload on-host --wait
    is 'nobody answers any more' false "$(answers "$node_address:$port" >/dev/null && echo true || echo false)"
    is 'the network of the machine is as it was' "$before" "$(host_network)"
    is 'nothing of it is there' '' "$(ls -d "$lab_dir/run/pods/$id" "$lab_dir/state/pods/$id" 2>/dev/null)"
}

# quota_of ID: of the Pod's group, in microseconds of 100,000.
quota_of() {
    local file
    file=$(find /sys/fs/cgroup -path "*/rik-$leftovers_tag/$1/cpu.cfs_quota_us" | head --lines=1)
    if [[ -n $file ]]; then cat "$file"; else sed 's/ .*//' "/sys/fs/cgroup/rik-$leftovers_tag/$1/cpu.max"; fi
}

test_shared_limits() {
    local id
    run_pod greedy 'resources: {limits: {memory: "48Mi"}}' \
        "$(container 'sleep 5' '' calm)" "$(container 'tail /dev/zero' '' hungry)"
    run_pod half 'resources: {limits: {cpu: "500m", memory: "64Mi"}}' \
        "$(container 'echo $LIMIT; sleep 1000' 'env: [{name: "LIMIT", valueFrom: {resourceFieldRef: {resource: "limits.memory"}}}]')" \
        "$(container 'sleep 1000' 'resources: {limits: {cpu: "200m"}}' second)"
    becomes greedy '.state + " " + .reason' 'failed OOMKilled'
    is 'whose memory was short is told' "container hungry: was killed at its Pod's memory limit of 48Mi" "$(field greedy .message)"
    becomes half .state running
    id=$(field half .id)
    is 'the limit of cpu is at the group of the Pod' 50000 "$(quota_of "$id")"
    is 'a container without a limit has that of its Pod' $((64 << 20)) "$(rikctl logs half -c main)"
}

test_annotations() {
    local id
    id=$(field half .id)
    is 'a container says whose it is' \
        "{\"rik.io/container\":\"main\",\"rik.io/instance\":\"half\",\"rik.io/instance-id\":\"$id\",\"rik.io/label/app\":\"shop\",\"rik.io/label/x.io/tier\":\"front\",\"rik.io/tenant\":\"default\",\"rik.io/workload\":\"half\"}" \
        "$(jq --compact-output --sort-keys .annotations "$lab_dir/run/pods/$id/containers/main-0/config.json")"
}

main() {
    local kind
    checks_open
    make_images
    lab_rik_start
    lab_wait_for 10 leftovers_learn
    node=$(rikctl get nodes -o json | jq --raw-output '.items[0].name')
    node_address=$(rikctl get nodes -o json | jq --raw-output '.items[0].addresses[0]')
    is "the node's first address is the one by which it reaches others" \
        "$(ip route get 192.0.2.1 | sed --quiet 's/.* src \([0-9.]*\).*/\1/p')" "$node_address"
    test_rights
    test_volume_group
    test_no_root
    test_variables
    test_names
    test_host_network
    test_shared_limits
    test_annotations
    lab_rik_stop TERM
    check 'it is reset' 0 lab_rik_reset
    for kind in "${leftovers_kinds[@]}"; do is "no $kind are left" '' "$(leftovers_list "$kind")"; done
    checks_close
}

main

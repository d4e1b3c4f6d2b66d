#!/usr/bin/env bash
# StatefulSets on a cluster of real processes: order, names, partitions, a release that never becomes ready, a lost node.
# usage: stateful_sets.sh BUILD_DIRECTORY   (as root)
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
built=$1

# shellcheck source=tests/e2e/cluster_lab.sh
source "$repository/tests/e2e/cluster_lab.sh"

# db COMMAND [SPEC-LINES]
db() {
    cat <<END
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
${2:-  replicas: 3}
  selector:
    matchLabels: {app: db}
  template:
    metadata:
      labels: {app: db}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: demo:1
          command: [sh, -c, '$1']
          env:
            - name: ORDINAL
              valueFrom: {fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}}
          readinessProbe:
            exec: {command: [test, -e, /tmp/ready]}
            periodSeconds: 1
END
}

# shellcheck disable=SC2016  # the variable is the container's
good() { printf 'echo version %s, ordinal $ORDINAL on $(hostname); touch /tmp/ready; exec sleep 1000' "$1"; }
apply() { rikctl apply -f - <<<"$1"; }
ready_names() { rikctl get instances -o json | jq --raw-output '[.items[] | select(.state == "running" and .ready) | .name] | sort | join(" ")'; }
are_ready() { [[ $(ready_names) == "$1" && $(rikctl get instances -o name | grep --count .) == $(wc --words <<<"$1") ]]; }
none_left() { [[ -z $(rikctl get instances -o name) ]]; }
node_of() { rikctl get instance "$1" -o json | jq --raw-output .node.name; }
is_elsewhere() { [[ $(rikctl get instance "$1" -o json | jq --raw-output 'select(.ready) | .node.name') != "$2" ]] && are_ready 'db-0 db-1'; }
created() { rikctl get instance "$1" -o json | jq --raw-output .createdAt; }

test_order_and_names() {
    check 'a StatefulSet is applied' 0 apply "$(db "$(good 1)")"
    check 'it is rolled out' 0 rikctl rollout status statefulset/db --timeout 60s
    check 'its instances have ordinals' 0 are_ready 'db-0 db-1 db-2'
    check 'they came in order' 0 test "$(created db-0)" '<' "$(created db-1)" -a "$(created db-1)" '<' "$(created db-2)"
    is 'each knows its own' 'version 1, ordinal 1 on db-1' "$(rikctl logs db-1)"
    check 'they are labelled' 0 rikctl get instances -l statefulset.kubernetes.io/pod-name=db-2 -o name
    says 'db-2'
    check 'one is deleted' 0 rikctl delete instance db-1 --wait --timeout 60s
    check 'and comes back under its name' 0 lab_wait_for 60 are_ready 'db-0 db-1 db-2'
    check 'it is scaled' 0 rikctl scale sts/db --replicas 1 --wait --timeout 60s
    check 'the highest have gone' 0 lab_wait_for 30 are_ready 'db-0'
    check 'it is scaled back' 0 rikctl scale sts/db --replicas 3 --wait --timeout 60s
}

test_partition() {
    check 'a template with a partition is applied' 0 apply "$(db "$(good 2)" $'  replicas: 3\n  updateStrategy: {rollingUpdate: {partition: 2}}')"
    check 'it is rolled out' 0 rikctl rollout status db --timeout 60s
    is 'the highest has it' 'version 2, ordinal 2 on db-2' "$(rikctl logs db-2)"
    is 'the others have not' 'version 1, ordinal 1 on db-1' "$(rikctl logs db-1)"
    check 'a lower one is deleted' 0 rikctl delete instance db-0 --wait --timeout 60s
    check 'it comes back' 0 lab_wait_for 60 are_ready 'db-0 db-1 db-2'
    is 'as it was' 'version 1, ordinal 0 on db-0' "$(rikctl logs db-0)"
}

test_a_release_that_never_becomes_ready() {
    check 'a release that hangs is applied' 0 apply "$(db 'echo not ready; exec sleep 1000')"
    check 'it stops at the highest' 0 lab_wait_for 60 are_ready_or_hang
    check 'nothing more goes' 6 rikctl rollout status db --timeout 3s
    check 'the others are as they were' 0 test "$(ready_names)" = 'db-0 db-1'
    check 'one that repairs it is applied' 0 apply "$(db "$(good 3)")"
    check 'it gets through, although the broken one never became ready' 0 rikctl rollout status db --timeout 60s
    is 'everywhere' 'version 3, ordinal 0 on db-0' "$(rikctl logs db-0)"
    check 'it tells its story' 0 rikctl describe statefulset/db
    says 'It is of an older release, and not available.' 'db-2'
    check 'its history is kept' 0 rikctl rollout history db
    says 'REVISION' '(current)'
    check 'it goes back' 0 rikctl rollout undo db --to-revision 1 --wait --timeout 60s
    is 'to the first' 'version 1, ordinal 2 on db-2' "$(rikctl logs db-2)"
}
are_ready_or_hang() { [[ $(rikctl logs db-2 2>/dev/null) == 'not ready' ]]; }

test_a_lost_node() {
    local node
    check 'two are enough' 0 rikctl scale sts/db --replicas 2 --wait --timeout 60s
    check 'one more is gone' 0 lab_wait_for 30 are_ready 'db-0 db-1'
    check 'a node joins' 0 cluster add
    check 'the others are cordoned' 0 rikctl node cordon node-1 node-2
    check 'one is deleted' 0 rikctl delete instance db-1 --wait --timeout 60s
    check 'it runs on the new node' 0 lab_wait_for 60 are_ready 'db-0 db-1'
    node=$(node_of db-1)
    is 'which is the third' node-3 "$node"
    check 'the others take instances again' 0 rikctl node uncordon node-1 node-2
    check 'the node is lost' 0 cluster remove node-3
    check 'it is seen to be' 0 rikctl wait node node-3 --for state=unheard --timeout 60s
    sleep 2
    is 'nothing has taken its place' node-3 "$(node_of db-1)"
    check 'it says why, and what helps' 0 rikctl describe statefulset/db
    says 'db-1 is on node node-3, which is not heard' 'rikctl node declare-dead node-3'
    check 'a person says that it is dead' 0 lab_wait_for 60 rikctl node declare-dead node-3 --yes
    check 'another one comes elsewhere' 0 lab_wait_for 60 is_elsewhere db-1 node-3
    check 'the node is forgotten' 0 rikctl node remove node-3
}

test_what_is_refused() {
    check 'a change of the order is refused' 1 apply "$(db "$(good 1)" $'  replicas: 2\n  podManagementPolicy: Parallel')"
    says 'podManagementPolicy cannot change from OrderedReady to Parallel'
    check 'volume claims are not supported yet' 1 apply "$(db "$(good 1)" $'  replicas: 2\n  volumeClaimTemplates: [{metadata: {name: data}}]')"
    says 'spec.volumeClaimTemplates: is not supported yet'
    check 'it is deleted' 0 rikctl delete statefulset/db --wait --timeout 60s
    check 'with its instances' 0 lab_wait_for 30 none_left
}

main() {
    cluster_lab_open
    test_order_and_names
    test_partition
    test_a_release_that_never_becomes_ready
    test_a_lost_node
    test_what_is_refused
    checks_close
}

main

#!/usr/bin/env bash
# Definitions that change, through the real programs.   usage: apply.sh RIK RIKCTL   (as root)
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

# pod1 TEXT: the lesson's Pod, in Kubernetes' form.
pod1() {
    cat <<END
apiVersion: v1
kind: Pod
metadata:
  name: pod1
  labels:
    app: lesson
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: docker://$lab_registry/main:1
      command: [sh, -c, "echo $1; exec sleep 1000"]
END
}

# web IMAGE: a definition in RIK's form.
web() {
    printf '{"apiVersion":"v1","kind":"Pod","name":"web","spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"main","image":"docker://%s/main:%s","command":["sleep","1000"]}]}}\n' \
        "$lab_registry" "$1"
}

log_is() { [[ $(rikctl logs pod1) == "$1" ]]; }
uid_of() { rikctl get instance "$1" -o jsonpath='{.id}'; }

test_a_pod_is_applied() {
    pod1 one >"$lab_dir/pod1.yaml"
    check 'a dry run makes nothing' 0 rikctl apply -f "$lab_dir/pod1.yaml" --dry-run
    is 'it says what it would' 'pod pod1 created (dry run)' "$output"
    check 'nothing is there' 3 rikctl get workload pod1
    check 'diff tells that it differs' 1 rikctl diff -f "$lab_dir/pod1.yaml"
    says '+++ pod pod1 (applied)' '+  name: pod1'
    check 'a Pod is applied' 0 rikctl apply -f "$lab_dir/pod1.yaml"
    is 'it is created' 'pod pod1 created' "$output"
    check 'its instance runs' 0 rikctl wait instance pod1 --for running --timeout 60s
    check 'it writes' 0 lab_wait_for 10 log_is one
    check 'applied again' 0 rikctl apply -f "$lab_dir/pod1.yaml"
    is 'it is unchanged' 'pod pod1 unchanged' "$output"
    check 'diff has nothing to show' 0 rikctl diff -f "$lab_dir/pod1.yaml"
    is 'it prints nothing' '' "$output"
    check 'no more instances of it are made' 4 rikctl create instance --workload pod1
    says 'it has its one instance'
}

test_a_pod_is_changed() {
    local id
    id=$(uid_of pod1)
    pod1 two >"$lab_dir/pod1.yaml"
    check 'diff shows the change' 1 rikctl diff -f "$lab_dir/pod1.yaml"
    says 'echo one' 'echo two'
    check 'the change is applied' 0 rikctl apply -f "$lab_dir/pod1.yaml"
    says 'pod pod1 changed' 'spec.containers[0].command' 'its instance goes on as it is'
    is 'the same instance runs on' "$id" "$(uid_of pod1)"
    is 'it writes what it wrote' one "$(rikctl logs pod1)"
    check 'both are deleted' 0 rikctl delete -f "$lab_dir/pod1.yaml" --wait --timeout 30s
    check 'the instance is gone' 3 rikctl get instance pod1
    check 'applied anew' 0 rikctl apply -f "$lab_dir/pod1.yaml"
    check 'it runs as it says now' 0 lab_wait_for 60 log_is two
    check 'deleting the instance' 0 rikctl delete instance pod1 --wait --timeout 30s
    check 'deletes the Pod' 3 rikctl get workload pod1
}

test_others_have_a_say() {
    web 1 >"$lab_dir/web.json"
    check 'a definition is applied' 0 rikctl apply -f "$lab_dir/web.json"
    check 'two instances are made from it' 0 rikctl create instance --workload web --replicas 2 --wait --timeout 60s
    check 'it is labelled' 0 rikctl label workload web tier=front
    says 'workload web changed' '2 instances of workload web go on as they are'
    check 'a label is not overwritten by mistake' 4 rikctl label workload web tier=back
    says --overwrite
    check 'with --overwrite it is' 0 rikctl label workload web tier=back --overwrite
    check 'an annotation is any text' 0 rikctl annotate workload web 'note=two words, a=b'
    check 'apply leaves both' 0 rikctl apply -f "$lab_dir/web.json"
    is 'nothing is changed' 'pod web unchanged' "$output"
    is 'the label is there' back "$(rikctl get workload web -o jsonpath='{.labels.tier}')"
    is 'the annotation, too' 'two words, a=b' "$(rikctl get workload web -o jsonpath='{.annotations.note}')"
    rikctl create instance --workload web --name web-late --wait --timeout 60s >/dev/null
    is 'the new instance has the label' web-late "$(rikctl get instances -l tier=back -o name)"
    is 'the others have not' 2 "$(rikctl get instances -l '!tier' --field-selector workload=web,state=running -o name | wc -l)"
    check 'an unknown field is told' 1 rikctl get instances --field-selector colour=red
    says 'node, workload'
    check 'what is selected is deleted' 0 rikctl delete instances -l tier=back --wait --timeout 30s
    is 'and nothing else' 2 "$(rikctl get instances -o name | wc -l)"
}

# editor SCRIPT: an editor that does what the script of sed says.
editor() {
    cat >"$lab_dir/editor" <<END
#!/bin/sh
printf x >>"$lab_dir/edits"
exec sed -i '$1' "\$1"
END
    chmod +x "$lab_dir/editor"
    rm -f "$lab_dir/edits"
}

test_a_definition_is_edited() {
    export EDITOR="$lab_dir/editor"
    unset VISUAL RIK_EDITOR
    editor 's/"1000"/"2000"/; s/- 1000/- "2000"/'
    check 'it is edited' 0 rikctl edit workload web
    says 'pod web changed' 'spec.containers[0].command[1]: "1000" -> "2000"'
    editor ''
    check 'without a change' 0 rikctl edit workload web
    is 'nothing is done' 'nothing was changed' "$output"
    editor 's/^  containers:/  contain:/'
    check 'what is wrong is given up' 1 rikctl edit workload web
    says contain 'kept in /'
    is 'after it was shown once' xx "$(<"$lab_dir/edits")"
    rm -f "$(sed -n 's/.*kept in //p' <<<"$output")"
    EDITOR=false check 'an editor that fails is told' 1 rikctl edit workload web
    rm -f "$(sed -n 's/.*kept in //p' <<<"$output")"
    check 'the definition is as it was edited' 0 rikctl get workload web -o yaml
    says 2000
}

test_files_of_several() {
    {
        pod1 three | sed 's/^  name: pod1/  name: pod1\n  namespace: team-a/'
        printf -- '---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-a\n  labels:\n    zone: north\n'
    } >"$lab_dir/team.yaml"
    check 'a dry run of a tenant and what is in it' 0 rikctl apply -f "$lab_dir/team.yaml" --dry-run
    check 'a tenant and what is in it' 0 rikctl apply -f "$lab_dir/team.yaml"
    is 'the tenant comes first' $'tenant team-a created\npod pod1 created' "$output"
    check 'again' 0 rikctl apply -f "$lab_dir/team.yaml"
    is 'nothing changes' $'tenant team-a unchanged\npod pod1 unchanged' "$output"
    check 'the tenant is labelled' 0 rikctl label tenant team-a zone-
    check 'diff sees it' 1 rikctl diff -f "$lab_dir/team.yaml"
    says '+labels.zone: north'
    check 'both are deleted' 0 rikctl delete -f "$lab_dir/team.yaml" --wait --timeout 60s
    check 'the tenant is gone' 3 rikctl get tenant team-a
}

test_what_is_wrong() {
    { web 1; printf '{"kind":"Pod","name":"x"}\n'; } >"$lab_dir/wrong.json"
    check 'a file with a mistake is refused' 1 rikctl apply -f "$lab_dir/wrong.json"
    says 'nothing was applied' 'definition 2'
    check 'diff of it is no difference' 2 rikctl diff -f "$lab_dir/wrong.json"
    pod1 x | sed 's/pod1/web/' >"$lab_dir/form.yaml"
    check 'the form does not change' 1 rikctl apply -f "$lab_dir/form.yaml"
    says 'its form cannot change'
    check 'a file that is not there' 1 rikctl apply -f "$lab_dir/none.yaml"
    check 'a label without a value' 2 rikctl label workload web tier
    check 'a workload that is not there' 3 rikctl label workload nobody a=b
    check 'an instance that is not there' 3 rikctl label instance nobody a=b
    check 'the definition goes' 0 rikctl delete workload web --wait --timeout 30s
    is 'nothing is left' '' "$(rikctl get instances -A -o name)"
}

is_up() { rikctl get nodes -o json | jq --exit-status '.items[0].state == "ready"' >/dev/null; }

main() {
    checks_open
    make_image
    lab_rik_start
    lab_wait_for 30 is_up
    test_a_pod_is_applied
    test_a_pod_is_changed
    test_others_have_a_say
    test_a_definition_is_edited
    test_files_of_several
    test_what_is_wrong
    checks_close
}

main

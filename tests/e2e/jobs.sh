#!/usr/bin/env bash
# Jobs on a cluster of real processes: one like the lesson's, one that fails and tells why, one with indexes.
# usage: jobs.sh BUILD_DIRECTORY   (as root)
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
built=$1

# shellcheck source=tests/e2e/cluster_lab.sh
source "$repository/tests/e2e/cluster_lab.sh"

# job NAME COMMAND [SPEC-LINES] [RESTART-POLICY]
job() {
    cat <<END
apiVersion: batch/v1
kind: Job
metadata:
  name: $1
spec:
${3:-}
  template:
    spec:
      restartPolicy: ${4:-Never}
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: demo:1
          command: [sh, -c, '$2']
END
}

apply() { rikctl apply -f - <<<"$1"; }
instances_of() { rikctl get instances -l "job-name=$1" -o json | jq --raw-output "[.items[] | select(.state == \"$2\")] | length"; }
progress_of() { rikctl get workload "$1" -o json | jq --raw-output ".progress.job.$2"; }
running_is() { [[ $(instances_of "$1" running) == "$2" ]]; }
none_left() { [[ -z $(rikctl get instances -o name) ]]; }

test_the_lessons_job() {
    check 'a Job is applied' 0 apply "$(job pi 'echo 3.1415926535' '  backoffLimit: 4')"
    check 'it is complete' 0 rikctl wait job/pi --for complete --timeout 60s
    check 'it is shown' 0 rikctl get workload pi
    says 'Job' 'succeeded' '1/1'
    check 'its log is there' 0 rikctl logs job/pi
    says '3.1415926535' '==> pi-'
    check 'it tells its story' 0 rikctl describe job/pi
    says 'Completed' 'CompletionsReached' '1 succeeded' 'Finished'
    check 'it does not run again' 4 rikctl suspend job/pi
    check 'it is deleted' 0 rikctl delete job/pi --wait --timeout 60s
    check 'with its instances' 0 lab_wait_for 30 none_left
}

test_a_job_that_fails() {
    check 'a Job that fails is applied' 0 apply "$(job broken 'echo no such file; exit 3' '  backoffLimit: 1')"
    check 'it fails' 0 rikctl wait job/broken --for failed --timeout 90s
    check 'it will not be complete' 1 rikctl wait job/broken --for complete --timeout 5s
    check 'it tells its story' 0 rikctl describe job/broken
    says 'BackoffLimitExceeded' 'Failures:' 'container main ended with 3' '1. broken-' '2. broken-' 'failure 2, backoffLimit is 1'
    check 'what its attempts wrote is there' 0 rikctl logs job/broken
    says 'no such file'
    check 'it is deleted' 0 rikctl delete job/broken --wait --timeout 60s
}

test_a_rule() {
    check 'a Job with a policy is applied' 0 apply "$(job ruled 'exit 42' '  podFailurePolicy:
    rules:
      - action: FailJob
        onExitCodes: {containerName: main, operator: In, values: [42]}')"
    check 'it fails at once' 0 rikctl wait job/ruled --for failed --timeout 60s
    check 'it says by which rule' 0 rikctl describe job/ruled
    says 'PodFailurePolicy' 'container main has ended with 42, as rule 0 of podFailurePolicy says: FailJob'
    check 'it is deleted' 0 rikctl delete job/ruled --wait --timeout 60s
}

# shellcheck disable=SC2016  # the variable is the container's
test_indexes() {
    check 'an indexed Job is applied' 0 apply "$(job many 'echo I am $JOB_COMPLETION_INDEX on $(hostname)' '  completions: 5
  parallelism: 2
  completionMode: Indexed')"
    check 'it is complete' 0 rikctl wait job/many --for condition=Complete --timeout 90s
    is 'all its indexes are' 0-4 "$(progress_of many completedIndexes)"
    is 'each once' 5 "$(progress_of many succeeded)"
    check 'each knew its index' 0 rikctl logs job/many
    says 'I am 0 on many-0' 'I am 4 on many-4'
    is 'they are labelled' 1 "$(rikctl get instances -l batch.kubernetes.io/job-completion-index=3 -o name | grep --count .)"
    check 'it is deleted' 0 rikctl delete job/many --wait --timeout 60s
}

test_suspension() {
    check 'a long Job is applied' 0 apply "$(job long 'exec sleep 1000' $'  completions: 3\n  parallelism: 2')"
    check 'two run' 0 lab_wait_for 60 running_is long 2
    check 'it is not complete in time' 6 rikctl wait job/long --for complete --timeout 2s
    says 'in time'
    check 'it is suspended' 0 rikctl suspend job/long
    check 'nothing of it is left' 0 lab_wait_for 60 none_left
    check 'it is shown' 0 rikctl get workload long
    says 'paused'
    is 'nothing of it has failed' 0 "$(progress_of long failed)"
    check 'it is resumed' 0 rikctl resume job/long
    check 'two run again' 0 lab_wait_for 60 running_is long 2
    check 'it is deleted' 0 rikctl delete job/long --wait --timeout 60s
}

test_time_to_live() {
    check 'a Job with a time to live is applied' 0 apply "$(job brief 'true' '  ttlSecondsAfterFinished: 2')"
    check 'it is gone by itself' 0 lab_wait_for 60 is_gone brief
    check 'with its instances' 0 lab_wait_for 30 none_left
}
is_gone() { ! rikctl get workload "$1" >/dev/null 2>&1 && none_left; }

main() {
    cluster_lab_open
    test_the_lessons_job
    test_a_job_that_fails
    test_a_rule
    test_indexes
    test_suspension
    test_time_to_live
    checks_close
}

main

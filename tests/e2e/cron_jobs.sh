#!/usr/bin/env bash
# CronJobs on a cluster of real processes: the lesson's, one that is started by hand, suspended, kept in a history and deleted.
# usage: cron_jobs.sh BUILD_DIRECTORY   (as root)
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
built=$1

# shellcheck source=tests/e2e/cluster_lab.sh
source "$repository/tests/e2e/cluster_lab.sh"

# cron NAME SCHEDULE COMMAND [SPEC-LINES]
cron() {
    cat <<END
apiVersion: batch/v1
kind: CronJob
metadata:
  name: $1
spec:
  schedule: "$2"
${4:-}
  jobTemplate:
    metadata:
      labels: {made: by-cron}
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: 1
          containers:
            - name: main
              image: demo:1
              command: [sh, -c, '$3']
END
}

apply() { rikctl apply -f - <<<"$1"; }
validate() { rikctl validate -f - <<<"$1"; }
# Jobs of a CronJob, their names one a line.
jobs_of() { rikctl get jobs --field-selector "owner=$(rikctl get cronjob "$1" -o json | jq --raw-output .id)" -o name; }
job_count() { jobs_of "$1" | grep --count . || true; }
has_jobs() { [[ $(job_count "$1") == "$2" ]]; }
has_started() { [[ $(job_count "$1") != 0 ]]; }
first_job_of() { jobs_of "$1" | sort | head --lines=1; }
status_of() { rikctl get cronjob "$1" -o json | jq --raw-output ".progress.cron.$2"; }
has_succeeded() { [[ $(status_of "$1" lastSuccessfulTime) != null ]]; }
none_left() { [[ -z $(rikctl get workloads -o name) && -z $(rikctl get instances -o name) ]]; }

# An interval, so that nobody waits for the next full minute: a run is due two seconds from now, and another one in the next minute.
test_a_run_by_the_schedule() {
    local job
    check 'a CronJob is applied' 0 apply "$(cron hello '@every 2s' 'date; echo Hello from the cluster')"
    check 'it starts a Job' 0 lab_wait_for 20 has_started hello
    job=$(first_job_of hello)
    is 'which has its name and the minutes of its time' hello "${job%-[0-9]*}"
    check 'the Job is complete' 0 rikctl wait "job/$job" --for complete --timeout 60s
    check 'its log is there' 0 rikctl logs "job/$job"
    says 'Hello from the cluster'
    check 'the CronJob has seen it' 0 lab_wait_for 10 has_succeeded hello
    is 'the Job has the labels of the template' by-cron "$(rikctl get workload "$job" -o json | jq --raw-output .labels.made)"
    is 'and says for when it was' 1 "$(rikctl get workload "$job" -o json | jq --raw-output '.annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"]' | grep --count Z)"
    check 'CronJobs are listed' 0 rikctl get cronjobs
    says 'SCHEDULE' '@every 2s' 'LAST SCHEDULE' 'False'
    check 'it tells its story' 0 rikctl describe cronjob/hello
    says 'Schedule:' '@every 2s (UTC)' 'Next run:' 'Last success:' 'Jobs:' "$job" 'SawCompletedJob' 'SuccessfulCreate'
}

test_suspension() {
    check 'it is suspended' 0 rikctl suspend cronjob/hello
    says 'starts no Job'
    check 'it is shown' 0 rikctl get cronjob/hello
    says 'True'
    is 'it has no next run' null "$(status_of hello nextScheduleTime)"
}

# The history keeps two here.
test_runs_by_hand() {
    local name
    check 'a CronJob that nothing starts' 0 apply "$(cron quiet '0 0 1 1 *' 'echo by hand' '  timeZone: Europe/Berlin
  suspend: true
  successfulJobsHistoryLimit: 2')"
    for name in one two three; do
        check "a Job is started by hand: $name" 0 rikctl create job "$name" --from cronjob/quiet
        check 'it is complete' 0 rikctl wait "job/$name" --for complete --timeout 60s
    done
    check 'two are kept' 0 lab_wait_for 20 has_jobs quiet 2
    is 'the newest' $'three\ntwo' "$(jobs_of quiet | sort)"
    check 'a name that is taken is refused' 4 rikctl create job two --from cronjob/quiet
    check 'so is the name of a run' 1 rikctl create job quiet-29933737 --from cronjob/quiet
    says 'is the name of a run of CronJob quiet'
    check 'a CronJob is never complete' 2 rikctl wait cronjob/quiet --for complete --timeout 5s
    says 'wait for one of its Jobs'
    check 'it is named by two words, too' 0 rikctl suspend cronjob quiet
    check 'so is a CronJob that is not there' 3 rikctl create job four --from cronjob/nothing
    check 'a name is made up' 0 rikctl create job --from quiet
    says 'job quiet-'
}

test_refusals() {
    check 'a zone that is not known is refused' 1 apply "$(cron wrong '@daily' true '  timeZone: Europe/Berlyn')"
    says 'timeZone' "'Europe/Berlyn' is not known" 'did you mean Europe/Berlin?'
    check 'also without a server' 1 validate "$(cron wrong '@daily' true '  timeZone: Europe/Berlyn')"
    check 'and a schedule that is none' 1 apply "$(cron wrong '61 * * * *' true)"
    says 'schedule'
}

test_deletion() {
    check 'a Job that runs' 0 apply "$(cron long '@every 1s' 'exec sleep 1000')"
    check 'is started' 0 lab_wait_for 20 has_started long
    local job
    job=$(first_job_of long)
    check 'a CronJob is deleted without its Jobs' 0 rikctl delete cronjob/long --cascade orphan --wait --timeout 20s
    check 'the Job stays' 0 rikctl get job "$job"
    is 'and is its own' null "$(rikctl get job "$job" -o json | jq --raw-output .owner)"
    # shellcheck disable=SC2046  # there may be two
    check 'it is deleted' 0 rikctl delete job $(rikctl get jobs -o name | grep '^long-') --wait --timeout 30s
    check 'CronJobs are deleted with their Jobs' 0 rikctl delete cronjob hello quiet --wait --timeout 30s
    check 'nothing is left' 0 lab_wait_for 30 none_left
}

main() {
    cluster_lab_open
    test_a_run_by_the_schedule
    test_suspension
    test_runs_by_hand
    test_refusals
    test_deletion
    checks_close
}

main

#!/usr/bin/env bash
# Functions through the real programs: a machine from a definition, with a port that answers.   usage: functions.sh RIK RIKCTL   (as root)
# Machines are emulated where KVM cannot be used: each takes some seconds of a processor to boot.
# shellcheck disable=SC2016  # scripts for machines are in single quotes
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

readonly boot_time=120s  # of a machine, on one that is busy with other tests

rikctl() { "$rikctl_program" --server "unix://$lab_dir/rik.sock" "$@"; }

# As docs/functions.md says.
make_root() {
    mkdir -p "$lab_dir"/root/{bin,dev,proc,sys,tmp,www}
    cp "$(command -v busybox)" "$lab_dir/root/bin/"
    local each
    for each in sh httpd cat sleep echo hostname; do ln -s busybox "$lab_dir/root/bin/$each"; done
    echo 'hello from a Function' >"$lab_dir/root/www/index.html"
    /sbin/mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$lab_dir/root" "$lab_dir/hello.ext4" 16M
    chmod 0644 "$lab_dir/hello.ext4"
    # The same as an archive, with a device in it.
    mknod "$lab_dir/root/tmp/odd" c 1 3
    tar --create --gzip --file "$lab_dir/hello.tar.gz" --directory "$lab_dir/root" .
    rm "$lab_dir/root/tmp/odd"
}

# An image whose configuration says all that a definition may leave out.
make_image() {
    lab_registry_start
    lab_root "$lab_dir/image"
    mkdir "$lab_dir/image/work"
    lab_push "$lab_dir/image" app:1 --config.entrypoint /bin/sh --config.entrypoint -c \
        --config.cmd 'echo "$GREETING from $(pwd) as $(id -un) at home in $HOME"; exit 5' \
        --config.env GREETING=hello --config.workingdir /work --config.user app
}

page() { curl --silent --noproxy '*' --max-time 5 "http://127.0.0.1:$1/"; }
answers() { [[ $(page "$1") == 'hello from a Function' ]]; }
port_of() { rikctl get instance "$1" -o jsonpath='{.exposure.port}'; }
first_of() { rikctl get instances --workload "$1" -o json | jq --raw-output '.items[0].name'; }
id_of() { rikctl get instance "$1" -o jsonpath='{.id}'; }
machine_pids() { pgrep --full "qemu-system-x86_64 -name $(id_of "$1")" | sort | tr '\n' ' '; }
has_restarted() { rikctl get instance "$1" -o json | jq --exit-status '.ready and .containers[0].restartCount == 1' >/dev/null; }
steps_of() { rikctl get instance "$1" -o json | jq --raw-output '[.containers[0].machine.boot[].step] | join(" ")'; }
has_template() { compgen -G "$lab_dir/state/microvm/templates/*.template" >/dev/null; }
makes_no_template() { ! pgrep --full "make-template $lab_dir/state" >/dev/null; }
all_ready() { [[ $(rikctl get instances --workload "$1" -o json | jq '[.items[] | select(.ready)] | length') == "$2" ]]; }

test_the_node_offers_machines() {
    check 'the machine can run Functions' 0 "$rik_program" node check microvm
    says 'microvm' 'qemu-system-x86_64'
    check 'the node says so' 0 rikctl get nodes -o json
    says '"microvm"'
}

# web_function NAME SHELL: a Function that serves a page at the third port.
web_function() {
    cat <<END
apiVersion: v1
kind: Function
name: $1
spec:
  terminationGracePeriodSeconds: 5
  function:
    execution:
      rootfs: $lab_dir/hello.ext4
      command: [/bin/sh, -c, "$2"]
    exposure: {port: $(lab_port 3), targetPort: 8080, type: NodePort}
END
}

test_a_function_answers() {
    local one pids
    check 'a Function is created' 0 rikctl create workload -f <(web_function hello 'echo serving; exec /bin/httpd -f -p 8080 -h /www')
    check 'it runs' 0 rikctl create instance --workload hello --wait --timeout "$boot_time"
    one=$(first_of hello)
    check 'it is ready' 0 rikctl wait instance "$one" --for ready --timeout "$boot_time"
    is 'its port answers' 'hello from a Function' "$(page "$(lab_port 3)")"
    check 'it tells what it writes' 0 rikctl logs "$one"
    says 'serving'
    check 'it is described' 0 rikctl describe instance "$one"
    says 'Function' "$(lab_port 3)->8080/TCP" 'Machine:' 'QEMU started' 'kernel up' 'running' 'ready'
    is 'and so are the six steps of its start' 'prepared qemuStarted kernelUp initUp running ready' "$(steps_of "$one")"
    check 'its root file system is among the images of the node' 0 rikctl images
    says "$lab_dir/hello.ext4" microvm
    # kill -9 of rik: the machine runs on, and is taken over.
    pids=$(machine_pids "$one")
    lab_rik_stop KILL
    is 'it answers without rik' 'hello from a Function' "$(page "$(lab_port 3)")"
    check 'nobody makes a template without rik' 0 lab_wait_for 10 makes_no_template
    lab_rik_start
    check 'it is taken over' 0 rikctl wait instance "$one" --for ready --timeout 30s
    is 'it is the same machine' "$pids" "$(machine_pids "$one")"
    check 'it is deleted' 0 rikctl delete workload hello --wait --timeout 60s
    is 'its port is closed' '' "$(page "$(lab_port 3)")"
}

test_an_end_tells_its_code() {
    check 'one is run to its end, from an archive' 7 rikctl run --function --name ends --rm --timeout "$boot_time" "$lab_dir/hello.tar.gz" -- /bin/sh -c 'echo bye >/tmp/odd; echo bye; exit 7'
    says 'bye'
}

test_images_of_containers() {
    check 'an image runs as a Function, as it says itself' 5 rikctl run --function --name image --rm --timeout "$boot_time" "docker://$lab_registry/app:1"
    says 'hello from /work as app at home in /home/app'
    check 'a layout of this machine does, too, and the definition wins' 6 rikctl run --function --name layout --rm --timeout "$boot_time" --env GREETING=bye "oci:$lab_dir/layout:app-1" -- /bin/sh -c 'echo "$GREETING from $(pwd)"; exit 6'
    says 'bye from /work'
    check 'both are among the images of the node' 0 rikctl images -o json
    is 'one for each runtime' 'microvm oci' \
        "$(jq --raw-output '[.items[] | select(.names[] | contains("app:1")) | .runtime] | unique | join(" ")' <<<"$output")"
    check 'they are removed' 0 rikctl images remove "$lab_registry/app:1"
}

# Those before were of its size, so it need not boot; a user sees no other difference.
test_a_warm_start() {
    local one pids
    check 'there is a template' 0 lab_wait_for 60 has_template
    check 'a Function is created again' 0 rikctl create workload \
        -f <(web_function warm "trap 'echo asked; exit 3' TERM; echo serving; /bin/httpd -f -p 8080 -h /www & while true; do wait; done")
    check 'it runs' 0 rikctl create instance --workload warm --wait --timeout "$boot_time"
    one=$(first_of warm)
    check 'it is ready' 0 rikctl wait instance "$one" --for ready --timeout "$boot_time"
    is 'it went on from the template' 'prepared qemuStarted restored initUp running ready' "$(steps_of "$one")"
    is 'its port answers' 'hello from a Function' "$(page "$(lab_port 3)")"
    check 'it is described' 0 rikctl describe instance "$one"
    says 'warm: ' 'restored'
    pids=$(machine_pids "$one")
    lab_rik_stop KILL
    is 'it answers without rik' 'hello from a Function' "$(page "$(lab_port 3)")"
    lab_rik_start
    check 'it is taken over' 0 rikctl wait instance "$one" --for ready --timeout 30s
    is 'it is the same machine' "$pids" "$(machine_pids "$one")"
    is 'it is still known how it came up' 'prepared qemuStarted restored initUp running ready' "$(steps_of "$one")"
    rikctl logs --follow "$one" >"$lab_dir/warm.log" 2>&1 &
    local reader=$!
    check 'it is deleted' 0 rikctl delete workload warm --wait --timeout 60s
    wait "$reader" || true
    is 'it was asked to end' $'serving\nasked' "$(cat "$lab_dir/warm.log")"
    is 'its port is closed' '' "$(page "$(lab_port 3)")"
}

test_a_set_of_functions() {
    local one two
    check 'a ReplicaSet of Functions is applied' 0 rikctl apply -f - <<END
apiVersion: v1
kind: ReplicaSet
name: web
replicas: 2
template:
  spec:
    terminationGracePeriodSeconds: 0
    function:
      execution:
        rootfs: $lab_dir/hello.ext4
        command: [/bin/httpd, -f, -p, "8080", -h, /www]
END
    check 'both are ready' 0 lab_wait_for 180 all_ready web 2
    one=$(rikctl get instances --workload web -o json | jq --raw-output '.items[0].name')
    two=$(rikctl get instances --workload web -o json | jq --raw-output '.items[1].name')
    check 'one answers at the port that was chosen for it' 0 lab_wait_for 10 answers "$(port_of "$one")"
    check 'and the other at another one' 0 lab_wait_for 10 answers "$(port_of "$two")"
    check 'QEMU of one is killed' 0 pkill -KILL --full "qemu-system-x86_64 -name $(id_of "$one")"
    check 'it is started again' 0 lab_wait_for 180 has_restarted "$one"
    check 'it is deleted' 0 rikctl delete workload web --wait --timeout 60s
    is 'no machine that was killed waits to be reaped' '' "$(ps --ppid "$rik_pid" -o stat=,comm= | grep '^Z.*qemu' || true)"
}

test_jobs_of_functions() {
    check 'a CronJob of Functions is applied' 0 rikctl apply -f - <<END
apiVersion: v1
kind: CronJob
name: count
schedule: "0 0 1 1 *"
timeZone: Europe/Berlin
jobTemplate:
  completionMode: Indexed
  completions: 2
  parallelism: 2
  template:
    spec:
      restartPolicy: Never
      function:
        execution:
          rootfs: $lab_dir/hello.ext4
          command: [/bin/sh, -c, 'echo index \$JOB_COMPLETION_INDEX on \$(hostname)']
END
    check 'its Job is made now' 0 rikctl create job counted --from cronjob/count
    check 'two machines run to their end' 0 rikctl wait job/counted --for complete --timeout "$boot_time"
    check 'each has known its index' 0 rikctl logs job/counted
    says 'index 0 on counted-0' 'index 1 on counted-1'
    check 'the CronJob is deleted' 0 rikctl delete cronjob/count --wait --timeout 60s
    is 'with its Job' '' "$(rikctl get instances -o name)"
}

test_what_is_wrong() {
    printf 'QFI\373 no root file system' >"$lab_dir/bad.qcow2"
    check 'an image of QEMU is refused' 125 rikctl run --function --name bad --rm --timeout "$boot_time" "$lab_dir/bad.qcow2" -- /bin/sh
    says 'qcow2'
    check 'a root file system that is not there' 125 rikctl run --function --name none --rm --timeout "$boot_time" "$lab_dir/none.ext4" -- /bin/sh
    says 'none.ext4'
    rikctl get instances -o name | xargs --no-run-if-empty "$rikctl_program" --server "unix://$lab_dir/rik.sock" delete instances >/dev/null 2>&1 || true
}

test_nothing_is_left() {
    lab_rik_stop TERM
    check 'rik is reset' 0 lab_rik_reset
    nothing_is_left
    is 'no machine is left' '' "$(pgrep --full "qemu-system-x86_64.*$lab_dir" || true)"
}

is_up() { rikctl get nodes -o json | jq --exit-status '.items[0].state == "ready"' >/dev/null; }

main() {
    checks_open
    make_root
    make_image
    leftovers_begin
    lab_rik_start
    lab_wait_for 30 is_up
    lab_wait_for 10 leftovers_learn
    test_the_node_offers_machines
    test_a_function_answers
    test_an_end_tells_its_code
    test_images_of_containers
    test_a_warm_start
    test_a_set_of_functions
    test_jobs_of_functions
    test_what_is_wrong
    test_nothing_is_left
    checks_close
}

main

# shellcheck shell=bash
# The story of two Functions, for `scripts/demo function`: from a root file system to nothing left. Whoever sources this
# has what scripts/demo has: title, show, fail, rikctl, show_page, and a lab (lab.sh).
# shellcheck disable=SC2154  # rik_program and lab_dir are those of lab.sh

readonly function_boot_time=120s  # of a machine, where it is emulated and others boot beside it

function_port=''

check_machines() {
    title 'What a machine needs to run Functions'
    show_rik node check microvm || fail 'it cannot; scripts/setup machine installs what is missing'
}

show_rik() {
    printf '$ rik %s\n' "$*"
    "$rik_program" "$@"
}

# Ten lines, as docs/functions.md has them.
make_root_file_system() {
    title 'A root file system, made from busybox'
    local each
    mkdir -p "$lab_dir"/root/{bin,dev,proc,sys,tmp,www}
    cp "$(command -v busybox)" "$lab_dir/root/bin/"
    for each in sh httpd hostname uname cat; do ln -s busybox "$lab_dir/root/bin/$each"; done
    cat >"$lab_dir/root/bin/serve" <<'TEXT'
#!/bin/sh
trap 'exit 0' TERM
echo "hello from $(hostname), which runs Linux $(uname -r) of its own" >/www/index.html
echo "serving on port $1"
httpd -f -p "$1" -h /www &
wait
TEXT
    chmod 0755 "$lab_dir/root/bin/serve"
    show /sbin/mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$lab_dir/root" "$lab_dir/hello.ext4" 16M
}

create_functions() {
    title 'Two Functions: one from a definition, one in one step'
    function_port=$(lab_port 1)
    cat >"$lab_dir/hello.yaml" <<TEXT
apiVersion: v1
kind: Function
name: hello
spec:
  terminationGracePeriodSeconds: 5
  function:
    execution:
      rootfs: $lab_dir/hello.ext4
      command: [/bin/serve, "8080"]
TEXT
    sed 's/^/    /' "$lab_dir/hello.yaml"
    show rikctl create workload -f "$lab_dir/hello.yaml"
    show rikctl create instance --workload hello --name hello
    show rikctl run --function --detach --name other -p "$function_port:8080" --timeout "$function_boot_time" "$lab_dir/hello.ext4" -- /bin/serve 8080
    show rikctl wait instance hello other --for ready --timeout "$function_boot_time"
    show rikctl get instances -o wide
}

call_functions() {
    title 'Each answers at a port of its node: one that was chosen for it, and one that it was told'
    show_page "http://127.0.0.1:$(rikctl get instance hello -o jsonpath='{.exposure.port}')/"
    show_page "http://127.0.0.1:$function_port/"
}

show_function() {
    title 'What one wrote, and its story: how it came up, step by step'
    show rikctl logs hello
    show rikctl describe instance hello
}

delete_functions() {
    title 'Everything is deleted, rik is stopped and its state removed'
    show rikctl delete workload hello other --wait
    show rikctl get instances
    stop_and_reset
}

tell_functions() {
    check_machines
    make_root_file_system
    start_rik
    create_functions
    call_functions
    show_function
    leftovers_learn
    count_what_is_there
    delete_functions
}

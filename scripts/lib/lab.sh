# shellcheck shell=bash
# A rik of one's own beside whatever runs on this machine: directory, addresses, ports, image, registry. For
# scripts/demo and the end-to-end tests. Whoever sources this sets `rik_program`, calls lab_open, and lab_close at
# the end, in a trap.

: "${rik_program:=rik}"

lab_dir=''       # everything is in here
lab_cidr=''      # addresses of the Pods
lab_registry=''  # HOST:PORT
lab_pids=()      # processes started here, which lab_close ends
rik_pid=''

# One number stands for a directory, an address range and ports: whoever makes the directory has them all.
# Ports lie below those that the kernel gives to clients (man 7 ip, ip_local_port_range).
lab_open() {
    local number attempt
    for ((attempt = 0; attempt < 200; ++attempt)); do
        number=$((100 + RANDOM % 150))
        lab_is_free "$number" || continue
        mkdir -m 0700 "/tmp/rik-lab-$number" 2>/dev/null || continue  # one of two that run at once gets it
        lab_dir=/tmp/rik-lab-$number
        lab_cidr=10.$number.0.0/16
        lab_registry=127.0.0.1:$(lab_port 0)
        return
    done
    printf 'no free range of addresses among 10.100.0.0/16 to 10.249.0.0/16 (or remove what is old of /tmp/rik-lab-*)\n' >&2
    return 1
}

# lab_port N: the Nth port of this lab, 0 to 9.
lab_port() {
    local number=${lab_number:-${lab_dir##*-}}
    printf '%d\n' $((20000 + number * 10 + $1))
}

lab_is_free() {
    local lab_number=$1 port
    [[ -z $(ip -4 route show root "10.$1.0.0/16") ]] || return 1
    ! ip -4 route show match "10.$1.0.0/16" | grep --quiet --invert-match '^default' || return 1
    for port in {0..9}; do
        [[ -z $(ss -Hltn "sport = :$(lab_port "$port")") ]] || return 1
    done
}

# lab_root DIRECTORY: a root file system with busybox in it.
lab_root() {
    mkdir -p "$1"/{bin,dev,etc,home/app,proc,root,run,sys,tmp,var}
    chmod 1777 "$1/tmp"
    cp "$(command -v busybox)" "$1/bin/busybox"
    local name
    while read -r name; do
        [[ $name == busybox ]] || ln -s busybox "$1/bin/$name"
    done < <(busybox --list)
    printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n' >"$1/etc/passwd"
    printf 'root:x:0:\napp:x:1000:\n' >"$1/etc/group"
}

# lab_push ROOT NAME [OPTION-OF-umoci-config...]: makes an image of a root and pushes it; needs lab_registry_start.
lab_push() {
    local root=$1 name=$2 layout=$lab_dir/layout
    shift 2
    [[ -d $layout ]] || umoci init --layout "$layout"
    umoci new --image "$layout:${name/:/-}"
    umoci insert --image "$layout:${name/:/-}" "$root" /
    if (($# != 0)); then umoci config --image "$layout:${name/:/-}" "$@"; fi
    skopeo copy --quiet --dest-tls-verify=false "oci:$layout:${name/:/-}" "docker://$lab_registry/$name"
}

lab_registry_start() {
    mkdir -p "$lab_dir/registry"
    cat >"$lab_dir/registry.yml" <<TEXT
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $lab_dir/registry}}
http: {addr: "$lab_registry"}
TEXT
    docker-registry serve "$lab_dir/registry.yml" >"$lab_dir/registry.log" 2>&1 &
    lab_pids+=($!)
    lab_wait_for 60 curl --silent --fail --output /dev/null "http://$lab_registry/v2/" && return
    printf 'docker-registry does not answer:\n' >&2
    tail --lines=5 "$lab_dir/registry.log" >&2
    return 1
}

# lab_wait_for SECONDS COMMAND...: until the command succeeds.
lab_wait_for() {
    local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
    shift
    until "$@" 2>/dev/null; do
        ((${EPOCHREALTIME/[.,]/} < end)) || return 1
        sleep 0.05
    done
}

lab_rik_reset() {
    "$rik_program" reset --state-dir "$lab_dir/state" --run-dir "$lab_dir/run" --socket "$lab_dir/rik.sock"
}

# lab_rik_start [OPTION...]: starts it and waits until it is ready.
lab_rik_start() {
    "$rik_program" --role=all --state-dir "$lab_dir/state" --run-dir "$lab_dir/run" --socket "$lab_dir/rik.sock" \
        --cluster-cidr "$lab_cidr" --insecure-registry "http://$lab_registry" "$@" >>"$lab_dir/rik.log" 2>&1 &
    rik_pid=$!
    lab_wait_for 60 lab_rik_is_ready_or_gone && kill -0 "$rik_pid" 2>/dev/null && return
    printf 'rik does not start; its log says:\n' >&2
    tail --lines=10 "$lab_dir/rik.log" >&2
    return 1
}

lab_rik_is_ready_or_gone() {
    kill -0 "$rik_pid" 2>/dev/null || return 0
    curl --silent --fail --output /dev/null --unix-socket "$lab_dir/rik.sock" http://localhost/readyz
}

# lab_rik_stop SIGNAL
lab_rik_stop() {
    if [[ -n $rik_pid ]]; then lab_end "$rik_pid" "$1"; fi
    rik_pid=''  # only now: whoever is interrupted here ends it again
}

# lab_end PID SIGNAL: a child of this shell; by force after 20 seconds.
lab_end() {
    kill -s "$2" "$1" 2>/dev/null || true
    lab_wait_for 20 lab_has_ended "$1" || kill -s KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# A child that has ended is a zombie until it is waited for.
lab_has_ended() {
    local state
    state=$(sed --quiet 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) || return 0
    [[ -z $state || $state == Z* ]]
}

# Ends and removes everything; may be called at any time, and again. The directory stays when rik cannot be reset.
lab_close() {
    local pid is_reset=true self=$BASHPID
    lab_rik_stop TERM
    # One that an interrupt has kept from being noted. Not `jobs -p`: in a subshell that knows the children of its parent.
    for pid in $(pgrep --parent "$self" --full "$lab_dir/" || true); do lab_end "$pid" TERM; done
    if [[ -d $lab_dir/state ]]; then lab_rik_reset >"$lab_dir/reset.log" 2>&1 || is_reset=false; fi
    for pid in ${lab_pids[@]+"${lab_pids[@]}"}; do lab_end "$pid" TERM; done
    lab_pids=()
    if ! $is_reset; then
        printf '%s stays: ' "$lab_dir" >&2
        tail --lines=3 "$lab_dir/reset.log" >&2
        return 1
    fi
    if [[ -n $lab_dir ]]; then rm -rf --one-file-system "$lab_dir"; fi
}

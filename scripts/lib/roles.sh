# shellcheck shell=bash
# Roles as processes of their own in a lab (lab.sh). Each process has a name, and below the lab's directory a state directory
# NAME/state, a run directory NAME/run, a socket NAME.sock and a log NAME.log.

# shellcheck disable=SC2154  # lab_dir, lab_cidr, lab_registry and rik_program are those of lab.sh

declare -A roles_pid=()   # of each name
declare -A roles_of=()    # the role, or roles joined by a comma
roles_link=''             # where the scheduler listens

roles_open() { roles_link=127.0.0.1:$(lab_port 1); }

# roles_begin NAME ROLES [OPTION...]: starts a process, and does not wait.
roles_begin() {
    local name=$1 roles=$2 options=()
    shift 2
    case ,$roles, in *,scheduler,*) options+=(--link-listen "$roles_link") ;; *) options+=(--scheduler "$roles_link") ;; esac
    case ,$roles, in *,primary,* | *,node,*) options+=(--state-dir "$lab_dir/$name/state" --run-dir "$lab_dir/$name/run") ;; esac
    case ,$roles, in *,primary,*) options+=(--cluster-cidr "$lab_cidr") ;; esac
    case ,$roles, in *,node,*) options+=(--node-name "$name" --insecure-registry "http://$lab_registry") ;; esac
    mkdir -p "$lab_dir/$name"
    "$rik_program" --role="$roles" --socket "$lab_dir/$name.sock" "${options[@]}" "$@" >>"$lab_dir/$name.log" 2>&1 &
    roles_pid[$name]=$!
    roles_of[$name]=$roles
}

roles_is_ready() { curl --silent --fail --output /dev/null --unix-socket "$lab_dir/$1.sock" http://localhost/readyz; }
roles_answers() { curl --silent --fail --output /dev/null --unix-socket "$lab_dir/$1.sock" http://localhost/healthz; }

# roles_wait_ready SECONDS NAME...
roles_wait_ready() {
    local seconds=$1 name
    shift
    for name in "$@"; do
        lab_wait_for "$seconds" roles_is_ready "$name" && continue
        printf '%s is not ready; its log says:\n' "$name" >&2
        tail --lines=10 "$lab_dir/$name.log" >&2
        return 1
    done
}

# roles_signal NAME SIGNAL
roles_signal() { kill -s "$2" "${roles_pid[$1]}"; }

# roles_end NAME SIGNAL: and waits for it.
roles_end() {
    if [[ -n ${roles_pid[$1]:-} ]]; then lab_end "${roles_pid[$1]}" "$2"; fi
    roles_pid[$1]=''
}

# roles_reset NAME: what it has on this machine. Of a scheduler there is nothing.
roles_reset() {
    [[ -d $lab_dir/$1/state ]] || return 0
    "$rik_program" reset --state-dir "$lab_dir/$1/state" --run-dir "$lab_dir/$1/run" --socket "$lab_dir/$1.sock"
}

# Ends and resets all of them. Before lab_close.
roles_close() {
    local name
    for name in "${!roles_pid[@]}"; do
        if [[ -n ${roles_pid[$name]} ]]; then kill -s CONT "${roles_pid[$name]}" 2>/dev/null || true; fi
        roles_end "$name" TERM
    done
    for name in "${!roles_of[@]}"; do roles_reset "$name" >>"$lab_dir/reset.log" 2>&1 || printf '%s cannot be reset: %s\n' "$name" "$(tail --lines=1 "$lab_dir/reset.log")" >&2; done
}

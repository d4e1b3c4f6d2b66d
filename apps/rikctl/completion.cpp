#include <ostream>

#include "command_line.hpp"
#include "commands.hpp"

namespace rikctl {

namespace {

// Names are asked of the server at each press of the tab key, so that they are never old.
// clang-format off
constexpr auto bash_completion = R"BASH(# bash completion of rikctl. Put it to use with:  source <(rikctl completion bash)
_rikctl() {
    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
    local commands="run create apply diff edit label annotate get describe logs scale pause resume restart rollout delete wait nodes node events images explain validate top version completion"
    local kinds="workload instance node event tenant"
    local command="" kind="" tenant="" word is_tenant=""
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [ -n "$is_tenant" ]; then tenant="$word"; is_tenant=""; continue; fi
        case "$word" in
            -n|--tenant|--namespace) is_tenant=yes ;;
            -*) ;;
            *) if [ -z "$command" ]; then command="$word"; elif [ -z "$kind" ]; then kind="$word"; fi ;;
        esac
    done
    case "$previous" in
        -o|--output) _rikctl_words "table wide json name"; return ;;
        -f|--file) [ "$command" = logs ] || { COMPREPLY=($(compgen -f -- "$current")); return; } ;;
        --stream) _rikctl_words "stdout stderr"; return ;;
        --pull) _rikctl_words "always missing never"; return ;;
        --for) _rikctl_words "running ready started finished deleted complete failed condition= state="; return ;;
        --workload|--workload-id) _rikctl_names workloads; return ;;
        --instance|--instance-id) _rikctl_names instances; return ;;
        --node) _rikctl_names nodes; return ;;
        -n|--tenant|--namespace) _rikctl_names tenants; return ;;
        -w) [ "$command" = create ] && { _rikctl_names workloads; return; } ;;
    esac
    if [ -z "$command" ]; then _rikctl_words "$commands --server --tenant --help"; return; fi
    if [[ "$current" == -* ]]; then
        case "$command" in
            run) _rikctl_words "--name --function --port --env --cpu --memory --pull --rm --detach --quiet --timeout --help" ;;
            create) _rikctl_words "--file --dry-run --workload --name --replicas --label --wait --timeout --help" ;;
            apply) _rikctl_words "--file --dry-run --help" ;;
            diff) _rikctl_words "--file --help" ;;
            label|annotate) _rikctl_words "--overwrite --dry-run --kind --help" ;;
            get|ls|nodes|events) _rikctl_words "--output --watch --all-tenants --selector --field-selector --workload --node --instance --help" ;;
            logs|log) _rikctl_words "--container --follow --previous --tail --since --timestamps --stream --help" ;;
            restart) _rikctl_words "--at-once --wait --quiet --timeout --help" ;;
            scale) _rikctl_words "--replicas --wait --timeout --help" ;;
            pause|resume) _rikctl_words "--wait --timeout --help" ;;
            delete|rm) _rikctl_words "--file --selector --cascade --wait --timeout --workload-id --instance-id --help" ;;
            wait) _rikctl_words "--for --timeout --help" ;;
            node)
                case "$kind" in
                    drain) _rikctl_words "--force --timeout --help" ;;
                    declare-dead) _rikctl_words "--yes --help" ;;
                    *) _rikctl_words "--help" ;;
                esac ;;
            images) _rikctl_words "--node --output --name --help" ;;
            *) _rikctl_words "--help" ;;
        esac
        return
    fi
    case "$command" in
        create) [ -z "$kind" ] && _rikctl_words "workload instance tenant" ;;
        edit|annotate)
            if [ -z "$kind" ]; then _rikctl_words "workload tenant"; else _rikctl_names "$kind"; fi ;;
        label)
            if [ -z "$kind" ]; then _rikctl_words "workload instance tenant node"; else _rikctl_names "$kind"; fi ;;
        logs|log|restart) _rikctl_names instances ;;
        scale|pause|resume) _rikctl_names workloads ;;
        rollout)
            if [ -z "$kind" ]; then _rikctl_words "status history undo pause resume restart"
            else _rikctl_names workloads; fi ;;
        nodes) _rikctl_names nodes ;;
        completion) _rikctl_words "bash" ;;
        node)
            if [ -z "$kind" ]; then _rikctl_words "cordon uncordon drain label taint remove declare-dead resume-replacement"
            else _rikctl_names nodes; fi ;;
        images)
            if [ -z "$kind" ]; then _rikctl_words "list pull remove load"
            elif [ "$kind" = load ]; then COMPREPLY=($(compgen -f -- "$current")); fi ;;
        get|ls|describe|d|delete|rm|wait)
            if [ -z "$kind" ]; then _rikctl_words "$kinds"; else _rikctl_names "$kind"; fi ;;
    esac
}
_rikctl_words() { COMPREPLY=($(compgen -W "$1" -- "$current")); }
_rikctl_names() { _rikctl_words "$(rikctl ${tenant:+-n "$tenant"} get "$1" -o name 2>/dev/null)"; }
complete -F _rikctl rikctl
)BASH";
// clang-format on

}  // namespace

void add_completion(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("completion", "Print the completion script of a shell");
    command->footer("Example:\n  source <(rikctl completion bash)\n");
    auto const shell = std::make_shared<std::string>();
    command->add_option("SHELL", *shell, "bash")->required()->check(rik::command_line::one_of({"bash"}))->type_name("");
    command->callback([shell, &chosen] {
        chosen = [](session& with) {
            with.out() << bash_completion;
            return exit_code::ok;
        };
    });
}

}  // namespace rikctl

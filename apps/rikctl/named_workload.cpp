#include "named_workload.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace rikctl {

namespace {

struct kind_word {
    std::string_view word;
    std::string_view kind;
};
// Source: kubectl api-resources
constexpr std::array kind_words{
    kind_word{"workload", ""},
    kind_word{"workloads", ""},
    kind_word{"deployment", "Deployment"},
    kind_word{"deployments", "Deployment"},
    kind_word{"deploy", "Deployment"},
    kind_word{"replicaset", "ReplicaSet"},
    kind_word{"replicasets", "ReplicaSet"},
    kind_word{"rs", "ReplicaSet"},
    kind_word{"daemonset", "DaemonSet"},
    kind_word{"daemonsets", "DaemonSet"},
    kind_word{"ds", "DaemonSet"},
    kind_word{"statefulset", "StatefulSet"},
    kind_word{"statefulsets", "StatefulSet"},
    kind_word{"sts", "StatefulSet"},
    kind_word{"job", "Job"},
    kind_word{"jobs", "Job"},
    kind_word{"cronjob", "CronJob"},
    kind_word{"cronjobs", "CronJob"},
    kind_word{"cj", "CronJob"},
    kind_word{"pod", "Pod"},
    kind_word{"function", "Function"},
    kind_word{"deployment.apps", "Deployment"},
    kind_word{"daemonset.apps", "DaemonSet"},
    kind_word{"statefulset.apps", "StatefulSet"},
    kind_word{"job.batch", "Job"},
    kind_word{"cronjob.batch", "CronJob"},
};

}  // namespace

named_workload named(std::string const& text) {
    auto const slash = text.find('/');
    if (slash == std::string::npos) return {text, {}};
    auto const found = std::ranges::find(kind_words, std::string_view(text).substr(0, slash), &kind_word::word);
    if (found == kind_words.end()) return {text, {}};
    return {text.substr(slash + 1), std::string(found->kind)};
}

std::string kind_of_word(std::string_view word) {
    auto const found = std::ranges::find(kind_words, word, &kind_word::word);
    if (found == kind_words.end() || word == "pod" || word == "function") return {};
    return std::string(found->kind);
}

}  // namespace rikctl

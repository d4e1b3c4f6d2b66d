// The outermost objects of Jobs and CronJobs, in both forms. RIK's form has at the top what Kubernetes' has in spec.
#include "model/fields/rows_detail.hpp"

#include <rik/base/limits.hpp>

#include <array>

namespace rik::detail::rows {

namespace {

constexpr auto job_instances_max = static_cast<std::int64_t>(limits::replicas_per_workload_max);
constexpr auto job_seconds_max = std::int64_t{std::numeric_limits<std::int32_t>::max()};

// What both forms have

constexpr std::array exit_codes_fields{
    field{"containerName", text(dns_label), "The container whose exit code is looked at."}.by_default("any"),
    field{"operator", words("In|NotIn"), "How the code is compared."}.needed("write In or NotIn"),
    field{"values", list(integer(0, 255)), "The exit codes."}.needed("give the exit codes"),
};
constexpr object_type exit_codes{"PodFailurePolicyOnExitCodes", "Which exit codes a rule means.", exit_codes_fields};

constexpr std::array pattern_fields{
    field{"type", text(), "The type of the condition: DisruptionTarget."}.needed("name the condition"),
    field{"status", words("True|False|Unknown"), "Its status."}.by_default("True"),
};
constexpr object_type condition_pattern{"PodFailurePolicyOnPodConditionsPattern", "A condition of an instance.",
                                        pattern_fields};

constexpr std::array failure_rule_fields{
    field{"action", words("FailJob|FailIndex|Ignore|Count"), "What follows from such an end."}.needed(
        "write FailJob, FailIndex, Ignore or Count"),
    field{"onExitCodes", object(exit_codes), "It means these exit codes."},
    field{"onPodConditions", list(object(condition_pattern)), "It means instances with one of these conditions."},
};
constexpr object_type failure_rule{"PodFailurePolicyRule", "What follows from an end that is no success.",
                                   failure_rule_fields};

constexpr std::array failure_policy_fields{
    field{"rules", list(object(failure_rule)), "Of these the first that matches counts; without one it is Count."}
        .needed("give the rules"),
};
constexpr object_type failure_policy{"PodFailurePolicy", "What follows from ends that are no success.",
                                     failure_policy_fields};

constexpr std::array success_rule_fields{
    field{"succeededIndexes", text(), "Indexes as 1,3-5: these, or of these so many as succeededCount says."},
    field{"succeededCount", integer(1, job_instances_max), "How many indexes must have succeeded."},
};
constexpr object_type success_rule{"SuccessPolicyRule", "When a Job has succeeded.", success_rule_fields};

constexpr std::array success_policy_fields{
    field{"rules", list(object(success_rule)), "One of these is enough."}.needed("give the rules"),
};
constexpr object_type success_policy{"SuccessPolicy", "When an Indexed Job has succeeded before all its indexes have.",
                                     success_policy_fields};

constexpr std::array job_fields{
    field{"parallelism", integer(0, job_instances_max), "How many instances run at a time, at most."}.by_default("1"),
    field{"completions", integer(0, job_instances_max),
          "How many instances must succeed. Without it, and with parallelism, the Job is a work queue: done when one "
          "has succeeded and no other is left."}
        .by_default("1"),
    field{"completionMode", words("NonIndexed|Indexed"), "Whether each instance is for an index, from 0 on."}
        .by_default("NonIndexed"),
    field{"backoffLimit", integer(), "How many failures are borne."}.by_default("6"),
    field{"backoffLimitPerIndex", integer(), "How many failures of one index are borne."},
    field{"maxFailedIndexes", integer(0, job_instances_max), "How many indexes may fail."}.by_default("all"),
    field{"activeDeadlineSeconds", integer(0, job_seconds_max), "How long it may take, from its start."},
    field{"ttlSecondsAfterFinished", integer(0, job_seconds_max),
          "How long it is kept, with its instances, once it has finished."}
        .by_default("for ever"),
    field{"suspend", boolean(), "Whether no instance is to run."}.by_default("false"),
    field{"podFailurePolicy", object(failure_policy), "What follows from ends that are no success."},
    field{"successPolicy", object(success_policy), "When an Indexed Job has succeeded before all its indexes have."},
    field{"podReplacementPolicy", words("TerminatingOrFailed|Failed"),
          "Whether another instance takes the place of one that is being ended at once, or once it is gone."}
        .by_default("TerminatingOrFailed, with podFailurePolicy Failed"),
};
constexpr object_type job_base{"JobBase", "How a Job runs.", job_fields};

constexpr field job_unheard = field{"unheardToleranceSeconds", integer(0, job_seconds_max),
                                    "How long the node of an instance may be unheard before the instance is replaced."}
                                  .by_default("30");

constexpr std::array cron_fields{
    field{"schedule", text(),
          "When it starts a Job: minute, hour, day of the month, month, day of the week; or @hourly "
          "and the like."}
        .needed("write for example \"*/5 * * * *\""),
    field{"timeZone", text(), "The time zone of the schedule, as Europe/Berlin."}.by_default("UTC"),
    field{"startingDeadlineSeconds", integer(0, job_seconds_max), "How late a Job may be started."}.by_default(
        "any time"),
    field{"concurrencyPolicy", words("Allow|Forbid|Replace"), "What happens if an earlier Job still runs."}.by_default(
        "Allow"),
    field{"suspend", boolean(), "Whether no Job is started."}.by_default("false"),
    field{"successfulJobsHistoryLimit", integer(), "How many Jobs that have succeeded are kept."}.by_default("3"),
    field{"failedJobsHistoryLimit", integer(), "How many Jobs that have failed are kept."}.by_default("1"),
};
constexpr object_type cron_base{"CronJobBase", "When a CronJob starts Jobs.", cron_fields};

// Kubernetes' form

constexpr std::array ending_pod_spec_fields{
    field{"restartPolicy", words("OnFailure|Never"), "OnFailure: containers start again in place; Never: another Pod."}
        .needed("write OnFailure or Never: a Job's Pods run to their end"),
};
constexpr object_type ending_pod_spec{"JobPodSpec", "What Pods of a Job are made from.", ending_pod_spec_fields,
                                      &pod_spec};

constexpr std::array pod_of_job_fields{
    field{"metadata", object(object_template_meta), "The labels and annotations of instances."},
    field{"spec", object(ending_pod_spec), "What instances are made from."}.needed("describe the containers there"),
};
constexpr object_type pod_of_job{"JobPodTemplate", "What Pods of a Job are made from.", pod_of_job_fields};

constexpr std::array job_spec_fields{
    field{"selector", object(selector), "Which Pods belong to it."},
    field{"manualSelector", boolean(), "Whether selector is written by hand."}.by_default("false"),
    field{"template", object(pod_of_job), "What its Pods are made from."}.needed("describe the Pod there"),
    field{"managedBy", words("kubernetes.io/job-controller"), "Who keeps the Job: RIK does."},
};
constexpr object_type job_spec{"JobSpec", "How a Job runs.", job_spec_fields, &job_base};

constexpr field batch_row = field{"apiVersion", words("batch/v1"), "The version of the form."}.needed("write batch/v1");
constexpr field job_meta_row =
    field{"metadata", object(object_meta), "What the object is called and belongs to."}.needed("give metadata.name");
constexpr field job_status_row = field{"status", anything(), "What was seen of it."}.kept(told_by_the_server);
constexpr field job_kind_row(std::string_view kind) {
    return field{"kind", words(kind), "What is defined."}.needed("name the kind");
}

constexpr std::array kubernetes_job_fields{
    batch_row, job_kind_row("Job"), job_meta_row,
    field{"spec", object(job_spec), "How it runs."}.needed("give template there"), job_status_row};

constexpr std::array job_template_meta_fields{
    field{"name", text(), "Of no use in a template."}.kept("Jobs are named after their CronJob and their time"),
    field{"generateName", text(), "Of no use in a template."}.kept("Jobs are named after their CronJob and their time"),
    field{"namespace", text(), "Of no use in a template."}.kept("Jobs belong to the tenant of their CronJob"),
};
constexpr object_type job_template_meta{"JobTemplateMeta", "The labels and annotations of the Jobs.",
                                        job_template_meta_fields, &object_meta};

constexpr std::array job_template_fields{
    field{"metadata", object(job_template_meta), "The labels and annotations of the Jobs."},
    field{"spec", object(job_spec), "How the Jobs run."}.needed("give template there"),
};
constexpr object_type job_template{"JobTemplateSpec", "What Jobs are made from.", job_template_fields};

constexpr std::array cron_spec_fields{
    field{"jobTemplate", object(job_template), "What Jobs are made from."}.needed("describe the Job there"),
};
constexpr object_type cron_spec{"CronJobSpec", "When it starts which Jobs.", cron_spec_fields, &cron_base};

constexpr std::array kubernetes_cron_job_fields{
    batch_row, job_kind_row("CronJob"), job_meta_row,
    field{"spec", object(cron_spec), "When it starts which Jobs."}.needed("give schedule and jobTemplate there"),
    job_status_row};

// RIK's form

constexpr std::array rik_job_pod_spec_fields{
    field{"containers", list(object(rik_container)), "The programs of a Pod; empty in a Function."},
    field{"function", object(function), "The microVM of a Function; empty in a Pod."},
    field{"restartPolicy", words("OnFailure|Never"),
          "OnFailure: what has failed starts again in place; Never: another instance is made."}
        .by_default("OnFailure"),
};
constexpr object_type rik_job_pod_spec{"JobTemplateSpec", "What instances of a Job are made from, in RIK's form.",
                                       rik_job_pod_spec_fields, &rik_pod_spec};

constexpr std::array rik_job_pod_fields{
    field{"labels", map(label_key, text(label_value)), "Names and values by which instances are selected."},
    field{"annotations", map(label_key, text()), "Names and values of any text, for programs and people."},
    field{"spec", object(rik_job_pod_spec), "What instances are made from."}.needed(
        "describe the containers, or the function, there"),
};
constexpr object_type rik_job_pod{"InstanceTemplate", "A Pod or a Function without a name.", rik_job_pod_fields};

constexpr field rik_job_pod_row = field{"template", object(rik_job_pod), "What its instances are made from."}.needed(
    "describe the Pod, or the Function, there");

/// The objects of RIK's form have two bases: what names a workload stands in each.
constexpr std::array rik_own_job_fields{rik_job_pod_row, job_unheard};
constexpr object_type rik_job_spec{"JobParts", "How a Job runs, in RIK's form.", rik_own_job_fields, &job_base};

constexpr field job_api_row = field{"apiVersion", words("v1"), "The version of the form."}.needed("write v1");
constexpr field job_name_row =
    field{"name", text(object_name), "Names the workload; unique for its kind within a tenant."}.needed(
        "name the workload");
constexpr field job_tenant_row = field{"tenant", text(dns_label), "The tenant that it belongs to."}.by_default(
    "that of the "
    "call");
constexpr field job_labels_row =
    field{"labels", map(label_key, text(label_value)), "Labels of the workload; those of instances are in template."};
constexpr field job_annotations_row =
    field{"annotations", map(label_key, text()), "Names and values of any text, for programs and people."};

constexpr std::array rik_job_fields{job_api_row,    job_kind_row("Job"), job_name_row,
                                    job_tenant_row, job_labels_row,      job_annotations_row};

constexpr std::array rik_job_template_fields{job_labels_row, job_annotations_row};
constexpr object_type rik_job_template{"JobTemplate", "What Jobs are made from: a Job without a name.",
                                       rik_job_template_fields, &rik_job_spec};

constexpr std::array rik_cron_job_fields{
    job_api_row,
    job_kind_row("CronJob"),
    job_name_row,
    job_tenant_row,
    job_labels_row,
    job_annotations_row,
    field{"jobTemplate", object(rik_job_template), "What Jobs are made from."}.needed("describe the Job there")};

}  // namespace

constinit object_type const kubernetes_job{"Job", "Pods that run to their end, until enough have succeeded.",
                                           kubernetes_job_fields};
constinit object_type const kubernetes_cron_job{"CronJob", "Jobs that start by a schedule.",
                                                kubernetes_cron_job_fields};
constinit object_type const rik_job{"Job",
                                    "Instances that run to their end, until enough have succeeded, in RIK's form.",
                                    rik_job_fields, &rik_job_spec};
constinit object_type const rik_cron_job{"CronJob", "Jobs that start by a schedule, in RIK's form.",
                                         rik_cron_job_fields, &cron_base};

}  // namespace rik::detail::rows

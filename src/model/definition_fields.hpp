// Reading the fields of a definition. Their types are checked before, by the table of fields (definition_check.hpp): a
// reader finds nothing where the type is wrong, and notes only what the table cannot know.
#pragma once

#include <rik/model/definition.hpp>
#include <rik/model/labels.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

namespace json = boost::json;

/// What was found wrong so far. Bounded: after limits::definition_problems_max one last entry says that there are more,
/// and whoever reads a list stops there.
class findings {
public:
    explicit findings(parsed_definition& into) : into_(into) {}

    void problem(std::string field, std::string message, std::string_view remedy);
    void problem(std::optional<error> found);
    /// "FIELD is not supported yet: BECAUSE"
    void not_supported(std::string field, std::string_view because);
    /// "FIELD is kept and not acted on: BECAUSE."
    void warn_unused(std::string_view field, std::string_view because);
    /// "FIELD WHAT."
    void warn(std::string_view field, std::string_view what);
    /// Nothing more is noted: it is of no use to go on.
    bool is_full() const { return into_.found.size() > limits::definition_problems_max; }

private:
    parsed_definition& into_;
};

/// "a list", "a number": for messages.
std::string_view kind_text(json::value const& value);

/// The elements of a path.
std::string path_of(std::string_view parent, std::string_view field);
std::string path_of(std::string_view list, std::size_t index);

/// Reads the fields of one object. A field that is null is as good as left out, and so is one of another type. Refers
/// to all that it was made with.
class field_reader {
public:
    field_reader(json::object const& from, std::string path, findings& notes)
        : from_(from), path_(std::move(path)), notes_(notes) {}

    std::string const& path() const { return path_; }
    std::string path_of(std::string_view field) const { return detail::path_of(path_, field); }
    findings& notes() const { return notes_; }

    json::object const& fields() const { return from_; }
    json::value const* find(std::string_view field) const;
    std::optional<std::string_view> text(std::string_view field) const;
    std::optional<std::int64_t> integer(std::string_view field) const;
    bool flag(std::string_view field) const;  ///< false if it is not there
    std::optional<std::int64_t> amount(std::string_view field, std::int64_t per_unit) const;  ///< see parse_quantity
    json::object const* object(std::string_view field) const;
    json::array const* list(std::string_view field) const;
    std::vector<std::string> texts(std::string_view field) const;
    string_map map(std::string_view field) const;

    /// Calls `read(field_reader const&)` for the field's object, if it is there.
    template <class Read>
    void in(std::string_view field, Read read) const {
        if (auto const* found = object(field)) read(field_reader(*found, path_of(field), notes_));
    }
    /// Calls `read(field_reader const&)` for each object of the field's list, until nothing more is noted.
    template <class Read>
    void each(std::string_view field, Read read) const {
        auto const* found = list(field);
        if (found == nullptr) return;
        for (std::size_t i = 0; i < found->size() && !notes_.is_full(); ++i)
            if (auto const* object = (*found)[i].if_object())
                read(field_reader(*object, detail::path_of(path_of(field), i), notes_));
    }

private:
    json::object const& from_;
    std::string path_;
    findings& notes_;
};

/// The `ports` of a container: in RIK one object, in Kubernetes a list; RIK's OpenAPI file calls it `network`.
std::vector<container_port> read_ports(field_reader const& container);

/// The probes and hooks of a container whose role and ports are read. `grace` is that of its Pod.
void read_probes(field_reader const& container, duration grace, container_definition& into);

void read_volumes(field_reader const& spec, instance_template& into);
/// Where a container sees the volumes of its Pod.
std::vector<volume_mount> read_mounts(field_reader const& container, std::vector<volume_definition> const& volumes);

/// The containers of a Pod whose volumes and grace period are read, with its own rights where they say nothing. Returns
/// the path of each: those that start first are first, wherever they are written.
std::vector<std::string> read_containers(field_reader const& spec, instance_template& into);

/// The one container of a Function whose grace period is read. Returns its path, as that of a container.
std::vector<std::string> read_function(field_reader const& spec, instance_template& into);
/// Notes each field of `spec`, a template of a Function, that only Pods have.
void check_only_of_function(field_reader const& spec);
/// What tells whether a Function can be asked, where its definition says nothing: does its port answer?
probe_definition function_readiness(std::uint16_t target_port);

/// How a workload of `into.kind` is kept, from the object that has replicas, selector and template. The template is
/// read before.
void read_upkeep(field_reader const& from, workload_definition& into);
/// The same of a Job, and of the Jobs of a CronJob: completions, deadlines, policies. into.upkeep.job is set.
void read_job(field_reader const& from, workload_definition& into);
void put_job(json::object& into, workload_definition const& from);
/// What a CronJob says beside the template of its Jobs; sets into.upkeep.
void read_cron_job(field_reader const& from, workload_definition& into);
/// The same; `job` has put_job's fields and the template.
void put_cron_job(json::object& into, workload_definition const& from, json::object job);
/// A selector, of which nothing is checked.
label_selector read_selector(field_reader const& from);
json::object selector_object(label_selector const& from);
/// Warns of each tolerationSeconds that nothing acts on.
void warn_of_toleration_seconds(field_reader const& spec, workload_kind kind, instance_template const& of);
/// The count, the selector, the strategy and the like, where they differ from what is usual.
void put_upkeep(json::object& into, workload_definition const& from);

/// What a Pod says beside its containers, whose paths are `containers`.
void read_pod(field_reader const& spec, std::vector<std::string> const& containers, instance_template& into);

/// What holds where a definition of this form and kind says nothing.
restart_policy usual_restart(definition_form form, workload_kind kind);

/// What annotations say of restarts: rik.io/restart-delay, -delay-max, -reset-after. `meta` has them.
void read_delays(field_reader const& meta, string_map const& annotations, restart_delays& into);
/// Warns of those that RIK does not act on though their names say that it would, or that Kubernetes would.
void warn_of_annotations(field_reader const& meta, string_map const& annotations);
/// `annotations`, from which `delays` are read.
string_map annotations_with(string_map annotations, restart_delays const& delays);

/// What a Pod's containers request together, but for what the Pod says itself.
resources requests_of(std::vector<container_definition> const& containers);

/// `from` has `env`.
std::vector<environment_variable> read_environment(field_reader const& from);
/// A list of texts. An empty one is as good as none, as in Kubernetes.
std::optional<std::vector<std::string>> read_words(field_reader const& from, std::string_view field);

/// `from` has requests and limits.
void read_resources(field_reader const& from, resources& requests, resources& limits);

/// Sums of such amounts, over all containers of many instances, stay far from the end of 64 bits.
inline constexpr std::int64_t amount_max = std::int64_t{1} << 53;

}  // namespace rik::detail

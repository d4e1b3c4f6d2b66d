#include <rik/model/job_record.hpp>

#include <rik/model/workload.hpp>

#include "model/members_detail.hpp"

#include <fmt/format.h>

namespace rik {

namespace detail {

template <>
inline constexpr auto members_of<job_failure> =
    std::tuple(needed("at", &job_failure::at), usual("number", &job_failure::number),
               usual("instance", &job_failure::instance), usual("index", &job_failure::index),
               usual("container", &job_failure::container), usual("exit_code", &job_failure::exit_code),
               usual("reason", &job_failure::reason), usual("verdict", &job_failure::verdict));

template <>
inline constexpr auto members_of<job_record> =
    std::tuple(needed("workload", &job_record::workload), usual("succeeded", &job_record::succeeded),
               usual("failed", &job_record::failed), usual("ignored", &job_record::ignored),
               usual("completed", &job_record::completed), usual("failed_indexes", &job_record::failed_indexes),
               usual("failed_times", &job_record::failed_times), usual("failures_in_row", &job_record::failures_in_row),
               usual("last_failure_at", &job_record::last_failure_at), usual("fatal", &job_record::fatal),
               usual("failures", &job_record::failures));

}  // namespace detail

std::uint32_t job_record::failures_of(std::uint32_t index) const {
    for (std::size_t i = 0; i < failed_times.size(); ++i)
        if (failed_times[i].contains(index)) return static_cast<std::uint32_t>(i + 1);
    return 0;
}

document_key job_record_key(workload const& of) { return {std::string(job_record_kind), of.tenant, of.id.text()}; }

document to_document(job_record const& from, workload const& of) {
    return document{.key = job_record_key(of), .about = of.id.text(), .json = detail::text_of(from)};
}

result<job_record> parse_job_record(document const& from) {
    if (from.key.kind != job_record_kind)
        return error{errc::corrupt, fmt::format("document {}: its kind is '{}', not that of a Job's counts",
                                                from.key.name, from.key.kind)};
    job_record found;
    auto const read =
        detail::read_text(from.json, "counts of Job " + from.key.name,
                          [&](auto const& value, auto& failure) { detail::read_value(value, found, failure); });
    if (!read) return read.error();
    return found;
}

}  // namespace rik

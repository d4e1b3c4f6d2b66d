#include <rik/model/rollout.hpp>

#include <rik/base/limits.hpp>
#include <rik/model/workload.hpp>

#include "model/members_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

namespace detail {

template <>
inline constexpr auto members_of<release_size> = std::tuple(needed("count", &release_size::count),
                                                            needed("wanted", &release_size::wanted),
                                                            needed("max", &release_size::max));

template <>
inline constexpr auto members_of<sized_release> = std::tuple(needed("release", &sized_release::release),
                                                             needed("size", &sized_release::size));

template <>
inline constexpr auto members_of<rollout_step> = std::tuple(needed("at", &rollout_step::at),
                                                            needed("what", &rollout_step::what));

template <>
inline constexpr auto parser_of<workload_condition_type> = parse_workload_condition_type;

template <>
inline constexpr auto parser_of<condition_status> = parse_condition_status;

template <>
inline constexpr auto parser_of<workload_state> = parse_workload_state;

template <>
inline constexpr auto members_of<workload_condition> = std::tuple(needed("type", &workload_condition::type),
                                                                  needed("status", &workload_condition::status),
                                                                  usual("reason", &workload_condition::reason),
                                                                  usual("message", &workload_condition::message),
                                                                  usual("since", &workload_condition::since),
                                                                  usual("updated_at", &workload_condition::updated_at));

template <>
inline constexpr auto members_of<job_progress> = std::tuple(usual("started_at", &job_progress::started_at),
                                                            usual("finished_at", &job_progress::finished_at),
                                                            usual("succeeded", &job_progress::succeeded),
                                                            usual("failed", &job_progress::failed),
                                                            usual("ignored", &job_progress::ignored),
                                                            usual("completed", &job_progress::completed_indexes),
                                                            usual("failed_indexes", &job_progress::failed_indexes));

template <>
inline constexpr auto members_of<cron_progress> = std::tuple(usual("last_run", &cron_progress::last_run),
                                                             usual("last_success", &cron_progress::last_success),
                                                             usual("next_run", &cron_progress::next_run),
                                                             usual("active", &cron_progress::active));

template <>
inline constexpr auto members_of<workload_progress> =
    std::tuple(usual("release", &workload_progress::release), usual("stable", &workload_progress::stable),
               usual("generation", &workload_progress::generation), usual("wanted", &workload_progress::wanted),
               usual("have", &workload_progress::have), usual("updated", &workload_progress::updated),
               usual("ready", &workload_progress::ready), usual("available", &workload_progress::available),
               usual("unavailable", &workload_progress::unavailable), usual("leaving", &workload_progress::leaving),
               usual("misplaced", &workload_progress::misplaced), usual("conditions", &workload_progress::conditions),
               usual("is_complete", &workload_progress::is_complete), usual("state", &workload_progress::state),
               usual("held_up", &workload_progress::held_up), usual("job", &workload_progress::job),
               usual("cron", &workload_progress::cron));

template <>
inline constexpr auto members_of<restart_course> = std::tuple(needed("asked_at", &restart_course::asked_at),
                                                              usual("reached", &restart_course::reached),
                                                              usual("done", &restart_course::is_done));

template <>
inline constexpr auto members_of<rollout_record> = std::tuple(needed("workload", &rollout_record::workload),
                                                              usual("sizes", &rollout_record::sizes),
                                                              usual("progress", &rollout_record::progress),
                                                              usual("steps", &rollout_record::steps),
                                                              usual("restart", &rollout_record::restart));

}  // namespace detail

release_size const* rollout_record::find_size(release_id const& of) const {
    auto const found = std::ranges::find(sizes, of, &sized_release::release);
    return found == sizes.end() ? nullptr : &found->size;
}

void rollout_record::set_size(release_id const& of, release_size size) {
    auto const found = std::ranges::find(sizes, of, &sized_release::release);
    if (found == sizes.end())
        sizes.push_back({of, size});
    else
        found->size = size;
}

void rollout_record::forget_size(release_id const& of) {
    std::erase_if(sizes, [&](sized_release const& each) { return each.release == of; });
}

void rollout_record::add_step(rollout_step done) {
    steps.push_back(std::move(done));
    if (steps.size() > limits::rollout_steps_max) steps.erase(steps.begin());
}

document_key rollout_key(workload const& of) { return {std::string(rollout_kind), of.tenant, of.id.text()}; }

document to_document(rollout_record const& from, workload const& of) {
    return document{.key = rollout_key(of), .about = of.id.text(), .json = detail::text_of(from)};
}

result<rollout_record> parse_rollout(document const& from) {
    if (from.key.kind != rollout_kind)
        return error{errc::corrupt,
                     fmt::format("document {}: its kind is '{}', not a rollout", from.key.name, from.key.kind)};
    rollout_record found;
    auto const read = detail::read_text(from.json, "rollout " + from.key.name, [&](auto const& value, auto& failure) {
        detail::read_value(value, found, failure);
    });
    if (!read) return read.error();
    return found;
}

}  // namespace rik

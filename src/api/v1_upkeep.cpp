// What is asked of workloads that keep their instances themselves.
#include "v1_detail.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::detail {

awaitable<result<std::optional<workload_progress>>> progress_of(api_call& call, workload_id which) {
    std::vector<workload_id> one{which};
    auto known = co_await call.primary.workloads().progress(call.who, std::move(one));
    if (!known) co_return known.error();
    co_return std::move(known->front());
}

api_answer show_workload(api_call& call, stored<workload> row, std::vector<std::string> warnings, unsigned status) {
    auto const known = co_await progress_of(call, row->id);
    if (!known) co_return known.error();
    auto const* const progress = *known ? &**known : nullptr;
    co_return json_response(status, workload_text(row, state_of(*row, progress), progress, warnings));
}

namespace {

constexpr std::array scale_members{std::string_view("replicas")};
constexpr std::array restart_members{std::string_view("atOnce")};
constexpr std::array job_members{std::string_view("name")};
constexpr std::array label_members{std::string_view("labels")};

result<std::uint32_t> count_member(json::object const& from) {
    auto const* const value = from.if_contains("replicas");
    if (value == nullptr) return error{errc::invalid, "it is missing", "replicas", "say how many instances are wanted"};
    json::error_code failed;
    auto const count = value->to_number<std::uint32_t>(failed);
    if (!value->is_number() || failed || value->is_double())
        return error{errc::invalid, "it must be a whole number from 0", "replicas"};
    return count;
}

/// What names a workload that is to be changed.
struct change_target {
    object_ref which;
    expected_revision expected;
};
result<change_target> target_of(api_call const& call) {
    auto which = ref_of(call);
    if (!which) return which.error();
    auto const expected = number_parameter(call.request, "revision");
    if (!expected) return expected.error();
    return change_target{std::move(*which), *expected};
}

api_answer show_changed(api_call& call, result<stored<workload>> changed) {
    if (!changed) co_return changed.error();
    std::vector<std::string> none;
    auto showing = show_workload(call, std::move(*changed), std::move(none), 200);
    co_return co_await std::move(showing);
}

/// `seen`: as it is now, where nothing is stopped.
std::string stop_text(std::optional<replacement_stop> const& stop, node_counts seen = {}) {
    json::object object;
    object["stopped"] = stop && !stop->is_lifted;
    object["since"] = stop ? json::value(to_string(stop->since)) : json::value(nullptr);
    object["unheardNodes"] = stop ? stop->unheard_count : seen.unheard;
    object["nodes"] = stop ? stop->nodes_count : seen.all;
    return json::serialize(object);
}

}  // namespace

api_answer scale_workload(api_call& call) {
    auto to = target_of(call);
    if (!to) co_return to.error();
    auto const body = object_body(call.request, scale_members);
    if (!body) co_return body.error();
    auto const count = count_member(*body);
    if (!count) co_return count.error();
    auto scaled = co_await call.primary.upkeep().scale(call.who, std::move(to->which), *count, to->expected);
    auto showing = show_changed(call, std::move(scaled));
    co_return co_await std::move(showing);
}

api_answer pause_workload(api_call& call) {
    auto to = target_of(call);
    if (!to) co_return to.error();
    auto const wrong = object_body(call.request, {});
    if (!wrong) co_return wrong.error();
    auto paused = co_await call.primary.upkeep().pause(call.who, std::move(to->which), to->expected);
    auto showing = show_changed(call, std::move(paused));
    co_return co_await std::move(showing);
}

api_answer resume_workload(api_call& call) {
    auto to = target_of(call);
    if (!to) co_return to.error();
    auto const wrong = object_body(call.request, {});
    if (!wrong) co_return wrong.error();
    auto resumed = co_await call.primary.upkeep().resume(call.who, std::move(to->which), to->expected);
    auto showing = show_changed(call, std::move(resumed));
    co_return co_await std::move(showing);
}

api_answer restart_workload(api_call& call) {
    auto to = target_of(call);
    if (!to) co_return to.error();
    auto const body = object_body(call.request, restart_members);
    if (!body) co_return body.error();
    auto const at_once = flag_member(*body, "atOnce");
    if (!at_once) co_return at_once.error();
    auto asked =
        co_await call.primary.upkeep().restart(call.who, std::move(to->which), at_once->value_or(false), to->expected);
    auto showing = show_changed(call, std::move(asked));
    co_return co_await std::move(showing);
}

api_answer start_job(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const body = object_body(call.request, job_members);
    if (!body) co_return body.error();
    auto name = text_member(*body, "name");
    if (!name) co_return name.error();
    auto made = co_await call.primary.workloads().start_job(call.who, std::move(*which), std::move(*name));
    if (!made) co_return made.error();
    std::vector<std::string> none;
    auto showing = show_workload(call, std::move(*made), std::move(none), 201);
    co_return co_await std::move(showing);
}

api_answer list_instances_by_index(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto part = read_page(call.request);
    if (!part) co_return part.error();
    auto listed = co_await call.primary.upkeep().list_instances(call.who, std::move(*which), std::move(*part));
    if (!listed) co_return listed.error();
    auto directed = co_await read_directory_of(call, listed->rows);
    if (!directed) co_return directed.error();
    auto const names = std::make_shared<directory const>(std::move(*directed));
    auto show = [names](stored<instance> const& row) -> result<std::optional<std::string>> {
        return std::optional(instance_text(row, *names));
    };
    co_return list_of(listed->at, listed->next, each_of(std::move(listed->rows), std::move(show)), listed->total);
}

api_answer list_releases(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto part = read_page(call.request);
    if (!part) co_return part.error();
    auto listed = co_await call.primary.upkeep().list_releases(call.who, std::move(*which), std::move(*part));
    if (!listed) co_return listed.error();
    auto show = [](stored<release> const& row) -> result<std::optional<std::string>> {
        return std::optional(release_text(*row));
    };
    co_return list_of(listed->at, listed->next, each_of(std::move(listed->rows), std::move(show)), listed->total);
}

api_answer relabel_instance(api_call& call) {
    auto to = target_of(call);
    if (!to) co_return to.error();
    auto const body = object_body(call.request, label_members);
    if (!body) co_return body.error();
    auto labels = changes_member(*body, "labels");
    if (!labels) co_return labels.error();
    auto const changed =
        co_await call.primary.instances().relabel(call.who, std::move(to->which), std::move(*labels), to->expected);
    if (!changed) co_return changed.error();
    auto const names = co_await read_directory_of(call, **changed);
    if (!names) co_return names.error();
    co_return json_response(200, instance_text(*changed, *names));
}

api_answer get_replacement(api_call& call) {
    auto const stop = co_await call.primary.upkeep().find_replacement_stop(call.who);
    if (!stop) co_return stop.error();
    if (*stop) co_return json_response(200, stop_text(*stop));
    node_filter every;
    page whole;
    auto const nodes = co_await call.primary.nodes().list(call.who, std::move(every), std::move(whole));
    if (!nodes) co_return nodes.error();
    auto const unheard =
        std::ranges::count(nodes->rows, node_state::unheard, [](auto const& row) { return row->state; });
    co_return json_response(200, stop_text(*stop, {static_cast<std::size_t>(unheard), nodes->rows.size()}));
}

api_answer resume_replacement(api_call& call) {
    auto const wrong = object_body(call.request, {});
    if (!wrong) co_return wrong.error();
    auto const lifted = co_await call.primary.upkeep().resume_replacement(call.who);
    if (!lifted) co_return lifted.error();
    co_return json_response(200, stop_text(*lifted));
}

}  // namespace rik::detail

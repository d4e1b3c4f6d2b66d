// Workloads: made, applied, shown, changed and removed.
#include "v1_detail.hpp"

#include <rik/model/definition_place.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace rik::detail {

namespace {

/// Says in which tenant `definition` is to be made, if it does not say so itself. Errors: invalid, the call says
/// another.
result<void> settle_tenant(workload_definition& definition, std::string const& named) {
    if (definition.tenant.empty()) definition.tenant = named;
    if (named.empty() || definition.tenant == named) return {};
    return error{errc::invalid,
                 fmt::format("the call names the tenant {}, the definition {}", named, definition.tenant), "tenant",
                 "leave one of them out, or name the same"};
}

/// The tenant of a definition is said already.
result<void> settle_tenant(api_call const& call, workload_definition& definition) {
    auto const tenant = tenant_parameter(call);
    if (!tenant) return tenant.error();
    return settle_tenant(definition, *tenant);
}

result<change_options> read_change_options(http_request const& request) {
    auto const expected = number_parameter(request, "revision");
    if (!expected) return expected.error();
    auto const is_dry_run = flag_parameter(request, "dryRun");
    if (!is_dry_run) return is_dry_run.error();
    return change_options{*expected, *is_dry_run};
}

/// The primary knows which field is wrong, but not the text.
error placed(error why, std::string const& definition) {
    if (why.code == errc::invalid) tell_place(why, definition);
    return why;
}

/// What its own parser has warned of, where the primary has not parsed it again.
void add_warnings(workload_change& to, std::vector<std::string> const& of_definition) {
    to.warnings.insert(to.warnings.begin(), of_definition.begin(), of_definition.end());
}

/// A patch of another kind, read as this one, would do what nobody meant.
std::optional<http_response> refuse_type(http_request const& request) {
    constexpr std::array known{std::string_view("application/merge-patch+json"), std::string_view("application/json")};
    auto const given = request.header("Content-Type").value_or(known.front());
    auto const type = std::string_view(given).substr(0, std::string_view(given).find_first_of("; "));
    if (std::ranges::find(known, type) != known.end()) return std::nullopt;
    return error_response(415,
                          error{errc::unsupported,
                                fmt::format("a patch of the type {} is not understood", given),
                                {},
                                "send a JSON merge patch, as application/merge-patch+json"},
                          request.target);
}

result<cascade> cascade_parameter(http_request const& request) {
    auto const word = request.parameter("cascade").value_or("background");
    if (word == "background" || word == "foreground") return cascade::all;
    if (word == "orphan") return cascade::orphan;
    return wrong_parameter("cascade", word, "use background, foreground or orphan");
}

api_answer show_change(api_call& call, workload_change made, unsigned status) {
    auto const known = co_await progress_of(call, made.row->id);
    if (!known) co_return known.error();
    co_return json_response(status, change_text(made, *known ? &**known : nullptr));
}

}  // namespace

api_answer make_workload(api_call& call) {
    auto how = read_change_options(call.request);
    if (!how) co_return how.error();
    auto parsed = parse_definition(call.request.body);
    if (!parsed.found.empty()) co_return problems_response(parsed.found);
    if (auto const settled = settle_tenant(call, parsed.definition); !settled) co_return settled.error();
    if (how->is_dry_run) {
        how->expected = revision{0};
        auto const made = co_await call.primary.workloads().apply(call.who, std::move(parsed.definition), *how);
        if (!made) co_return placed(made.error(), call.request.body);
        auto const state = state_of(*made->row, nullptr);
        co_return json_response(200, workload_text(made->row, state, nullptr, parsed.warnings));
    }
    auto created = co_await call.primary.workloads().create(call.who, std::move(parsed.definition));
    if (!created) co_return placed(created.error(), call.request.body);
    auto showing = show_workload(call, std::move(*created), std::move(parsed.warnings), 201);
    co_return co_await std::move(showing);
}

api_answer apply_workload(api_call& call) {
    auto const how = read_change_options(call.request);
    if (!how) co_return how.error();
    auto parsed = parse_definition(call.request.body);
    if (!parsed.found.empty()) co_return problems_response(parsed.found);
    if (auto const settled = settle_tenant(call, parsed.definition); !settled) co_return settled.error();
    auto made = co_await call.primary.workloads().apply(call.who, std::move(parsed.definition), *how);
    if (!made) co_return placed(made.error(), call.request.body);
    auto const is_created = made->outcome == change_outcome::created;
    if (is_created) add_warnings(*made, parsed.warnings);
    auto showing = show_change(call, std::move(*made), is_created && !how->is_dry_run ? 201 : 200);
    co_return co_await std::move(showing);
}

api_answer get_workload(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const told = co_await call.primary.workloads().story(call.who, std::move(*which));
    if (!told) co_return told.error();
    auto const* const progress = told->progress ? &*told->progress : nullptr;
    co_return json_response(200, workload_text(told->row, state_of(*told->row, progress), progress));
}

api_answer get_rollout(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const told = co_await call.primary.workloads().story(call.who, std::move(*which));
    if (!told) co_return told.error();
    co_return json_response(200, rollout_text(*told));
}

api_answer replace_workload(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const how = read_change_options(call.request);
    if (!how) co_return how.error();
    auto parsed = parse_definition(call.request.body);
    if (!parsed.found.empty()) co_return problems_response(parsed.found);
    auto made =
        co_await call.primary.workloads().replace(call.who, std::move(*which), std::move(parsed.definition), *how);
    if (!made) co_return placed(made.error(), call.request.body);
    add_warnings(*made, parsed.warnings);
    auto showing = show_change(call, std::move(*made), 200);
    co_return co_await std::move(showing);
}

api_answer patch_workload(api_call& call) {
    if (auto refused = refuse_type(call.request)) co_return std::move(*refused);
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const how = read_change_options(call.request);
    if (!how) co_return how.error();
    auto made = co_await call.primary.workloads().change(call.who, std::move(*which), call.request.body, *how);
    if (!made) co_return made.error();
    auto showing = show_change(call, std::move(*made), 200);
    co_return co_await std::move(showing);
}

api_answer remove_workload(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const expected = number_parameter(call.request, "revision");
    if (!expected) co_return expected.error();
    auto const of_instances = cascade_parameter(call.request);
    if (!of_instances) co_return of_instances.error();
    remove_options const how(*expected, *of_instances);
    auto const deleted = co_await call.primary.workloads().remove(call.who, std::move(*which), how);
    if (!deleted) co_return deleted.error();
    co_return json_response(202, "{}");
}

}  // namespace rik::detail

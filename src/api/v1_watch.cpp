// The watches of v1: one for each list.
#include "watch_stream.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include <map>

namespace rik::detail {

namespace {

http_response stream_response(std::unique_ptr<body_source> stream) {
    auto response = make_response(200, "text/event-stream", "");
    response.headers.push_back({"Cache-Control", "no-store"});
    response.stream = std::move(stream);
    return response;
}

class workload_stream final : public watch_stream {
public:
    workload_stream(asio::any_io_executor strand, api_call const& call, std::unique_ptr<watch_source> source,
                    selection chosen)
        : watch_stream(std::move(strand), call, std::move(source)), chosen_(std::move(chosen)) {}

private:
    awaitable<result<std::string>> show(change const& what, std::optional<store_position> id) override {
        auto const seen =
            see<workload>(what, [this](workload const& row) { return matches(chosen_, row, state_of_row(row)); });
        if (!seen) co_return std::string();
        co_return sse_text(seen->name, workload_text(seen->row, state_of_row(*seen->row), nullptr), id);
    }

    selection chosen_;
};

class node_stream final : public watch_stream {
public:
    node_stream(asio::any_io_executor strand, api_call const& call, std::unique_ptr<watch_source> source,
                selection chosen)
        : watch_stream(std::move(strand), call, std::move(source)), chosen_(std::move(chosen)) {}

private:
    awaitable<result<std::string>> show(change const& what, std::optional<store_position> id) override {
        auto const seen = see<node>(what, [this](node const& row) { return matches(chosen_, row); });
        if (!seen) co_return std::string();
        std::vector<node_id> one{seen->row->id};
        auto const used = co_await primary().nodes().usage(who(), std::move(one));
        if (!used) co_return used.error();
        co_return sse_text(seen->name, node_text(seen->row, used->front()), id);
    }

    selection chosen_;
};

class tenant_stream final : public watch_stream {
public:
    using watch_stream::watch_stream;

private:
    awaitable<result<std::string>> show(change const& what, std::optional<store_position> id) override {
        auto const seen = see<document>(what, [](document const&) { return true; });
        if (!seen) co_return std::string();
        auto parsed = parse_tenant(*seen->row);
        if (!parsed) co_return parsed.error();
        stored<tenant_record> const row{std::make_shared<tenant_record const>(std::move(*parsed)),
                                        seen->row.changed_at};
        co_return sse_text(seen->name, tenant_text(row), id);
    }
};

/// Old events go by themselves: that is not told.
class event_stream final : public watch_stream {
public:
    event_stream(asio::any_io_executor strand, api_call const& call, std::unique_ptr<watch_source> source,
                 event_subject subject, selection chosen)
        : watch_stream(std::move(strand), call, std::move(source)),
          subject_(std::move(subject)),
          chosen_(std::move(chosen)) {}

private:
    awaitable<result<std::string>> show(change const& what, std::optional<store_position> id) override {
        auto const seen = see<document>(what, [](document const& row) { return row.key.kind == event_kind; });
        if (!seen || seen->name == "deleted") co_return std::string();
        auto const happened = parse_event(*seen->row);
        if (!happened) co_return happened.error();
        if (!subject_.matches(*happened) || !matches(chosen_, *happened)) co_return std::string();
        co_return sse_text(seen->name, event_text(*happened), id);
    }

    event_subject subject_;
    selection chosen_;
};

/// Instances, and again those of a node that is no longer heard, or heard again: their state is shown otherwise then.
class instance_stream final : public watch_stream {
public:
    instance_stream(asio::any_io_executor strand, api_call const& call, std::unique_ptr<watch_source> source,
                    std::unique_ptr<watch_source> nodes, instance_filter wanted)
        : watch_stream(std::move(strand), call, std::move(source)),
          nodes_(std::move(nodes)),
          wanted_(std::move(wanted)) {}

    /// Nodes as they are at the beginning. A client that goes on after `resumed` has not heard of their changes since.
    void learn(watch_source::batch const& first, std::optional<store_position> resumed) {
        for (auto const& each : first.changes) {
            auto const& row = std::get<row_change<node>>(each.row).after;
            if (row == nullptr) continue;
            names_.nodes.emplace(row->id, row);
            if (resumed && each.changed_at > resumed->reached) note_due(*row, row->state != node_state::unheard);
        }
    }

    awaitable<> run() override;

private:
    awaitable<result<std::string>> show(change const& what, std::optional<store_position> id) override;
    awaitable<result<std::string>> show_more() override;
    awaitable<> read_nodes();
    awaitable<result<void>> learn_owner(instance const& row);
    void note(row_change<node> const& seen);
    void note_due(node const& which, bool was_unheard) { due_.emplace(which.id, was_unheard); }
    bool wants(instance const& row, instance_surroundings const& around) const {
        if (!wanted_.tenant.empty() && row.tenant() != wanted_.tenant) return false;
        if (wanted_.workload && row.owner() != wanted_.workload) return false;
        if (wanted_.node && !(row.binding() && row.binding()->node == *wanted_.node)) return false;
        return matches(wanted_.chosen, row, around);
    }
    bool wants(instance const& row) const { return wants(row, around_of(row, names_)); }
    std::string show_again(stored<instance> const& row, bool was_unheard) const;

    static constexpr std::size_t known_owners_max = 1'000;

    std::unique_ptr<watch_source> nodes_;
    instance_filter wanted_;
    directory names_;
    std::map<node_id, bool> due_;  ///< nodes whose instances are shown again; whether they were unheard before
};

awaitable<> instance_stream::run() {
    auto work = watch_stream::run();
    using namespace asio::experimental::awaitable_operators;
    co_await (std::move(work) && read_nodes());
}

/// Without news of nodes the rest is still worth showing, so an error here ends nothing.
awaitable<> instance_stream::read_nodes() {
    for (;;) {
        auto const batch = co_await nodes_->next();
        if (!batch) co_return;
        for (auto const& each : batch->changes)
            if (auto const* seen = std::get_if<row_change<node>>(&each.row)) note(*seen);
    }
}

void instance_stream::note(row_change<node> const& seen) {
    if (seen.after == nullptr) {
        names_.nodes.erase(seen.before->id);
        return;
    }
    auto const known = names_.nodes.find(seen.after->id);
    auto const is_changed = known != names_.nodes.end() && known->second->state != seen.after->state;
    if (is_changed) note_due(*seen.after, known->second->state == node_state::unheard);
    names_.nodes.insert_or_assign(seen.after->id, seen.after);
    if (is_changed) wake();
}

/// Without its definition, which would be kept for as long as the watch lasts.
std::shared_ptr<workload const> name_of(workload const& row) {
    auto named = std::make_shared<workload>();
    named->id = row.id;
    named->tenant = row.tenant;
    named->name = row.name;
    named->kind = row.kind;
    return named;
}

awaitable<result<void>> instance_stream::learn_owner(instance const& row) {
    if (!row.owner() || names_.find_workload(row.owner()) != nullptr) co_return result<void>{};
    object_ref which(*row.owner());
    auto const found = co_await primary().workloads().get(who(), std::move(which));
    if (!found && found.error().code != errc::not_found) co_return found.error();
    if (names_.workloads.size() >= known_owners_max) names_.workloads.clear();
    if (found) names_.workloads.emplace((*found)->id, name_of(**found));
    co_return result<void>{};
}

/// As it is last seen: nothing is left of it.
stored<instance> terminated(stored<instance> const& last) {
    auto fields = last->fields();
    fields.status.state = instance_state::terminated;
    fields.status.reason = "Terminated";
    fields.status.message = "nothing is left of it";
    fields.status.ready = false;
    return {std::make_shared<instance const>(std::move(fields)), last.changed_at};
}

awaitable<result<std::string>> instance_stream::show(change const& what, std::optional<store_position> id) {
    if (auto const* const row = std::get_if<row_change<instance>>(&what.row); row != nullptr) {
        auto learning = learn_owner(row->after ? *row->after : *row->before);
        auto const known = co_await std::move(learning);
        if (!known) co_return known.error();
    }
    auto seen = see<instance>(what, [this](instance const& row) { return wants(row); });
    if (!seen) co_return std::string();
    auto const is_gone = std::get<row_change<instance>>(what.row).after == nullptr;
    if (is_gone) seen->row = terminated(seen->row);
    co_return sse_text(seen->name, instance_text(seen->row, names_), id);
}

/// Whether its node is heard may decide whether it is selected: then it comes or goes.
std::string instance_stream::show_again(stored<instance> const& row, bool was_unheard) const {
    auto before = around_of(*row, names_);
    before.is_unheard = was_unheard;
    auto const was = wants(*row, before);
    auto const is = wants(*row);
    if (!was && !is) return {};
    return sse_text(!was ? "added" : is ? "modified" : "deleted", instance_text(row, names_), std::nullopt);
}

awaitable<result<std::string>> instance_stream::show_more() {
    if (due_.empty()) co_return std::string();
    instance_filter on_it;
    auto const [node, was_unheard] = *due_.begin();
    on_it.node = node;
    due_.erase(due_.begin());
    if (!due_.empty()) wake();
    auto const held = co_await primary().instances().list(who(), std::move(on_it), page());
    if (!held) co_return held.error();
    std::string text;
    for (auto const& row : held->rows) {
        auto const learned = co_await learn_owner(*row);
        if (!learned) co_return learned.error();
        text += show_again(row, was_unheard);
    }
    co_return text;
}

}  // namespace

api_answer watch_workloads(api_call& call) {
    auto const after = resume_point(call.request);
    if (!after) co_return after.error();
    auto const tenant = tenant_of_list(call);
    if (!tenant) co_return tenant.error();
    auto chosen = read_selection(call.request, workload_selection_fields());
    if (!chosen) co_return chosen.error();
    workload_filter filter;
    filter.tenant = *tenant;
    filter.chosen = *chosen;
    auto source = co_await call.primary.workloads().watch(call.who, std::move(filter), *after);
    if (!source) co_return source.error();
    auto const strand = co_await asio::this_coro::executor;
    co_return stream_response(std::make_unique<workload_stream>(strand, call, std::move(*source), std::move(*chosen)));
}

api_answer watch_nodes(api_call& call) {
    auto const after = resume_point(call.request);
    if (!after) co_return after.error();
    auto chosen = read_selection(call.request, node_selection_fields());
    if (!chosen) co_return chosen.error();
    auto source = co_await call.primary.nodes().watch(call.who, *after);
    if (!source) co_return source.error();
    auto const strand = co_await asio::this_coro::executor;
    co_return stream_response(std::make_unique<node_stream>(strand, call, std::move(*source), std::move(*chosen)));
}

api_answer watch_tenants(api_call& call) {
    auto const after = resume_point(call.request);
    if (!after) co_return after.error();
    auto source = co_await call.primary.tenants().watch(call.who, *after);
    if (!source) co_return source.error();
    auto const strand = co_await asio::this_coro::executor;
    co_return stream_response(std::make_unique<tenant_stream>(strand, call, std::move(*source)));
}

api_answer watch_events(api_call& call) {
    auto subject = co_await read_event_subject(call);
    if (!subject) co_return subject.error();
    auto const after = resume_point(call.request);
    if (!after) co_return after.error();
    auto chosen = read_selection(call.request, event_selection_fields());
    if (!chosen) co_return chosen.error();
    auto about = event_filter_of(call, *subject);
    if (!about) co_return about.error();
    auto source = co_await call.primary.events().watch(call.who, std::move(*about), *after);
    if (!source) co_return source.error();
    auto const strand = co_await asio::this_coro::executor;
    co_return stream_response(
        std::make_unique<event_stream>(strand, call, std::move(*source), std::move(*subject), std::move(*chosen)));
}

api_answer watch_instances(api_call& call) {
    auto const filter = co_await read_instance_filter(call);
    if (!filter) co_return filter.error();
    auto const after = resume_point(call.request);
    if (!after) co_return after.error();
    auto nodes = co_await call.primary.nodes().watch(call.who, watch_after());
    if (!nodes) co_return nodes.error();
    auto const first = co_await (*nodes)->next();
    if (!first) co_return first.error();
    auto source = co_await call.primary.instances().watch(call.who, *filter, *after);
    if (!source) co_return source.error();
    auto const strand = co_await asio::this_coro::executor;
    auto stream = std::make_unique<instance_stream>(strand, call, std::move(*source), std::move(*nodes), *filter);
    stream->learn(*first, *after);
    co_return stream_response(std::move(stream));
}

}  // namespace rik::detail

#include "filled_cluster.hpp"

#include <rik/model/definition.hpp>
#include <rik/store/tables.hpp>

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

namespace rik::bench {

namespace {

using namespace std::chrono_literals;
constexpr wall_time begin_of_all{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};

definition_ptr deployment(std::size_t number, std::size_t replicas) {
    auto parsed = parse_definition(fmt::format(
        R"({{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"web-{}"}},"spec":{{"replicas":{},)"
        R"("selector":{{"matchLabels":{{"app":"web"}}}},"template":{{"metadata":{{"labels":{{"app":"web"}}}},)"
        R"("spec":{{"containers":[{{"name":"main","image":"web:1"}}]}}}}}}}})",
        number, replicas));
    return std::make_shared<workload_definition const>(std::move(parsed.definition));
}

/// Five letters, as a controller makes them.
std::string suffix_of(std::size_t index) {
    constexpr std::string_view letters = "bcdfghjklmnpqrstvwxz2456789";
    std::string text;
    for (int i = 0; i < 5; ++i, index /= letters.size()) text += letters[index % letters.size()];
    return text;
}

instance_status status_of(instance_state state) {
    if (state == instance_state::running) return running_status(3, begin_of_all + 2s);
    if (state == instance_state::pending)
        return {.reason = "Created", .message = "waits to be placed on a node", .since = begin_of_all};
    instance_status creating{.state = state, .reason = "Preparing", .message = "is being prepared"};
    creating.since = begin_of_all + 1s;
    creating.seq = 1;
    creating.containers.push_back({.name = "main", .reason = "ContainerCreating", .message = "is being prepared"});
    return creating;
}

}  // namespace

instance_status running_status(std::uint64_t seq, wall_time now) {
    instance_status running{.state = instance_state::running, .reason = "Started"};
    running.message = "all containers run";
    running.since = now;
    running.seq = seq;
    running.ready = true;
    running.ready_since = now;
    running.addresses.push_back("10.210.12.34");
    running.initialized_at = now;
    container_status main{.name = "main", .state = container_state::running};
    main.image_digest = "sha256:" + std::string(64, 'a');
    main.started_at = now;
    main.started = true;
    main.ready = true;
    running.containers.push_back(std::move(main));
    return running;
}

filled_cluster::filled_cluster(filling const& how) : how_(how) {
    contents_.last = filled_fence;
    put_nodes();
    for (std::size_t i = 0; i < how_.workloads; ++i) put_workload(i);
}

template <class Row>
void filled_cluster::put(Row const& row, std::string key) {
    contents_.rows.push_back({filled_fence, std::string(to_string(table<Row>::id)), std::move(key), encode(row)});
}

void filled_cluster::put_nodes() {
    for (std::size_t i = 0; i < how_.nodes; ++i) {
        node row{.id = node_id::generate(random_)};
        row.facts.name = fmt::format("node-{}", i);
        row.facts.runtimes.push_back("oci");
        row.facts.capacity.set(resource::pods, 1'000'000);
        row.pod_subnet = fmt::format("10.{}.{}.0/24", i / 256, i % 256);
        row.state_since = row.created_at = begin_of_all;
        nodes_.push_back(row.id);
        put(row, row.id.text());
    }
}

void filled_cluster::put_workload(std::size_t number) {
    auto const replicas = how_.instances / how_.workloads;
    workload row{.id = workload_id::generate(random_), .name = fmt::format("web-{}", number)};
    row.kind = workload_kind::deployment;
    row.definition = deployment(number, replicas);
    row.replicas = static_cast<std::uint32_t>(replicas);
    row.current_release = release_id::generate(random_);
    row.created_at = row.updated_at = begin_of_all;
    auto const from =
        std::make_shared<release const>(make_release(row.current_release, row.id, definition_ptr(row.definition)));
    workloads_.push_back(row.id);
    put(*from, from->id.text());
    put(row, row.id.text());
    for (std::size_t i = 0; i < replicas; ++i) put_instance(row, from, i);
}

void filled_cluster::put_instance(workload const& owner, release_ptr const& from, std::size_t index) {
    instance_fields fields{.id = instance_id::generate(random_), .name = owner.name + "-" + suffix_of(index)};
    fields.owner = owner.id;
    fields.made_from = from;
    fields.created_at = begin_of_all;
    fields.index = static_cast<std::uint32_t>(index);
    if (how_.state != instance_state::pending)
        fields.binding = node_binding{.node = nodes_[instances_.size() % nodes_.size()], .fence = filled_fence};
    fields.status = status_of(how_.state);
    instances_.push_back(fields.id);
    put(instance(std::move(fields)), instances_.back().text());
    text_bytes_ += contents_.rows.back().value->size();
}

awaitable<result<journal_contents>> filled_journal::lead() { co_return std::move(contents_); }
awaitable<result<void>> filled_journal::append(std::vector<journal_entry>) { co_return result<void>{}; }

}  // namespace rik::bench

#include "wire_parts_detail.hpp"

#include <rik/model/definition.hpp>

#include <memory>
#include <optional>
#include <variant>

namespace rik::detail {

namespace {

container_role read(wire::ContainerStatus::Role from) {
    switch (from) {
        case wire::ContainerStatus::MAIN: return container_role::main;
        case wire::ContainerStatus::INIT: return container_role::init;
        case wire::ContainerStatus::SIDECAR: return container_role::sidecar;
        default: fail(fmt::format("a container's role {} that this version does not know", static_cast<int>(from)));
    }
}

wire::ContainerStatus::Role wire_of(container_role from) {
    switch (from) {
        case container_role::init: return wire::ContainerStatus::INIT;
        case container_role::sidecar: return wire::ContainerStatus::SIDECAR;
        case container_role::main: return wire::ContainerStatus::MAIN;
    }
    return wire::ContainerStatus::MAIN;
}

void fill(wire::ContainerEnd& into, container_end const& from) {
    into.set_reason(from.reason);
    into.set_message(from.message);
    if (from.exit_code) into.set_exit_code(*from.exit_code);
    if (from.started_at) into.set_started_at_us(microseconds(*from.started_at));
    if (from.finished_at) into.set_finished_at_us(microseconds(*from.finished_at));
}

container_end read(wire::ContainerEnd const& from) {
    container_end made{.reason = from.reason(), .message = from.message()};
    if (from.has_exit_code()) made.exit_code = from.exit_code();
    if (from.has_started_at_us()) made.started_at = read_time(from.started_at_us());
    if (from.has_finished_at_us()) made.finished_at = read_time(from.finished_at_us());
    return made;
}

void fill(wire::MachineBoot& into, machine_boot const& from) {
    into.set_acceleration(from.acceleration);
    for (auto const& each : from.steps) {
        auto& step = *into.add_steps();
        step.set_name(each.name);
        step.set_after_ms(each.after_ms);
    }
}

machine_boot read(wire::MachineBoot const& from) {
    machine_boot made{.acceleration = from.acceleration()};
    for (auto const& each : from.steps()) made.steps.push_back({each.name(), each.after_ms()});
    return made;
}

void fill(wire::ContainerStatus& into, container_status const& from) {
    into.set_name(from.name);
    into.set_state(static_cast<std::uint32_t>(from.state));
    into.set_reason(from.reason);
    into.set_message(from.message);
    into.set_image_digest(from.image_digest);
    if (from.exit_code) into.set_exit_code(*from.exit_code);
    if (from.started_at) into.set_started_at_us(microseconds(*from.started_at));
    if (from.finished_at) into.set_finished_at_us(microseconds(*from.finished_at));
    into.set_restart_count(from.restart_count);
    into.set_role(wire_of(from.role));
    into.set_started(from.started);
    into.set_ready(from.ready);
    if (from.starts_at) into.set_starts_at_us(microseconds(*from.starts_at));
    if (from.last) fill(*into.mutable_last(), *from.last);
    if (from.machine) fill(*into.mutable_machine(), *from.machine);
}

container_status read(wire::ContainerStatus const& from) {
    container_status made{.name = from.name(), .role = read(from.role())};
    made.state = read_word(from.state(), container_state::exited);
    made.reason = from.reason();
    made.message = from.message();
    made.image_digest = from.image_digest();
    if (from.has_exit_code()) made.exit_code = from.exit_code();
    if (from.has_started_at_us()) made.started_at = read_time(from.started_at_us());
    if (from.has_finished_at_us()) made.finished_at = read_time(from.finished_at_us());
    made.restart_count = from.restart_count();
    made.started = from.started();
    made.ready = from.ready();
    if (from.has_starts_at_us()) made.starts_at = read_time(from.starts_at_us());
    if (from.has_last()) made.last = read(from.last());
    if (from.has_machine()) made.machine = read(from.machine());
    return made;
}

void fill(wire::LogCall& into, container_log_call const& from) {
    into.set_instance(bytes_of(from.instance));
    into.set_container(from.container);
    into.set_follow(from.how.follow);
    into.set_timestamps(from.how.timestamps);
    if (from.how.tail_lines) into.set_tail_lines(*from.how.tail_lines);
    if (from.how.only) into.set_only(static_cast<std::uint32_t>(*from.how.only));
    into.set_must_be_whole(from.how.must_be_whole);
    into.set_is_framed(from.how.is_framed);
    into.set_has_marks(from.how.has_marks);
    if (from.how.since) into.set_since_us(microseconds(*from.how.since));
    if (from.how.after) into.set_after(to_string(*from.how.after));
    into.set_is_of_previous(from.how.is_of_previous);
}

container_log_call read(wire::LogCall const& from) {
    container_log_call made{.instance = read_id<instance_id>(from.instance()), .container = from.container()};
    made.how.follow = from.follow();
    made.how.is_of_previous = from.is_of_previous();
    made.how.timestamps = from.timestamps();
    if (from.has_tail_lines()) made.how.tail_lines = from.tail_lines();
    if (from.only() != 0) made.how.only = read_word(from.only(), container_log_origin::standard_error);
    made.how.must_be_whole = from.must_be_whole();
    made.how.is_framed = from.is_framed();
    made.how.has_marks = from.has_marks();
    if (from.has_since_us()) made.how.since = read_time(from.since_us());
    if (from.after().empty()) return made;
    auto const position = parse_container_log_position(from.after());
    if (!position) fail(position.error().message);
    made.how.after = *position;
    return made;
}

/// Fills `into` with one of the calls about images.
struct image_call_writer {
    wire::ImageCall& into;

    void operator()(list_images const&) const { into.set_verb(wire::ImageCall::LIST); }
    void operator()(pull_image const& call) const {
        into.set_verb(wire::ImageCall::PULL);
        into.set_subject(call.name);
    }
    void operator()(remove_image const& call) const {
        into.set_verb(wire::ImageCall::REMOVE);
        into.set_subject(call.name_or_digest);
    }
    void operator()(load_images const& call) const {
        into.set_verb(wire::ImageCall::LOAD);
        into.set_subject(call.path);
        into.set_name(call.name);
    }
};

image_call read(wire::ImageCall const& from) {
    switch (from.verb()) {
        case wire::ImageCall::LIST: return list_images{};
        case wire::ImageCall::PULL: return pull_image{from.subject()};
        case wire::ImageCall::REMOVE: return remove_image{from.subject()};
        case wire::ImageCall::LOAD: return load_images{from.subject(), from.name()};
        default:
            fail(fmt::format("a call about images {} that this version does not know", static_cast<int>(from.verb())));
    }
}

}  // namespace

void fill(wire::Metrics& into, node_metrics const& from) {
    into.set_cpu_total(from.cpu_total);
    into.set_cpu_free_percent(from.cpu_free_percent);
    into.set_memory_total_bytes(from.memory_total_bytes);
    into.set_memory_free_bytes(from.memory_free_bytes);
    into.set_measured_at_us(microseconds(from.measured_at));
    for (auto const& each : from.disks) {
        auto& one = *into.add_disks();
        one.set_name(each.name);
        one.set_total_bytes(each.total_bytes);
        one.set_free_bytes(each.free_bytes);
    }
}

node_metrics read(wire::Metrics const& from) {
    node_metrics made{.cpu_total = from.cpu_total(), .cpu_free_percent = from.cpu_free_percent()};
    made.memory_total_bytes = from.memory_total_bytes();
    made.memory_free_bytes = from.memory_free_bytes();
    made.measured_at = read_time(from.measured_at_us());
    for (auto const& each : from.disks()) made.disks.push_back({each.name(), each.total_bytes(), each.free_bytes()});
    return made;
}

void fill(wire::NodeFacts& into, node_facts const& from) {
    into.set_name(from.name);
    into.set_boot_id(from.boot_id);
    into.set_version(from.version);
    for (auto const& [name, amount] : from.capacity.entries()) {
        auto& one = *into.add_capacity();
        one.set_name(name);
        one.set_amount(amount);
    }
    for (auto const& [name, value] : from.labels) (*into.mutable_labels())[name] = value;
    copy_texts(from.runtimes, *into.mutable_runtimes());
    for (auto const& [name, why] : from.missing_runtimes) (*into.mutable_missing_runtimes())[name] = why;
    copy_texts(from.addresses, *into.mutable_addresses());
    fill_taints(from.taints, *into.mutable_taints());
    into.set_pod_subnet(from.pod_subnet);
    for (auto const& each : from.troubles) {
        auto& one = *into.add_troubles();
        one.set_reason(each.reason);
        one.set_message(each.message);
    }
}

node_facts read(wire::NodeFacts const& from) {
    node_facts made{.name = from.name(), .boot_id = from.boot_id(), .version = from.version()};
    for (auto const& each : from.capacity()) made.capacity.set(each.name(), each.amount());
    for (auto const& [name, value] : from.labels()) made.labels[name] = value;
    made.runtimes.assign(from.runtimes().begin(), from.runtimes().end());
    for (auto const& [name, why] : from.missing_runtimes()) made.missing_runtimes[name] = why;
    made.addresses.assign(from.addresses().begin(), from.addresses().end());
    made.troubles = read_troubles(from.troubles());
    made.taints = read_taints(from.taints());
    made.pod_subnet = from.pod_subnet();
    return made;
}

void fill(wire::InstanceStatus& into, instance_status const& from) {
    into.set_state(static_cast<std::uint32_t>(from.state));
    into.set_reason(from.reason);
    into.set_message(from.message);
    into.set_since_us(microseconds(from.since));
    into.set_seq(from.seq);
    into.set_ready(from.ready);
    if (from.ready_since) into.set_ready_since_us(microseconds(*from.ready_since));
    copy_texts(from.addresses, *into.mutable_addresses());
    if (from.initialized_at) into.set_initialized_at_us(microseconds(*from.initialized_at));
    into.set_restarts(from.restarts);
    for (auto const& each : from.containers) fill(*into.add_containers(), each);
}

instance_status read(wire::InstanceStatus const& from) {
    instance_status made{.state = read_word(from.state(), instance_state::terminated)};
    made.reason = from.reason();
    made.message = from.message();
    made.since = read_time(from.since_us());
    made.seq = from.seq();
    made.ready = from.ready();
    if (from.has_ready_since_us()) made.ready_since = read_time(from.ready_since_us());
    made.addresses.assign(from.addresses().begin(), from.addresses().end());
    if (from.has_initialized_at_us()) made.initialized_at = read_time(from.initialized_at_us());
    made.restarts = from.restarts();
    for (auto const& each : from.containers()) made.containers.push_back(read(each));
    return made;
}

void fill(wire::StatusReport& into, instance_id const& which, revision fence, instance_status const& status) {
    into.set_instance(bytes_of(which));
    into.set_fence(fence);
    fill(*into.mutable_status(), status);
}

void fill(wire::Release& into, release const& from) {
    into.set_id(bytes_of(from.id));
    into.set_workload(bytes_of(from.workload));
    into.set_number(from.number);
    into.set_created_at_us(microseconds(from.created_at));
    into.set_definition(from.definition->text);
    into.set_tenant(from.definition->tenant);
}

release_ptr read(wire::Release const& from) {
    auto parsed = parse_definition_json(from.definition());
    if (!parsed.found.empty()) fail("a release whose definition is wrong: " + to_string(summarize(parsed.found)));
    parsed.definition.tenant = from.tenant();  // the text need not name it
    auto definition = std::make_shared<workload_definition const>(std::move(parsed.definition));
    auto made =
        make_release(read_id<release_id>(from.id()), read_id<workload_id>(from.workload()), std::move(definition));
    made.number = from.number();
    made.created_at = read_time(from.created_at_us());
    return std::make_shared<release const>(std::move(made));
}

void fill(wire::StreamRequest& into, stream_request const& from) {
    into.set_stream(bytes_of(from.stream));
    into.set_node(bytes_of(from.node));
    if (auto const* const log = std::get_if<container_log_call>(&from.what)) return fill(*into.mutable_log(), *log);
    if (std::holds_alternative<usage_call>(from.what)) return (void)into.mutable_usage();
    std::visit(image_call_writer{*into.mutable_image()}, std::get<image_call>(from.what));
}

stream_request read(wire::StreamRequest const& from) {
    stream_request made{.stream = read_id<stream_id>(from.stream()), .node = read_id<node_id>(from.node()), .what = {}};
    if (from.has_log())
        made.what = read(from.log());
    else if (from.has_image())
        made.what = read(from.image());
    else if (from.has_usage())
        made.what = usage_call{};
    else
        fail("a request for a stream of a kind that this version does not know");
    return made;
}

/// Twice what the other end may: it forgets between two messages only.
void known_releases::keep(release_ptr one) {
    auto& place = known_[one->id];
    if (place != nullptr) bytes_ -= place->definition->text.size();
    bytes_ += one->definition->text.size();
    place = std::move(one);
    if (known_.size() > 2 * limits::releases_per_session_max)
        fail(fmt::format("more than {} releases in a session", limits::releases_per_session_max));
    if (bytes_ > 2 * limits::releases_bytes_per_session_max)
        fail(fmt::format("more than {} bytes of definitions in a session", limits::releases_bytes_per_session_max));
}

release_ptr known_releases::find(std::string const& id) const {
    if (id.empty()) return nullptr;
    auto const found = known_.find(read_id<release_id>(id));
    if (found == known_.end()) fail("a release is named that was not sent");
    return found->second;
}

wire::Error to_wire(error const& from) {
    wire::Error made;
    made.set_code(static_cast<std::uint32_t>(from.code));
    made.set_message(from.message);
    made.set_field(from.field);
    made.set_remedy(from.remedy);
    return made;
}

error from_wire(wire::Error const& from) {
    auto const is_known = from.code() <= static_cast<std::uint32_t>(errc::internal);
    return {is_known ? static_cast<errc>(from.code()) : errc::internal, from.message(), from.field(), from.remedy()};
}

}  // namespace rik::detail

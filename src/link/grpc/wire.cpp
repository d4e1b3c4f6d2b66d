#include "wire_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/model/definition.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

namespace rik::detail {

namespace {

/// What was wrong with the first part that could not be read.
struct wire_failure {
    std::string message;
};

// Readers throw it: a message is taken whole or not at all, and every part may be wrong.
[[noreturn]] void fail(std::string message) { throw wire_failure{std::move(message)}; }

template <class Read>
auto guarded(Read read) -> result<std::invoke_result_t<Read>> {
    try {
        return read();
    } catch (wire_failure const& why) {
        return error{errc::corrupt, "a message of the peer: " + why.message};
    }
}

// --- parts

template <class Kind>
std::string bytes_of(uid<Kind> const& id) {
    if (id.is_nil()) return {};
    return std::string(id.bytes().begin(), id.bytes().end());
}

/// Nothing is the nil id.
template <class Id>
Id read_id(std::string const& bytes) {
    if (bytes.empty()) return {};
    detail::uid_bytes parsed{};
    if (bytes.size() != parsed.size()) fail(fmt::format("an id of {} bytes", bytes.size()));
    std::ranges::copy(bytes, parsed.begin());
    return Id::from_bytes(parsed);
}

std::int64_t microseconds(wall_time when) { return when.time_since_epoch().count(); }
wall_time read_time(std::int64_t microseconds) { return wall_time(wall_time::duration(microseconds)); }

/// An enumeration travels as its number, which never changes.
template <class Word>
Word read_word(std::uint32_t number, Word last) {
    if (number > static_cast<std::uint32_t>(last))
        fail(fmt::format("a state or verb {} that this version does not know", number));
    return static_cast<Word>(number);
}

template <class Texts>
void copy_texts(std::vector<std::string> const& from, Texts& into) {
    for (auto const& each : from) into.Add(std::string(each));
}

template <class Taints>
void fill_taints(std::vector<taint> const& from, Taints& into) {
    for (auto const& each : from) {
        auto& one = *into.Add();
        one.set_key(each.key);
        one.set_value(each.value);
        one.set_effect(static_cast<std::uint32_t>(each.effect));
    }
}

template <class Taints>
std::vector<taint> read_taints(Taints const& from) {
    std::vector<taint> all;
    for (auto const& each : from)
        all.push_back({each.key(), each.value(), read_word(each.effect(), taint_effect::no_execute)});
    return all;
}

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

void fill(wire::RegisteredNode& into, registered_node const& from);
registered_node read(wire::RegisteredNode const& from);

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
    copy_texts(from.addresses, *into.mutable_addresses());
    fill_taints(from.taints, *into.mutable_taints());
    into.set_pod_subnet(from.pod_subnet);
    for (auto const& each : from.troubles) {
        auto& one = *into.add_troubles();
        one.set_reason(each.reason);
        one.set_message(each.message);
    }
}

template <class Troubles>
std::vector<node_trouble> read_troubles(Troubles const& from) {
    std::vector<node_trouble> all;
    for (auto const& each : from) all.push_back({each.reason(), each.message()});
    return all;
}

node_facts read(wire::NodeFacts const& from) {
    node_facts made{.name = from.name(), .boot_id = from.boot_id(), .version = from.version()};
    for (auto const& each : from.capacity()) made.capacity.set(each.name(), each.amount());
    for (auto const& [name, value] : from.labels()) made.labels[name] = value;
    made.runtimes.assign(from.runtimes().begin(), from.runtimes().end());
    made.addresses.assign(from.addresses().begin(), from.addresses().end());
    made.troubles = read_troubles(from.troubles());
    made.taints = read_taints(from.taints());
    made.pod_subnet = from.pod_subnet();
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
}

container_status read(wire::ContainerStatus const& from) {
    container_status made{.name = from.name(), .state = read_word(from.state(), container_state::exited)};
    made.reason = from.reason();
    made.message = from.message();
    made.image_digest = from.image_digest();
    if (from.has_exit_code()) made.exit_code = from.exit_code();
    if (from.has_started_at_us()) made.started_at = read_time(from.started_at_us());
    if (from.has_finished_at_us()) made.finished_at = read_time(from.finished_at_us());
    made.restart_count = from.restart_count();
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
    for (auto const& each : from.containers()) made.containers.push_back(read(each));
    return made;
}

release_ptr read(wire::Release const& from) {
    auto parsed = parse_definition_json(from.definition());
    if (!parsed.found.empty()) fail("a release whose definition is wrong: " + to_string(summarize(parsed.found)));
    auto definition = std::make_shared<workload_definition const>(std::move(parsed.definition));
    auto made =
        make_release(read_id<release_id>(from.id()), read_id<workload_id>(from.workload()), std::move(definition));
    made.number = from.number();
    made.created_at = read_time(from.created_at_us());
    return std::make_shared<release const>(std::move(made));
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
}

container_log_call read(wire::LogCall const& from) {
    container_log_call made{.instance = read_id<instance_id>(from.instance()), .container = from.container()};
    made.how.follow = from.follow();
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

void fill(wire::StreamRequest& into, stream_request const& from) {
    into.set_stream(bytes_of(from.stream));
    into.set_node(bytes_of(from.node));
    if (auto const* const log = std::get_if<container_log_call>(&from.what)) return fill(*into.mutable_log(), *log);
    std::visit(image_call_writer{*into.mutable_image()}, std::get<image_call>(from.what));
}

stream_request read(wire::StreamRequest const& from) {
    stream_request made{.stream = read_id<stream_id>(from.stream()), .node = read_id<node_id>(from.node()), .what = {}};
    if (from.has_log())
        made.what = read(from.log());
    else if (from.has_image())
        made.what = read(from.image());
    else
        fail("a request for a stream of a kind that this version does not know");
    return made;
}

void fill(wire::StatusReport& into, instance_id const& which, revision fence, instance_status const& status) {
    into.set_instance(bytes_of(which));
    into.set_fence(fence);
    fill(*into.mutable_status(), status);
}

template <class Texts, class Id>
void copy_ids(std::vector<Id> const& from, Texts& into) {
    for (auto const& each : from) into.Add(bytes_of(each));
}
template <class Id, class Texts>
std::vector<Id> read_ids(Texts const& from) {
    std::vector<Id> all;
    for (auto const& each : from) all.push_back(read_id<Id>(each));
    return all;
}

item_want read(wire::Item::Want from) {
    switch (from) {
        case wire::Item::PLACE: return item_want::place;
        case wire::Item::RUN: return item_want::run;
        case wire::Item::DESTROY: return item_want::destroy;
        default: fail(fmt::format("an item's want {} that this version does not know", static_cast<int>(from)));
    }
}

wire::Item::Want wire_of(item_want from) {
    switch (from) {
        case item_want::place: return wire::Item::PLACE;
        case item_want::run: return wire::Item::RUN;
        case item_want::destroy: return wire::Item::DESTROY;
    }
    return wire::Item::PLACE;
}

void fill(wire::RegisteredNode& into, registered_node const& from) {
    into.set_node(bytes_of(from.node));
    into.set_pod_subnet(from.pod_subnet);
    into.set_name(from.name);
    into.set_is_cordoned(from.standing.is_cordoned);
    into.set_is_dead(from.standing.is_dead);
    fill_taints(from.standing.taints, *into.mutable_taints());
    for (auto const& [name, value] : from.labels) (*into.mutable_labels())[name] = value;
    for (auto const& each : from.remnants) {
        auto& one = *into.add_remnants();
        one.set_instance(bytes_of(each.instance));
        one.set_fence(each.fence);
    }
}

registered_node read(wire::RegisteredNode const& from) {
    registered_node made{read_id<node_id>(from.node()), from.pod_subnet(), from.name()};
    made.standing.is_cordoned = from.is_cordoned();
    made.standing.is_dead = from.is_dead();
    made.standing.taints = read_taints(from.taints());
    for (auto const& [name, value] : from.labels()) made.labels[name] = value;
    for (auto const& each : from.remnants())
        made.remnants.push_back({read_id<instance_id>(each.instance()), each.fence()});
    return made;
}

}  // namespace

// --- releases

template <class Message>
std::string told_releases::tell(release_ptr const& which, Message& into) {
    if (which == nullptr) return {};
    if (told_.insert(which->id).second) {
        bytes_ += which->definition->text.size();
        auto& one = *into.add_releases();
        one.set_id(bytes_of(which->id));
        one.set_workload(bytes_of(which->workload));
        one.set_number(which->number);
        one.set_created_at_us(microseconds(which->created_at));
        one.set_definition(which->definition->text);
    }
    return bytes_of(which->id);
}

template <class Message>
void told_releases::begin(Message& next) {
    if (told_.size() < limits::releases_per_session_max && bytes_ < limits::releases_bytes_per_session_max) return;
    told_.clear();
    bytes_ = 0;
    next.set_forget_releases(true);
}

template <class Message>
void known_releases::learn(Message const& from) {
    if (from.forget_releases()) {
        known_.clear();
        bytes_ = 0;
    }
    for (auto const& each : from.releases()) keep(read(each));
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

// --- messages

wire::PrimaryMessage to_wire(facts const& from, told_releases& told) {
    wire::PrimaryMessage made;
    told.begin(made);
    made.set_at(from.at);
    made.set_is_complete(from.complete);
    made.set_has_everything(from.everything);
    made.set_cluster(bytes_of(from.cluster));
    made.set_cluster_cidr(from.cluster_cidr);
    for (auto const& each : from.items) {
        auto& one = *made.add_items();
        one.set_instance(bytes_of(each.instance));
        one.set_want(wire_of(each.want));
        one.set_release(told.tell(each.made_from, made));
        one.set_node(bytes_of(each.node));
        one.set_fence(each.fence);
        one.set_name(each.name);
        one.set_is_vacated(!each.occupies_room);
        one.set_workload(each.workload);
        one.set_state(static_cast<std::uint32_t>(each.state));
        one.set_seq(each.seq);
    }
    copy_ids(from.removed, *made.mutable_removed());
    copy_ids(from.refused, *made.mutable_refused());
    for (auto const& each : from.nodes) fill(*made.add_nodes(), each);
    copy_ids(from.removed_nodes, *made.mutable_removed_nodes());
    for (auto const& each : from.streams) fill(*made.add_streams(), each);
    return made;
}

result<facts> from_wire(wire::PrimaryMessage const& from, known_releases& known) {
    return guarded([&] {
        known.learn(from);
        facts made{.at = from.at(), .complete = from.is_complete(), .everything = from.has_everything()};
        made.cluster = read_id<cluster_id>(from.cluster());
        made.cluster_cidr = from.cluster_cidr();
        for (auto const& each : from.items()) {
            item one{.instance = read_id<instance_id>(each.instance()), .want = read(each.want())};
            one.made_from = known.find(each.release());
            one.node = read_id<node_id>(each.node());
            one.fence = each.fence();
            one.name = each.name();
            one.occupies_room = !each.is_vacated();
            one.workload = each.workload();
            one.state = read_word(each.state(), instance_state::terminated);
            one.seq = each.seq();
            if (one.made_from == nullptr) fail("an item without a release");
            made.items.push_back(std::move(one));
        }
        made.removed = read_ids<instance_id>(from.removed());
        made.refused = read_ids<instance_id>(from.refused());
        for (auto const& each : from.nodes()) made.nodes.push_back(read(each));
        made.removed_nodes = read_ids<node_id>(from.removed_nodes());
        for (auto const& each : from.streams()) made.streams.push_back(read(each));
        return made;
    });
}

wire::SchedulerMessage to_wire(reports const& from) {
    wire::SchedulerMessage made;
    for (auto const& each : from.proposals) {
        auto& one = *made.add_proposals();
        one.set_instance(bytes_of(each.instance));
        one.set_node(bytes_of(each.node));
    }
    for (auto const& each : from.unplaced) {
        auto& one = *made.add_unplaced();
        copy_ids(each.instances, *one.mutable_instances());
        one.set_reason(each.reason);
    }
    for (auto const& each : from.nodes) {
        auto& one = *made.add_nodes();
        one.set_node(bytes_of(each.node));
        one.set_is_heard(each.heard);
        if (each.facts) fill(*one.mutable_facts(), *each.facts);
    }
    for (auto const& each : from.states) fill(*made.add_states(), each.instance, each.fence, each.status);
    for (auto const& each : from.gone) {
        auto& one = *made.add_gone();
        one.set_instance(bytes_of(each.instance));
        one.set_fence(each.fence);
        one.set_node(bytes_of(each.node));
    }
    for (auto const& each : from.loads) {
        auto& one = *made.add_loads();
        one.set_node(bytes_of(each.node));
        fill(*one.mutable_metrics(), each.metrics);
    }
    return made;
}

result<reports> from_wire(wire::SchedulerMessage const& from) {
    return guarded([&] {
        reports made;
        for (auto const& each : from.proposals())
            made.proposals.push_back({read_id<instance_id>(each.instance()), read_id<node_id>(each.node())});
        for (auto const& each : from.unplaced())
            made.unplaced.push_back({read_ids<instance_id>(each.instances()), each.reason()});
        for (auto const& each : from.nodes()) {
            node_report one{.node = read_id<node_id>(each.node()), .heard = each.is_heard()};
            if (each.has_facts()) one.facts = read(each.facts());
            made.nodes.push_back(std::move(one));
        }
        for (auto const& each : from.states())
            made.states.push_back({read_id<instance_id>(each.instance()), each.fence(), read(each.status())});
        for (auto const& each : from.gone())
            made.gone.push_back({read_id<instance_id>(each.instance()), each.fence(), read_id<node_id>(each.node())});
        for (auto const& each : from.loads())
            made.loads.push_back({read_id<node_id>(each.node()), read(each.metrics())});
        return made;
    });
}

namespace {

void fill(wire::Digest& into, held_digest const& from) {
    into.set_high(from.high());
    into.set_low(from.low());
    into.set_count(from.count());
}

held_digest read(wire::Digest const& from) { return {from.high(), from.low(), from.count()}; }

void fill(wire::Hello& into, hello const& from) {
    into.set_node(bytes_of(from.node));
    into.set_cluster(bytes_of(from.cluster));
    into.set_floor(from.floor);
    fill(*into.mutable_facts(), from.facts);
    into.set_protocol_version(from.protocol_version);
    copy_texts(from.features, *into.mutable_features());
    fill(*into.mutable_digest(), from.digest);
}

hello read(wire::Hello const& from) {
    hello made{.node = read_id<node_id>(from.node()), .cluster = read_id<cluster_id>(from.cluster())};
    made.floor = from.floor();
    made.facts = read(from.facts());
    made.protocol_version = from.protocol_version();
    made.features.assign(from.features().begin(), from.features().end());
    made.digest = read(from.digest());
    return made;
}

void fill(wire::Held& into, held const& from) {
    into.set_is_inventory(from.inventory);
    into.set_has_more(!from.complete);
    fill(*into.mutable_digest(), from.digest);
    for (auto const& each : from.states) fill(*into.add_states(), each.instance, each.fence, each.status);
    for (auto const& each : from.gone) {
        auto& one = *into.add_gone();
        one.set_instance(bytes_of(each.instance));
        one.set_fence(each.fence);
    }
    if (from.metrics) fill(*into.mutable_metrics(), *from.metrics);
    if (!from.troubles) return;
    auto& told = *into.mutable_troubles();
    for (auto const& each : *from.troubles) {
        auto& one = *told.add_all();
        one.set_reason(each.reason);
        one.set_message(each.message);
    }
}

held read(wire::Held const& from) {
    held made{.inventory = from.is_inventory(), .complete = !from.has_more()};
    made.digest = read(from.digest());
    for (auto const& each : from.states())
        made.states.push_back({read_id<instance_id>(each.instance()), each.fence(), read(each.status())});
    for (auto const& each : from.gone()) made.gone.push_back({read_id<instance_id>(each.instance()), each.fence()});
    if (from.has_metrics()) made.metrics = read(from.metrics());
    if (from.has_troubles()) made.troubles = read_troubles(from.troubles().all());
    return made;
}

}  // namespace

wire::NodeMessage to_wire(from_node const& from) {
    wire::NodeMessage made;
    if (auto const* const greeting = std::get_if<hello>(&from))
        fill(*made.mutable_hello(), *greeting);
    else
        fill(*made.mutable_held(), std::get<held>(from));
    return made;
}

result<from_node> from_wire(wire::NodeMessage const& from) {
    return guarded([&]() -> from_node {
        if (from.has_hello()) return read(from.hello());
        if (from.has_held()) return read(from.held());
        fail("a message of a node that this version does not know");
    });
}

wire::OrdersMessage to_wire(orders const& from, told_releases& told) {
    wire::OrdersMessage made;
    told.begin(made);
    made.set_at(from.at);
    if (from.cluster) made.set_cluster(bytes_of(*from.cluster));
    made.set_cluster_cidr(from.cluster_cidr);
    made.set_pod_subnet(from.pod_subnet);
    made.set_send_inventory(from.send_inventory);
    made.set_refusal(from.refusal);
    made.set_beat_period_us(std::chrono::duration_cast<std::chrono::microseconds>(from.beat_period).count());
    for (auto const& each : from.due) {
        auto& one = *made.add_due();
        one.set_instance(bytes_of(each.instance));
        one.set_fence(each.fence);
        one.set_is_run(each.run);
        one.set_release(told.tell(each.made_from, made));
        one.set_name(each.name);
    }
    for (auto const& each : from.streams) fill(*made.add_streams(), each);
    return made;
}

result<orders> from_wire(wire::OrdersMessage const& from, known_releases& known) {
    return guarded([&] {
        known.learn(from);
        orders made{.at = from.at()};
        if (!from.cluster().empty()) made.cluster = read_id<cluster_id>(from.cluster());
        made.cluster_cidr = from.cluster_cidr();
        made.pod_subnet = from.pod_subnet();
        made.send_inventory = from.send_inventory();
        made.refusal = from.refusal();
        made.beat_period = std::chrono::microseconds(from.beat_period_us());
        for (auto const& each : from.due()) {
            order one{.instance = read_id<instance_id>(each.instance()), .fence = each.fence(), .run = each.is_run()};
            one.made_from = known.find(each.release());
            one.name = each.name();
            made.due.push_back(std::move(one));
        }
        for (auto const& each : from.streams()) made.streams.push_back(read(each));
        return made;
    });
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

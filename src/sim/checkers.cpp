#include "checkers_detail.hpp"

#include <rik/store/tables.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::sim {

namespace {

/// Whoever breaks one rule breaks it again and again.
constexpr std::size_t violations_count_max = 20;

bool is_of(journal_entry const& row, table_id table) { return row.table == to_string(table); }

/// What the holders of room take together.
template <class Rooms>
resources sum_of(Rooms const& rooms) {
    resources sum;
    for (auto const& [id, room] : rooms) sum.add(room.asked->requests);
    return sum;
}

}  // namespace

void cluster::checkers::add(std::string name, machine& on) {
    auto& at = sites_.emplace(name, site{.name = name, .on = &on}).first->second;
    identities_.add(name, on);
    machine_witness witness;
    witness.started = [this, &at](container_key const& what) { started(at, what); };
    witness.ended = [this, &at](instance_id const&) { look(at); };
    witness.refused = [this, &at](instance_id const& told, error const& why) {
        say(fmt::format("{} was told by instance {} what it cannot do: {}", at.name, told.text(), why.message));
    };
    on.set_witness(std::move(witness));
}

/// Rows of one commit are neighbours: between two of them the rules need not hold.
void cluster::checkers::primary_wrote(std::vector<journal_entry> const& batch) {
    revision commit = 0;
    for (auto const& row : batch) {
        if (row.changed_at != commit) end_commit();
        commit = row.changed_at;
        take(row);
    }
    end_commit();
}

void cluster::checkers::end_commit() {
    look_at_touched();
    if (std::exchange(are_ports_touched_, false)) check_ports();
    for (auto& each : tenants_.broken()) say(std::move(each));
    for (auto& each : workloads_.broken()) say(std::move(each));
    for (auto& each : cron_jobs_.broken()) say(std::move(each));
}

void cluster::checkers::take(journal_entry const& row) {
    if (is_of(row, table_id::instance)) return take_instance(row);
    if (is_of(row, table_id::node)) return take_node(row);
    if (is_of(row, table_id::workload)) return take_workload(row);
    if (is_of(row, table_id::document)) return take_document(row);
    if (is_of(row, table_id::release)) return take_release(row);
}

/// One that is gone is still needed to read what was made from it.
void cluster::checkers::take_release(journal_entry const& row) {
    if (!row.value) {
        if (auto const id = release_id::parse(row.key)) workloads_.remove(*id);
        return;
    }
    auto decoded = decode_release(*row.value);
    if (!decoded) return say("a release in the primary's journal cannot be read");
    auto const kept = std::make_shared<release const>(std::move(*decoded));
    releases_[kept->id] = kept;
    workloads_.put(kept);
}

void cluster::checkers::take_workload(journal_entry const& row) {
    if (!row.value) {
        if (auto const id = workload_id::parse(row.key)) {
            workloads_.remove(*id);
            cron_jobs_.remove(*id);
        }
        return tenants_.remove(row.table, row.key);
    }
    auto const decoded = decode_workload(*row.value, *this);
    if (!decoded) return say("a workload in the primary's journal cannot be read: " + decoded.error().message);
    tenants_.put(row.table, row.key, decoded->tenant, table<workload>::name_of(*decoded));
    workloads_.put(*decoded);
    cron_jobs_.put(*decoded);
}

/// Its key is "KIND/TENANT/NAME".
void cluster::checkers::take_document(journal_entry const& row) {
    auto const kind = row.key.substr(0, row.key.find('/'));
    auto const rest = row.key.substr(std::min(kind.size() + 1, row.key.size()));
    auto const tenant = rest.substr(0, rest.find('/'));
    auto const name = rest.substr(std::min(tenant.size() + 1, rest.size()));
    if (kind == tenant_kind) return row.value ? tenants_.put_tenant(name) : tenants_.remove_tenant(name);
    if (!row.value) return tenants_.remove(row.table, row.key);
    if (!tenant.empty()) tenants_.put(row.table, row.key, tenant, {});
    if (kind == job_record_kind) take_counts(*row.value);
    if (kind == rollout_kind) take_rollout(*row.value);
}

void cluster::checkers::take_rollout(std::string const& text) {
    auto const decoded = decode_document(text);
    auto const record = decoded ? parse_rollout(*decoded) : result<rollout_record>(decoded.error());
    if (!record) return say("how far a workload is cannot be read: " + record.error().message);
    cron_jobs_.put(*record);
}

void cluster::checkers::take_counts(std::string const& text) {
    auto const decoded = decode_document(text);
    auto const counts = decoded ? parse_job_record(*decoded) : result<job_record>(decoded.error());
    if (!counts) return say("what a Job has counted cannot be read: " + counts.error().message);
    workloads_.put(*counts);
}

void cluster::checkers::take_node(journal_entry const& row) {
    if (!row.value) return;
    auto const decoded = decode_node(*row.value);
    if (!decoded) return say("a node in the primary's journal cannot be read");
    auto const found = sites_.find(decoded->facts.name);
    if (found == sites_.end()) return;
    registered_[decoded->id] = &found->second;
    found->second.offered = decoded->facts.capacity;
    found->second.runtimes = decoded->facts.runtimes;
    for (auto const& each : decoded->remnants) {
        found->second.given_up.insert(each.instance);
        identities_.give_up(found->first, each.instance);
    }
}

void cluster::checkers::take_instance(journal_entry const& row) {
    auto const id = instance_id::parse(row.key);
    if (!id) return say("an instance in the primary's journal has no id");
    auto const held = holders_.extract(*id);
    if (held) {
        touched_.insert(held.mapped());
        if (auto* const at = find_site(held.mapped())) at->rooms.erase(*id);
    }
    chosen_ports_.erase(*id);
    if (!row.value) {
        workloads_.remove(*id);
        return tenants_.remove(row.table, row.key);
    }
    auto const decoded = decode_instance(*row.value, *this);
    if (!decoded) return say("an instance in the primary's journal cannot be read: " + decoded.error().message);
    tenants_.put(row.table, row.key, decoded->tenant(), table<instance>::name_of(*decoded));
    workloads_.put(*decoded);
    identities_.put(*decoded);
    check_end(*decoded);
    rights_[*id] = {decoded->made_from(), decoded->restarts() > 0};
    if (decoded->exposed_port() != 0) chosen_ports_[*id] = decoded->exposed_port();
    are_ports_touched_ = are_ports_touched_ || decoded->exposed_port() != 0;
    if (needs_chosen_port(decoded->spec()) && decoded->exposed_port() == 0)
        say(fmt::format("instance {} is a Function without a port", decoded->name()));
    if (!decoded->occupies_room()) return;
    auto const node = decoded->binding()->node;
    holders_.emplace(*id, node);
    touched_.insert(node);
    if (!held || held.mapped() != node) promised_[node].add(decoded->requests());
    if (auto* const at = find_site(node))
        at->rooms.emplace(*id, site::room{decoded->made_from(), decoded->exposed_port()});
}

void cluster::checkers::check_end(instance const& row) {
    if (row.state() != instance_state::failed || row.is_condemned()) return;
    auto const* const at = row.binding() ? find_site(row.binding()->node) : nullptr;
    if (at == nullptr) return say(fmt::format("instance {} failed on no node", row.name()));
    auto const is_explained = at->on->has_failed_by_itself(row.id()) || at->on->has_injected(row.status().message) ||
                              row.status().reason == "NodeRebooted" ||
                              (row.status().reason == "Evicted" && at->on->has_written(row.id()));
    if (!is_explained)
        say(fmt::format("instance {} failed on {} by RIK's own fault: {}: {}", row.name(), at->name,
                        row.status().reason, row.status().message));
}

void cluster::checkers::started(site const& at, container_key const& what) {
    auto const [home, is_first] = homes_.emplace(what.instance, at.name);
    if (!is_first && home->second != at.name)
        say(fmt::format("instance {} was started on {} and {}", what.instance.text(), home->second, at.name));
    check_attempt(at, what);
    check_form(at, what);
    for (auto& each : identities_.started(at.name, what.instance)) say(std::move(each));
    look(at);
}

void cluster::checkers::check_form(site const& at, container_key const& what) {
    auto const rights = rights_.find(what.instance);
    if (rights == rights_.end()) return;
    auto const form = rights->second.made_from->spec().form;
    auto const is_offered = std::ranges::find(at.runtimes, runtime_name(form)) != at.runtimes.end();
    if (!is_offered || at.on->is_microvm(what.instance) != (form == instance_form::function))
        say(fmt::format("instance {}, a {}, was started by another runtime than {} on {}", what.instance.text(),
                        to_string(form), runtime_name(form), at.name));
}

void cluster::checkers::check_ports() {
    std::map<std::uint16_t, instance_id> holders;
    for (auto const& [id, port] : chosen_ports_)
        if (auto const [other, is_free] = holders.emplace(port, id); !is_free)
            say(fmt::format("port {} was chosen for instances {} and {}", port, other->second.text(), id.text()));
}

void cluster::checkers::check_attempt(site const& at, container_key const& what) {
    auto const [newest, is_first] = attempts_.emplace(std::pair(what.instance, what.name), what.attempt);
    if (!is_first && what.attempt <= newest->second)
        say(fmt::format("container {} of instance {} went from attempt {} to {} on {}", what.name, what.instance.text(),
                        newest->second, what.attempt, at.name));
    newest->second = what.attempt;
    auto const rights = rights_.find(what.instance);
    if (what.attempt == 0 || rights == rights_.end() || rights->second.has_user_asked) return;
    auto const& spec = rights->second.made_from->spec();
    auto const found = std::ranges::find(spec.containers, what.name, &container_definition::name);
    auto const is_sidecar = found != spec.containers.end() && found->role == container_role::sidecar;
    if (spec.restart == restart_policy::never && !is_sidecar)
        say(fmt::format("container {} of instance {} was started again on {}, and its restartPolicy is Never",
                        what.name, what.instance.text(), at.name));
}

void cluster::checkers::look_at_touched() {
    for (auto const& id : std::exchange(touched_, {})) {
        auto const* const at = find_site(id);
        if (at == nullptr) continue;
        look(*at);
        if (auto const more = promised_.find(id); more != promised_.end()) look_at_promises(*at, more->second);
    }
    promised_.clear();
}

/// Nothing is on a machine for which the primary does not keep room there.
void cluster::checkers::look(site const& at) {
    for (auto const& id : at.on->occupied())
        if (!at.rooms.contains(id) && !at.given_up.contains(id))
            say(fmt::format("instance {} is on {}, and has no room there", id.text(), at.name));
}

/// What was promised before a machine shrank stays promised.
void cluster::checkers::look_at_promises(site const& at, resources const& more) {
    auto const taken = sum_of(at.rooms);
    auto before = taken;
    before.subtract(more);
    if (auto const lacking = more.first_lacking(at.offered, before))
        say(fmt::format("{} of {}: {} promised, {} offered", *lacking, at.name, taken.get(*lacking),
                        at.offered.get(*lacking)));
    std::map<std::pair<port_protocol, std::uint16_t>, instance_id> ports;
    for (auto const& [id, room] : at.rooms)
        for (auto const& port : host_ports(room.asked->spec(), room.exposed_port))
            if (auto const [other, is_free] = ports.emplace(std::pair(port.protocol, port.host_port), id); !is_free)
                say(fmt::format("host port {}/{} of {} is promised to instances {} and {}", port.host_port,
                                to_string(port.protocol), at.name, other->second.text(), id.text()));
}

cluster::checkers::site* cluster::checkers::find_site(node_id const& node) const {
    auto const found = registered_.find(node);
    return found == registered_.end() ? nullptr : found->second;
}

release_ptr cluster::checkers::find_release(release_id const& id) const {
    auto const found = releases_.find(id);
    return found == releases_.end() ? nullptr : found->second;
}

void cluster::checkers::say(std::string what) {
    if (said_.size() < violations_count_max && said_.insert(what).second) violations_ += what + '\n';
}

}  // namespace rik::sim

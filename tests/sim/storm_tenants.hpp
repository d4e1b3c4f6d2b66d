// A user in a storm who makes tenants with things in them, and deletes them.
#pragma once

#include <sim/storm_user.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

class user_of_tenants {
public:
    user_of_tenants(sim::cluster& cluster, sim::world& world) : cluster_(cluster), world_(world) {}

    /// May run twice at a time.
    awaitable<> work_until(time_point end) {
        while (world_.time().now() < end) {
            co_await world_.time().sleep_for(random_time(3s));
            if (!cluster_.has_primary()) continue;
            switch (world_.random().below(5)) {
                case 0: co_await create_tenant(); break;
                case 1: co_await delete_tenant(); break;
                default: co_await fill_tenant(); break;
            }
        }
    }

    /// Throws if an acknowledged change is lost, or if something has outlived its tenant. What is this user's is taken
    /// out of `rows` and `workloads`.
    void check(std::vector<stored<tenant_record>> const& tenants, std::map<instance_id, stored<instance>>& rows,
               std::map<workload_id, stored<workload>>& workloads) const {
        std::set<std::string> there;
        for (auto const& each : tenants) there.insert(each->name);
        for (auto const& [name, expected] : tenants_) {
            if (expected == fate::there && !there.contains(name)) fail("a tenant is lost: " + name);
            if (expected == fate::gone && there.contains(name)) fail("a deleted tenant is there: " + name);
        }
        for (auto const& each : tenants)
            if (each->deleting_since) fail("a tenant does not end: " + each->name);
        auto const is_of_nobody = [&](std::string const& tenant) { return !there.contains(tenant); };
        for (auto const& [id, row] : rows)
            if (is_of_nobody(row->tenant())) fail("an instance has outlived its tenant: " + id.text());
        for (auto const& [id, row] : workloads)
            if (is_of_nobody(row->tenant)) fail("a workload has outlived its tenant: " + id.text());
        std::erase_if(rows, [&](auto const& row) { return tenants_.contains(row.second->tenant()); });
        std::erase_if(workloads, [&](auto const& row) { return tenants_.contains(row.second->tenant); });
    }

    std::size_t deleted_count() const { return deleted_count_; }

private:
    duration random_time(duration max) {
        return duration(world_.random().below(static_cast<std::uint64_t>(max.count())));
    }

    /// Now and then somebody gives up soon.
    template <class T>
    awaitable<result<T>> ask(awaitable<result<T>> call) {
        auto const is_short = world_.random().below(4) == 0;
        auto const wait = is_short ? random_time(40ms) : patience;
        return with_deadline(world_.time(), world_.time().now() + wait, std::move(call));
    }

    /// A tenant that is expected to be there; empty: there is none.
    std::string choose() {
        std::vector<std::string> there;
        for (auto const& [name, expected] : tenants_)
            if (expected == fate::there) there.push_back(name);
        return there.empty() ? std::string() : there[world_.random().below(there.size())];
    }

    /// Somebody else deletes the tenant meanwhile: then nothing is made in it any more.
    template <class T>
    bool is_closed(std::string const& tenant, result<T> const& said) {
        if (said || tenants_.at(tenant) == fate::there) return false;
        return said.error().code == errc::conflict || said.error().code == errc::not_found;
    }

    awaitable<> create_tenant() {
        new_tenant what{.name = fmt::format("tenant-{}", tenants_.size())};
        auto const name = what.name;
        tenants_[name] = fate::unknown;
        auto creating = cluster_.api().tenants().create(caller(), std::move(what));
        auto const made = co_await ask(std::move(creating));
        if (answer_of(made) == answer::refused) fail(to_string(made.error()));
        if (made) tenants_[name] = fate::there;
    }

    /// The names in it are those of all the others.
    awaitable<> fill_tenant() {
        auto const tenant = choose();
        if (tenant.empty()) co_return;
        auto const kind = world_.random().below(definitions.size());
        auto const name = fmt::format("web-{}", world_.random().below(4));
        auto parsed = parse_definition(fmt::format(fmt::runtime(definitions.at(kind)), name));
        parsed.definition.tenant = tenant;
        auto creating = cluster_.api().workloads().create(caller(), std::move(parsed.definition));
        auto const made = co_await ask(std::move(creating));
        auto const is_name_taken = !made && made.error().code == errc::conflict && made.error().field == "name";
        if (answer_of(made) == answer::refused && !is_name_taken && !is_closed(tenant, made))
            fail(to_string(made.error()));
        if (!made || !cluster_.has_primary()) co_return;
        create_instances_request what{.workload = made->row->id};
        what.replicas = static_cast<std::uint32_t>(1 + world_.random().below(2));
        auto filling = cluster_.api().instances().create(caller(), std::move(what));
        auto const filled = co_await ask(std::move(filling));
        if (answer_of(filled) == answer::refused && !is_closed(tenant, filled)) fail(to_string(filled.error()));
    }

    awaitable<> delete_tenant() {
        auto const name = choose();
        if (name.empty()) co_return;
        tenants_[name] = fate::unknown;
        object_ref which(name);
        auto deleting = cluster_.api().tenants().remove(caller(), std::move(which), any_revision);
        auto const deleted = co_await ask(std::move(deleting));
        if (answer_of(deleted) == answer::refused) fail(to_string(deleted.error()));
        if (!deleted) co_return;
        tenants_[name] = fate::gone;
        ++deleted_count_;
    }

    sim::cluster& cluster_;
    sim::world& world_;
    std::map<std::string, fate> tenants_;
    std::size_t deleted_count_ = 0;
};

}  // namespace rik::testing

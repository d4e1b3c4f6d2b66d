// Somebody in a storm who changes definitions: applies, patches, replaces, labels and deletes them, in both forms.
#pragma once

#include <sim/storm_user.hpp>

#include <rik/model/definition_change.hpp>

namespace rik::testing {

class user_of_changes {
public:
    user_of_changes(sim::cluster& cluster, sim::world& world) : cluster_(cluster), world_(world) {}

    awaitable<> work_until(time_point end) {
        while (world_.time().now() < end) {
            co_await world_.time().sleep_for(random_time(800ms));
            if (!cluster_.has_primary()) continue;
            auto const name = fmt::format("{}{}", prefix, world_.random().below(4));
            switch (world_.random().below(8)) {
                case 0: co_await patch(name); break;
                case 1: co_await replace(name); break;
                case 2: co_await remove(name); break;
                case 3: co_await remove_instance(name); break;
                case 4: co_await create_instances(name); break;
                default: co_await apply(name); break;
            }
        }
    }

    /// Throws if an acknowledged change is lost. What is this user's is taken out of `rows` and `workloads`.
    void check(std::map<instance_id, stored<instance>>& rows,
               std::map<workload_id, stored<workload>>& workloads) const {
        std::set<std::string> there;
        for (auto const& [id, row] : workloads) {
            if (!is_ours(row->name)) continue;
            there.insert(row->name);
            auto const known = known_.find(row->name);
            if (known == known_.end() || !known->second) continue;
            if (known->second->empty()) fail("a deleted workload is there: " + row->name);
            auto const differs = changes_between(*known->second, row->definition->text);
            if (!differs.empty()) fail(row->name + " has lost a change: " + to_string(differs.front()));
        }
        // A Pod in Kubernetes' form may have gone with its instance, which an operator has removed.
        for (auto const& [name, text] : known_)
            if (text && !text->empty() && !is_one(name) && !there.contains(name)) fail("a workload is lost: " + name);
        std::erase_if(rows, [&](auto const& row) {
            return row.second->owner() && workloads.contains(*row.second->owner()) &&
                   is_ours(workloads.at(*row.second->owner())->name);
        });
        std::erase_if(workloads, [](auto const& row) { return is_ours(row.second->name); });
    }

    std::size_t changed_count() const { return changed_count_; }

private:
    static constexpr std::string_view prefix = "change-";
    static bool is_ours(std::string const& name) { return name.starts_with(prefix); }
    /// Every other one is in Kubernetes' form.
    static bool is_one(std::string const& name) { return (name.back() - '0') % 2 == 0; }

    duration random_time(duration max) {
        return duration(world_.random().below(static_cast<std::uint64_t>(max.count())));
    }

    template <class T>
    awaitable<result<T>> ask(awaitable<result<T>> call) {
        auto const is_short = world_.random().below(4) == 0;
        auto const wait = is_short ? random_time(40ms) : patience;
        return with_deadline(world_.time(), world_.time().now() + wait, std::move(call));
    }

    std::string roll_text(std::string const& name) {
        auto const* const image = world_.random().below(2) == 0 ? "web:1" : "slow:1";
        auto const label = world_.random().below(3);
        auto const* const form =
            is_one(name) ? R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{}","labels":{{"l":"{}"}}}},
        "spec":{{"containers":[{{"name":"main","image":"{}","resources":{{"requests":{{"cpu":"100m"}}}}}}]}}}})"
                         : R"({{"apiVersion":"v1","kind":"Pod","name":"{}","labels":{{"l":"{}"}},
        "spec":{{"containers":[{{"name":"main","image":"{}","resources":{{"requests":{{"cpu":"100m"}}}}}}]}}}})";
        return fmt::format(fmt::runtime(form), name, label, image);
    }

    /// What is known of `name` after a call: the text that it has, empty if it is gone, nothing if that is not known.
    void note(std::string const& name, result<workload_change> const& said) {
        auto const code = answer_of(said);
        if (code == answer::unknown) known_[name] = std::nullopt;
        if (code == answer::refused && said.error().code != errc::conflict && said.error().code != errc::not_found)
            fail(to_string(said.error()));
        if (code != answer::acknowledged) return;
        known_[name] = said->row->definition->text;
        if (said->outcome == change_outcome::changed) ++changed_count_;
    }

    awaitable<> apply(std::string name) {
        auto parsed = parse_definition(roll_text(name));
        auto applying = cluster_.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
        auto const said = co_await ask(std::move(applying));
        note(name, said);
    }

    /// Labels stand in their own place in each form.
    awaitable<> patch(std::string name) {
        auto const label = fmt::format(R"({{"labels":{{"p":"{}"}}}})", world_.random().below(3));
        object_ref which(name);
        auto text = is_one(name) ? fmt::format(R"({{"metadata":{}}})", label) : label;
        auto patching =
            cluster_.api().workloads().change(caller(), std::move(which), std::move(text), change_options());
        auto const said = co_await ask(std::move(patching));
        note(name, said);
    }

    /// As `edit` does: with the revision that was read.
    awaitable<> replace(std::string name) {
        object_ref which(name);
        auto const row = co_await ask(cluster_.api().workloads().get(caller(), which));
        if (!row || !cluster_.has_primary()) co_return;
        auto parsed = parse_definition(roll_text(name));
        change_options how;
        how.expected = row->changed_at;
        auto replacing =
            cluster_.api().workloads().replace(caller(), std::move(which), std::move(parsed.definition), how);
        auto const said = co_await ask(std::move(replacing));
        note(name, said);
    }

    awaitable<> remove(std::string name) {
        object_ref which(name);
        auto removing = cluster_.api().workloads().remove(caller(), std::move(which), any_revision);
        note_removal(name, co_await ask(std::move(removing)));
    }

    /// With that of a Pod in Kubernetes' form goes the definition.
    awaitable<> remove_instance(std::string name) {
        if (!is_one(name)) co_return;
        object_ref which(name);
        auto removing = cluster_.api().instances().remove(caller(), std::move(which), any_revision);
        note_removal(name, co_await ask(std::move(removing)));
    }

    void note_removal(std::string const& name, result<void> const& said) {
        auto const code = answer_of(said);
        if (code == answer::refused && said.error().code != errc::not_found) fail(to_string(said.error()));
        known_[name] = code == answer::acknowledged ? std::optional(std::string()) : std::nullopt;
    }

    awaitable<> create_instances(std::string name) {
        create_instances_request what{.workload = object_ref(name)};
        auto creating = cluster_.api().instances().create(caller(), std::move(what));
        auto const said = co_await ask(std::move(creating));
        if (said && is_one(name)) fail("a Pod in Kubernetes' form has got one more instance");
        if (answer_of(said) != answer::refused) co_return;
        if (said.error().code != errc::conflict && said.error().code != errc::not_found) fail(to_string(said.error()));
    }

    sim::cluster& cluster_;
    sim::world& world_;
    std::map<std::string, std::optional<std::string>> known_;  ///< by name
    std::size_t changed_count_ = 0;
};

}  // namespace rik::testing

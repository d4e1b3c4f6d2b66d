#include "job_ends_detail.hpp"

#include <rik/controllers/controller.hpp>
#include <rik/model/job_record.hpp>

#include <map>
#include <memory>
#include <utility>
#include <variant>

namespace rik::detail {

namespace {

using instance_write = transaction::write<instance>;

/// Most instances are not those of Jobs: that is seen without a look at their workloads.
bool is_of_job(instance const& row) { return row.owner() && row.made_from()->definition->kind == workload_kind::job; }

class job_end_counter {
public:
    job_end_counter(view const& head, std::set<instance_id> const& excused, wall_time now)
        : head_(head), excused_(excused), now_(now) {}

    void look_at(instance_write& change) {
        auto const before = head_.find<instance>(change.key);
        auto const* const row = change.row ? change.row.get() : before.row.get();
        if (row == nullptr || !is_of_job(*row)) return;
        auto const owner = head_.find<workload>(*row->owner());
        if (!owner || owner->deleting_since) return;    // its record goes with it
        if (owner->kind != workload_kind::job) return;  // it was left by its Job, and another one has adopted it
        if (change.row) return count_change(owner, before.row.get(), change);
        if (!excused_.contains(change.key)) count(owner, before.row.get(), nullptr);
    }

    void write(transaction& into) {
        for (auto& [id, one] : records_)
            if (one.is_changed) into.put(to_document(one.record, *one.owner), one.kept_at);
    }

private:
    struct open_record {
        stored<workload> owner;
        job_record record;
        revision kept_at = 0;
        bool is_changed = false;
    };

    void count_change(stored<workload> const& owner, instance const* before, instance_write& change) {
        auto const is_excused = excused_.contains(change.key) && !change.row->is_counted();
        // Most changes show no end: then neither the row is copied nor the record read.
        if (!is_excused && !shows_end(*owner, before, &change.row->fields())) return;
        auto next = change.row->fields();
        next.is_counted = next.is_counted || is_excused;
        count(owner, before, &next);
        change.row = std::make_shared<instance const>(std::move(next));
    }

    void count(stored<workload> const& owner, instance const* before, instance_fields* now) {
        if (!shows_end(*owner, before, now)) return;
        auto& one = open(owner);
        one.is_changed = count_end(*owner, before, now, now_, one.record) || one.is_changed;
    }

    open_record& open(stored<workload> const& owner) {
        auto const known = records_.find(owner->id);
        if (known != records_.end()) return known->second;
        open_record made{.owner = owner, .record = {.workload = owner->id}};
        if (auto const kept = head_.find<document>(job_record_key(*owner))) {
            made.kept_at = kept.changed_at;
            if (auto read = parse_job_record(*kept)) made.record = std::move(*read);
        }
        return records_.emplace(owner->id, std::move(made)).first->second;
    }

    view const& head_;
    std::set<instance_id> const& excused_;
    wall_time now_;
    std::map<workload_id, open_record> records_;
};

}  // namespace

void count_job_ends(view const& head, std::set<instance_id> const& excused, wall_time now, transaction& changes) {
    job_end_counter counter(head, excused, now);
    for (auto& each : changes.writes())
        if (auto* const change = std::get_if<instance_write>(&each)) counter.look_at(*change);
    counter.write(changes);
}

}  // namespace rik::detail

#include <rik/model/meta.hpp>

#include <rik/model/document.hpp>
#include <rik/model/instance.hpp>
#include <rik/model/node.hpp>
#include <rik/model/workload.hpp>

#include <algorithm>

namespace rik {

namespace {

string_map const no_texts;

}  // namespace

meta meta_of(workload const& row, revision at) {
    return {.uid = row.id.text(),
            .name = row.name,
            .tenant = row.tenant,
            .labels = row.labels(),
            .annotations = row.annotations(),
            .created_at = row.created_at,
            .updated_at = row.updated_at,
            .generation = row.generation,
            .changed_at = at,
            .owner = row.owner,
            .finalizers = row.finalizers,
            .deleting_since = row.deleting_since};
}

meta meta_of(release const& row, revision at) {
    return {.uid = row.id.text(),
            .name = row.definition->name,
            .tenant = row.definition->tenant,
            .labels = row.definition->labels,
            .annotations = row.definition->annotations,
            .created_at = row.created_at,
            .updated_at = row.created_at,
            .generation = 1,
            .changed_at = at,
            .owner = row.workload,
            .finalizers = {},
            .deleting_since = {}};
}

meta meta_of(instance const& row, revision at) {
    return {.uid = row.id().text(),
            .name = row.name(),
            .tenant = row.tenant(),
            .labels = row.labels(),
            .annotations = row.spec().annotations,
            .created_at = row.created_at(),
            .updated_at = std::max({row.created_at(), row.status().since, row.deleting_since().value_or(wall_time())}),
            .generation = row.generation(),
            .changed_at = at,
            .owner = row.owner(),
            .finalizers = {},
            .deleting_since = row.deleting_since()};
}

meta meta_of(node const& row, revision at) {
    return {.uid = row.id.text(),
            .name = row.facts.name,
            .tenant = {},
            .labels = row.labels,
            .annotations = no_texts,
            .created_at = row.created_at,
            .updated_at = std::max(row.state_since, row.updated_at),
            .generation = row.generation,
            .changed_at = at,
            .owner = {},
            .finalizers = {},
            .deleting_since = {}};
}

meta meta_of(document const& row, revision at) {
    return {.uid = row.key.kind + "/" + row.key.tenant + "/" + row.key.name,
            .name = row.key.name,
            .tenant = row.key.tenant,
            .labels = no_texts,
            .annotations = no_texts,
            .created_at = {},
            .updated_at = {},
            .generation = 1,
            .changed_at = at,
            .owner = {},
            .finalizers = {},
            .deleting_since = {}};
}

}  // namespace rik

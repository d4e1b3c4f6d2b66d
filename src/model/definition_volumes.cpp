// The volumes of a Pod, and where its containers see them.
#include "model/definition_fields.hpp"
#include "model/definition_limits.hpp"
#include "model/definition_tree.hpp"
#include "model/fields/rows_detail.hpp"

#include <rik/base/nearest_word.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace rik::detail {

namespace {

void check_one_source(field_reader const& from) {
    int count = 0;
    for_each_field(rows::volume,
                   [&](field const& row) { count += row.name != "name" && from.find(row.name) != nullptr ? 1 : 0; });
    if (count > 1) from.notes().problem(from.path(), "has more than one source", "make it several volumes");
}

/// Without a source it is an emptyDir.   Source: Kubernetes, SetDefaults_Volume.
volume_definition read_volume(field_reader const& from) {
    empty_dir source;
    from.in("emptyDir", [&](field_reader const& fields) {
        source.is_in_memory = fields.text("medium") == "Memory";
        source.bytes_max = fields.amount("sizeLimit", 1).value_or(0);
    });
    check_one_source(from);
    return {std::string(from.text("name").value_or("")), source};
}

void check_count(field_reader const& from, std::string_view field, std::size_t limit) {
    auto const* list = from.list(field);
    if (list != nullptr && list->size() > limit)
        from.notes().problem(from.path_of(field), fmt::format("has {} entries; the limit is {}", list->size(), limit),
                             "leave some out");
}

std::string volumes_remedy(std::string_view name, std::vector<volume_definition> const& volumes) {
    nearest_word nearest(name);
    for (auto const& each : volumes) nearest.consider(each.name);
    if (auto const meant = nearest.found()) return fmt::format("did you mean {}?", *meant);
    return "add it to spec.volumes, or name one that is there";
}

void check_volume(field_reader const& from, std::string_view name, std::vector<volume_definition> const& volumes) {
    if (name.empty() || std::ranges::find(volumes, name, &volume_definition::name) != volumes.end()) return;
    from.notes().problem(from.path_of("name"), fmt::format("'{}' is not a volume of this Pod", shortened(name)),
                         volumes_remedy(name, volumes));
}

volume_mount read_mount(field_reader const& from) {
    volume_mount made;
    made.volume = from.text("name").value_or("");
    made.path = from.text("mountPath").value_or("");
    made.sub_path = from.text("subPath").value_or("");
    made.is_read_only = from.flag("readOnly");
    auto const below = from.text("recursiveReadOnly").value_or("");
    if ((below == "Enabled" || below == "IfPossible") && !made.is_read_only)
        from.notes().problem(from.path_of("recursiveReadOnly"), "needs readOnly", "write readOnly: true beside it");
    return made;
}

}  // namespace

void read_volumes(field_reader const& spec, instance_template& into) {
    std::set<std::string, std::less<>> names;
    check_count(spec, "volumes", limits::volumes_per_pod_max);
    spec.each("volumes", [&](field_reader const& from) {
        if (into.volumes.size() == limits::volumes_per_pod_max) return;
        auto volume = read_volume(from);
        if (!volume.name.empty() && !names.insert(volume.name).second)
            from.notes().problem(from.path_of("name"),
                                 fmt::format("'{}' is the name of two volumes", shortened(volume.name)),
                                 "give every volume a name of its own");
        into.volumes.push_back(std::move(volume));
    });
}

std::vector<volume_mount> read_mounts(field_reader const& container, std::vector<volume_definition> const& volumes) {
    std::vector<volume_mount> mounts;
    std::set<std::string, std::less<>> paths;
    check_count(container, "volumeMounts", limits::mounts_per_container_max);
    container.each("volumeMounts", [&](field_reader const& from) {
        if (mounts.size() == limits::mounts_per_container_max) return;
        auto mount = read_mount(from);
        check_volume(from, mount.volume, volumes);
        check_path(from, "mountPath", mount.path);
        check_path(from, "subPath", mount.sub_path);
        if (!mount.path.empty() && !paths.insert(mount.path).second)
            from.notes().problem(from.path_of("mountPath"),
                                 fmt::format("'{}' is taken by another mount", shortened(mount.path)),
                                 "give every mount a path of its own");
        mounts.push_back(std::move(mount));
    });
    return mounts;
}

}  // namespace rik::detail

#include <rik/store/change.hpp>

#include <algorithm>

namespace rik {

namespace {

// What the allocator and the pointers to an object take, roughly.
constexpr std::size_t object_overhead_bytes = 128;

std::size_t bytes_of(string_map const& map) {
    std::size_t bytes = 0;
    for (auto const& [name, value] : map) bytes += name.size() + value.size() + object_overhead_bytes;
    return bytes;
}

// With its definition, though a release may share it.
std::size_t bytes_of(workload const& row) {
    return sizeof row + row.name.size() + row.definition->text.size() + bytes_of(row.labels()) +
           bytes_of(row.annotations());
}

std::size_t bytes_of(container_definition const& container) {
    std::size_t bytes = sizeof container + container.image.size() + container.ports.size() * sizeof(container_port);
    for (auto const& variable : container.env) bytes += sizeof variable + variable.name.size() + variable.value.size();
    for (auto const* words : {&container.command, &container.args}) {
        if (!*words) continue;
        for (auto const& word : **words) bytes += sizeof word + word.size();
    }
    return bytes;
}

std::size_t bytes_of(release const& row) {
    std::size_t bytes = sizeof row + bytes_of(row.spec().labels);
    for (auto const& container : row.spec().containers) bytes += bytes_of(container);
    return bytes;
}

// Without its release, which all instances of a workload share.
std::size_t bytes_of(instance const& row) {
    auto const& status = row.status();
    std::size_t bytes = sizeof row + row.name().size() + status.message.size();
    for (auto const& address : status.addresses) bytes += sizeof address + address.size();
    for (auto const& container : status.containers) bytes += sizeof container + container.message.size();
    return bytes;
}

std::size_t bytes_of(node const& row) {
    return sizeof row + object_overhead_bytes + bytes_of(row.facts.labels) + bytes_of(row.operator_labels) +
           bytes_of(row.labels) + row.remnants.size() * sizeof(remnant);
}

std::size_t bytes_of(document const& row) { return sizeof row + row.key.name.size() + row.json.size(); }

template <class Row>
std::size_t bytes_of(std::shared_ptr<Row const> const& row) {
    return row ? object_overhead_bytes + bytes_of(*row) : 0;
}

}  // namespace

table_id table_of(change const& done) { return static_cast<table_id>(done.row.index()); }

std::vector<std::string> index_keys(change const& done) {
    return std::visit(
        []<class Row>(row_change<Row> const& row) {
            std::vector<std::string> keys;
            if (row.after) keys = table<Row>::index_of(*row.after);
            if (!row.before) return keys;
            for (auto& key : table<Row>::index_of(*row.before)) {
                if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
            }
            return keys;
        },
        done.row);
}

std::size_t footprint(change const& done) {
    auto const rows = std::visit([](auto const& row) { return bytes_of(row.before) + bytes_of(row.after); }, done.row);
    return sizeof done + rows;
}

}  // namespace rik

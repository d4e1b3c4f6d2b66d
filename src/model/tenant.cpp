#include <rik/model/tenant.hpp>

#include <rik/base/limits.hpp>
#include <rik/model/definition.hpp>

#include "model/members_detail.hpp"

#include <fmt/format.h>

namespace rik {

namespace detail {

// Those that are usual were not kept by the first release.
template <>
inline constexpr auto members_of<tenant_record> =
    std::tuple(needed("id", &tenant_record::id), needed("name", &tenant_record::name),
               usual("labels", &tenant_record::labels), usual("annotations", &tenant_record::annotations),
               usual("created_at", &tenant_record::created_at), usual("updated_at", &tenant_record::updated_at),
               usual("generation", &tenant_record::generation), usual("deleting_since", &tenant_record::deleting_since),
               usual("verb", &tenant_record::verb), usual("resource", &tenant_record::resource));

}  // namespace detail

namespace {

/// Lower case, with a dash for what no name has.
std::string legal_name(std::string_view written, tenant_id const& id) {
    std::string name;
    for (auto const c : written.substr(0, limits::label_bytes_max)) {
        auto const is_upper = c >= 'A' && c <= 'Z';
        auto const is_kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        name += is_upper ? static_cast<char>(c - 'A' + 'a') : is_kept ? c : '-';
    }
    while (name.ends_with('-')) name.pop_back();
    name.erase(0, name.find_first_not_of('-'));
    return check_tenant_name(name, "name") ? "tenant-" + id.text().substr(0, 8) : name;
}

}  // namespace

meta meta_of(tenant_record const& row, revision at) {
    return {.uid = row.id.text(),
            .name = row.name,
            .tenant = {},
            .labels = row.labels,
            .annotations = row.annotations,
            .created_at = row.created_at,
            .updated_at = row.updated_at,
            .generation = row.generation,
            .changed_at = at,
            .owner = {},
            .finalizers = {},
            .deleting_since = row.deleting_since};
}

document_key tenant_key(std::string_view name) { return {std::string(tenant_kind), {}, std::string(name)}; }

document to_document(tenant_record const& from) {
    return document{.key = tenant_key(from.name), .about = from.id.text(), .json = detail::text_of(from)};
}

result<tenant_record> parse_tenant(document const& from) {
    if (from.key.kind != tenant_kind)
        return error{errc::corrupt,
                     fmt::format("document {}: its kind is '{}', not a tenant", from.key.name, from.key.kind)};
    tenant_record found;
    auto const read = detail::read_text(from.json, "tenant " + from.key.name, [&](auto const& value, auto& failure) {
        detail::read_value(value, found, failure);
    });
    if (!read) return read.error();
    return found;
}

bool is_old_tenant(document const& from) { return from.key.kind == tenant_kind && !from.key.tenant.empty(); }

result<tenant_record> parse_old_tenant(document const& from, wall_time now) {
    auto found = parse_tenant(from);
    if (!found) return found;
    found->name = legal_name(found->name, found->id);
    found->created_at = found->updated_at = now;
    return found;
}

std::optional<error> check_tenant_name(std::string_view name, std::string_view field) {
    if (auto wrong = check_label_name(name, field)) return wrong;
    return check_object_name(name, field);
}

}  // namespace rik

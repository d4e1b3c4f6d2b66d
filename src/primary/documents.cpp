#include "documents_detail.hpp"

#include "lookup_detail.hpp"

#include <rik/model/references.hpp>

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::array kept_kinds{tenant_kind};

std::optional<error> check_kind(document_key const& key) {
    if (std::ranges::find(kept_kinds, key.kind) != kept_kinds.end()) return std::nullopt;
    return error{errc::invalid, fmt::format("documents of kind '{}' are not kept for users", key.kind), "kind",
                 fmt::format("one of: {}", fmt::join(kept_kinds, ", "))};
}

/// Why `who` may not change it.
std::optional<error> refusal_of(caller const& who, verb what, document_key const& key) {
    if (auto wrong = check_kind(key)) return wrong;
    return authorize(who, what, object_kind::document, key.tenant);
}

error no_such_document(document_key const& key) {
    return error{errc::not_found, fmt::format("{} {} does not exist", key.kind, key.name)};
}

std::optional<error> check_revision_of(document_key const& key, revision at, expected_revision expected) {
    return check_revision(expected, at, object_kind::document, key.name);
}

}  // namespace

awaitable<result<listing<document>>> primary_documents::list(caller who, std::string kind) {
    auto refusal = authorize(who, verb::list, object_kind::document, {});
    return gate_.read(std::move(refusal), [this, who = std::move(who), kind = std::move(kind)] {
        listing<document> found{state_.position(), state_.durable().list<document>(kind_index(kind))};
        std::erase_if(found.rows, [&](auto const& row) {
            return authorize(who, verb::list, object_kind::document, row->key.tenant).has_value();
        });
        return result(std::move(found));
    });
}

awaitable<result<void>> primary_documents::put(caller who, document what, expected_revision expected) {
    auto refusal = refusal_of(who, verb::update, what.key);
    return gate_.enter(std::move(refusal), put_here(std::move(what), expected));
}

/// Names are checked where one is made: what has another is not found.
awaitable<result<void>> primary_documents::put_here(document what, expected_revision expected) {
    if (auto const wrong = check_name(what.key.tenant, "tenant")) co_return *wrong;
    if (auto const wrong = check_name(what.key.name, "name")) co_return *wrong;
    auto const at = state_.head().find<document>(what.key).changed_at;
    if (auto const moved = check_revision_of(what.key, at, expected)) co_return co_await state_.when_durable(*moved);
    transaction change;
    change.put(std::move(what), at);
    co_return co_await state_.commit(std::move(change));
}

awaitable<result<void>> primary_documents::remove(caller who, document_key which, expected_revision expected) {
    auto refusal = refusal_of(who, verb::remove, which);
    return gate_.enter(std::move(refusal), remove_here(std::move(which), expected));
}

awaitable<result<void>> primary_documents::remove_here(document_key which, expected_revision expected) {
    if (auto const wrong = check_name(which.tenant, "tenant")) co_return *wrong;
    auto const row = state_.head().find<document>(which);
    if (!row) co_return co_await state_.when_durable(no_such_document(which));
    if (auto const moved = check_revision_of(which, row.changed_at, expected))
        co_return co_await state_.when_durable(*moved);
    transaction change;
    change.remove<document>(which, row.changed_at);
    co_return co_await state_.commit(std::move(change));
}

}  // namespace rik::detail

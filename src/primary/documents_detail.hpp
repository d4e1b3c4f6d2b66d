// Operations on documents that users keep.
#pragma once

#include "cluster_state_detail.hpp"
#include "gate_detail.hpp"

#include <rik/primary/operations.hpp>

namespace rik::detail {

/// Changes documents of the kinds that are kept for users; others are the primary's own.
class primary_documents final : public document_operations {
public:
    primary_documents(gate& entrance, cluster_state& state) : gate_(entrance), state_(state) {}

    awaitable<result<listing<document>>> list(caller who, std::string kind) override;
    awaitable<result<void>> put(caller who, document what, expected_revision expected) override;
    awaitable<result<void>> remove(caller who, document_key which, expected_revision expected) override;

private:
    awaitable<result<void>> put_here(document what, expected_revision expected);
    awaitable<result<void>> remove_here(document_key which, expected_revision expected);

    gate& gate_;
    cluster_state& state_;
};

}  // namespace rik::detail

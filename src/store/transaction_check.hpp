// May a transaction be applied? Pure.
#pragma once

#include <rik/store/transaction.hpp>
#include <rik/store/view.hpp>

namespace rik::detail {

/// Errors: as of store::apply, but unavailable.
result<void> check(transaction const& changes, view const& head);

}  // namespace rik::detail

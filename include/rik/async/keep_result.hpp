// Lets what knows no types run work that returns something.
#pragma once

#include <rik/async/awaitable.hpp>

#include <optional>
#include <utility>

namespace rik::detail {

/// Keeps in `result` what `work` returns. So the machinery of Asio is compiled once, for work that returns nothing, and
/// not for each type in each source. `result` must live until `work` has ended.
template <class T>
awaitable<> keep_result(awaitable<T> work, std::optional<T>& result) {
    result.emplace(co_await std::move(work));
}

}  // namespace rik::detail

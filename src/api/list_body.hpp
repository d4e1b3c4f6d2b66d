// A list, made while it is sent: of a long one no reader costs more than a piece.
#pragma once

#include "call.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace rik::detail {

/// The next item, nothing at the end. Errors end the list, so that its reader sees that it is not whole.
using object_source = std::function<result<std::optional<std::string>>()>;

/// 200: `begin`, the items with commas between them, `end`. Errors: those of an item in the first piece.
result<http_response> list_response(std::string begin, object_source items, std::string end);

/// `show` of each row, with what is left of them going as they are shown.
template <class Rows, class Show>
object_source each_of(Rows rows, Show show) {
    auto const shared = std::make_shared<Rows>(std::move(rows));  // a std::function is copied
    return [shared, show = std::move(show), next = std::size_t{0}]() mutable -> result<std::optional<std::string>> {
        while (next < shared->size()) {
            auto const row = std::exchange((*shared)[next++], {});
            auto shown = show(row);
            if (!shown) return shown.error();
            if (*shown) return shown;
        }
        return std::optional<std::string>();
    };
}

}  // namespace rik::detail

// When a registry is asked: pure.
#pragma once

#include "runtime/oci/image_source_detail.hpp"

#include <rik/base/error.hpp>
#include <rik/model/definition.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace rik::detail {

enum class asking : std::uint8_t {
    never,
    if_missing,
    if_it_answers,  ///< each time; what is here serves if there is no answer
    each_time,
};

/// A file counts as a registry with the tag "latest".   Source: images::ensure
asking asking_of(image_source const& source, std::optional<image_pull_policy> policy);

constexpr bool asks_each_time(asking when) { return when == asking::if_it_answers || when == asking::each_time; }

/// May what is here serve after `problem`? Not if the registry says that it does not have it any more.
bool is_away(error const& problem, image_source const& source);

/// Of an image that must not be pulled.
error not_here(std::string_view name);

/// `problem`, with the way to do without the registry.
error told_of_copy(error problem);

}  // namespace rik::detail

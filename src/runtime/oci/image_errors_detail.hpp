// What the image tools mean when they fail.
#pragma once

#include "runtime/oci/image_source_detail.hpp"

#include <rik/base/error.hpp>

#include <string>
#include <string_view>

namespace rik::detail {

/// The last message of `text`, out of the log line that it is wrapped in; valid UTF-8, not too long.
std::string tool_message(std::string_view text);

/// `text` is skopeo's stderr. The message names neither the image nor the tool.
error pull_error(std::string_view text, image_source const& source);

/// `text` is umoci's stderr.
error unpack_error(std::string_view text);

}  // namespace rik::detail

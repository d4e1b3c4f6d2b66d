// Names that people can say, for instances whose user gave none: "jolly-cat-1234".
#pragma once

#include <rik/base/entropy.hpp>

#include <string>

namespace rik::detail {

/// One of some 9 million; the caller makes sure that it is free.
std::string make_name(entropy& random);

}  // namespace rik::detail

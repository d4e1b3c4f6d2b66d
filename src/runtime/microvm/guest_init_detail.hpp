// The first program of machines: guest/main.cpp, built and put into this library.
#pragma once

#include <string_view>

namespace rik::detail {

std::string_view guest_init();

}  // namespace rik::detail

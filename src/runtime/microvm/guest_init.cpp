#include "guest_init_detail.hpp"

#include <cstddef>

// RIK_GUEST_INIT is the path of the program: see CMakeLists.txt.
asm(".section .rodata\n"
    ".balign 16\n"
    ".globl rik_guest_init_begin\n"
    ".globl rik_guest_init_end\n"
    "rik_guest_init_begin:\n"
    ".incbin \"" RIK_GUEST_INIT
    "\"\n"
    "rik_guest_init_end:\n"
    ".text\n");

extern "C" char const rik_guest_init_begin[];
extern "C" char const rik_guest_init_end[];

namespace rik::detail {

std::string_view guest_init() {
    return {rik_guest_init_begin, static_cast<std::size_t>(rik_guest_init_end - rik_guest_init_begin)};
}

}  // namespace rik::detail

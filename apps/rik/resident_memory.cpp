#include "resident_memory.hpp"

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

#include <malloc.h>
#include <sys/mman.h>

namespace rik::app {

namespace {

/// "7f12-7f34 r-xp ...": what can be run is never changed, so that nothing is lost with its pages. The same is not true
/// of what can only be read, which the dynamic linker has written.
void release_code(std::string const& mapping) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char rights[5] = {};
    if (std::sscanf(mapping.c_str(), "%lx-%lx %4s", &begin, &end, rights) != 3) return;
    auto const is_of_file = mapping.find(" /") != mapping.npos;
    if (std::string(rights) != "r-xp" || !is_of_file) return;
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // what stays is only resident
}

}  // namespace

void limit_heaps() { (void)::mallopt(M_ARENA_MAX, 2); }

void give_back_memory() {
    (void)::malloc_trim(0);
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) release_code(line);
}

}  // namespace rik::app

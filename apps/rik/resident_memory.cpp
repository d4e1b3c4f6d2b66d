#include "resident_memory.hpp"

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <malloc.h>
#include <sys/mman.h>

namespace rik::app {

namespace {

/// One mapping of /proc/self/smaps.
struct mapping {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    bool is_of_file = false;
    bool is_fixed = false;  ///< nobody can write there
};

/// "7f12-7f34 r-xp 00000000 08:01 1234   /usr/bin/rik"; nullopt for a line that says something of a mapping.
std::optional<mapping> read_head(std::string const& line) {
    mapping made;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &made.begin, &made.end, rights) != 3) return std::nullopt;
    made.is_of_file = line.find(" /") != line.npos;
    made.is_fixed = rights[0] == 'r' && rights[1] == '-';
    return made;
}

/// What is only in memory and not in the file would be lost: what the dynamic linker has written and made read-only
/// since. A mapping that has such a page is left alone.
std::vector<mapping> find_fixed() {
    std::vector<mapping> found;
    std::ifstream maps("/proc/self/smaps");
    mapping last;
    for (std::string line; std::getline(maps, line);) {
        long long anonymous_kib = 0;
        if (auto const head = read_head(line))
            last = *head;
        else if (std::sscanf(line.c_str(), "Anonymous: %lld", &anonymous_kib) == 1 && anonymous_kib == 0)
            if (last.is_of_file && last.is_fixed) found.push_back(last);
    }
    return found;
}

/// Of the program and of the libraries that it was linked with: they stay where they are. A library that is loaded
/// later may be in the middle of that at any moment.
std::vector<mapping> const& fixed_mappings() {
    static auto const all = find_fixed();
    return all;
}

}  // namespace

void begin_small() {
    (void)::mallopt(M_ARENA_MAX, 2);
    (void)fixed_mappings();
}

void give_back_memory() {
    (void)::malloc_trim(0);
    for (auto const& each : fixed_mappings())  // what cannot be dropped is only resident
        (void)::madvise(reinterpret_cast<void*>(each.begin), each.end - each.begin, MADV_DONTNEED);
}

}  // namespace rik::app

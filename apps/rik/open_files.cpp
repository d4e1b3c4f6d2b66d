#include "open_files.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>

#include <sys/resource.h>

namespace rik::app {

namespace {

constexpr std::size_t enough = 65'536;
constexpr std::size_t reserve_max = 2'048;
constexpr std::size_t connections_min = 8;

/// What is kept from clients: the program's own files, those of containers, of tools and of logs that are read.
std::size_t reserve_of(std::size_t open_files_max) { return std::min(reserve_max, open_files_max / 10 * 7); }

}  // namespace

std::size_t raise_open_files_limit() {
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return enough;
    auto const wanted = std::min<::rlim_t>(limit.rlim_max, enough);
    if (limit.rlim_cur < wanted) {
        auto raised = limit;
        raised.rlim_cur = wanted;
        if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;  // if it is refused, we live with less
    }
    return static_cast<std::size_t>(std::min<::rlim_t>(limit.rlim_cur, enough));
}

std::size_t open_files_wanted(std::size_t address_kinds) {
    return reserve_max + limits::http_connections_max * address_kinds;
}

std::size_t connections_for(std::size_t open_files_max, std::size_t address_kinds) {
    auto const left = open_files_max - reserve_of(open_files_max);
    return std::clamp(left / std::max<std::size_t>(address_kinds, 1), connections_min, limits::http_connections_max);
}

}  // namespace rik::app

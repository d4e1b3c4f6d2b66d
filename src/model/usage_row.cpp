#include <rik/model/usage_row.hpp>

#include "model/members_detail.hpp"

#include <tuple>

namespace rik {

namespace detail {

template <>
inline constexpr auto members_of<volume_usage> = std::tuple(needed("name", &volume_usage::name),
                                                            usual("bytes", &volume_usage::bytes));
template <>
inline constexpr auto members_of<container_usage_row> = std::tuple(
    needed("name", &container_usage_row::name), usual("cpu_us", &container_usage_row::cpu_microseconds),
    usual("cpu_milli", &container_usage_row::cpu_milli), usual("memory", &container_usage_row::memory_bytes),
    usual("processes", &container_usage_row::process_count), usual("written", &container_usage_row::written_bytes));
template <>
inline constexpr auto members_of<usage_row> = std::tuple(needed("instance", &usage_row::instance),
                                                         needed("at", &usage_row::at),
                                                         usual("containers", &usage_row::containers),
                                                         usual("volumes", &usage_row::volumes),
                                                         usual("received", &usage_row::received_bytes),
                                                         usual("sent", &usage_row::sent_bytes));

}  // namespace detail

std::string encode(std::vector<usage_row> const& all) { return detail::text_of(all); }

result<std::vector<usage_row>> decode_usage_rows(std::string_view text) {
    std::vector<usage_row> all;
    auto const read = detail::read_text(
        text, "usage", [&](auto const& from, detail::read_failure& failure) { read_value(from, all, failure); });
    if (!read) return read.error();
    return all;
}

}  // namespace rik

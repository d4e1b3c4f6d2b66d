#include "port_ledger_detail.hpp"

#include <rik/base/assert.hpp>

namespace rik::detail {

namespace {

std::optional<std::size_t> index_of(std::uint16_t port) {
    if (port < limits::chosen_port_first || port > limits::chosen_port_last) return std::nullopt;
    return static_cast<std::size_t>(port - limits::chosen_port_first);
}

}  // namespace

void port_ledger::change(std::uint16_t port, bool is_more) {
    auto const index = index_of(port);
    if (!index) return;
    auto& count = counts_.at(*index);
    RIK_ASSERT(is_more || count > 0);
    count += is_more ? 1 : -1;
}

void port_ledger::add(release const& row) {
    for (auto const& each : host_ports(row.spec())) change(each.host_port, true);
}

void port_ledger::remove(release const& row) {
    for (auto const& each : host_ports(row.spec())) change(each.host_port, false);
}

bool port_ledger::is_free(std::uint16_t port) const {
    auto const index = index_of(port);
    return index && counts_.at(*index) == 0;
}

std::optional<std::uint16_t> port_ledger::find_free(std::uint16_t from, std::set<std::uint16_t> const& promised) const {
    auto const begin = static_cast<std::size_t>(from - limits::chosen_port_first);
    for (std::size_t step = 0; step < size; ++step) {
        auto const index = (begin + step) % size;
        auto const port = static_cast<std::uint16_t>(limits::chosen_port_first + index);
        if (counts_.at(index) == 0 && !promised.contains(port)) return port;
    }
    return std::nullopt;
}

}  // namespace rik::detail

#include "exposed_ports_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <variant>

namespace rik::detail {

namespace {

std::set<std::uint16_t> promised_by(transaction const& commit) {
    std::set<std::uint16_t> ports;
    for (auto const& each : commit.writes())
        if (auto const* const one = std::get_if<transaction::write<instance>>(&each); one != nullptr && one->row)
            ports.insert(one->row->exposed_port());
    return ports;
}

bool is_held_on(candidate const& where, instance_id const& by, std::uint16_t port) {
    return std::ranges::any_of(where.host_ports_reserved, [&](reserved_port const& each) {
        return each.port.host_port == port && each.port.protocol == port_protocol::tcp && each.holder != by;
    });
}

}  // namespace

/// Not the lowest that is free: a client that still calls one that has gone should not find another there at once.
result<std::uint16_t> exposed_ports::choose(instance_template const& from, transaction const& commit) const {
    if (!needs_chosen_port(from)) return std::uint16_t{0};
    auto const first = limits::chosen_port_first + static_cast<std::uint16_t>(random_.below(port_ledger::size));
    if (auto const port = state_.ports().find_free(static_cast<std::uint16_t>(first), promised_by(commit)))
        return *port;
    return error{errc::exhausted,
                 fmt::format("all {} ports from {} to {} are taken, of which a Function without a port of its own gets "
                             "one",
                             port_ledger::size, limits::chosen_port_first, limits::chosen_port_last),
                 "spec.function.exposure.port",
                 "delete instances of Functions, or name another port in the definition"};
}

result<std::uint16_t> exposed_ports::choose_on(candidate const& where, instance const& row,
                                               transaction const& commit) const {
    auto const has_one = row.exposed_port() != 0 && !is_held_on(where, row.id(), row.exposed_port());
    if (has_one || !needs_chosen_port(row.spec())) return row.exposed_port();
    return choose(row.spec(), commit);
}

}  // namespace rik::detail

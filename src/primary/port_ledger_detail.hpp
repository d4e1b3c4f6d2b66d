// Which of the ports that are chosen for Functions are taken.
#pragma once

#include <rik/base/limits.hpp>
#include <rik/model/instance.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>

namespace rik::detail {

/// Counts for each port from limits::chosen_port_first to limits::chosen_port_last the rows that have it: instances for
/// which it was chosen, and releases that name it as a host port. Others are not counted.
class port_ledger {
public:
    void add(instance const& row) { change(row.exposed_port(), true); }
    void remove(instance const& row) { change(row.exposed_port(), false); }
    void add(release const& row);
    void remove(release const& row);

    bool is_free(std::uint16_t port) const;
    /// The first that is free and none of `promised`, from `from` on and then from the first port on; nullopt: all are
    /// taken. Precondition: `from` is one of the ports.
    std::optional<std::uint16_t> find_free(std::uint16_t from, std::set<std::uint16_t> const& promised) const;

    static constexpr std::size_t size = limits::chosen_port_last - limits::chosen_port_first + 1;

private:
    void change(std::uint16_t port, bool is_more);

    std::array<std::uint32_t, size> counts_ = {};
};

}  // namespace rik::detail

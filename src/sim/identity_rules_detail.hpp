// That nothing runs twice as what it stands for.
#pragma once

#include <rik/model/instance.hpp>
#include <rik/sim/machine.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rik::sim {

/// Of instances with the same identity at most one runs, on all machines together. Only an operator can break that, who
/// declares a node dead whose machine is on: what it has begun in that boot may run on. What was on a machine that was
/// off, or has been booted since, never runs again.
class identity_rules {
public:
    void add(std::string site, machine const& on);
    void power_off(std::string const& site);
    /// An agent is started there: the machine is on.
    void power_on(std::string const& site);
    void put(instance const& row);
    /// Somebody has declared the node there dead, which had it. Every row of the node says so again.
    void give_up(std::string const& site, instance_id const& which);

    /// A container of it starts there: what that breaks.
    std::vector<std::string> started(std::string const& site, instance_id const& which) const;

private:
    struct identity {
        std::string name;  ///< with its tenant
        std::optional<workload_id> owner;
        std::optional<std::uint32_t> index;
    };
    struct known_site {
        machine const* on;
        std::uint64_t boot = 1;
        bool is_off = false;
        /// In which boot it had them when they were given up; nullopt: it was off.
        std::map<instance_id, std::optional<std::uint64_t>> given_up = {};
    };
    static bool are_same(identity const& one, identity const& other);
    /// It was given up by mistake: the machine was on, and still is.
    static bool is_mistaken(known_site const& at, instance_id const& which);

    std::map<std::string, known_site> sites_;
    std::map<instance_id, identity> identities_;  ///< also of those that are gone
};

}  // namespace rik::sim

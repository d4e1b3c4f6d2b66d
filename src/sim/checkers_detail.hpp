// What must hold at every moment of a simulation, looked at from outside of the roles.
#pragma once

#include "cron_rules_detail.hpp"
#include "identity_rules_detail.hpp"
#include "tenant_rules_detail.hpp"
#include "workload_rules_detail.hpp"

#include <rik/model/codec.hpp>
#include <rik/sim/cluster.hpp>
#include <rik/store/journal.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace rik::sim {

/// Knows the machines, and of the primary what lasts in its journal: the rules that it checks are those of
/// cluster::violations.
class cluster::checkers final : private release_source {
public:
    checkers() = default;
    checkers(checkers const&) = delete;
    checkers& operator=(checkers const&) = delete;

    /// Looks on at what happens there. Both must live as long as anything happens.
    void add(std::string name, machine& on);
    void power_off(std::string const& name) { identities_.power_off(name); }
    void power_on(std::string const& name) { identities_.power_on(name); }
    /// A batch that lasts.
    void primary_wrote(std::vector<journal_entry> const& batch);

    std::string const& violations() const { return violations_; }
    std::size_t unused_releases_count() const { return workloads_.unused().size(); }

private:
    struct site {
        std::string name;
        machine* on;
        struct room {
            release_ptr asked;
            std::uint16_t exposed_port;
        };
        std::map<instance_id, room> rooms = {};  ///< whatever holds room there, by the primary's journal
        std::vector<std::string> runtimes = {};  ///< the same: what it offers
        resources offered = {};                  ///< the same
        /// What was there when somebody declared the node dead: it may run on until the machine has come back and was
        /// told.   Source: docs/protocol.md, section 4, "On declaring a node dead"
        std::set<instance_id> given_up = {};
    };

    /// What lets the containers of an instance start again.
    struct restart_rights {
        release_ptr made_from;
        bool has_user_asked = false;
    };

    void take(journal_entry const& row);
    void take_node(journal_entry const& row);
    void take_instance(journal_entry const& row);
    void take_workload(journal_entry const& row);
    void take_release(journal_entry const& row);
    void take_document(journal_entry const& row);
    void take_counts(std::string const& text);
    void take_rollout(std::string const& text);
    void end_commit();
    void check_end(instance const& row);
    void started(site const& at, container_key const& what);
    /// A container starts again only where its policy or a user says so, and attempts only go up.
    void check_attempt(site const& at, container_key const& what);
    /// What runs is what its form says, where that is offered.
    void check_form(site const& at, container_key const& what);
    void check_ports();
    void look(site const& at);
    void look_at_promises(site const& at, resources const& more);
    void look_at_touched();
    site* find_site(node_id const& node) const;
    release_ptr find_release(release_id const& id) const override;
    void say(std::string what);

    std::map<std::string, site> sites_;  ///< by name
    std::map<node_id, site*> registered_;
    std::map<release_id, release_ptr> releases_;
    std::map<instance_id, node_id> holders_;
    std::map<instance_id, std::string> homes_;  ///< where each instance was started first
    std::map<instance_id, restart_rights> rights_;
    std::map<instance_id, std::uint16_t> chosen_ports_;
    bool are_ports_touched_ = false;                                         ///< by the commit that is being read
    std::map<std::pair<instance_id, std::string>, std::uint32_t> attempts_;  ///< the newest of each container
    std::set<node_id> touched_;                                              ///< by the commit that is being read
    std::map<node_id, resources> promised_;  ///< by the same commit, to those that had no room there before
    tenant_rules tenants_;
    workload_rules workloads_;
    identity_rules identities_;
    cron_rules cron_jobs_;
    std::set<std::string> said_;
    std::string violations_;
};

}  // namespace rik::sim

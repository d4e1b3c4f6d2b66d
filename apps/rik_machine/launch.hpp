// Starts QEMU with what a plan says, in the network namespace, control groups and with the rights of its machine.
#pragma once

#include "runtime/microvm/machine_plan_detail.hpp"

#include <string>
#include <utility>

#include <sys/types.h>

namespace rik::machine_program {

/// The keeper's ends of what QEMU is connected to.
struct machine_ends {
    int console = -1;
    int control = -1;
    int monitor = -1;
    int complaints = -1;  ///< its standard error
    int note = -1;
    int memory = -1;  ///< of one that becomes a template
    int state = -1;   ///< the same: a file for its devices
};

/// Opens what only root may, and gives up all rights then, for this process and what it starts. Returns what failed;
/// empty: nothing.
class launch {
public:
    explicit launch(detail::machine_plan const& plan) : plan_(plan) {}

    std::string prepare();
    /// Precondition: `prepare` has succeeded. `qemu` is its process.
    std::string start(pid_t& qemu);
    machine_ends const& ends() const { return ends_; }
    /// What a machine that is restored is told.
    std::string take_settings() { return std::move(settings_); }

private:
    struct given {
        int ours = -1;
        int theirs = -1;
    };
    std::string open_files();
    std::string open_tap();
    std::string open_memory();
    std::string connect(int& our_end, int their_number);
    std::string join_groups() const;
    std::string enter_namespaces() const;
    std::string drop_rights() const;
    [[noreturn]] void become_qemu(int told) const;

    detail::machine_plan const& plan_;
    machine_ends ends_;
    std::string settings_;
    std::vector<given> given_;  ///< to QEMU
    int errors_ = -1;           ///< QEMU's end of `complaints`
};

}  // namespace rik::machine_program

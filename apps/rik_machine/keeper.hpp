// Lives as long as a machine: passes its console on, hears what it says, watches it boot, stops it when it is asked to,
// and ends as it has ended.
#pragma once

#include "launch.hpp"

#include "runtime/microvm/machine_end_detail.hpp"

#include <cstdint>
#include <string>

#include <poll.h>

namespace rik::machine_program {

class keeper {
public:
    /// `qemu` is a child of this process. Its console goes to standard output. `settings`: what a machine that is
    /// restored is told.
    keeper(detail::machine_plan const& plan, machine_ends const& ends, pid_t qemu, std::string settings);

    /// Until QEMU is ready, or has ended: then why. Empty: it is.
    std::string wait_for_qemu();
    /// Until QEMU has ended. Returns the code of its machine.
    int run();

private:
    enum : std::size_t { signals, console, control, monitor, complaints, output, source_count };
    void poll_once(int timeout_ms);
    void prepare(pollfd* sources) const;
    void take_signals();
    void pass_console();
    std::size_t ready_output() const;
    void write_output();
    void hear_guest();
    void note_up(detail::guest_word const& said);
    void hear_qemu();
    bool hear_of_restore(detail::qmp_word word);
    void tell_machine();
    void watch_boot();
    void reap();
    int finish();

    detail::machine_plan const& plan_;
    machine_ends ends_;
    pid_t qemu_;
    int signals_ = -1;
    bool is_ready_ = false;
    bool has_ended_ = false;
    int code_ = 0;
    std::int64_t began_at_ms_ = 0;
    std::int64_t start_ms_ = 0;  ///< of all that led to this machine
    detail::boot_times times_;
    std::int64_t over_since_ms_ = 0;
    std::int64_t partial_since_ms_ = 0;
    detail::machine_story story_;
    detail::control_reader guest_;
    detail::qmp_reader qmp_;
    std::string settings_;
    std::string waiting_input_;  ///< of the console
    std::string waiting_output_;
    std::string last_console_;
    std::string complaints_;
};

}  // namespace rik::machine_program

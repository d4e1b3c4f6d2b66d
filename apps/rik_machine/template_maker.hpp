// Makes a template: starts a machine, and saves it when it says that it is ready for that. It gives up when nobody
// reads its standard output any more: whoever wants it has gone then, and nobody else would look after it.
// (PR_SET_PDEATHSIG is of no use here: it tells the end of the thread that has started this process, and that one soon
// ends.)
#pragma once

#include "launch.hpp"

#include "runtime/microvm/qmp_reader_detail.hpp"

#include <string>
#include <string_view>

namespace rik::machine_program {

class template_maker {
public:
    /// `qemu` is a child of this process.
    template_maker(detail::machine_plan const& plan, machine_ends const& ends, pid_t qemu)
        : plan_(plan), ends_(ends), qemu_(qemu) {}

    /// QEMU has ended then. Returns why there is none; empty: it is written.
    std::string make();

private:
    std::string await_readiness();
    std::string save();
    bool say(std::string_view words, int descriptor = -1) const;
    bool await(detail::qmp_word word);
    bool poll_once();
    void end_qemu();

    detail::machine_plan const& plan_;
    machine_ends ends_;
    pid_t qemu_;
    detail::qmp_reader qmp_;
    std::string console_;
    std::string complaints_;
    std::int64_t until_ms_ = 0;
};

}  // namespace rik::machine_program

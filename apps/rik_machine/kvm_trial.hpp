// Whether the machine's KVM runs a guest at the speed of its processor.
#pragma once

#include <string>

namespace rik::machine_program {

/// Empty: it does. Else why it is of no use. Takes a tenth of a second at most.
///
/// There are machines where /dev/kvm is there and works, and runs privileged code one instruction at a time, a thousand
/// times slower than emulation: so a kernel's kind of code is run, and a lot of it.   Source: ADR 22
std::string try_kvm();

}  // namespace rik::machine_program

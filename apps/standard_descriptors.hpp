// The descriptors 0, 1 and 2 of a program that may have been started without them.
#pragma once

namespace rik::app {

/// Gives those that are closed something to be: else the next socket or file would get their number, and what the
/// program says would be written into it. As with a closed one, reading from 0 and writing to 1 then fail; what is
/// written to 2 goes nowhere. For the beginning of main. False: it cannot be done (there is no /dev/null).
bool occupy_standard_descriptors();

/// `code`, or 1 if all is well but what was printed cannot be written, which it then says. Flushes C's standard output,
/// and std::cout with it as long as they are in step. For the end of a program.
int exit_code_with_output(int code, char const* program);

}  // namespace rik::app

// The user's editor.
#pragma once

#include <rik/base/result.hpp>

#include <string>

namespace rikctl {

/// Runs `editor`, as words of a shell, with `path`, on the terminal of this process, and waits for its end. It is no
/// child of runtime/process: that one starts programs without a terminal, in process groups of their own.
/// Errors: internal, it cannot be started; invalid, it has failed.
rik::result<void> run_editor(std::string const& editor, std::string const& path);

}  // namespace rikctl

// What every adapter of the port `runtime` promises, as a test.
#pragma once

#include "contract/event_loop.hpp"

#include <rik/runtime/runtime.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace rik::testing {

/// What is run in a container beside its own programs.
struct exec_program {
    std::string output = "";  ///< letters only
    int exit_code = 0;
    bool lasts = false;  ///< it does not end by itself
};

/// What a container does.
struct container_program {
    std::string line = "hello";  ///< that it writes to its standard output at once; letters only
    std::size_t line_count = 1;
    std::optional<int> exit_code = {};  ///< nullopt: it runs until it gets its stop signal
    exec_program exec = {};
};

/// A machine with a runtime: all that the test of an adapter has to write.
class runtime_maker {
public:
    virtual ~runtime_maker() = default;
    virtual event_loop& loop() = 0;
    virtual rik::runtime& tested() = 0;
    /// From now on `tested` is another object, as after a start of the program. The first one is not used any more.
    virtual void reopen() = 0;
    virtual container_request request(container_key key, container_program what) = 0;
    /// The program of its image cannot be run.
    virtual container_request impossible_request(container_key key) = 0;
    /// False: programs cannot be run in its containers, and `exec` says so.
    virtual bool can_exec() const { return true; }
    /// False: none of its sandboxes can be on the host's network.
    virtual bool has_host_network() const { return true; }
    /// What to run in a container that was started by a request with this program.
    virtual std::vector<std::string> exec_command(exec_program what) = 0;
    /// Returns whatever runs or is mounted on the machine for Pods.
    virtual std::vector<std::string> leftovers() = 0;
};

/// Call it from a test case, with a new `machine` each time: it consists of sections.
void check_runtime(runtime_maker& machine);

}  // namespace rik::testing

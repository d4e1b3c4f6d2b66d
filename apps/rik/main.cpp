// rik: the primary, the scheduler and a node in one program.
#include "node_check.hpp"
#include "options.hpp"
#include "serve.hpp"
#include "standard_descriptors.hpp"

#include <cstdio>

namespace {

int run(rik::app::options const& chosen) {
    switch (chosen.what) {
        case rik::app::verb::serve: return rik::app::serve(chosen);
        case rik::app::verb::reset: return rik::app::reset_machine(chosen);
        case rik::app::verb::check_node: return rik::app::check_node(chosen);
        case rik::app::verb::version: std::puts("rik " RIK_VERSION); return 0;
    }
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (!rik::app::occupy_standard_descriptors()) return 1;
    return rik::app::exit_code_with_output(run(rik::app::parse_command_line(argc, argv)), "rik");
}

// rik: the primary, the scheduler and a node in one program.
#include "options.hpp"
#include "serve.hpp"

#include <cstdio>

int main(int argc, char** argv) {
    auto const chosen = rik::app::parse_command_line(argc, argv);
    switch (chosen.what) {
        case rik::app::verb::serve: return rik::app::serve(chosen);
        case rik::app::verb::reset: return rik::app::reset_machine(chosen);
        case rik::app::verb::version: std::puts("rik " RIK_VERSION); return 0;
    }
    return 1;
}

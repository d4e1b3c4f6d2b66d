#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "rikctl.hpp"
#include "standard_descriptors.hpp"

namespace {

std::string variable(char const* name) {
    auto const* const value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

bool wants_colours() {
    return isatty(STDOUT_FILENO) != 0 && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
}

volatile std::sig_atomic_t interrupt_count = 0;

extern "C" void note_interrupt(int number) {
    interrupt_count = interrupt_count + 1;
    // Who asks twice does not want to wait for anything.
    if (interrupt_count > 1) _exit(128 + number);
}

/// From here on an interrupt or a reader that went away (head) is noticed by the command, which still has to clean up.
void catch_interrupts() {
    std::signal(SIGINT, note_interrupt);
    std::signal(SIGTERM, note_interrupt);
    std::signal(SIGHUP, note_interrupt);
    std::signal(SIGPIPE, SIG_IGN);
}

/// Source: poll(2): the end of a pipe or socket that nobody reads any more.
bool is_reader_gone() {
    pollfd about{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    return ::poll(&about, 1, 0) == 1 && (about.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace

int main(int argument_count, char* arguments[]) {
    if (!rik::app::occupy_standard_descriptors()) return EXIT_FAILURE;
    std::ios::sync_with_stdio(false);
    rikctl::surroundings around{.in = std::cin, .out = std::cout, .err = std::cerr};
    around.has_colours = wants_colours();
    around.can_ask = isatty(STDIN_FILENO) != 0;
    around.sources.server_variable = variable("RIK_CLUSTER_SERVER");
    around.sources.config_variable = variable("RIKCONFIG");
    around.sources.tenant_variable = variable("RIK_TENANT");
    around.sources.home = variable("HOME");
    around.catch_interrupts = catch_interrupts;
    around.is_interrupted = [] { return interrupt_count > 0; };
    around.is_reader_gone = is_reader_gone;
    return rikctl::run_rikctl({arguments + 1, arguments + argument_count}, around);
}

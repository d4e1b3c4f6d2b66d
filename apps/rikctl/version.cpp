#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "commands.hpp"

namespace rikctl {

namespace {

exit_code print_version(session& with, bool is_local) {
    with.out() << fmt::format("rikctl {}\n", RIK_VERSION) << std::flush;
    if (is_local) return exit_code::ok;
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const version = server->version();
    if (!version) return with.fail(version.error());
    with.out() << fmt::format("rik    {} at {}\n", *version, to_string(server->address()));
    return exit_code::ok;
}

}  // namespace

void add_version(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("version", "Print the versions of rikctl and of the server");
    command->footer("Examples:\n  rikctl version\n  rikctl version --client\n");
    auto const is_local = std::make_shared<bool>(false);
    command->add_flag("--client", *is_local, "Only rikctl's, without asking the server");
    command->callback(
        [is_local, &chosen] { chosen = [is_local](session& with) { return print_version(with, *is_local); }; });
}

}  // namespace rikctl

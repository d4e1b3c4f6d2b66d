#include <limits>
#include <map>
#include <memory>
#include <ostream>
#include <string>

#include "commands.hpp"
#include "log_copy.hpp"

namespace rikctl {

namespace {

/// Short, so that Ctrl-C is noticed soon where it is caught.
constexpr auto read_period = std::chrono::milliseconds(200);

exit_code print_logs(session& with, rik::log_wanted const& wanted) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    rik::log_follower log(*server, wanted, with.options());
    auto done = log.open();
    if (done) done = copy_log(with, log, errors_to::output);
    return done ? exit_code::ok : with.fail(done.error());
}

}  // namespace

rik::result<void> copy_log(session& with, rik::log_follower& log, errors_to where) {
    while (!with.is_interrupted() && with.out().good()) {
        auto const piece = log.read(with.now() + read_period);
        if (!piece && piece.error().code == rik::errc::timed_out) continue;
        if (!piece) return piece.error();
        if (piece->bytes.empty()) return {};
        auto const is_apart = where == errors_to::errors && piece->from == rik::log_origin::standard_error;
        (is_apart ? with.err() : with.out()) << piece->bytes << std::flush;
    }
    return {};
}

void add_logs(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("logs", "Print what an instance's containers wrote");
    command->alias("log");
    command->footer(
        "Examples:\n"
        "  rikctl logs web-1\n"
        "  rikctl logs -f --tail 20 web-1\n"
        "  rikctl logs web-1 -c sidecar --timestamps\n"
        "  rikctl logs --stream stderr web-1\n");
    auto const wanted = std::make_shared<rik::log_wanted>();
    command->add_option("INSTANCE", wanted->instance, "Name or id")->required()->type_name("")->check(check_given);
    command->add_option("-c,--container", wanted->container, "Which container; needed where there are several")
        ->type_name("NAME");
    command->add_flag("-f,--follow", wanted->how.follow, "Go on until the instance ends");
    command->add_option("--tail", wanted->how.tail_lines, "Only the last N lines")
        ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()))
        ->type_name("N");
    command->add_flag("-t,--timestamps", wanted->how.timestamps, "Begin each line with its time");
    static std::map<std::string, rik::log_origin> const origins{{"stdout", rik::log_origin::standard_output},
                                                                {"stderr", rik::log_origin::standard_error}};
    command->add_option("--stream", wanted->how.only, "Only what was written to stdout, or only to stderr")
        ->transform(CLI::CheckedTransformer(origins))
        ->type_name("stdout|stderr");
    command->callback([wanted, &chosen] { chosen = [wanted](session& with) { return print_logs(with, *wanted); }; });
}

}  // namespace rikctl

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <ostream>
#include <string>

#include "command_line.hpp"
#include "commands.hpp"
#include "log_copy.hpp"

namespace rikctl {

namespace {

/// Short, so that Ctrl-C is noticed soon where it is caught.
constexpr auto read_period = std::chrono::milliseconds(200);

/// A time, or how long ago it was.
std::string check_since(std::string const& text) {
    if (rik::parse_duration(text) || rik::parse_zoned_time(text)) return {};
    return fmt::format("'{}' is no time: write it as 90s, 1h30m or 2026-11-21T19:19:38Z", text);
}

exit_code print_logs(session& with, rik::container_log_wanted const& wanted) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    rik::container_log_follower log(*server, wanted, with.options(), notice_teller(with));
    auto done = log.open();
    if (done) done = copy_log(with, log, errors_to::output);
    return done ? exit_code::ok : with.fail(done.error());
}

}  // namespace

rik::container_log_follower::teller notice_teller(session& with) {
    return [&with](rik::container_log_notice const& notice) {
        switch (notice.kind) {
            case rik::container_log_notice::what::lost: return with.tell_connection(notice.text);
            case rik::container_log_notice::what::back: return with.tell_connection({});
            case rik::container_log_notice::what::missing: return with.warn(notice.text);
        }
    };
}

rik::result<void> copy_log(session& with, rik::container_log_follower& log, errors_to where) {
    while (!with.is_interrupted() && with.out().good()) {
        auto const piece = log.read(with.now() + read_period);
        if (!piece && piece.error().code == rik::errc::timed_out) continue;
        if (!piece) return piece.error();
        if (piece->bytes.empty()) return {};
        auto const is_apart = where == errors_to::errors && piece->from == rik::container_log_origin::standard_error;
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
        "  rikctl logs --since 1h30m web-1\n"
        "  rikctl logs web-1 -c sidecar --timestamps\n"
        "  rikctl logs -p web-1                   of the attempt before the last restart\n"
        "  rikctl logs --stream stderr web-1\n");
    auto const wanted = std::make_shared<rik::container_log_wanted>();
    command->add_option("INSTANCE", wanted->instance, "Name or id")->required()->type_name("")->check(check_given);
    command
        ->add_option("-c,--container", wanted->container,
                     "Which container, also an init one; without it the first main one")
        ->type_name("NAME");
    command->add_flag("-f,--follow", wanted->how.follow, "Go on until the instance ends");
    command->add_flag("-p,--previous", wanted->how.is_of_previous,
                      "Of the container's attempt before, which has ended: why was it started again?");
    command->add_option("--tail", wanted->how.tail_lines, "Only the last N lines")
        ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()))
        ->type_name("N");
    command->add_flag("-t,--timestamps", wanted->how.timestamps, "Begin each line with its time");
    command
        ->add_option("--since", wanted->since,
                     "Only what was written since then: 90s or 1h30m ago, or a time in RFC 3339")
        ->check(check_since)
        ->type_name("TIME");
    auto const take_stream = [wanted](std::string const& word) {
        wanted->how.only =
            word == "stdout" ? rik::container_log_origin::standard_output : rik::container_log_origin::standard_error;
    };
    command
        ->add_option_function<std::string>("--stream", take_stream,
                                           "Only what was written to stdout, or only to stderr")
        ->check(rik::command_line::one_of({"stdout", "stderr"}))
        ->type_name("stdout|stderr");
    command->callback([wanted, &chosen] { chosen = [wanted](session& with) { return print_logs(with, *wanted); }; });
}

}  // namespace rikctl

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "commands.hpp"
#include "log_copy.hpp"
#include "named_workload.hpp"
#include "next_attempt.hpp"
#include "parse_json.hpp"

namespace rikctl {

namespace {

/// Short, so that Ctrl-C is noticed soon where it is caught.
constexpr auto read_period = std::chrono::milliseconds(200);

/// A time, or how long ago it was.
std::string check_since(std::string const& text) {
    if (rik::parse_duration(text) || rik::parse_zoned_time(text)) return {};
    return fmt::format("'{}' is no time: write it as 90s, 1h30m or 2026-11-21T19:19:38Z", text);
}

rik::result<void> copy_one(session& with, rik::client& server, rik::container_log_wanted const& wanted) {
    rik::container_log_follower log(server, wanted, with.options(), notice_teller(with));
    auto const done = log.open();
    return done ? copy_log(with, log, errors_to::output) : done;
}

/// Each attempt of a container has a log of its own: where one is followed, the next one is, too.
rik::result<void> copy_all(session& with, rik::client& server, rik::container_log_wanted wanted) {
    container_attempts attempts(with, server, wanted.instance, wanted.container);
    for (;;) {
        if (auto const done = copy_one(with, server, wanted); !done) return done;
        auto const goes_on = attempts.wait_for_next();
        if (!goes_on) return goes_on.error();
        if (!*goes_on) return {};
        wanted.how.tail_lines.reset();
        wanted.since.clear();
    }
}

exit_code print_log(session& with, rik::client& server, rik::container_log_wanted const& wanted) {
    auto const is_followed = wanted.how.follow && !wanted.how.is_of_previous;
    auto const done = is_followed ? copy_all(with, server, wanted) : copy_one(with, server, wanted);
    return done ? exit_code::ok : with.fail(done.error());
}

struct log_source {
    std::string id;
    std::string name;
};

std::string heading_of(std::string const& name) { return fmt::format("==> {} <==\n", name); }

/// One after the other: each begins with a line that says whose it is.
exit_code print_in_turn(session& with, rik::client& server, std::vector<log_source> const& all,
                        rik::container_log_wanted wanted) {
    auto worst = exit_code::ok;
    for (auto const& each : all) {
        if (with.is_interrupted()) break;
        wanted.instance = each.id;
        with.out() << heading_of(each.name) << std::flush;
        auto const code = print_log(with, server, wanted);
        if (worst == exit_code::ok) worst = code;
    }
    return worst;
}

/// Several logs as they come. When another one goes on, a line says whose it is.
class followed_logs {
public:
    followed_logs(session& with, rik::client& server) : with_(with), server_(server) {}

    void add(log_source const& from, rik::container_log_wanted wanted) {
        wanted.instance = from.id;
        auto log =
            std::make_unique<rik::container_log_follower>(server_, wanted, with_.options(), notice_teller(with_));
        if (auto const done = log->open(); done)
            open_.push_back({from.name, std::move(log)});
        else
            fail(done.error());
    }

    exit_code run() {
        while (!open_.empty() && !with_.is_interrupted() && with_.out().good()) {
            auto const turn = std::max<rik::duration>(read_period / static_cast<int>(open_.size()), turn_min);
            std::erase_if(open_, [&](followed const& each) { return !read(each, turn); });
        }
        return worst_;
    }

private:
    struct followed {
        std::string name;
        std::unique_ptr<rik::container_log_follower> log;
    };
    static constexpr rik::duration turn_min = std::chrono::milliseconds(5);

    void fail(rik::error const& problem) {
        auto const code = with_.fail(problem);
        if (worst_ == exit_code::ok) worst_ = code;
    }

    /// Returns false at its end.
    bool read(followed const& from, rik::duration turn) {
        auto const piece = from.log->read(with_.now() + turn);
        if (!piece && piece.error().code == rik::errc::timed_out) return true;
        if (!piece) fail(piece.error());
        if (!piece || piece->bytes.empty()) return false;
        if (std::exchange(last_, from.name) != from.name)
            with_.out() << (is_in_line_ ? "\n" : "") << heading_of(from.name);
        with_.out() << piece->bytes << std::flush;
        is_in_line_ = piece->bytes.back() != '\n';
        return true;
    }

    session& with_;
    rik::client& server_;
    std::vector<followed> open_;
    std::string last_;
    bool is_in_line_ = false;
    exit_code worst_ = exit_code::ok;
};

/// A connection is open for each.
constexpr std::size_t followed_max = 100;

/// The instances of a workload, those that came first first. Errors: not_found, it has none; as of client.
rik::result<std::vector<log_source>> find_sources(rik::client& server, named_workload const& which) {
    auto const found = server.get(rik::resource_kind::workload, which.name, which.kind);
    if (!found) return found.error();
    auto const workload = parse_json(*found);
    if (string_at(workload, "/kind") == "CronJob")
        return rik::error{rik::errc::not_found,
                          fmt::format("{} is a CronJob, which has no instances: its Jobs have them", which.name),
                          {},
                          fmt::format("rikctl get jobs --field-selector owner={}", string_at(workload, "/id"))};
    auto const listed = server.list(rik::resource_kind::instance, {.workload = string_at(workload, "/id")});
    if (!listed) return listed.error();
    auto const body = parse_json(*listed);
    auto const* const items = body.is_object() ? body.get_object().if_contains("items") : nullptr;
    if (items == nullptr || !items->is_array() || items->get_array().empty())
        return rik::error{rik::errc::not_found,
                          fmt::format("{} has no instances", which.name),
                          {},
                          fmt::format("rikctl describe workload {}", which.name)};
    std::vector<boost::json::value const*> all;
    for (auto const& each : items->get_array()) all.push_back(&each);
    std::ranges::stable_sort(all, {}, [](auto const* each) { return string_at(*each, "/createdAt"); });
    std::vector<log_source> sources;
    for (auto const* each : all) sources.push_back({string_at(*each, "/id"), string_at(*each, "/name")});
    return sources;
}

exit_code print_logs_of_workload(session& with, rik::client& server, named_workload const& which,
                                 rik::container_log_wanted const& wanted) {
    auto const all = find_sources(server, which);
    if (!all) return with.fail(all.error());
    if (!wanted.how.follow || all->size() == 1) return print_in_turn(with, server, *all, wanted);
    if (all->size() > followed_max)
        return with.fail_usage(fmt::format("{} has {} instances, and -f is for {} at most: name one", which.name,
                                           all->size(), followed_max));
    followed_logs logs(with, server);
    for (auto const& each : *all) logs.add(each, wanted);
    return logs.run();
}

exit_code print_logs(session& with, rik::container_log_wanted const& wanted) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const which = named(wanted.instance);
    if (which.name != wanted.instance) return print_logs_of_workload(with, *server, which, wanted);
    return print_log(with, *server, wanted);
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
        "  rikctl logs --stream stderr web-1\n"
        "  rikctl logs job/pi                     of all its instances, one after the other\n"
        "  rikctl logs -f job/pi                  of all that it has now, as it comes\n");
    auto const wanted = std::make_shared<rik::container_log_wanted>();
    command->add_option("INSTANCE", wanted->instance, "Name or id; KIND/NAME: all of a workload")
        ->required()
        ->type_name("")
        ->check(check_given);
    command
        ->add_option("-c,--container", wanted->container,
                     "Which container, also an init one; without it the first main one")
        ->type_name("NAME");
    command->add_flag("-f,--follow", wanted->how.follow,
                      "Go on until the instance ends, also with the next attempts of the container");
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

#include "rollout_wait.hpp"

#include <rik/model/upkeep.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <optional>
#include <ostream>
#include <utility>

#include "change_parts.hpp"
#include "parse_json.hpp"
#include "patient_server.hpp"
#include "rollout_reasons.hpp"

namespace rikctl {

namespace {

namespace json = boost::json;

constexpr auto look_period = std::chrono::milliseconds(250);
/// After this time somebody may wonder what it waits for, and so again each time it has passed.
constexpr rik::duration patience_max = std::chrono::seconds(10);

/// Its condition of this type; null if there is none.
json::value const* condition_of(json::value const& rollout, std::string_view type) {
    for (auto const& each : array_at(rollout, "/progress/conditions"))
        if (string_at(each, "/type") == type) return &each;
    return nullptr;
}

/// "2 of 3 updated, 3 there, 2 available"
std::string progress_words(json::value const& of) {
    return fmt::format("{} of {} updated, {} there, {} available", number_at(of, "/progress/updated"),
                       number_at(of, "/progress/wanted"), number_at(of, "/progress/have"),
                       number_at(of, "/progress/available"));
}

/// Of one that is complete. With a partition or OnDelete not all have the newest template, and none is to get it now.
std::string end_words(json::value const& of) {
    auto const updated = number_at(of, "/progress/updated");
    auto const wanted = number_at(of, "/progress/wanted");
    if (string_at(of, "/state") == "paused") return "is paused: it wants no instance until it is resumed";
    if (updated >= wanted) return "is rolled out";
    return fmt::format("is settled: {} of {} are of the newest template, and the others stay as they are", updated,
                       wanted);
}

bool is_current(json::value const& rollout) {
    return number_at(rollout, "/progress/generation") == number_at(rollout, "/generation");
}

/// Waits for one workload.
class rollout_waiting {
public:
    rollout_waiting(session& with, rik::client const& server, named_workload const& which, rollout_wait const& how)
        : with_(with),
          server_(with, server, {how.deadline, how.was_reached}),
          reasons_(with, server),
          which_(which),
          how_(how),
          patience_(std::min(patience_max, (how.deadline - with.now()) / 2)),
          reasons_at_(with.now() + patience_) {
        news_.workload = which.name;
        news_.definition_kind = which.kind;
    }

    /// `look` says how it ends, once it does; `late` is what is told when it does not in time.
    template <class Look>
    exit_code until(Look look, std::string_view late) {
        json::value known;
        for (;;) {
            auto rollout = read();
            if (!rollout && known.is_null()) return with_.fail(rollout.error());
            if (!rollout && server_.is_lost()) return fail_late(known, late);
            if (!rollout) return with_.fail(rollout.error());
            known = std::move(*rollout);
            if (auto const code = look(*this, known)) return *code;
            if (with_.now() >= how_.deadline) return fail_late(known, late);
            tell_reasons(known);
            auto const one = server_.next(news_, std::min(how_.deadline, with_.now() + look_period));
            if (!one) return with_.fail(one.error());
        }
    }

    /// Set once there is nothing to wait for.
    std::optional<exit_code> look(json::value const& rollout) {
        if (is_cron_job(rollout)) return with_.fail(no_rollout(rollout));
        if (string_at(rollout, "/kind") == "Job") return with_.fail(no_rollout_of_job(rollout));
        if (is_leaving(rollout))
            return with_.fail({rik::errc::conflict,
                               fmt::format("{} is being deleted: nothing is rolled out any more", words_for(rollout))});
        auto words = is_current(rollout) ? progress_words(rollout) : std::string("has not been looked at yet");
        if (std::exchange(last_, words) != words) say(rollout, words);
        if (is_current(rollout) && bool_at(rollout, "/progress/isComplete")) {
            say(rollout, end_words(rollout));
            return exit_code::ok;
        }
        if (bool_at(rollout, "/isPaused"))
            return with_.fail({rik::errc::conflict,
                               fmt::format("{} is paused", words_for(rollout)),
                               {},
                               fmt::format("rikctl rollout resume {}", string_at(rollout, "/name"))});
        auto const* const progressing = condition_of(rollout, "Progressing");
        if (!is_current(rollout) || progressing == nullptr || string_at(*progressing, "/status") != "False")
            return std::nullopt;
        reasons_.tell_news(rollout);
        return with_.fail(
            {rik::errc::timed_out, fmt::format("{}: {}", words_for(rollout), string_at(*progressing, "/message"))});
    }

    std::optional<exit_code> look_restarted(json::value const& rollout) {
        if (!bool_at(rollout, "/restart/isDone")) return std::nullopt;
        say(rollout, "has restarted");
        return exit_code::ok;
    }

private:
    rik::result<json::value> read() {
        return managed(server_.ask([&](rik::client& of) { return of.get_rollout(which_.name, which_.kind); }));
    }

    static rik::error no_rollout_of_job(json::value const& job) {
        return {rik::errc::conflict,
                fmt::format("{} has no rollout", words_for(job)),
                {},
                fmt::format("rikctl wait job/{} --for complete", string_at(job, "/name"))};
    }

    void tell_reasons(json::value const& rollout) {
        if (with_.now() < reasons_at_) return;
        reasons_at_ = with_.now() + patience_;
        reasons_.tell_news(rollout);
    }

    exit_code fail_late(json::value const& rollout, std::string_view late) {
        if (!server_.is_lost()) reasons_.tell_news(rollout);
        auto text = fmt::format("{} {} after {}", words_for(rollout), late, how_.timeout);
        if (!last_.empty()) text += ": " + last_;
        if (server_.is_lost()) text += "; the server does not answer";
        return with_.fail({rik::errc::timed_out, text});
    }

    void say(json::value const& rollout, std::string_view what) {
        with_.out() << fmt::format("{} {}\n", words_for(rollout), what) << std::flush;
    }

    session& with_;
    patient_server server_;
    rollout_reasons reasons_;
    named_workload which_;
    rollout_wait how_;
    rik::duration patience_;
    rik::time_point reasons_at_;
    rik::list_filter news_ = {};
    std::string last_ = {};  ///< how far it was, as it was told
};

}  // namespace

exit_code wait_rolled_out(session& with, rik::client const& server, named_workload const& which,
                          rollout_wait const& how) {
    rollout_waiting one(with, server, which, how);
    return one.until([](auto& of, auto const& rollout) { return of.look(rollout); }, "is not rolled out");
}

exit_code wait_restarted(session& with, rik::client const& server, named_workload const& which,
                         rollout_wait const& how) {
    rollout_waiting one(with, server, which, how);
    return one.until([](auto& of, auto const& rollout) { return of.look_restarted(rollout); }, "has not restarted");
}

rik::result<json::value> managed(rik::result<std::string> const& found) {
    if (!found) return found.error();
    auto workload = parse_json(*found);
    auto const kind = rik::parse_workload_kind(string_at(workload, "/kind"));
    if (!kind || rik::is_managed(*kind)) return workload;  // a newer server may have more kinds
    return rik::error{
        rik::errc::unsupported,
        fmt::format("{} keeps no instances by itself: it has neither a count nor rollouts", words_for(workload)),
        {},
        "write it as a Deployment"};
}

bool keeps_instances(std::string_view kind) {
    auto const known = rik::parse_workload_kind(kind);
    return known && rik::is_managed(*known) && !rik::has_end(*known);
}

bool is_cron_job(json::value const& workload) { return string_at(workload, "/kind") == "CronJob"; }

rik::error no_rollout(json::value const& cron_job) {
    return {rik::errc::conflict,
            fmt::format("{} has no rollout: its next Job is made as it says", words_for(cron_job))};
}

}  // namespace rikctl

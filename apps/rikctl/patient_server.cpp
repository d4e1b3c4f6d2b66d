#include "patient_server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <utility>

namespace rikctl {

namespace {

constexpr auto question_pause = std::chrono::milliseconds(500);

/// May asking again help?
bool may_pass(rik::errc code) { return code == rik::errc::unavailable || code == rik::errc::timed_out; }

/// A question that is asked right before the deadline has time to be answered.
constexpr auto answer_within = std::chrono::seconds(1);

/// No call and no watch lasts longer than the waiting does.
rik::client limited(session& with, rik::client const& server, rik::time_point deadline) {
    auto options = server.options();
    options.deadline = std::min(options.deadline, deadline + answer_within);
    options.reconnect_for = std::max(rik::duration{}, options.deadline - with.now());
    return rik::client(server.address(), options);
}

}  // namespace

void sleep_to(rik::time_point when) {
    boost::asio::io_context io{1};
    auto const guard = boost::asio::make_work_guard(io);
    io.run_until(when);
}

patient_server::patient_server(session& with, rik::client const& server, limits const& how)
    : with_(with),
      server_(limited(with, server, how.deadline)),
      deadline_(how.deadline),
      was_reached_(how.was_reached) {}

void patient_server::lose(std::string const& reason) {
    if (!std::exchange(is_lost_, true)) with_.tell_connection(reason.empty() ? "the connection broke" : reason);
}

void patient_server::find() {
    was_reached_ = true;
    if (std::exchange(is_lost_, false)) with_.tell_connection({});
}

rik::result<std::string> patient_server::ask(question const& what) {
    for (;;) {
        auto answer = what(server_);
        if (answer || !may_pass(answer.error().code)) {
            find();
            return answer;
        }
        if (!was_reached_) return answer;
        news_.reset();  // it would tell of the same loss once more
        if (with_.now() < deadline_) {
            lose(answer.error().message);
            sleep_to(std::min(deadline_, with_.now() + question_pause));
        }
        is_lost_ = true;
        if (with_.now() >= deadline_) return answer;
    }
}

rik::result<std::optional<rik::watch_event>> patient_server::next(rik::list_filter const& which,
                                                                  rik::time_point until) {
    std::optional<rik::watch_event> const nothing;
    if (!news_) {
        auto opened = server_.watch(rik::resource_kind::instance, which);
        if (!opened && !may_pass(opened.error().code)) return opened.error();
        if (!opened) {
            lose(opened.error().message);
            sleep_to(std::min(until, with_.now() + question_pause));
            return nothing;
        }
        find();
        news_.emplace(std::move(*opened));
        if (std::exchange(had_news_, true)) return std::optional(rik::watch_event{rik::watch_event_type::restarted});
    }
    auto event = news_->next(until);
    if (!event && !may_pass(event.error().code)) return event.error();
    if (!event) return nothing;
    if (event->type == rik::watch_event_type::disconnected) {
        lose(event->object);
        return nothing;
    }
    find();
    if (event->type == rik::watch_event_type::reconnected) return nothing;
    return std::optional(std::move(*event));
}

}  // namespace rikctl

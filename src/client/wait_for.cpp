#include <rik/client/print.hpp>
#include <rik/client/wait.hpp>

#include "client/http_exchange.hpp"
#include "client/json_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

using goal = wait_goal::what;
using outcome = wait_verdict::what;

/// How often somebody who pressed Ctrl-C is asked for.
constexpr auto progress_period = std::chrono::milliseconds(200);
constexpr duration patience_max = std::chrono::hours(24 * 365);
constexpr auto first_call_pause = std::chrono::milliseconds(500);
/// A server that has not been heard for so long is asked whether it is there before its word is passed on.
constexpr auto word_is_fresh_for = std::chrono::seconds(1);
constexpr auto answer_within = std::chrono::seconds(1);

/// A workload does not run, its instances do.
bool concerns_its_instances(wait_request const& request) {
    return request.kind == resource_kind::workload && request.goal.kind != goal::deleted &&
           request.goal.kind != goal::state && !is_job_condition(request.goal);
}

void tell_connection(wait_request const& request, std::string_view reason) {
    if (request.on_connection) request.on_connection(reason);
}

/// The object as the server shows it. A server that was there a moment ago is waited for.
result<std::string> find_object(client const& of, wait_request const& request) {
    system_clock const clock;
    auto options = of.options();
    options.deadline = std::min(options.deadline, request.deadline);
    client server(of.address(), options);
    auto const give_up_at = std::min(request.deadline, clock.now() + request.lost_max.value_or(patience_max));
    bool is_lost = false;
    for (;;) {
        auto found = server.get(request.kind, request.name, request.definition_kind);
        auto const is_away = !found && found.error().code == errc::unavailable;
        if (!is_away && is_lost) tell_connection(request, {});
        if (!is_away || !request.was_reached || clock.now() + first_call_pause >= give_up_at) return found;
        if (!std::exchange(is_lost, true)) tell_connection(request, found.error().message);
        detail::wait_until(clock.now() + first_call_pause);
    }
}

/// Lasts as long as the waiting does.
result<watch_stream> open_watch(client const& server, wait_request const& request, std::string const& id) {
    auto options = server.options();
    options.reconnect_for = request.lost_max.value_or(request.deadline - system_clock().now());
    options.deadline = std::min(options.deadline, request.deadline);
    client patient(server.address(), options);
    // An id finds its object in every tenant.
    if (!concerns_its_instances(request)) return patient.watch(request.kind, {.is_of_all_tenants = true});
    return patient.watch(resource_kind::instance, {.workload = id, .is_of_all_tenants = true});
}

client impatient(client const& server) {
    auto options = server.options();
    options.connect_timeout = options.head_timeout = options.reply_timeout = answer_within;
    options.deadline = time_point::max();
    return client(server.address(), options);
}

bool is_there(client const& server) { return impatient(server).version().has_value(); }

/// What is followed by a watch, as it was before.
struct followed_object {
    std::string id = {};  ///< empty: all instances of a workload
    wait_verdict known = {};
};

/// A watch does not say how far a workload is: to it a Job that has ended is active. So it is asked for.
wait_verdict as_asked(client const& server, wait_request const& request, std::string const& id, wait_verdict verdict) {
    if (request.kind != resource_kind::workload || id.empty() || verdict.outcome != outcome::waiting) return verdict;
    auto const found = impatient(server).get(request.kind, id);
    wait_tracker anew(request.goal, id);
    if (!found || !anew.feed({watch_event_type::added, *found})) return verdict;
    return anew.verdict();
}

/// Time is up: is what is known still so, as far as one can know?
wait_verdict last_word(client const& server, watch_stream const& watch, wait_verdict verdict) {
    auto const age = system_clock().now() - watch.heard_at();
    if (!watch.is_lost() && (age < word_is_fresh_for || is_there(server))) return verdict;
    auto const known = verdict.name.empty() ? fmt::format("it was last heard {} ago", to_short_string(age))
                                            : fmt::format("{} was {} when last heard {} ago", verdict.name,
                                                          verdict.state, to_short_string(age));
    verdict.why = known + "; the server does not answer";
    return verdict;
}

/// Whatever comes shows that the server is there.
void tell_connection(wait_request const& request, watch_event const& event, bool& is_lost) {
    if (event.type == watch_event_type::disconnected) {
        is_lost = true;
        tell_connection(request, event.object.empty() ? std::string_view("the connection broke") : event.object);
    } else if (std::exchange(is_lost, false)) {
        tell_connection(request, {});
    }
}

bool is_decided(wait_verdict const& verdict, wait_request const& request, time_point now) {
    return verdict.outcome == outcome::impossible || (verdict.outcome == outcome::met && now >= request.stays_until);
}

/// Feeds `tracker` until it has decided, the deadline passes or the caller gives up. Until the watch has told anything,
/// what was known before is what is waited for.
result<wait_verdict> follow(client const& server, watch_stream& watch, wait_tracker& tracker,
                            wait_request const& request, followed_object const& what) {
    system_clock const clock;
    bool is_lost = false;
    std::string seen = what.known.why;
    std::string told = seen;
    auto const tell_progress = [&](wait_verdict const& verdict) {
        if (std::exchange(seen, verdict.why) != verdict.why) told = as_asked(server, request, what.id, verdict).why;
        return !request.on_progress || request.on_progress(told);
    };
    for (;;) {
        auto verdict = tracker.verdict();
        if (verdict.outcome == outcome::waiting && verdict.why.empty()) verdict = what.known;
        auto const now = clock.now();
        if (is_decided(verdict, request, now)) return verdict;
        auto const last = [&] {
            if (!watch.is_lost()) verdict = as_asked(server, request, what.id, std::move(verdict));
            return last_word(server, watch, std::move(verdict));
        };
        if (now >= request.deadline) return last();
        if (request.on_progress && !tell_progress(verdict)) return verdict;
        auto const event = watch.next(std::min(request.deadline, now + progress_period));
        if (!event && event.error().code == errc::timed_out) continue;
        if (!event && clock.now() >= request.deadline) return last();
        if (!event) return event.error();
        tell_connection(request, *event, is_lost);
        if (auto const fed = tracker.feed(*event); !fed) return fed.error();
    }
}

/// How far a workload is follows from its instances, and is no change of itself: so it is asked for again and again.
result<wait_verdict> ask_again(client const& server, wait_tracker& tracker, wait_request const& request,
                               std::string const& id) {
    system_clock const clock;
    auto one = request;
    one.name = id;
    one.definition_kind.clear();
    one.was_reached = true;
    for (;;) {
        auto const verdict = tracker.verdict();
        auto const now = clock.now();
        if (is_decided(verdict, request, now) || now >= request.deadline) return verdict;
        if (request.on_progress && !request.on_progress(verdict.why)) return verdict;
        detail::wait_until(std::min(request.deadline, now + progress_period));
        if (clock.now() >= request.deadline) return verdict;
        auto const found = find_object(server, one);
        if (!found && found.error().code == errc::not_found)
            return wait_verdict{outcome::impossible, fmt::format("{} was deleted", request.name)};
        if (!found) return found.error();
        if (auto const fed = tracker.feed({watch_event_type::modified, *found}); !fed) return fed.error();
    }
}

bool is_asked_again(wait_request const& request) {
    if (request.kind != resource_kind::workload) return false;
    auto const is_state = request.goal.kind == goal::state && request.goal.state_word != "destroying";
    return is_state || is_job_condition(request.goal);
}

/// Errors: invalid, `object` is a workload that can never meet the goal.
result<void> check_workload(wait_request const& request, std::string const& object) {
    if (request.kind != resource_kind::workload) return {};
    auto const of = detail::parse_object(object);
    if (!of) return of.error();
    auto const kind = detail::text_at(*of, "kind");
    if (kind.empty()) return {};
    return check_wait_goal(kind, request.goal);
}

/// How many instances a workload wants that keeps itself; 0 for all others: they have what was created of them, and a
/// Job as many as it needs at a time.
std::size_t wanted_count(std::string const& workload) {
    auto const of = detail::parse_object(workload);
    if (!of || of->if_contains("progress") == nullptr || detail::text_at(*of, "kind") == "Job") return 0;
    auto const wanted = detail::number_at(*of, "progress.wanted");
    return static_cast<std::size_t>(wanted ? *wanted : detail::number_at(*of, "replicas").value_or(0));
}

}  // namespace

result<wait_verdict> wait_for(client& server, wait_request const& request) {
    auto const is_deletion = request.goal.kind == goal::deleted;
    // Asked for by name first: a watch of many objects cannot say that one does not exist before it has shown them all.
    auto const found = find_object(server, request);
    if (!found) {
        if (is_deletion && found.error().code == errc::not_found) return wait_verdict{outcome::met, "it is gone"};
        return found.error();
    }
    auto const id = object_id(*found);
    if (!id) return id.error();
    if (auto const fits = check_workload(request, *found); !fits) return fits.error();
    followed_object what{concerns_its_instances(request) ? std::string() : *id};
    if (!what.id.empty()) {
        wait_tracker first(request.goal, what.id);
        if (auto const fed = first.feed({watch_event_type::added, *found}); !fed) return fed.error();
        what.known = first.verdict();
        if (is_decided(what.known, request, system_clock().now())) return what.known;
        if (is_asked_again(request)) return ask_again(server, first, request, *id);
    }
    auto watch = open_watch(server, request, *id);
    if (!watch) return watch.error();
    wait_tracker tracker(request.goal, what.id);
    if (what.id.empty()) tracker.expect_at_least(wanted_count(*found));
    if (!what.id.empty()) {
        // It was there: if the watch does not show it, it has gone meanwhile.
        if (auto const fed = tracker.feed({watch_event_type::added, *found}); !fed) return fed.error();
        if (auto const fed = tracker.feed({watch_event_type::restarted}); !fed) return fed.error();
    }
    return follow(server, *watch, tracker, request, what);
}

}  // namespace rik

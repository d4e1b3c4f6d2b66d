#include <rik/client/print.hpp>
#include <rik/client/wait.hpp>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

using goal = wait_goal::what;
using outcome = wait_verdict::what;

/// How often somebody who pressed Ctrl-C is asked for.
constexpr auto progress_period = std::chrono::milliseconds(200);

/// A workload does not run, its instances do.
bool concerns_its_instances(wait_request const& request) {
    return request.kind == resource_kind::workload && request.goal.kind != goal::deleted &&
           request.goal.kind != goal::state;
}

result<watch_stream> open_watch(client& server, wait_request const& request, std::string const& id) {
    if (!concerns_its_instances(request)) return server.watch(request.kind);
    return server.watch(resource_kind::instance, {.workload = id});
}

bool is_decided(wait_verdict const& verdict, wait_request const& request, time_point now) {
    return verdict.outcome == outcome::impossible || (verdict.outcome == outcome::met && now >= request.holds_until);
}

/// Feeds `tracker` until it has decided, the deadline passes or the caller gives up. Until the watch has told anything,
/// `known` is why it is waited.
result<wait_verdict> follow(watch_stream& watch, wait_tracker& tracker, wait_request const& request,
                            std::string const& known) {
    system_clock const clock;
    for (;;) {
        auto verdict = tracker.verdict();
        if (verdict.why.empty()) verdict.why = known;
        auto const now = clock.now();
        if (is_decided(verdict, request, now) || now >= request.deadline) return verdict;
        if (request.on_progress && !request.on_progress(verdict.why)) return verdict;
        auto const event = watch.next(std::min(request.deadline, now + progress_period));
        if (!event && event.error().code == errc::timed_out) continue;
        if (!event) return event.error();
        if (auto const fed = tracker.feed(*event); !fed) return fed.error();
    }
}

}  // namespace

result<wait_verdict> wait_for(client& server, wait_request const& request) {
    auto const is_deletion = request.goal.kind == goal::deleted;
    // Asked for by name first: a watch of many objects cannot say that one does not exist before it has shown them all.
    auto const found = server.get(request.kind, request.name, request.definition_kind);
    if (!found) {
        if (is_deletion && found.error().code == errc::not_found) return wait_verdict{outcome::met, "it is gone"};
        return found.error();
    }
    auto const id = object_id(*found);
    if (!id) return id.error();
    auto const followed = concerns_its_instances(request) ? std::string() : *id;
    wait_verdict now;
    if (!followed.empty()) {
        wait_tracker first(request.goal, followed);
        if (auto const fed = first.feed({watch_event_type::added, *found}); !fed) return fed.error();
        now = first.verdict();
        if (is_decided(now, request, system_clock().now())) return now;
    }
    auto watch = open_watch(server, request, *id);
    if (!watch) return watch.error();
    wait_tracker tracker(request.goal, followed);
    if (!followed.empty()) {
        // It was there: if the watch does not show it, it has gone meanwhile.
        if (auto const fed = tracker.feed({watch_event_type::added, *found}); !fed) return fed.error();
        if (auto const fed = tracker.feed({watch_event_type::restarted}); !fed) return fed.error();
    }
    return follow(*watch, tracker, request, now.why);
}

}  // namespace rik

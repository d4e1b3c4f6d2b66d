#include <rik/client/client.hpp>
#include <rik/client/problems.hpp>

#include "client/http_exchange.hpp"
#include "client/replies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

std::optional<watch_event_type> parse_type(std::string_view text) {
    if (text == "added") return watch_event_type::added;
    if (text == "modified") return watch_event_type::modified;
    if (text == "deleted") return watch_event_type::deleted;
    if (text == "synced") return watch_event_type::synced;
    return std::nullopt;
}

/// May trying again help? A server that is starting or going away answers so.
bool is_passing(errc code) { return code == errc::unavailable || code == errc::timed_out; }

/// Does the server say that it cannot go on where the client was? It was too slow, or the revision is not kept, or is
/// not known to a server that began anew.
bool needs_new_beginning(errc code) {
    return code == errc::exhausted || code == errc::invalid || code == errc::conflict;
}

}  // namespace

watch_stream::watch_stream(server_address to, std::string target, client_options options)
    : to_(std::move(to)), target_(std::move(target)), options_(options) {}
watch_stream::watch_stream(watch_stream&&) noexcept = default;
watch_stream& watch_stream::operator=(watch_stream&&) noexcept = default;
watch_stream::~watch_stream() = default;

result<void> watch_stream::connect(time_point deadline) {
    deadline = std::min(deadline, options_.deadline);
    detail::exchange_request request{.target = target_, .accept = "text/event-stream", .last_event_id = last_id_};
    auto const connect_deadline = std::min(deadline, clock_.now() + options_.connect_timeout);
    auto reply = detail::http_exchange::open(to_, request, connect_deadline, deadline);
    if (!reply) return reply.error();
    if (!(*reply)->is_success()) return detail::refusal_of(to_, **reply, deadline);
    if (auto const fits = detail::check_type(to_, **reply, {"text/event-stream"}); !fits) return fits.error();
    from_ = std::move(*reply);
    parser_ = event_stream_parser();
    heard_ = clock_.now();
    return {};
}

std::optional<watch_event> watch_stream::lose(error why) {
    from_.reset();
    lost_because_ = std::move(why);
    pause_ = std::clamp(pause_ * 2, limits::reconnect_pause_min, limits::reconnect_pause_max);
    next_try_ = clock_.now() + pause_;
    if (!lost_at_) lost_at_ = clock_.now();
    if (std::exchange(is_lost_, true)) return std::nullopt;
    return watch_event{watch_event_type::disconnected, lost_because_.message};
}

/// The next connection begins anew.
void watch_stream::forget() {
    last_id_.clear();
    from_.reset();
    next_try_ = clock_.now() + limits::reconnect_pause_min;
}

/// Waits for its turn and tries once.
result<std::optional<watch_event>> watch_stream::reconnect(time_point deadline) {
    if (lost_at_ && clock_.now() - *lost_at_ >= options_.reconnect_for)
        return error{errc::unavailable, lost_because_.message, {}, lost_because_.remedy};
    detail::wait_until(std::min(deadline, next_try_));
    if (clock_.now() < next_try_) return error{errc::timed_out, "the connection to the server is lost"};
    auto const done = connect(clock_.now() + options_.connect_timeout);
    // Without an id to go on after, the server tells everything from its beginning.
    auto const was_lost = done && std::exchange(is_lost_, false);
    if (done && last_id_.empty()) return watch_event{watch_event_type::restarted};
    if (was_lost) return watch_event{watch_event_type::reconnected};
    if (done) return std::optional<watch_event>();
    if (is_passing(done.error().code)) return lose(done.error());
    if (last_id_.empty() || !needs_new_beginning(done.error().code)) return done.error();
    forget();
    return std::optional<watch_event>();
}

result<std::optional<watch_event>> watch_stream::read_some(time_point deadline) {
    if (!parser_.last_id().empty()) last_id_ = parser_.last_id();  // all that was parsed has been given
    auto bytes = from_->read(std::min(deadline, heard_ + options_.silence_max));
    if (!bytes) {
        auto const is_silent = clock_.now() - heard_ >= options_.silence_max;
        if (bytes.error().code == errc::timed_out && !is_silent) return bytes.error();
        return lose(bytes.error());
    }
    if (bytes->empty()) return lose(error{errc::unavailable, "the server ended the watch"});
    heard_ = clock_.now();
    lost_at_.reset();
    pause_ = {};
    if (auto fed = parser_.feed(*bytes); !fed) return fed.error();
    return std::optional<watch_event>();
}

result<std::optional<watch_event>> watch_stream::take(stream_event event) {
    if (auto const type = parse_type(event.type)) {
        is_rik_ = true;
        if (!event.id.empty()) last_id_ = event.id;
        return watch_event{*type, std::move(event.data)};
    }
    if (event.type != "error" && !is_rik_ && !event.data.starts_with('{'))
        return detail::not_rik(to_, fmt::format("its stream has an event '{}'", event.type.substr(0, 100)));
    if (event.type != "error") return std::optional<watch_event>();  // a newer server's, of no use to this client
    auto problem = summarize(parse_problems(500, event.data));
    if (is_passing(problem.code)) return lose(std::move(problem));
    // It cannot go on where it was (it read too slowly): only a new beginning helps.
    if (last_id_.empty() || !needs_new_beginning(problem.code)) return problem;
    forget();
    return std::optional<watch_event>();
}

result<watch_event> watch_stream::next(time_point deadline) {
    for (;;) {
        auto event = parser_.next();
        auto step = event ? take(std::move(*event)) : from_ ? read_some(deadline) : reconnect(deadline);
        if (!step) return step.error();
        if (*step) return std::move(**step);
    }
}

}  // namespace rik

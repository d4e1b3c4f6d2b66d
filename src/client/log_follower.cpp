#include <rik/client/log_follower.hpp>

#include "client/http_exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

constexpr duration pause_between_tries = limits::reconnect_pause_min * 5;

/// A server that is going away, or that is not there, or hangs.
bool may_come_back(errc code) { return code == errc::unavailable || code == errc::timed_out; }

std::string gap_text(container_log_mark const& mark) {
    auto const when = [](std::optional<wall_time> const& time, std::string_view otherwise) {
        return time ? to_string(*time) : std::string(otherwise);
    };
    return fmt::format("what was written between {} and {} is not kept any more", when(mark.gap_begin, "the beginning"),
                       when(mark.gap_end, "the end"));
}

}  // namespace

container_log_follower::container_log_follower(client& server, container_log_wanted wanted, client_options options,
                                               teller tell)
    : server_(server), wanted_(std::move(wanted)), options_(options), tell_(std::move(tell)) {
    wanted_.how.has_marks = true;
}

void container_log_follower::say(container_log_notice::what kind, std::string text) const {
    if (tell_) tell_({kind, std::move(text)});
}

result<void> container_log_follower::open() {
    auto wanted = wanted_;
    if (!after_.empty()) {
        wanted.after = after_;
        wanted.since.clear();
        wanted.how.tail_lines.reset();
        wanted.how.must_be_whole = false;
    }
    auto opened = server_.open_container_log(wanted);
    if (!opened) return opened.error();
    if (!after_.empty() && !opened->has_marks())
        return error{errc::conflict, "another release of rik cannot go on where this one was", {}, "ask again"};
    from_ = std::move(*opened);
    for (auto* const each : {&output_, &errors_}) each->skip_bytes = each->given_bytes;
    return {};
}

/// An error means that it is not to be tried again.
result<void> container_log_follower::lose(error why) {
    if (!may_come_back(why.code) || !may_resume()) return why;
    auto const now = clock_.now();
    if (!lost_at_) {
        lost_at_ = now;
        say(container_log_notice::what::lost, why.message);
    }
    if (now - *lost_at_ >= options_.reconnect_for)
        return error{errc::unavailable, why.message, why.field, why.remedy};  // timed_out would say: call again
    from_.reset();
    next_try_ = now + pause_between_tries;
    return {};
}

result<void> container_log_follower::reopen(time_point deadline) {
    detail::wait_until(std::min(deadline, next_try_));
    if (clock_.now() < next_try_) return error{errc::timed_out, "the connection to the server is lost"};
    auto const opened = open();
    if (!opened && opened.error().code == errc::not_found)
        return error{errc::not_found,
                     fmt::format("{}: it was deleted while the server could not be reached", opened.error().message)};
    return opened ? opened : lose(opened.error());
}

/// What is still to be skipped was given behind this mark, too: the other connection may have had its marks elsewhere.
void container_log_follower::take(container_log_mark const& mark) {
    if (!mark.after.empty()) after_ = mark.after;
    for (auto* const each : {&output_, &errors_}) {
        if (mark.is_gap) each->skip_bytes = 0;
        each->given_bytes = each->skip_bytes;
    }
    if (mark.is_gap) say(container_log_notice::what::missing, gap_text(mark));
}

bool container_log_follower::cut_known(container_log_piece& piece) {
    auto& [given_bytes, skip_bytes] = progress_of(piece.from);
    auto const known = std::min(skip_bytes, piece.bytes.size());
    skip_bytes -= known;
    if (known > 0 && known == piece.bytes.size()) return false;
    given_bytes += piece.bytes.size() - known;
    piece.bytes.erase(0, known);
    return true;
}

result<container_log_piece> container_log_follower::read(time_point deadline) {
    for (;;) {
        if (!from_) {
            if (auto done = reopen(deadline); !done) return done.error();
            continue;
        }
        auto piece = from_->read(deadline);
        if (!piece && piece.error().code == errc::timed_out) return piece.error();
        if (!piece) {
            if (auto lost = lose(piece.error()); !lost) return lost.error();
            continue;
        }
        if (std::exchange(lost_at_, std::nullopt)) say(container_log_notice::what::back, "the server is there again");
        if (piece->from == container_log_origin::mark) {
            auto const mark = parse_container_log_mark(piece->bytes);
            if (!mark) return mark.error();
            take(*mark);
            continue;
        }
        if (cut_known(*piece)) return piece;
    }
}

}  // namespace rik

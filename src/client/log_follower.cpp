#include <rik/client/log_follower.hpp>

#include "client/http_exchange.hpp"

#include <algorithm>
#include <utility>

namespace rik {

log_follower::log_follower(client& server, log_wanted wanted, client_options options)
    : server_(server), wanted_(std::move(wanted)), options_(options) {}

result<void> log_follower::open() {
    auto wanted = wanted_;
    wanted.how.must_be_whole = output_.read_bytes + errors_.read_bytes > 0;  // else nobody knows how much to skip
    auto opened = server_.open_log(wanted);
    if (!opened) return opened.error();
    auto const is_apart = opened->tells_streams_apart();
    if (tells_streams_apart_.value_or(is_apart) != is_apart)
        return error{errc::conflict, "another release of rik counts what was read in another way", {}, "ask again"};
    tells_streams_apart_ = is_apart;
    from_ = std::move(*opened);
    for (auto* const each : {&output_, &errors_}) each->skip_bytes = each->read_bytes;
    return {};
}

bool log_follower::may_resume() const { return wanted_.how.follow && !wanted_.how.tail_lines; }

/// An error means that it is not to be tried again.
result<void> log_follower::lose(error why) {
    if (why.code != errc::unavailable || !may_resume()) return why;
    auto const now = clock_.now();
    if (!lost_at_) lost_at_ = now;
    if (now - *lost_at_ >= options_.reconnect_for) return why;
    from_.reset();
    next_try_ = now + limits::reconnect_pause_min * 5;
    return {};
}

result<void> log_follower::reopen(time_point deadline) {
    detail::wait_until(std::min(deadline, next_try_));
    if (clock_.now() < next_try_) return error{errc::timed_out, "the connection to the server is lost"};
    auto opened = open();
    return opened ? opened : lose(opened.error());
}

result<log_piece> log_follower::read(time_point deadline) {
    for (;;) {
        if (!from_) {
            if (auto done = reopen(deadline); !done) return done.error();
            continue;
        }
        auto piece = from_->read(deadline);
        if (!piece) {
            if (auto lost = lose(piece.error()); !lost) return lost.error();
            continue;
        }
        lost_at_.reset();
        auto& [read_bytes, skip_bytes] = progress_of(piece->from);
        auto const skipped = std::min(skip_bytes, piece->bytes.size());
        skip_bytes -= skipped;
        if (skipped > 0 && skipped == piece->bytes.size()) continue;
        read_bytes += piece->bytes.size() - skipped;
        piece->bytes.erase(0, skipped);
        return piece;
    }
}

}  // namespace rik

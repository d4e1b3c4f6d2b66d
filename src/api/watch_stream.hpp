// Changes of a table as server-sent events.
#pragma once

#include "v1_detail.hpp"

#include <rik/async/notifier.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

/// One event.   Source: WHATWG HTML, "Server-sent events".
std::string sse_text(std::string_view name, std::string_view data, std::optional<store_position> id);

/// Where a watch goes on. Errors: invalid, it is no id of an event.
result<std::optional<store_position>> resume_point(http_request const& request);

/// Reads a watch_source, shows its changes, and says something every limits::watch_heartbeat_period. Only the last
/// change of a revision carries its position as its id. If that change is not shown, or the source leaves it out, a
/// block without an event does. Of the rows at the beginning only `synced` does. So a client that goes on after the
/// last id it saw misses nothing.
class watch_stream : public body_source {
public:
    watch_stream(asio::any_io_executor strand, api_call const& call, std::unique_ptr<watch_source> source);

    awaitable<result<std::string>> next() final;
    awaitable<> run() override;

protected:
    /// The event for `what`; empty if the client does not want it.
    virtual awaitable<result<std::string>> show(change const& what, std::optional<store_position> id) = 0;
    /// Events that have come about by something else than a change of the table; called when no change is left.
    virtual awaitable<result<std::string>> show_more();

    operations& primary() { return primary_; }
    caller const& who() const { return who_; }
    void wake() { wake_.notify(); }

private:
    awaitable<> read_changes();
    awaitable<> beat();
    awaitable<result<std::string>> show_pending();
    std::optional<store_position> id_of_next() const;
    std::string end_with(error const& problem);

    operations& primary_;
    clock& time_;
    caller who_;
    std::unique_ptr<watch_source> source_;
    std::deque<change> pending_;               ///< of one batch; the next is read when they have been shown
    epoch_id epoch_;                           ///< of what the source gives
    std::optional<store_position> synced_at_;  ///< set while `pending_` are the rows at the beginning
    std::optional<store_position> unsaid_id_;  ///< of the last revision, until its last change was shown
    std::optional<error> failed_;
    time_point last_sent_;
    bool beat_is_due_ = false;
    bool has_ended_ = false;
    notifier wake_;
    notifier shown_;
};

/// A change as a client sees it that wants some of the rows.
template <class Row>
struct seen_change {
    std::string_view name;  ///< "added", "modified", "deleted"
    stored<Row> row;
};

template <class Row, class Wanted>
std::optional<seen_change<Row>> see(change const& what, Wanted const& wanted) {
    auto const* row = std::get_if<row_change<Row>>(&what.row);
    if (row == nullptr) return std::nullopt;
    auto const was = row->before != nullptr && wanted(*row->before);
    auto const is = row->after != nullptr && wanted(*row->after);
    if (!was && !is) return std::nullopt;
    seen_change<Row> seen;
    seen.name = !was ? "added" : is ? "modified" : "deleted";
    seen.row.row = row->after != nullptr ? row->after : row->before;
    seen.row.changed_at = what.changed_at;
    return seen;
}

}  // namespace rik::detail

#include "watch_stream.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <iterator>

namespace rik::detail {

namespace {

constexpr std::size_t piece_bytes = 64u << 10;

}  // namespace

std::string sse_text(std::string_view name, std::string_view data, std::optional<store_position> id) {
    std::string text;
    auto const end = std::back_inserter(text);
    if (id) fmt::format_to(end, "id: {}\n", to_string(*id));
    fmt::format_to(end, "event: {}\ndata: ", name);
    // JSON has line ends between its tokens only, and data is one line.
    std::replace_copy_if(
        data.begin(), data.end(), end, [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return text + "\n\n";
}

result<std::optional<store_position>> resume_point(http_request const& request) {
    std::optional<store_position> after;
    if (auto const asked = request.parameter("after")) {
        auto const parsed = parse_store_position(*asked);
        if (!parsed) return wrong_parameter("after", *asked, "use the id of an event, or the position of a list");
        after = *parsed;
    }
    if (auto const last = request.header("Last-Event-ID"); last && !last->empty()) {
        auto const parsed = parse_store_position(*last);
        if (!parsed) return error{errc::invalid, "it is no id of an event", "Last-Event-ID", "leave it out"};
        after = *parsed;
    }
    return after;
}

watch_stream::watch_stream(asio::any_io_executor strand, api_call const& call, std::unique_ptr<watch_source> source)
    : primary_(call.primary),
      time_(call.time),
      who_(call.who),
      source_(std::move(source)),
      last_sent_(call.time.now()),
      wake_(strand),
      shown_(strand) {}

awaitable<> watch_stream::run() {
    using namespace asio::experimental::awaitable_operators;
    co_await (read_changes() && beat());
}

awaitable<> watch_stream::read_changes() {
    for (;;) {
        auto batch = co_await source_->next();
        if (!batch) {
            failed_ = batch.error();
            wake_.notify();
            co_return;
        }
        pending_.assign(std::make_move_iterator(batch->changes.begin()), std::make_move_iterator(batch->changes.end()));
        epoch_ = batch->at.epoch;
        (batch->is_initial ? synced_at_ : unsaid_id_) = batch->at;
        wake_.notify();
        while (!pending_.empty() || synced_at_) co_await shown_.wait();
    }
}

awaitable<> watch_stream::beat() {
    auto wait = limits::watch_heartbeat_period;
    for (;;) {
        co_await time_.sleep_for(wait);
        auto const silence = time_.now() - last_sent_;
        beat_is_due_ = silence >= limits::watch_heartbeat_period;
        if (beat_is_due_) wake_.notify();
        wait = beat_is_due_ ? limits::watch_heartbeat_period : limits::watch_heartbeat_period - silence;
    }
}

std::optional<store_position> watch_stream::id_of_next() const {
    if (synced_at_) return std::nullopt;
    auto const at = pending_.front().changed_at;
    if (pending_.size() > 1 && pending_[1].changed_at == at) return std::nullopt;
    return store_position{epoch_, at};
}

awaitable<result<std::string>> watch_stream::show_more() { co_return std::string(); }

awaitable<result<std::string>> watch_stream::show_pending() {
    std::string text;
    while (!pending_.empty() && text.size() < piece_bytes) {
        auto const id = id_of_next();
        auto const what = std::move(pending_.front());
        pending_.pop_front();
        auto const shown = co_await show(what, id);
        if (!shown) co_return shown.error();
        text += *shown;
        if (!shown->empty() && id == unsaid_id_) unsaid_id_.reset();
    }
    if (!pending_.empty()) co_return text;
    // An id without an event: the client may go on after what it was not shown.
    if (unsaid_id_) text += fmt::format("id: {}\n\n", to_string(*unsaid_id_));
    unsaid_id_.reset();
    if (synced_at_)
        text += sse_text(
            "synced", fmt::format(R"({{"revision":{},"position":"{}"}})", synced_at_->reached, to_string(*synced_at_)),
            synced_at_);
    synced_at_.reset();
    shown_.notify();
    auto const more = co_await show_more();
    if (!more) co_return more.error();
    co_return text + *more;
}

std::string watch_stream::end_with(error const& problem) {
    has_ended_ = true;
    return sse_text("error", errors_text(problem), std::nullopt);
}

awaitable<result<std::string>> watch_stream::next() {
    while (!has_ended_) {
        auto text = co_await show_pending();
        if (!text) co_return end_with(text.error());
        if (text->empty() && failed_) co_return end_with(*failed_);
        if (text->empty() && beat_is_due_) *text = ": still here\n\n";
        if (!text->empty()) {
            beat_is_due_ = false;
            last_sent_ = time_.now();
            co_return std::move(*text);
        }
        co_await wake_.wait();
    }
    co_return std::string();
}

}  // namespace rik::detail

#include "report_reader_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/base/utf8.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace rik::detail {

awaitable<> report_reader::read(connection_ptr from) {
    for (;;) {
        auto news = co_await from->link->receive();
        if (!news || from->is_over) break;
        absence_.note_reported();
        auto const handled = co_await handle(from, std::move(*news));
        if (handled) continue;
        out_.error("a report could not be handled; the session ends", {{"error", to_string(handled.error())}});
        from->is_refused = true;
        break;
    }
    from->is_closed = true;
    from->link->close();
    due_.wake();
}

awaitable<result<void>> report_reader::handle(connection_ptr from, reports news) {
    auto done = co_await handle_slices(from, std::move(news.nodes), nodes_);
    if (done) done = co_await handle_slices(from, std::move(news.proposals), bindings_);
    std::vector<unplaced_instance> unplaced;
    for (auto& group : news.unplaced) {
        group.reason = to_utf8(group.reason, limits::message_bytes_max);
        for (auto const& id : group.instances) unplaced.push_back({id, group.reason});
    }
    if (done) done = co_await handle_slices(from, std::move(unplaced), bindings_);
    if (done) done = co_await handle_slices(from, std::move(news.states), bindings_);
    if (done) done = co_await handle_slices(from, std::move(news.gone), bindings_);
    if (done && !from->is_over)
        for (auto& each : news.loads) nodes_.note_load(std::move(each));
    if (done) done = co_await removals_.limit_finished();
    co_return done;
}

/// Slice by slice, so that the strand is not held long. Between two of them a newer session may begin and say
/// otherwise: then the rest is dropped, and the newer session says what of it still holds.
template <class Report, class Handler>
awaitable<result<void>> report_reader::handle_slices(connection_ptr from, std::vector<Report> all, Handler& handler) {
    for (std::size_t next = 0; next < all.size();) {
        auto const room = co_await state_.wait_for_slice();
        if (!room) co_return room;
        if (from->is_over) break;
        for (auto const end = std::min(all.size(), next + limits::instances_per_slice_max); next < end; ++next)
            if (auto handled = handler.handle(all[next]); !handled) co_return handled;
        if (next < all.size()) co_await asio::post(strand_, asio::use_awaitable);
    }
    co_return result<void>{};
}

}  // namespace rik::detail

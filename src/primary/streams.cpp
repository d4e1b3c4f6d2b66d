// Logs: a stream that the instance's node dials on request.
#include "impl_detail.hpp"
#include "strand_held_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/shield.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

namespace rik {

namespace {

/// The container whose log is meant. Errors: invalid.
result<std::string> choose_container(instance const& of, std::string const& asked) {
    std::string names;
    for (auto const& each : of.pod().containers) {
        if (each.name == asked) return asked;
        names += (names.empty() ? "" : ", ") + each.name;
    }
    if (!asked.empty())
        return error{errc::invalid, fmt::format("instance {} has no container {}", of.name(), asked), "container",
                     "one of: " + names};
    if (of.pod().containers.size() == 1) return of.pod().containers.front().name;
    return error{errc::invalid, fmt::format("instance {} has several containers: say which", of.name()), "container",
                 "one of: " + names};
}

awaitable<result<std::string>> read_of(std::shared_ptr<byte_stream> from) { co_return co_await from->read(); }

/// So long a log that was dialled may take to say that it cannot be had. A quiet one that is followed is shown then.
constexpr duration look_time = std::chrono::seconds(1);

/// A stream into which somebody may look before it is read: an error at its beginning is the answer to the request.
class looked_at_stream final : public byte_stream {
public:
    explicit looked_at_stream(std::unique_ptr<byte_stream> under) : under_(std::move(under)) {}

    /// Until there is something to read. Errors: what `read` would give. Cancel: nothing is lost.
    awaitable<result<void>> look() {
        if (!ahead_) ahead_ = co_await under_->read();
        if (!*ahead_) co_return ahead_->error();
        co_return result<void>{};
    }
    awaitable<result<void>> write(std::string chunk) override { return under_->write(std::move(chunk)); }
    awaitable<result<std::string>> read() override {
        if (!ahead_) co_return co_await under_->read();
        auto first = std::move(*ahead_);
        ahead_.reset();
        co_return first;
    }
    awaitable<result<void>> finish(std::optional<error> why) override { return under_->finish(std::move(why)); }

private:
    std::unique_ptr<byte_stream> under_;
    std::optional<result<std::string>> ahead_ = {};
};

class hopping_log final : public log_source {
public:
    hopping_log(asio::any_io_executor strand, std::shared_ptr<byte_stream> under)
        : under_(std::move(strand), std::move(under)) {}
    awaitable<result<std::string>> read() override { return under_.run(read_of); }

private:
    detail::strand_held<byte_stream> under_;
};

}  // namespace

awaitable<result<std::unique_ptr<byte_stream>>> primary::impl::open_stream(stored<node> from, stream_call what) {
    stream_request request{.stream = stream_id::generate(ports_.random), .node = from->id, .what = std::move(what)};
    auto const stream = request.stream;
    due_streams_.push_back(std::move(request));
    due_.notify();
    auto const patience = ports_.time.now() + limits::stream_dial_timeout;
    auto expecting = with_deadline(ports_.time, patience, ports_.streams.expect(stream));
    auto ended = co_await unless(wait_for_stop(), std::move(expecting));
    if (!ended) co_return error{errc::unavailable, "the primary stops"};
    if (!*ended && ended->error().code == errc::timed_out)
        co_return error{errc::unavailable, fmt::format("node {} did not answer in time", from->facts.name)};
    co_return std::move(*ended);
}

awaitable<result<std::unique_ptr<byte_stream>>> primary::impl::open_log(log_request what) {
    visit const here(*this);
    if (auto const why = closed_because()) co_return *why;
    auto const row = durable().find<instance>(what.instance);
    if (!row) co_return error{errc::not_found, fmt::format("instance {} does not exist", what.instance.text())};
    auto const container = choose_container(*row, what.container);
    if (!container) co_return container.error();
    if (!row->binding())
        co_return error{errc::conflict,
                        fmt::format("instance {} has no log yet: it is {}", row->name(), to_string(row->state()))};
    auto const holder = durable().find<node>(row->binding()->node);
    if (!holder || holder->state == node_state::unheard || !connection_)
        co_return error{errc::unavailable, fmt::format("instance {}: its node is not heard", row->name())};

    log_call call{.instance = what.instance, .container = *container, .how = what.how};
    auto opened = co_await open_stream(holder, std::move(call));
    if (!opened) co_return opened.error();
    auto stream_seen = std::make_unique<looked_at_stream>(std::move(*opened));
    auto looking = with_deadline(ports_.time, ports_.time.now() + look_time, stream_seen->look());
    auto const looked = co_await unless(wait_for_stop(), std::move(looking));
    if (!looked) co_return error{errc::unavailable, "the primary stops"};
    if (!*looked && looked->error().code != errc::timed_out) co_return looked->error();
    co_return std::move(stream_seen);
}

namespace {

awaitable<result<std::unique_ptr<log_source>>> open_hopping(asio::any_io_executor strand,
                                                            awaitable<result<std::unique_ptr<byte_stream>>> opening) {
    auto opened = co_await on_strand(strand, std::move(opening));
    if (!opened) co_return opened.error();
    co_return std::make_unique<hopping_log>(strand, std::move(*opened));
}

}  // namespace

awaitable<result<std::unique_ptr<log_source>>> primary::open_log(caller, log_request what) {
    return open_hopping(strand_, impl_->open_log(std::move(what)));
}

}  // namespace rik

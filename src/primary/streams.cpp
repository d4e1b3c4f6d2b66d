#include "streams_detail.hpp"

#include "lookup_detail.hpp"
#include "strand_owned_detail.hpp"

#include <rik/async/deadline.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace rik::detail {

namespace {

/// The container whose log is meant; of several, the first main one if none is asked for. Errors: invalid.
result<std::string> choose_container(instance const& of, std::string const& asked) {
    auto const& all = of.spec().containers;
    auto const first = std::ranges::find(all, container_role::main, &container_definition::role);
    if (asked.empty() && first != all.end()) return first->name;
    std::string names;
    for (auto const& each : all) {
        if (each.name == asked) return asked;
        names += (names.empty() ? "" : ", ") + each.name;
    }
    if (names.empty())
        return error{errc::invalid, fmt::format("instance {} has no containers", of.name()), "container"};
    return error{errc::invalid, fmt::format("instance {} has no container {}", of.name(), asked), "container",
                 "one of: " + names};
}

/// A node of an earlier version would give the log of the newest attempt.
std::optional<error> check_previous(instance const& of, std::string const& container,
                                    container_log_options const& how) {
    if (!how.is_of_previous) return std::nullopt;
    for (auto const& each : of.status().containers)
        if (each.name == container && each.restart_count > 0) return std::nullopt;
    return error{errc::not_found,
                 fmt::format("container {} of instance {} was not started again: there is no log of an attempt before",
                             container, of.name()),
                 "previous", "leave it out for the log of the only attempt"};
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

class hopping_log final : public container_log_source {
public:
    hopping_log(asio::any_io_executor strand, std::shared_ptr<byte_stream> under)
        : under_(std::move(strand), std::move(under)) {}
    awaitable<result<std::string>> read() override { return under_.run(read_of); }

private:
    strand_owned<byte_stream> under_;
};

}  // namespace

awaitable<result<std::unique_ptr<container_log_source>>> primary_streams::open_container_log(
    caller who, container_log_request what) {
    auto refusal = authorize(who, verb::get, object_kind::log, tenant_of(who, what.instance));
    return gate_.enter(std::move(refusal), open_here(std::move(who), std::move(what)));
}

awaitable<result<std::unique_ptr<container_log_source>>> primary_streams::open_here(caller who,
                                                                                    container_log_request what) {
    auto const found = find_instance(state_.durable(), who, what.instance);
    if (!found) co_return found.error();
    auto const& row = *found;
    auto const container = choose_container(*row, what.container);
    if (!container) co_return container.error();
    if (auto const missing = check_previous(*row, *container, what.how)) co_return *missing;
    if (!row->binding())
        co_return error{errc::conflict,
                        fmt::format("instance {} has no log yet: it is {}", row->name(), to_string(row->state()))};
    auto const holder = state_.durable().find<node>(row->binding()->node);
    if (!holder || holder->state == node_state::unheard || !dispatcher_.is_connected())
        co_return error{errc::unavailable, fmt::format("instance {}: its node is not heard", row->name())};

    container_log_call call{.instance = row->id(), .container = *container, .how = what.how};
    auto opened = co_await streams_.open(holder, std::move(call));
    if (!opened) co_return opened.error();
    auto stream = std::make_unique<looked_at_stream>(std::move(*opened));
    auto looking = with_deadline(time_, time_.now() + look_time, stream->look());
    auto const looked = co_await gate_.while_open(std::move(looking));
    if (!looked && looked.error().code != errc::timed_out) co_return looked.error();
    co_return std::make_unique<hopping_log>(strand_, std::move(stream));
}

}  // namespace rik::detail

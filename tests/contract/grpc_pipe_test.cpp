// What a peer of the links may make us keep: every part of it is bounded.
#include "link/grpc/open_calls_detail.hpp"
#include "link/grpc/pipe_detail.hpp"
#include "link/grpc/relay_detail.hpp"
#include "link/grpc/session_detail.hpp"
#include "link/grpc/wire_detail.hpp"

#include "support/catch.hpp"
#include "support/definitions.hpp"
#include "support/run.hpp"

#include <rik/base/entropy.hpp>
#include <rik/sim/world.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rik::testing {

namespace {

using namespace std::chrono_literals;
using detail::wire::StreamPart;
using part_pipe = detail::pipe<StreamPart, StreamPart>;

/// What a pipe wants of its peer. Nothing is ever taken by itself.
struct idle_carrier final : detail::pipe_carrier<StreamPart> {
    void read() override { ++read_count; }
    void write(StreamPart const& message) override { written.push_back(message); }
    void finish() override {}
    void end(std::optional<error> const& why) override {
        is_ended = true;
        told = why;
    }
    std::size_t read_count = 0;
    std::vector<StreamPart> written;
    bool is_ended = false;
    std::optional<error> told;
};

struct counting_sink final : log_sink {
    void write(log_level, std::string_view, std::span<log_field const>) override { ++count; }
    int count = 0;
};

/// A pipe whose peer is the test.
struct lone_pipe {
    lone_pipe(asio::any_io_executor strand, detail::pipe_limits most, std::shared_ptr<detail::inboxes> all = nullptr)
        : pipe(std::make_shared<part_pipe>(std::move(strand), most, std::move(all), "10.0.0.9:1")) {
        pipe->begin(carrier);
        pipe->opened();
    }
    void come(std::size_t bytes, std::uint32_t credit = 0) {
        StreamPart part;
        part.set_data(std::string(bytes, 'x'));
        part.set_credit(credit);
        pipe->was_read(std::move(part));
    }
    idle_carrier carrier;
    std::shared_ptr<part_pipe> pipe;
};

StreamPart part_of(std::size_t bytes) {
    StreamPart part;
    part.set_data(std::string(bytes, 'x'));
    return part;
}

constexpr detail::pipe_limits small{.count_max = 8, .ahead_bytes_max = 1'000, .inbox_bytes_max = 1'000};

awaitable<> send_all(std::shared_ptr<part_pipe> over, std::vector<std::size_t> sizes, std::size_t& sent_count) {
    for (auto const bytes : sizes) {
        auto part = part_of(bytes);
        auto const sent = co_await over->send(std::move(part));
        if (!sent) co_return;
        ++sent_count;
    }
}

}  // namespace

TEST_CASE("a peer that has sent more bytes than it may is cut off, and hears why", "[wire]") {
    asio::io_context io;
    counting_sink said;
    auto const all = std::make_shared<detail::inboxes>(rik::log(said), 1'000'000);
    lone_pipe one(io.get_executor(), small, all);
    one.come(600);
    CHECK_FALSE(one.carrier.is_ended);
    CHECK(all->bytes() > 600);
    one.come(600);
    REQUIRE(one.carrier.told.has_value());
    CHECK(one.carrier.told->message.find("more than 1000 bytes") != std::string::npos);
    CHECK(all->bytes() == 0);
    CHECK(said.count == 1);
    auto const got = run(io, one.pipe->receive());
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().message == one.carrier.told->message);
}

TEST_CASE("a peer that has sent more messages than it may is cut off, and hears why", "[wire]") {
    asio::io_context io;
    lone_pipe one(io.get_executor(), small);
    for (int i = 0; i < 8; ++i) one.come(1);
    CHECK_FALSE(one.carrier.is_ended);
    one.come(1);
    REQUIRE(one.carrier.told.has_value());
    CHECK(one.carrier.told->message.find("more than 8 messages") != std::string::npos);
}

TEST_CASE("when all peers together have sent too much, the one that has sent most is cut off", "[wire]") {
    asio::io_context io;
    counting_sink said;
    auto const all = std::make_shared<detail::inboxes>(rik::log(said), 1'500);
    lone_pipe little(io.get_executor(), small, all);
    lone_pipe much(io.get_executor(), small, all);
    lone_pipe last(io.get_executor(), small, all);
    little.come(200);
    much.come(800);
    last.come(400);
    CHECK_FALSE(much.carrier.is_ended);
    last.come(200);
    CHECK(much.carrier.is_ended);
    CHECK_FALSE(last.carrier.is_ended);
    CHECK_FALSE(little.carrier.is_ended);
    REQUIRE(much.carrier.told.has_value());
    CHECK(much.carrier.told->message.find("more than 1500 bytes") != std::string::npos);
    CHECK(said.count == 1);
    auto const got = run(io, little.pipe->receive());
    CHECK(got.has_value());
    last.pipe.reset();
    CHECK(all->bytes() == 0);
}

TEST_CASE("a session sends only so many bytes before its peer takes some, and always one message", "[wire]") {
    asio::io_context io;
    lone_pipe one(io.get_executor(), small);
    std::size_t sent_count = 0;
    std::exception_ptr thrown;
    asio::co_spawn(io, send_all(one.pipe, {5'000, 400, 400, 400, 5'000}, sent_count),
                   [&](std::exception_ptr failure) { thrown = std::move(failure); });
    run_ready(io);
    CHECK(sent_count == 1);
    one.come(1, 1);
    run_ready(io);
    CHECK(sent_count == 3);
    one.come(1, 1);
    run_ready(io);
    CHECK(sent_count == 4);
    one.come(1, 7);  // more than were sent
    run_ready(io);
    CHECK(sent_count == 5);
    CHECK(thrown == nullptr);
}

TEST_CASE("a peer that sends large messages hears soon that they were taken", "[wire]") {
    asio::io_context io;
    lone_pipe one(io.get_executor(), small);
    one.come(100);
    CHECK(run(io, one.pipe->receive()).has_value());
    CHECK(one.carrier.written.empty());
    one.come(200);
    CHECK(run(io, one.pipe->receive()).has_value());
    REQUIRE(one.carrier.written.size() == 1);
    CHECK(one.carrier.written[0].credit() == 2);
}

TEST_CASE("a peer that takes nothing does not make our words to it pile up", "[wire]") {
    asio::io_context io;
    lone_pipe one(io.get_executor(), small);
    std::uint32_t count = 0;
    for (; count < 1'000; ++count) {
        one.come(1);
        (void)run(io, one.pipe->receive());
    }
    CHECK(one.carrier.written.size() == 1);  // and it was not taken
    std::uint32_t told = 0;
    for (std::size_t i = 0; i < one.carrier.written.size(); ++i) {
        told += one.carrier.written[i].credit();
        one.pipe->was_written();
    }
    CHECK(one.carrier.written.size() == 2);
    CHECK(told + 2 > count);  // nothing of what it may send is lost
}

namespace {

release_ptr release_of(entropy& random, std::size_t bytes) {
    auto definition = *written_pod("web");
    definition.text = R"({"x":")" + std::string(bytes, 'x') + "\"}";
    auto made = make_release(release_id::generate(random), workload_id::generate(random),
                             std::make_shared<workload_definition const>(std::move(definition)));
    return std::make_shared<release const>(std::move(made));
}

facts facts_of(release_ptr made_from) {
    facts made;
    made.items.push_back({.instance = {}, .made_from = std::move(made_from)});
    return made;
}

}  // namespace

TEST_CASE("both ends forget the releases of a session when they are too many bytes", "[wire]") {
    seeded_entropy random(1);
    detail::told_releases told;
    constexpr auto bytes = limits::definition_bytes_max;
    auto const first = release_of(random, bytes);
    (void)to_wire(facts_of(first), told);
    CHECK(to_wire(facts_of(first), told).releases_size() == 0);
    std::size_t forgotten_count = 0;
    for (std::size_t sent = bytes; sent < limits::releases_bytes_per_session_max; sent += bytes)
        forgotten_count += to_wire(facts_of(release_of(random, bytes)), told).forget_releases() ? 1 : 0;
    CHECK(forgotten_count == 0);
    auto const after = to_wire(facts_of(first), told);
    CHECK(after.forget_releases());
    CHECK(after.releases_size() == 1);
}

TEST_CASE("a peer that makes us remember too many bytes of releases is refused", "[wire]") {
    seeded_entropy random(1);
    detail::known_releases known;
    auto const definition = written_pod("web", std::string(200'000, 'x'))->text;
    std::optional<error> why;
    std::size_t count = 0;
    for (; !why && count < 2'000; ++count) {
        detail::wire::PrimaryMessage said;
        auto const id = release_id::generate(random).bytes();
        auto& one = *said.add_releases();
        one.set_id(id.data(), id.size());
        one.set_definition(definition);
        if (auto const read = from_wire(said, known); !read) why = read.error();
    }
    REQUIRE(why.has_value());
    CHECK(why->message.find("bytes of definitions in a session") != std::string::npos);
    CHECK(count * definition.size() > limits::releases_bytes_per_session_max);
}

namespace {

/// One end of a stream that somebody expects, and the words by which it says which.
struct expecting {
    expecting(sim::world& world, detail::stream_relay& relay, stream_id which)
        : end(world.executor(), detail::stream_pipe_limits) {
        relay.take_expected(end.pipe);
        StreamPart opening;
        detail::open_with(opening, link_identity());
        opening.set_stream(which.bytes().data(), which.bytes().size());
        end.pipe->was_read(std::move(opening));
    }
    lone_pipe end;
};

awaitable<> sleep(sim::world& world, duration how_long) { return world.time().sleep_for(how_long); }

}  // namespace

TEST_CASE("a stream is expected no longer than whoever asked for it waits", "[wire]") {
    sim::world world(1);
    detail::stream_relay relay(world.executor(), world.time(), link_identity());
    expecting const one(world, relay, stream_id::generate(world.random()));
    world.run(sleep(world, 9s));
    CHECK_FALSE(one.end.carrier.is_ended);
    world.run(sleep(world, 5s));
    REQUIRE(one.end.carrier.told.has_value());
    CHECK(one.end.carrier.told->message.find("no node has dialled stream") == 0);
    world.run(relay.stop());
}

TEST_CASE("only so many streams are expected at a time", "[wire]") {
    sim::world world(1);
    detail::stream_relay relay(world.executor(), world.time(), link_identity());
    std::vector<std::unique_ptr<expecting>> all;
    for (std::size_t i = 0; i <= limits::streams_expected_max; ++i)
        all.push_back(std::make_unique<expecting>(world, relay, stream_id::generate(world.random())));
    world.run(sleep(world, 1ms));
    CHECK_FALSE(all.front()->end.carrier.is_ended);
    REQUIRE(all.back()->end.carrier.told.has_value());
    CHECK(all.back()->end.carrier.told->message.find("1024 streams wait") == 0);
    world.run(sleep(world, 20s));
    expecting const later(world, relay, stream_id::generate(world.random()));  // there is room again
    world.run(sleep(world, 1ms));
    CHECK_FALSE(later.end.carrier.is_ended);
    world.run(relay.stop());
}

namespace {

struct idle_call final : detail::open_call {
    void cancel() override {}
};

}  // namespace

TEST_CASE("only so many sessions and streams are open at a time", "[wire]") {
    detail::open_calls calls;
    auto const first = std::make_shared<idle_call>();
    CHECK_FALSE(calls.add(first).has_value());
    std::size_t count = 1;
    std::vector<std::shared_ptr<idle_call>> all;
    std::optional<error> why;
    for (; !why && count < 1'000'000; ++count) why = calls.add(all.emplace_back(std::make_shared<idle_call>()));
    REQUIRE(why.has_value());
    CHECK(count == limits::link_calls_max + 1);
    CHECK(why->message.find("65536 sessions and streams") != std::string::npos);
    calls.remove(first.get());
    CHECK_FALSE(calls.add(first).has_value());
    for (auto const& each : all) calls.remove(each.get());
    calls.remove(first.get());
}

}  // namespace rik::testing

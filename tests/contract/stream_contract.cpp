#include "contract/stream_contract.hpp"

#include "support/catch.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/entropy.hpp>
#include <rik/base/limits.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace rik::testing {

namespace {

using namespace std::chrono_literals;

constexpr int too_many = 200;          ///< chunks, more than any adapter lets be on their way
constexpr int on_their_way_max = 100;  ///< chunks of the largest size

struct ends {
    std::unique_ptr<byte_stream> node = {};
    std::unique_ptr<byte_stream> primary = {};
};

awaitable<> dial_into(stream_dialer& dialler, stream_id stream, std::unique_ptr<byte_stream>& into) {
    auto dialled = co_await dialler.dial(stream);
    if (!dialled) FAIL(dialled.error());
    into = std::move(*dialled);
}

awaitable<> expect_into(stream_listener& listener, stream_id stream, std::unique_ptr<byte_stream>& into) {
    auto expected = co_await listener.expect(stream);
    if (!expected) FAIL(expected.error());
    into = std::move(*expected);
}

/// The streams of one test, with numbers of their own.
class fixture {
public:
    explicit fixture(stream_maker& from) : made_by_(from) {}

    event_loop& loop() { return made_by_.loop(); }
    stream_id new_id() { return stream_id::generate(random_); }

    ends join() { return join(new_id()); }
    ends join(stream_id stream) {
        ends made;
        loop().run(together(expect_into(made_by_.listener(), stream, made.primary),
                            dial_into(made_by_.dialler(), stream, made.node)));
        return made;
    }
    void check_not_awaited(stream_id stream) {
        auto const dialled = loop().run(made_by_.dialler().dial(stream));
        REQUIRE_FALSE(dialled.has_value());
        CHECK(dialled.error().code == errc::not_found);
    }
    /// Waits for the stream, and gives up.
    void expect_in_vain(stream_id stream) {
        auto waiting = with_deadline(loop().time(), loop().time().now() + 20ms, made_by_.listener().expect(stream));
        auto const expected = loop().run(std::move(waiting));
        REQUIRE_FALSE(expected.has_value());
        CHECK(expected.error().code == errc::timed_out);
    }

    void write(byte_stream& to, std::string chunk) {
        auto const written = loop().run(to.write(std::move(chunk)));
        if (!written) FAIL(written.error());
    }
    void finish(byte_stream& which, std::optional<error> why = std::nullopt) {
        auto const finished = loop().run(which.finish(std::move(why)));
        if (!finished) FAIL(finished.error());
    }

private:
    stream_maker& made_by_;
    seeded_entropy random_{7};
};

struct all_read {
    std::string bytes = {};
    std::optional<error> why = {};  ///< nullopt: it came to the end
};

awaitable<all_read> read_all(byte_stream& from) {
    all_read seen;
    for (;;) {
        auto const part = co_await from.read();
        if (!part) seen.why = part.error();
        if (!part || part->empty()) co_return seen;
        seen.bytes += *part;
    }
}

awaitable<> read_all_into(byte_stream& from, all_read& into) { into = co_await read_all(from); }

std::string every_byte(std::size_t size) {
    std::string made(size, '\0');
    for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>(i * 7 + i / 256);
    return made;
}

awaitable<> write_numbers(byte_stream& to, int count, std::string& written) {
    for (int i = 0; i < count; ++i) {
        auto text = std::to_string(i) + "\n";
        written += text;
        auto const done = co_await to.write(std::move(text));
        if (!done) FAIL(done.error());
    }
    auto const ended = co_await to.finish(std::nullopt);
    if (!ended) FAIL(ended.error());
}

void is_read_as_it_was_written(fixture& streams) {
    auto const on = streams.join();
    std::string written;
    all_read seen;
    SECTION("by the node") {
        streams.loop().run(together(write_numbers(*on.node, too_many, written), read_all_into(*on.primary, seen)));
    }
    SECTION("by the primary") {
        streams.loop().run(together(write_numbers(*on.primary, too_many, written), read_all_into(*on.node, seen)));
    }
    CHECK(seen.bytes == written);
    CHECK_FALSE(seen.why);
}

void carries_any_bytes(fixture& streams) {
    auto const on = streams.join();
    auto const large = every_byte(limits::container_log_chunk_bytes_max);
    streams.write(*on.node, large);
    streams.write(*on.node, "");  // not the end
    streams.write(*on.node, "x");
    streams.finish(*on.node);
    auto const seen = streams.loop().run(read_all(*on.primary));
    CHECK((seen.bytes == large + "x"));
    CHECK_FALSE(seen.why);
    auto const again = streams.loop().run(on.primary->read());
    REQUIRE(again.has_value());
    CHECK(again->empty());
}

awaitable<> write_large(byte_stream& to, int& written) {
    while (written < too_many) {
        auto chunk = std::string(limits::container_log_chunk_bytes_max, 'x');
        auto const done = co_await to.write(std::move(chunk));
        if (!done) {
            CHECK(done.error().code == errc::unavailable);
            co_return;
        }
        ++written;
    }
    auto const ended = co_await to.finish(std::nullopt);
    if (!ended) FAIL(ended.error());
}

awaitable<> until_stuck(event_loop& loop, int const& written) {
    for (auto before = -1; written == 0 || before != written;) {
        before = written;
        co_await loop.time().sleep_for(50ms);
    }
    CHECK(written < on_their_way_max);
}

awaitable<> read_when_stuck(event_loop& loop, byte_stream& from, int const& written, all_read& into) {
    co_await until_stuck(loop, written);
    into = co_await read_all(from);
}

awaitable<> leave_when_stuck(event_loop& loop, std::unique_ptr<byte_stream>& which, int const& written) {
    co_await until_stuck(loop, written);
    which.reset();
}

void makes_its_writer_wait(fixture& streams) {
    auto const on = streams.join();
    int written = 0;
    all_read seen;
    auto& loop = streams.loop();
    loop.run(together(write_large(*on.node, written), read_when_stuck(loop, *on.primary, written, seen)));
    CHECK(seen.bytes.size() == too_many * limits::container_log_chunk_bytes_max);
    CHECK_FALSE(seen.why);
}

void tells_its_writer_that_nobody_reads(fixture& streams) {
    auto on = streams.join();
    auto& loop = streams.loop();
    int written = 0;
    SECTION("who waits") {
        loop.run(together(write_large(*on.node, written), leave_when_stuck(loop, on.primary, written)));
        CHECK(written < too_many);
    }
    SECTION("who comes later") {
        on.primary.reset();
        loop.run(write_large(*on.node, written));
        CHECK(written < too_many);
    }
}

void ends_after_all_that_was_written(fixture& streams) {
    auto on = streams.join();
    streams.write(*on.node, "one ");
    streams.write(*on.node, "two");
    SECTION("in order") {
        streams.finish(*on.node);
        on.node.reset();
        auto const seen = streams.loop().run(read_all(*on.primary));
        CHECK(seen.bytes == "one two");
        CHECK_FALSE(seen.why);
    }
    SECTION("with an error") {
        streams.finish(*on.node, error{errc::corrupt, "half of it is gone", "tail", "ask again"});
        on.node.reset();
        auto const seen = streams.loop().run(read_all(*on.primary));
        CHECK(seen.bytes == "one two");
        REQUIRE(seen.why);
        CHECK(seen.why->code == errc::corrupt);
        CHECK(seen.why->message == "half of it is gone");
        CHECK(seen.why->field == "tail");
        CHECK(seen.why->remedy == "ask again");
    }
    SECTION("and not in order if nobody finished it") {
        on.node.reset();
        auto const seen = streams.loop().run(read_all(*on.primary));
        REQUIRE(seen.why);
        CHECK(seen.why->code == errc::unavailable);
    }
}

awaitable<> destroy_soon(event_loop& loop, std::unique_ptr<byte_stream>& which) {
    co_await loop.time().sleep_for(1ms);
    which.reset();
}

void tells_a_reader_that_waits(fixture& streams) {
    auto on = streams.join();
    all_read seen;
    streams.loop().run(together(read_all_into(*on.primary, seen), destroy_soon(streams.loop(), on.node)));
    CHECK(seen.bytes.empty());
    REQUIRE(seen.why);
    CHECK(seen.why->code == errc::unavailable);
}

awaitable<> write_slowly(event_loop& loop, byte_stream& to, int count, std::string& written) {
    for (int i = 0; i < count; ++i) {
        co_await loop.time().sleep_for(1ms);
        auto text = std::to_string(i) + "\n";
        written += text;
        auto const done = co_await to.write(std::move(text));
        if (!done) FAIL(done.error());
    }
    auto const ended = co_await to.finish(std::nullopt);
    if (!ended) FAIL(ended.error());
}

/// Cancels each read after a millisecond.
awaitable<> read_hastily(event_loop& loop, byte_stream& from, all_read& seen, int& cancelled_count) {
    for (;;) {
        auto const part = co_await with_deadline(loop.time(), loop.time().now() + 1ms, from.read());
        if (!part && part.error().code == errc::timed_out) {
            ++cancelled_count;
            continue;
        }
        if (!part) seen.why = part.error();
        if (!part || part->empty()) co_return;
        seen.bytes += *part;
    }
}

void loses_nothing_by_a_cancelled_read(fixture& streams) {
    auto const on = streams.join();
    auto& loop = streams.loop();
    std::string written;
    all_read seen;
    int cancelled_count = 0;
    loop.run(
        together(write_slowly(loop, *on.node, 50, written), read_hastily(loop, *on.primary, seen, cancelled_count)));
    CHECK(cancelled_count > 0);
    CHECK(seen.bytes == written);
    CHECK_FALSE(seen.why);
}

void go_to_who_waits_for_them(fixture& streams) {
    auto const one = streams.join();
    auto const other = streams.join();
    streams.write(*other.node, "other");
    streams.write(*one.node, "one");
    streams.finish(*other.node);
    streams.finish(*one.node);
    CHECK(streams.loop().run(read_all(*one.primary)).bytes == "one");
    CHECK(streams.loop().run(read_all(*other.primary)).bytes == "other");
}

void are_dialled_once(fixture& streams) {
    auto const stream = streams.new_id();
    streams.check_not_awaited(stream);
    auto const on = streams.join(stream);
    streams.check_not_awaited(stream);
    streams.write(*on.node, "still there");
    streams.finish(*on.node);
    CHECK(streams.loop().run(read_all(*on.primary)).bytes == "still there");
}

}  // namespace

void check_streams(stream_maker& made_by) {
    fixture streams(made_by);
    SECTION("what is written is read, in order and once") { is_read_as_it_was_written(streams); }
    SECTION("a chunk has any bytes, and an empty one is not the end") { carries_any_bytes(streams); }
    SECTION("a writer waits while nobody reads") { makes_its_writer_wait(streams); }
    SECTION("a writer is told when nobody will read") { tells_its_writer_that_nobody_reads(streams); }
    SECTION("the end comes after all that was written") { ends_after_all_that_was_written(streams); }
    SECTION("a reader that waits is told when the writer is gone") { tells_a_reader_that_waits(streams); }
    SECTION("a read that is cancelled loses nothing") { loses_nothing_by_a_cancelled_read(streams); }
    SECTION("streams go to who waits for them") { go_to_who_waits_for_them(streams); }
    SECTION("a stream is dialled once, while somebody waits for it") { are_dialled_once(streams); }
    SECTION("who gives up is not waited for any more") {
        auto const stream = streams.new_id();
        streams.expect_in_vain(stream);
        streams.check_not_awaited(stream);
    }
}

}  // namespace rik::testing

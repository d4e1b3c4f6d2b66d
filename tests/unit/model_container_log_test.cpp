// Frames of a log: taken apart however they are cut, and refused when they are none.
#include <rik/base/limits.hpp>
#include <rik/model/container_log.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace rik {

namespace {

std::string two_frames() {
    std::string bytes;
    append_container_log_frame(bytes, container_log_origin::standard_output, std::string("a\0b\n", 4));
    append_container_log_frame(bytes, container_log_origin::standard_error, "");
    append_container_log_frame(bytes, container_log_origin::standard_error, "bad\n");
    return bytes;
}

}  // namespace

TEST_CASE("a frame is an origin, three zeros, a big-endian size and bytes", "[unit][model]") {
    std::string bytes;
    append_container_log_frame(bytes, container_log_origin::standard_error, std::string(258, 'x'));
    CHECK(bytes == std::string("\2\0\0\0\0\0\1\2", 8) + std::string(258, 'x'));
}

TEST_CASE("frames come out as they went in, however their bytes are cut, and an empty one says nothing",
          "[unit][model]") {
    auto const bytes = two_frames();
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        container_log_frame_parser parser;
        std::vector<container_log_piece> found;
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            parser.feed(bytes.substr(at, step));
            for (;;) {
                auto const next = parser.next();
                REQUIRE(next.has_value());
                if (!*next) break;
                found.push_back(**next);
            }
        }
        CHECK_FALSE(parser.is_inside());
        REQUIRE(found.size() == 2);
        CHECK(found[0].from == container_log_origin::standard_output);
        CHECK(found[0].bytes == std::string("a\0b\n", 4));
        CHECK(found[1].from == container_log_origin::standard_error);
        CHECK(found[1].bytes == "bad\n");
    }
}

TEST_CASE("what is no frame, or a huge one, is refused and stays refused", "[unit][model]") {
    for (auto const& bytes : {std::string("hello there\n"), std::string("\1\0\0\1\0\0\0\1x", 9),
                              std::string("\5\0\0\0\0\0\0\1x", 9), std::string("\1\0\0\0\x7f\0\0\0", 8)}) {
        container_log_frame_parser parser;
        parser.feed(bytes);
        CHECK(parser.next().error().code == errc::corrupt);
        parser.feed(two_frames());
        CHECK(parser.next().error().code == errc::corrupt);
    }
}

TEST_CASE("a frame that is not whole is told from an end", "[unit][model]") {
    auto const bytes = two_frames();
    container_log_frame_parser parser;
    parser.feed(bytes.substr(0, bytes.size() - 1));
    CHECK(parser.next()->has_value());
    CHECK_FALSE(parser.next()->has_value());
    CHECK(parser.is_inside());
}

TEST_CASE("whole frames are counted up to a limit", "[unit][model]") {
    auto const bytes = two_frames();
    CHECK(whole_frames(bytes, bytes.size()) == bytes.size());
    CHECK(whole_frames(bytes, bytes.size() - 1) == 20);
    CHECK(whole_frames(bytes, 11) == 0);
    CHECK(whole_frames("", 100) == 0);
}

namespace {

container_log_position some_position() {
    container_log_position position;
    position.instance = instance_id::parse("0f8fad5b-d9cb-469f-a165-70867728950e").value();
    position.attempt = 2;
    position.file = 18'446'744'073'709'551'615u;
    position.file_born = -5;
    position.offset = 4096;
    position.output = {true, 3};
    position.errors = {false, 4};
    position.last_written = parse_wall_time("2026-11-21T19:19:38.579273Z").value();
    return position;
}

}  // namespace

TEST_CASE("a place in a log is read back from its text", "[unit][model]") {
    auto position = some_position();
    CHECK(parse_container_log_position(to_string(position)).value() == position);
    position.since = position.last_written;
    position.last_written.reset();
    CHECK(parse_container_log_position(to_string(position)).value() == position);
}

TEST_CASE("what is no place in a log is refused", "[unit][model]") {
    auto const text = to_string(some_position());
    for (auto const& wrong : {std::string(), std::string("1"), "2" + text.substr(1), text + "_1", text + "_",
                              text.substr(0, text.rfind('_')), text.substr(0, 20), text.substr(0, 1) + "_x" + text,
                              std::string(100'000, '_')}) {
        CAPTURE(wrong.substr(0, 100));
        CHECK(parse_container_log_position(wrong).error().code == errc::invalid);
    }
}

TEST_CASE("a mark is read back from its text, and knows what it does not say", "[unit][model]") {
    auto const plain = parse_container_log_mark(to_text({.after = "there"})).value();
    CHECK(plain.after == "there");
    CHECK_FALSE(plain.is_gap);
    auto const when = parse_wall_time("2026-11-21T19:19:38.579273Z").value();
    auto const gap = parse_container_log_mark(to_text({.is_gap = true, .gap_begin = when})).value();
    CHECK(gap.after.empty());
    CHECK(gap.is_gap);
    CHECK(gap.gap_begin == when);
    CHECK_FALSE(gap.gap_end);
    CHECK(parse_container_log_mark(R"({"later":[1],"after":3,"missing":{"after":7}})").value().is_gap);
    for (auto const* text : {"", "[]", "{", "\xff"})
        CHECK(parse_container_log_mark(text).error().code == errc::corrupt);
}

}  // namespace rik

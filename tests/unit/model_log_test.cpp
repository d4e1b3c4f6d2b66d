// Frames of a log: taken apart however they are cut, and refused when they are none.
#include <rik/base/limits.hpp>
#include <rik/model/log.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace rik {

namespace {

std::string two_frames() {
    std::string bytes;
    append_log_frame(bytes, log_origin::standard_output, std::string("a\0b\n", 4));
    append_log_frame(bytes, log_origin::standard_error, "");
    append_log_frame(bytes, log_origin::standard_error, "bad\n");
    return bytes;
}

}  // namespace

TEST_CASE("a frame is an origin, three zeros, a big-endian size and bytes", "[unit][model]") {
    std::string bytes;
    append_log_frame(bytes, log_origin::standard_error, std::string(258, 'x'));
    CHECK(bytes == std::string("\2\0\0\0\0\0\1\2", 8) + std::string(258, 'x'));
}

TEST_CASE("frames come out as they went in, however their bytes are cut, and an empty one says nothing",
          "[unit][model]") {
    auto const bytes = two_frames();
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        log_frame_parser parser;
        std::vector<log_piece> found;
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
        CHECK(found[0].from == log_origin::standard_output);
        CHECK(found[0].bytes == std::string("a\0b\n", 4));
        CHECK(found[1].from == log_origin::standard_error);
        CHECK(found[1].bytes == "bad\n");
    }
}

TEST_CASE("what is no frame, or a huge one, is refused and stays refused", "[unit][model]") {
    for (auto const& bytes : {std::string("hello there\n"), std::string("\1\0\0\1\0\0\0\1x", 9),
                              std::string("\4\0\0\0\0\0\0\1x", 9), std::string("\1\0\0\0\x7f\0\0\0", 8)}) {
        log_frame_parser parser;
        parser.feed(bytes);
        CHECK(parser.next().error().code == errc::corrupt);
        parser.feed(two_frames());
        CHECK(parser.next().error().code == errc::corrupt);
    }
}

TEST_CASE("a frame that is not whole is told from an end", "[unit][model]") {
    auto const bytes = two_frames();
    log_frame_parser parser;
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

}  // namespace rik

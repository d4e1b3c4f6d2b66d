// conmon's log format: lines, parts of lines, and the last of them.
#include "runtime/oci/log_format_detail.hpp"

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace rik::detail {

namespace {

constexpr std::size_t bytes_max = 64;

std::string line(std::string_view stream, std::string_view tag, std::string_view text) {
    return "2026-11-21T19:19:38.579273098+00:00 " + std::string(stream) + " " + std::string(tag) + " " +
           std::string(text) + "\n";
}

std::string joined(std::string_view bytes, std::size_t step) {
    log_joiner joiner({}, bytes_max);
    for (std::size_t at = 0; at < bytes.size(); at += step) joiner.feed(bytes.substr(at, step));
    joiner.finish();
    std::string all;
    for (auto part = joiner.take(); !part.empty(); part = joiner.take()) {
        CHECK(part.size() <= bytes_max);
        CHECK(part.back() == '\n');
        all += part;
    }
    return all;
}

}  // namespace

TEST_CASE("a log line has a time, a stream, a tag and text with spaces", "[unit][oci]") {
    auto const found = parse_log_line("2026-11-21T19:19:38.5+00:00 stderr F a  b ");
    REQUIRE(found);
    CHECK(found->time == "2026-11-21T19:19:38.5+00:00");
    CHECK(found->from == log_origin::standard_error);
    CHECK(found->is_whole);
    CHECK(found->text == "a  b ");
    CHECK(parse_log_line("t stdout F ")->text.empty());
    CHECK_FALSE(parse_log_line("t stdout"));
    CHECK_FALSE(parse_log_line("t other F x"));
    CHECK_FALSE(parse_log_line(""));
}

TEST_CASE("parts are joined per stream, however the bytes are cut", "[unit][oci]") {
    auto const log = line("stdout", "P", "one ") + line("stderr", "F", "err") + line("stdout", "F", "line") +
                     line("stdout", "F", "") + line("stdout", "P", "no end");
    for (auto const step : {1u, 2u, 7u, 50u, 1000u}) CHECK(joined(log, step) == "err\none line\n\nno end\n");
}

TEST_CASE("a line without end is cut, and no part of it is lost", "[unit][oci]") {
    std::string log;
    for (int part = 0; part < 10; ++part) log += line("stdout", "P", std::string(25, 'x'));
    auto all = joined(log, 1000);
    std::erase(all, '\n');
    CHECK(all == std::string(250, 'x'));
}

TEST_CASE("with time, a joined line has that of its first part", "[unit][oci]") {
    log_joiner joiner({.timestamps = true}, 1000);
    joiner.feed("t1 stdout P a\nt2 stdout F b\nt3 stderr F \n");
    CHECK(joiner.take() == "t1 ab\nt3 \n");
}

TEST_CASE("parts are not joined across a hole", "[unit][oci]") {
    log_joiner joiner({}, 1000);
    joiner.feed("t1 stdout P begun\nt2 std");
    joiner.interrupt();
    joiner.feed("t3 stdout F end of another\n");
    CHECK(joiner.take() == "begun\nend of another\n");
}

namespace {

/// "1:text" for each frame.
std::vector<std::string> frames_in(std::string const& bytes) {
    log_frame_parser parser;
    parser.feed(bytes);
    std::vector<std::string> found;
    for (auto next = parser.next(); *next; next = parser.next())
        found.push_back(std::to_string(static_cast<int>((*next)->from)) + ":" + (*next)->bytes);
    CHECK_FALSE(parser.is_inside());
    return found;
}

}  // namespace

TEST_CASE("each line is a frame that says which stream it is of, if that was asked for", "[unit][oci]") {
    log_joiner joiner({.is_framed = true}, 1000);
    joiner.feed(line("stdout", "P", "one ") + line("stderr", "F", "bad") + line("stdout", "F", "line") +
                line("stderr", "F", "") + line("stderr", "P", "no end"));
    joiner.finish();
    CHECK(frames_in(joiner.take()) == std::vector<std::string>{"2:bad\n", "1:one line\n", "2:\n", "2:no end\n"});
    CHECK(joiner.take().empty());
}

TEST_CASE("frames are taken whole, and no more at once than was allowed", "[unit][oci]") {
    log_joiner joiner({.is_framed = true}, bytes_max);
    for (int count = 0; count < 20; ++count) joiner.feed(line("stdout", "F", "0123456789"));
    joiner.feed(line("stderr", "F", std::string(200, 'x')));
    std::vector<std::string> found;
    for (auto part = joiner.take(); !part.empty(); part = joiner.take()) {
        CHECK(part.size() <= bytes_max);
        for (auto& each : frames_in(part)) found.push_back(std::move(each));
    }
    REQUIRE(found.size() == 24);
    CHECK(found[19] == "1:0123456789\n");
    // A frame's head takes its part of what may be taken at once; the newline is one of the line's bytes.
    CHECK(found[20] == "2:" + std::string(bytes_max - log_frame_head_bytes - 1, 'x') + "\n");
}

TEST_CASE("of one stream alone nothing else comes, and its tail counts its own lines", "[unit][oci]") {
    auto const log = line("stderr", "F", "e1") + line("stdout", "F", "o1") + line("stderr", "F", "e2") +
                     line("stdout", "F", "o2") + line("stdout", "F", "o3");
    log_joiner joiner({.only = log_origin::standard_error}, 1000);
    joiner.feed(log);
    CHECK(joiner.take() == "e1\ne2\n");
    std::uint64_t wanted = 1;
    auto const found = find_tail(log, wanted, log_origin::standard_error);
    CHECK(found.is_cut);
    CHECK(log.substr(found.offset) == line("stdout", "F", "o1") + line("stderr", "F", "e2") +
                                          line("stdout", "F", "o2") + line("stdout", "F", "o3"));
}

TEST_CASE("the tail counts whole lines from the end", "[unit][oci]") {
    auto const first = line("stdout", "F", "1");
    auto const second = line("stdout", "P", "2a") + line("stdout", "F", "2b");
    auto const third = line("stderr", "F", "3");
    auto const log = first + second + third;
    auto const from = [&](std::uint64_t wanted) {
        auto const found = find_tail(log, wanted);
        return found.is_cut ? log.substr(found.offset) : "all, lacking " + std::to_string(wanted);
    };
    CHECK(from(0).empty());
    CHECK(from(1) == third);
    CHECK(from(2) == second + third);
    CHECK(from(3) == "all, lacking 0");
    CHECK(from(5) == "all, lacking 2");
}

}  // namespace rik::detail

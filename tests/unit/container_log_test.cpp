// conmon's log format: lines, parts of lines, and the last of them.
#include "runtime/oci/log_format_detail.hpp"

#include "support/catch.hpp"

#include <string>

namespace rik::detail {

namespace {

constexpr std::size_t bytes_max = 64;

std::string line(std::string_view stream, std::string_view tag, std::string_view text) {
    return "2026-11-21T19:19:38.579273098+00:00 " + std::string(stream) + " " + std::string(tag) + " " +
           std::string(text) + "\n";
}

std::string joined(std::string_view bytes, std::size_t step) {
    log_joiner joiner(false, bytes_max);
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
    CHECK(found->stream == "stderr");
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
    log_joiner joiner(true, 1000);
    joiner.feed("t1 stdout P a\nt2 stdout F b\nt3 stderr F \n");
    CHECK(joiner.take() == "t1 ab\nt3 \n");
}

TEST_CASE("parts are not joined across a hole", "[unit][oci]") {
    log_joiner joiner(false, 1000);
    joiner.feed("t1 stdout P begun\nt2 std");
    joiner.interrupt();
    joiner.feed("t3 stdout F end of another\n");
    CHECK(joiner.take() == "begun\nend of another\n");
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

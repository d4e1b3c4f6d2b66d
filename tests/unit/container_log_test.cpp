// conmon's log format: entries, and the bytes of a container that they are made of.
#include "runtime/oci/container_log_format_detail.hpp"

#include "support/catch.hpp"

#include <rik/base/time_text.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace rik::detail {

namespace {

constexpr std::size_t bytes_max = 64;

std::string line(std::string_view stream, std::string_view tag, std::string_view text) {
    return "2026-11-21T19:19:38.579273098+00:00 " + std::string(stream) + " " + std::string(tag) + " " +
           std::string(text) + "\n";
}

/// Entries as conmon writes them: those of what it reads at once have one time, and text without a newline has a P.
std::string written(std::string_view stream, std::string_view bytes) {
    std::string log;
    while (!bytes.empty()) {
        auto const newline = bytes.find('\n');
        log += line(stream, newline == bytes.npos ? "P" : "F", bytes.substr(0, newline));
        bytes.remove_prefix(newline == bytes.npos ? bytes.size() : newline + 1);
    }
    return log;
}

std::string take_all(container_log_decoder& decoder) {
    std::string all;
    for (auto part = decoder.take(); !part.empty(); part = decoder.take()) {
        CHECK(part.size() <= bytes_max);
        all += part;
    }
    return all;
}

std::string decoded(std::string_view log, std::size_t step, container_log_options const& form = {}) {
    container_log_decoder decoder(form, bytes_max);
    std::string all;
    for (std::size_t at = 0; at < log.size(); at += step) {
        decoder.feed(log.substr(at, step));
        all += take_all(decoder);
    }
    decoder.finish();
    return all + take_all(decoder);
}

/// "1:text" for each frame.
std::vector<std::string> frames_in(std::string const& bytes) {
    container_log_frame_parser parser;
    parser.feed(bytes);
    std::vector<std::string> found;
    for (auto next = parser.next(); *next; next = parser.next())
        found.push_back(std::to_string(static_cast<int>((*next)->from)) + ":" + (*next)->bytes);
    CHECK_FALSE(parser.is_inside());
    return found;
}

/// What a stream has in frames, and the marks among them.
struct frames {
    explicit frames(std::string const& bytes) {
        container_log_frame_parser parser;
        parser.feed(bytes);
        for (auto next = parser.next(); *next; next = parser.next()) {
            auto const& piece = **next;
            if (piece.from == container_log_origin::mark) marks.push_back(*parse_container_log_mark(piece.bytes));
            if (piece.from == container_log_origin::standard_output) output += piece.bytes;
            if (piece.from == container_log_origin::standard_error) errors += piece.bytes;
        }
    }
    std::string output;
    std::string errors;
    std::vector<container_log_mark> marks;
};

}  // namespace

TEST_CASE("a log entry has a time, a stream, a tag and text with spaces", "[unit][oci]") {
    auto const found = parse_log_entry("2026-11-21T19:19:38.5+00:00 stderr F a  b ");
    REQUIRE(found);
    CHECK(found->time == "2026-11-21T19:19:38.5+00:00");
    CHECK(found->from == container_log_origin::standard_error);
    CHECK(found->ends_line);
    CHECK(found->text == "a  b ");
    CHECK(parse_log_entry("t stdout F ")->text.empty());
    CHECK_FALSE(parse_log_entry("t stdout"));
    CHECK_FALSE(parse_log_entry("t other F x"));
    CHECK_FALSE(parse_log_entry(""));
}

TEST_CASE("what was written comes out byte for byte, however the log is cut", "[unit][oci]") {
    auto const log = line("stdout", "P", "one ") + line("stderr", "F", "err") + line("stdout", "F", "line") +
                     line("stdout", "F", "") + line("stdout", "P", "no end");
    for (auto const step : {1u, 2u, 7u, 50u, 1000u}) CHECK(decoded(log, step) == "one err\nline\n\nno end");
}

TEST_CASE("any bytes come out as they were written, in pieces of any size", "[unit][oci]") {
    std::mt19937 random(20261128);  // NOLINT: the same bytes each time
    for (int round = 0; round < 50; ++round) {
        std::string log;
        std::string output;
        std::string errors;
        for (int piece = 0; piece < 20; ++piece) {
            std::string bytes(random() % 200, '\0');
            for (auto& each : bytes) each = static_cast<char>(random() % 8 == 0 ? '\n' : random() % 256);
            auto const is_error = random() % 3 == 0;
            log += written(is_error ? "stderr" : "stdout", bytes);
            (is_error ? errors : output) += bytes;
        }
        auto const step = 1 + random() % 300;
        frames const found(decoded(log, step, {.is_framed = true}));
        CHECK((found.output == output));  // nobody wants to see them
        CHECK((found.errors == errors));
        CHECK((decoded(log, step, {.only = container_log_origin::standard_error}) == errors));
    }
}

TEST_CASE("text without a newline comes as soon as it is in the log", "[unit][oci]") {
    container_log_decoder decoder({}, 1000);
    decoder.feed("t1 stdout P Setting up...\n");
    CHECK(decoder.take() == "Setting up...");
    decoder.feed("t2 stdout F done\n");
    CHECK(decoder.take() == "done\n");
}

TEST_CASE("a line may be longer than what is taken at once", "[unit][oci]") {
    std::string log;
    for (int part = 0; part < 10; ++part) log += line("stdout", "P", std::string(25, 'x'));
    CHECK(decoded(log, 1000) == std::string(250, 'x'));
    CHECK(decoded(line("stdout", "F", std::string(300, 'y')), 1000) == std::string(300, 'y') + "\n");
}

TEST_CASE("with times, each line of a stream begins with that of its first part", "[unit][oci]") {
    container_log_decoder decoder({.timestamps = true}, 1000);
    decoder.feed("t1 stdout P a\nt2 stderr F c\nt3 stdout F b\nt4 stderr F \n");
    CHECK(decoder.take() == "t1 at2 c\nb\nt4 \n");
}

TEST_CASE("parts are not joined across a hole", "[unit][oci]") {
    container_log_decoder decoder({}, 1000);
    decoder.feed("t1 stdout P begun\nt2 std");
    decoder.interrupt();
    decoder.feed("t3 stdout F end of another\n");
    CHECK(decoder.take() == "begun\nend of another\n");
}

TEST_CASE("an entry that a full disk has cut spoils nothing of the next file", "[unit][oci]") {
    container_log_decoder decoder({}, 1000);
    decoder.feed("2026-11-21T19:19:38Z stdout F on");
    decoder.end_file();
    decoder.feed("2026-11-21T19:19:39Z stdout F e\n");
    decoder.finish();
    CHECK(decoder.take() == "one\n");
}

TEST_CASE("each piece is a frame that says which stream it is of, if that was asked for", "[unit][oci]") {
    container_log_decoder decoder({.is_framed = true}, 1000);
    decoder.feed(line("stdout", "P", "one ") + line("stderr", "F", "bad") + line("stdout", "F", "line") +
                 line("stderr", "F", "") + line("stderr", "P", "no end"));
    CHECK(frames_in(decoder.take()) == std::vector<std::string>{"1:one ", "2:bad\n", "1:line\n", "2:\n", "2:no end"});
    CHECK(decoder.take().empty());
}

TEST_CASE("frames are taken whole, and no more at once than was allowed", "[unit][oci]") {
    container_log_decoder decoder({.is_framed = true}, bytes_max);
    for (int count = 0; count < 20; ++count) decoder.feed(line("stdout", "F", "0123456789"));
    decoder.feed(line("stderr", "F", std::string(200, 'x')));
    std::vector<std::string> found;
    for (auto part = decoder.take(); !part.empty(); part = decoder.take()) {
        CHECK(part.size() <= bytes_max);
        for (auto& each : frames_in(part)) found.push_back(std::move(each));
    }
    REQUIRE(found.size() == 24);
    CHECK(found[19] == "1:0123456789\n");
    // A frame's head takes its part of what may be taken at once.
    CHECK(found[20] == "2:" + std::string(bytes_max - container_log_frame_head_bytes, 'x'));
}

TEST_CASE("nothing is given that was written before a time", "[unit][oci]") {
    auto const at = [](std::string const& second, std::string const& rest) {
        return "2026-11-21T21:19:" + second + ".5+02:00 stdout " + rest + "\n";
    };
    container_log_options form;
    form.since = parse_zoned_time("2026-11-21T19:19:40Z").value();
    container_log_decoder decoder(form, 1000);
    decoder.feed(at("39", "F old") + at("39", "P be") + at("40", "F gun") + at("41", "F new"));
    CHECK(decoder.take() == "gun\nnew\n");
}

namespace {

struct tail {
    bool is_all = false;
    std::string text;
};

/// What the last lines are, found block by block.
tail tail_of(std::string_view log, std::uint64_t wanted, std::optional<container_log_origin> only = {},
             std::size_t lines_per_block = 1000) {
    std::vector<std::size_t> starts{0};
    for (auto at = log.find('\n'); at != log.npos; at = log.find('\n', at + 1)) starts.push_back(at + 1);
    tail_search search(wanted, only);
    auto begin = log.rfind('\n') + 1;
    auto last = starts.size() - 1;
    while (last > 0 && !search.is_done()) {
        auto const first = last - std::min(last, lines_per_block);
        if (auto const found = search.look(log.substr(starts[first], starts[last] - starts[first])))
            begin = starts[first] + *found;
        last = first;
    }
    container_log_position state;
    state.output.skipped_entries = search.skipped_entries(container_log_origin::standard_output);
    state.errors.skipped_entries = search.skipped_entries(container_log_origin::standard_error);
    container_log_decoder decoder({.only = only}, 100'000);
    decoder.go_on_from(state);
    decoder.feed(log.substr(begin));
    return {!search.is_done(), decoder.take()};
}

}  // namespace

TEST_CASE("the tail counts lines, whole or not, each with all of its parts", "[unit][oci]") {
    auto const log = line("stdout", "F", "1") + line("stdout", "P", "2a") + line("stdout", "F", "2b") +
                     line("stderr", "F", "3") + line("stdout", "P", "4a") + line("stdout", "P", "4b");
    for (auto const lines_per_block : {1u, 2u, 1000u}) {
        auto const last = [&](std::uint64_t wanted) { return tail_of(log, wanted, {}, lines_per_block).text; };
        CHECK(last(0).empty());
        CHECK(last(1) == "4a4b");
        CHECK(last(2) == "3\n4a4b");
        CHECK(last(3) == "2a2b\n3\n4a4b");
        CHECK(last(4) == "1\n2a2b\n3\n4a4b");
        CHECK(last(9) == "1\n2a2b\n3\n4a4b");
    }
    CHECK(tail_of(log, 5).is_all);
    CHECK_FALSE(tail_of(log, 1).is_all);
    CHECK(tail_of("", 3).text.empty());
}

TEST_CASE("for the beginning of a line a log is not read without end", "[unit][oci]") {
    std::string log;
    while (log.size() < 3'000'000) log += line("stdout", "F", std::string(1000, 'x'));
    log += line("stderr", "F", "bad");
    tail_search search(1, {});
    auto const begin = search.look(log);
    CHECK(search.is_done());
    REQUIRE(begin);
    CHECK(log.substr(*begin) == line("stderr", "F", "bad"));
}

TEST_CASE("of streams that are mixed within their lines, the tail has the lines that end last", "[unit][oci]") {
    auto const log = line("stdout", "P", "o1") + line("stderr", "F", "e1") + line("stderr", "P", "e2") +
                     line("stdout", "F", "o1 end") + line("stdout", "F", "o2") + line("stderr", "F", "e2 end") +
                     line("stdout", "P", "o3");
    for (auto const lines_per_block : {1u, 3u, 1000u}) {
        auto const last = [&](std::uint64_t wanted) { return tail_of(log, wanted, {}, lines_per_block).text; };
        CHECK(last(1) == "o3");
        CHECK(last(2) == "e2e2 end\no3");
        CHECK(last(3) == "e2o2\ne2 end\no3");
        CHECK(last(4) == "o1e2o1 end\no2\ne2 end\no3");
        CHECK(last(5) == "o1e1\ne2o1 end\no2\ne2 end\no3");
    }
}

TEST_CASE("of one stream alone nothing else comes, and its tail counts its own lines", "[unit][oci]") {
    auto const log = line("stderr", "F", "e1") + line("stdout", "F", "o1") + line("stderr", "P", "e2") +
                     line("stdout", "F", "o2") + line("stdout", "P", "o3");
    CHECK(decoded(log, 1000, {.only = container_log_origin::standard_error}) == "e1\ne2");
    CHECK(tail_of(log, 1, container_log_origin::standard_error).text == "e2");
    CHECK(tail_of(log, 2, container_log_origin::standard_output).text == "o2\no3");
}

TEST_CASE("an entry that is being written is no part of the tail, and not lost", "[unit][oci]") {
    auto const log = line("stdout", "F", "1") + "2026-11-21T19:19:38Z stdo";
    CHECK(tail_of(log, 0).text.empty());
    CHECK(tail_of(log, 1).text == "1\n");
}

TEST_CASE("a reader that goes on at a mark gets what another would get behind it", "[unit][oci]") {
    container_log_options const form{.timestamps = true, .is_framed = true, .has_marks = true};
    auto const log = line("stdout", "F", "1") + line("stdout", "P", "2 begins") + line("stderr", "P", "bad") +
                     line("stdout", "F", ", ends") + line("stderr", "F", "") + line("stdout", "F", "3");
    frames const whole([&] {
        container_log_decoder decoder(form, 100'000);
        decoder.feed(log);
        return decoder.take();
    }());
    for (std::size_t cut = 0; cut <= log.size(); ++cut) {
        container_log_decoder first(form, 100'000);
        first.feed(log.substr(0, cut));
        container_log_position here;
        here.file = 7;
        here.offset = cut;
        first.mark(here);
        frames const begun(first.take());
        REQUIRE(begun.marks.size() == 1);
        auto const there = parse_container_log_position(begun.marks.front().after);
        REQUIRE(there.has_value());
        CHECK(there->file == 7);
        container_log_decoder second(form, 100'000);
        second.go_on_from(*there);
        second.feed(log.substr(there->offset));
        frames const rest(second.take());
        CHECK(begun.output + rest.output == whole.output);
        CHECK(begun.errors + rest.errors == whole.errors);
    }
}

TEST_CASE("a mark tells from when to when something is missing", "[unit][oci]") {
    container_log_decoder decoder({.is_framed = true, .has_marks = true}, 1000);
    decoder.feed("2026-11-21T19:19:38.5+00:00 stdout P a\n");
    decoder.interrupt();
    CHECK(frames(decoder.take()).output == "a\n");
    decoder.feed("2026-11-21T19:20:01+00:00 stdout F z\n");
    frames const found(decoder.take());
    CHECK(found.output == "z\n");
    REQUIRE(found.marks.size() == 1);
    CHECK(found.marks[0].is_gap);
    CHECK(to_string(*found.marks[0].gap_begin) == "2026-11-21T19:19:38.500000Z");
    CHECK(to_string(*found.marks[0].gap_end) == "2026-11-21T19:20:01.000000Z");
}

}  // namespace rik::detail

// The parser of server-sent events. Property: however the bytes are cut, the same events come out.
#include <rik/client/event_stream.hpp>

#include <vector>

#include "support/catch.hpp"

namespace {

std::vector<rik::stream_event> drain(rik::event_stream_parser& parser) {
    std::vector<rik::stream_event> events;
    while (auto event = parser.next()) events.push_back(std::move(*event));
    return events;
}

std::vector<rik::stream_event> events_of(std::vector<std::string_view> const& parts) {
    rik::event_stream_parser parser;
    std::vector<rik::stream_event> all;
    for (auto const part : parts) {
        REQUIRE(parser.feed(part).has_value());
        for (auto& event : drain(parser)) all.push_back(std::move(event));
    }
    return all;
}

constexpr std::string_view sample =
    "\xEF\xBB\xBF: hello\n\nid: 7\nevent: added\ndata: {\"a\":1}\n\n"
    ": beat\r\n\r\nevent: synced\r\ndata: {}\r\n\r\n"
    "id:8\revent:modified\rdata: one\rdata:two\r\r"
    "retry: 10\nunknown\ndata\n\nevent: deleted\nid: 9\ndata:  x: y\n\nevent: synced\n\nid: 10\n\ndata: cut off\n";

std::vector<rik::stream_event> const expected{{"7", "added", "{\"a\":1}"},   {"7", "synced", "{}"},
                                              {"8", "modified", "one\ntwo"}, {"8", "message", ""},
                                              {"9", "deleted", " x: y"},     {"9", "synced", ""}};

}  // namespace

namespace rik {
std::ostream& operator<<(std::ostream& out, stream_event const& event) {
    return out << event.id << '/' << event.type << '/' << event.data;
}
}  // namespace rik

TEST_CASE("events are parsed with all line ends, comments and fields") { CHECK(events_of({sample}) == expected); }

TEST_CASE("a stream may be cut at every byte") {
    for (std::size_t at = 0; at <= sample.size(); ++at)
        CHECK(events_of({sample.substr(0, at), sample.substr(at)}) == expected);
    std::vector<std::string_view> bytes;
    for (std::size_t at = 0; at < sample.size(); ++at) bytes.push_back(sample.substr(at, 1));
    CHECK(events_of(bytes) == expected);
}

TEST_CASE("an id with a zero byte is ignored") {
    using namespace std::string_view_literals;
    CHECK(events_of({"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n"sv}).back() == rik::stream_event{"1", "message", "b"});
}

TEST_CASE("an event without an end is refused at its limit") {
    rik::event_stream_parser parser;
    std::string const part(1u << 20, 'x');
    REQUIRE(parser.feed("data: ").has_value());
    rik::result<void> fed;
    for (int i = 0; i < 9 && fed; ++i) fed = parser.feed(part);
    REQUIRE_FALSE(fed.has_value());
    CHECK(fed.error().code == rik::errc::exhausted);
}

TEST_CASE("an id without an event is the last one", "[event_stream]") {
    rik::event_stream_parser parser;
    REQUIRE(parser.feed("id: 7\nevent: added\ndata: {}\n\nid: 9\n\nid: 11\n").has_value());
    CHECK(parser.next()->id == "7");
    CHECK_FALSE(parser.next().has_value());
    CHECK(parser.last_id() == "9");
}

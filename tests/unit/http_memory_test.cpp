// What clients can make the server keep in memory, all together.
#include "support/catch.hpp"
#include "support/http_test_handler.hpp"

#include <list>

using namespace rik;
using namespace rik::test;

namespace {

std::string post_head(std::size_t length) {
    return "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

http_options on_socket(std::string const& path) {
    auto options = on_loopback();
    options.local = unix_address{.path = path};
    options.limits.check_period = 20ms;
    options.limits.replies_bytes_max = 4u << 20;
    return options;
}

/// Clients that ask for 3 MiB and do not read: a unix socket holds little of it.
std::list<http_client> ask_without_reading(std::string const& path, int count) {
    std::list<http_client> clients;
    for (int i = 0; i < count; ++i) {
        clients.emplace_back(path);
        clients.back().send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    return clients;
}

}  // namespace

TEST_CASE("bodies that arrive at once are bounded, and short requests get through") {
    auto options = on_loopback();
    options.limits.requests_bytes_max = 100'000;
    fixture on(options);
    auto slow = on.connect();
    slow.send(post_head(90'000) + std::string(80'000, 'a'));
    std::this_thread::sleep_for(300ms);  // else the next one may be the first to arrive, and the slow one refused
    CHECK(on.connect().request("POST", "/", std::string(60'000, 'b')).status_code == 503);
    CHECK(on.connect().request("POST", "/", std::string(1'000, 'c')).status_code == 200);
    CHECK(on.connect().request("GET", "/").status_code == 200);
    slow.send(std::string(10'000, 'a'));
    CHECK(slow.read_reply().body.size() == 90'005);
    CHECK(on.connect().request("POST", "/", std::string(60'000, 'b')).status_code == 200);
}

TEST_CASE("of replies that nobody takes the slowest is cut off") {
    auto const path = fresh_path("sock");
    fixture on(on_socket(path));
    auto const clients = ask_without_reading(path, 2);
    CHECK(eventually([&] { return on.handler.count == 2 && on.server.server().connection_count() == 1; }));
    std::this_thread::sleep_for(300ms);
    CHECK(on.server.server().connection_count() == 1);  // the other one is within the limit
    CHECK(http_client(path).request("GET", "/").status_code == 200);
}

TEST_CASE("far past the limit of unsent replies nobody is spared for a second") {
    auto const path = fresh_path("sock");
    fixture on(on_socket(path));
    auto const begin = std::chrono::steady_clock::now();
    auto const clients = ask_without_reading(path, 12);
    CHECK(eventually([&] { return on.handler.count == 12 && on.server.server().connection_count() <= 6; }));
    CHECK(std::chrono::steady_clock::now() - begin < 900ms);
}

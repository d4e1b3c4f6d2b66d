// One HTTP request on a connection of its own, and its reply, read bit by bit.
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>
#include <rik/client/address.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace rik::detail {

struct exchange_request {
    std::string method = "GET";
    std::string target;
    std::string accept = "application/json";
    std::string content_type = {};
    std::string body = {};
    std::string last_event_id = {};
    bool may_wait = false;  ///< though it only reads: it asks a node
};

/// Not safe for use from several threads at once. Destroying it closes the connection.
class http_exchange {
public:
    /// Connects until `connect_deadline`, sends, and reads the head of the reply until `reply_deadline`.
    /// Errors: unavailable, nobody answers or the socket is not for this user; timed_out; corrupt, it is no HTTP, and
    /// so not rik.
    static result<std::unique_ptr<http_exchange>> open(server_address const& to, exchange_request const& request,
                                                       time_point connect_deadline, time_point reply_deadline);
    ~http_exchange();

    unsigned status() const;
    /// Empty if there is no such header.
    std::string header(std::string_view name) const;
    /// Without its parameters, in lower case; empty if there is none.
    std::string content_type() const;
    bool is_success() const { return status() >= 200 && status() < 300; }

    /// The next bytes of the body; empty at its end. Errors: timed_out, nothing came until `deadline` and nothing is
    /// lost: call again; unavailable, the connection ended before the body did.
    result<std::string> read(time_point deadline);
    /// All that is left of the body. Errors: as read; exhausted, it is longer than `bytes_max`.
    result<std::string> read_all(time_point deadline, std::size_t bytes_max);

private:
    struct connection;
    explicit http_exchange(std::unique_ptr<connection> over);
    std::unique_ptr<connection> over_;
};

/// Blocks this thread.
void wait_until(time_point when);

}  // namespace rik::detail

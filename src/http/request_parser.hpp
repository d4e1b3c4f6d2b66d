// Turns bytes into a request, or into the reason to refuse it. No I/O.
#pragma once

#include <rik/http/server.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

struct http_refusal {
    unsigned status_code = 400;
    std::string message;
};

/// Feeds one request. Its memory is bounded by `limits`.   Source: RFC 9112.
class request_parser {
public:
    explicit request_parser(http_limits const& limits);
    ~request_parser();

    /// How many of `bytes` were used; the rest must be given again, with more behind it. Stops at the end of the
    /// header, and at the end of the request.
    std::size_t feed(std::string_view bytes);

    bool has_header() const;
    bool is_done() const;
    /// Set once the request must be refused; then nothing more may be fed.
    std::optional<http_refusal> const& refused() const;

    /// After the header. Does the client wait for "100 Continue" before it sends the body?
    bool expects_continue() const;
    bool is_http_1_0() const;
    /// Does the client want to send another request on this connection?
    bool keeps_alive() const;

    /// What was parsed; of a request that is not done, what there is of it.
    http_request& request();

private:
    class impl;
    std::unique_ptr<impl> self_;
};

}  // namespace rik::detail

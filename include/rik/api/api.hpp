// What clients reach by HTTP: `/api/v0` (the original RIK's), `/rik/v1` (our own), and the health of the process.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/log.hpp>
#include <rik/http/message.hpp>
#include <rik/model/caller.hpp>
#include <rik/primary/operations.hpp>

#include <string>
#include <string_view>

namespace rik {

/// Says who sends a request. What callers may do is decided by the primary.
class authenticate {
public:
    virtual ~authenticate() = default;
    /// Returns the caller. It is called on the strand of the connection, and `request` lives until it returns.
    /// Errors: denied, the caller is not known.
    virtual awaitable<result<caller>> identify(http_request const& request) = 0;
};

/// Everybody is the local administrator: for a socket that only they can open.
class local_admin final : public authenticate {
public:
    awaitable<result<caller>> identify(http_request const& request) override;
};

/// Returns the HTTP status for a code. This is the only such table.
unsigned status_code_of(errc code);

/// Answers the calls that docs/api-v1.md and docs/compatibility.md describe. Parses, checks and serializes on the
/// connection's strand; only the operations hop to the primary's. May be used by several connections at once.
class api final : public http_handler {
public:
    /// `primary`, `callers` and `time` must outlive it. `version` is that of this program.
    api(operations& primary, authenticate& callers, clock& time, std::string version, log to);

    awaitable<http_response> handle(http_request request) override;
    http_response refusal(unsigned status_code, std::string_view message, std::string_view target) override;

private:
    awaitable<result<http_response>> answer(http_request request);

    operations& primary_;
    authenticate& callers_;
    clock& time_;
    std::string version_;
    log log_;
};

}  // namespace rik

// The health of a process, whichever roles it has: `/healthz`, `/readyz` and `/metrics`.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/metric.hpp>
#include <rik/http/message.hpp>

#include <string_view>

namespace rik {

/// Whoever knows how the roles of a process are. Called on the strands of connections.
class process_health {
public:
    virtual ~process_health() = default;
    virtual awaitable<role_health> health() = 0;
};

/// Answers for the health of a process, and leaves all other paths to `rest`. `/healthz` says that the process answers,
/// `/readyz` that it can do its work: 503 with the reason if it cannot.
class health_api final : public http_handler {
public:
    /// Both must outlive it. Without `rest` there is nothing at other paths.
    explicit health_api(process_health& of, http_handler* rest = nullptr) : of_(of), rest_(rest) {}

    awaitable<http_response> handle(http_request request) override;
    http_response refusal(unsigned status_code, std::string_view message, std::string_view target) override;

private:
    awaitable<http_response> answer(std::string_view path);

    process_health& of_;
    http_handler* rest_;
};

}  // namespace rik

// Probes over this machine's network: TCP, HTTP with and without TLS, gRPC.
#pragma once

#include "health_asker_detail.hpp"
#include "http_probe_detail.hpp"
#include "probe_lookup_detail.hpp"
#include "probe_stream_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/async/limiter.hpp>
#include <rik/runtime/prober.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace rik::detail {

inline constexpr std::size_t probes_busy_max = 64;                          ///< that are worked on at once
inline constexpr duration probe_busy_time = std::chrono::milliseconds(50);  ///< then a probe only waits
inline constexpr std::size_t probes_open_max = 1'024;                       ///< with those that wait for an answer

/// Await it on `strand` only. It must outlive its probes.
class network_prober final : public prober {
public:
    network_prober(asio::any_io_executor strand, clock& time);

    awaitable<result<probe_answer>> ask(std::string address, network_probe what, time_point deadline) override;

private:
    class place_among_open;
    using sentence = result<std::string>;

    awaitable<sentence> ask_in_turn(std::string address, network_probe what, time_point deadline, bool& has_turn);
    awaitable<sentence> ask_now(std::string address, network_probe what, time_point deadline, bool& has_turn);
    awaitable<sentence> connect(std::string host, std::uint16_t port);
    awaitable<sentence> ask_http(http_place to, std::vector<http_header> headers, time_point deadline);
    awaitable<sentence> ask_grpc(std::string address, std::string service, time_point deadline);
    awaitable<result<void>> exchange(http_place to, std::string question, time_point deadline, http_answer& answer);
    awaitable<result<std::unique_ptr<probe_stream>>> open(std::string host, std::uint16_t port);
    awaitable<result<std::unique_ptr<probe_stream>>> open_tls(http_place to);
    result<void> load_tls();
    result<void> start_grpc();

    asio::any_io_executor strand_;
    clock& time_;
    limiter busy_;
    std::size_t open_count_ = 0;
    probe_lookups names_;
    std::shared_ptr<tls_library const> tls_;
    std::unique_ptr<health_asker> health_;
};

}  // namespace rik::detail

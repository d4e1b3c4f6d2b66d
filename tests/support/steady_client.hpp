// Clients that keep their socket, and so stay one connection for the kernel.
#pragma once

#include "support/machine.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace rik::test {

/// A UDP client with one source port, as a resolver or a metrics agent has it.
class steady_client {
public:
    steady_client(std::filesystem::path const& where, endpoint to, std::uint16_t own_port = 0);
    steady_client(steady_client const&) = delete;
    steady_client& operator=(steady_client const&) = delete;
    ~steady_client();
    /// What a name_server answers; nullopt if nothing comes within 300 ms.
    std::optional<std::string> ask();
    /// The same from another source port, which is kept from then on.
    std::optional<std::string> ask_anew();

private:
    void open();
    std::filesystem::path where_;
    endpoint to_;
    std::uint16_t own_port_;
    int socket_ = -1;
};

/// A TCP server that sends back what it gets, on one connection.
class tcp_echo {
public:
    tcp_echo(std::filesystem::path const& where, std::uint16_t port);
    tcp_echo(tcp_echo const&) = delete;
    tcp_echo& operator=(tcp_echo const&) = delete;
    ~tcp_echo();
    /// Connections live on.
    void stop_listening();

private:
    int listener_ = -1;
    int stop_ = -1;  ///< an eventfd
    std::function<void()> join_;
};

class tcp_caller {
public:
    tcp_caller(std::filesystem::path const& where, endpoint const& to);
    tcp_caller(tcp_caller const&) = delete;
    tcp_caller& operator=(tcp_caller const&) = delete;
    ~tcp_caller();
    bool echoes();

private:
    int socket_ = -1;
};

struct connect_counts {
    int refused = 0;
    int answered = 0;
    int reset = 0;
    int unreached = 0;  ///< not connected, and no word for two seconds
    int hung = 0;       ///< connected, and then nothing for two seconds
};
connect_counts& operator+=(connect_counts& sum, connect_counts const& more);
/// Connects from the calling thread's namespace, and reads what a name_server says.
connect_counts connect_once(endpoint const& to);
/// Again and again.
connect_counts connect_until(endpoint const& to, std::atomic<bool> const& is_over);

}  // namespace rik::test

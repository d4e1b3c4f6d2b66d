// One client: reads requests, has them answered, writes the replies.
#pragma once

#include "byte_share.hpp"
#include "listener.hpp"
#include "reply.hpp"
#include "request_parser.hpp"

#include <rik/http/server.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

/// Ends of operations are looked at, not caught.
inline constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

/// What all connections of a server share. Nothing in it changes but the counts.
struct connection_context {
    clock& time;
    http_handler& handler;
    http_options options;
    log to;
    std::function<void()> make_room = {};                             ///< more is unsent than may be; from any thread
    mutable std::array<std::atomic<std::size_t>, 2> stream_counts{};  ///< of unix_socket and tcp
    byte_total request_bytes = std::make_shared<std::atomic<std::size_t>>(0);  ///< of bodies, until they are answered
    byte_total unsent_bytes = std::make_shared<std::atomic<std::size_t>>(0);   ///< of replies
};

/// How often the system asks a client over TCP whether it is there while nothing is sent.   Source: tcp(7).
struct probing {
    int idle_seconds;
    int interval_seconds;
    int count;  ///< so many without an answer end the connection
};
inline constexpr probing probing_usual{60, 15, 4};
/// On TCP a client that has gone looks like one that only sends no more. The system of the former forgets the
/// connection within a minute (tcp_fin_timeout) and then answers a probe with a reset.
inline constexpr probing probing_half_closed{1, 1, 30};
void probe_client(stream_socket& socket, probing how);

/// Lives on the strand that is its socket's executor. Time-outs do not cost a timer each: the server looks at
/// `is_overdue` of all connections from time to time, from any thread.
class connection {
public:
    connection(stream_socket socket, http_peer peer, connection_context const& context);

    asio::any_io_executor executor() { return socket_.get_executor(); }

    /// Serves until the client or the server ends it. Throws nothing but cancellation.
    awaitable<> run();
    /// Says 503 and ends. Throws nothing but cancellation.
    awaitable<> turn_away();

    bool is_overdue(time_point now) const { return now.time_since_epoch().count() > deadline_.load(); }
    /// Ends what has passed its deadline. On the strand.
    void end_if_overdue();
    http_peer peer() const { return peer_; }
    /// How long it has waited for a request; nothing while it has one. From any thread.
    std::optional<duration> idle_for(time_point now) const;
    /// How long it has been taking what is being sent, and how much that is. From any thread.
    std::optional<duration> sending_for(time_point now) const;
    std::size_t unsent_bytes() const { return unsent_.of_one(); }
    /// Ends it now, whatever it does. On the strand.
    void cut_off();
    /// Was it chosen to make room? The server's own note.
    bool is_given_up = false;
    /// Ends it now if it is idle, else after its reply. On the strand.
    void give_up();
    /// Ends an idle connection and a stream now, any other after its reply; one that was handed over reads that. On the
    /// strand.
    void wind_down();

private:
    /// What it waits for, which says what `wind_down` may interrupt.
    enum class stage : std::uint8_t { idle, receiving, answering, streaming, upgraded };

    /// A request and how its reply must look.
    struct exchange {
        http_request request = {};
        reply_form form = {};
        std::string protocols = {};  ///< to which it may be upgraded, as a list with commas
    };

    /// Notes for as long as it lives that so much is being sent.
    class unsent_note {
    public:
        unsent_note(connection& on, std::size_t bytes);
        ~unsent_note();
        unsent_note(unsent_note const&) = delete;
        unsent_note& operator=(unsent_note const&) = delete;

    private:
        connection& on_;
    };
    /// What runs on the connection after an upgrade sees of it.
    class handed_over;

    awaitable<> serve();
    /// Nothing: the client has gone. `refusal_` is set if the request cannot be taken.
    awaitable<std::optional<exchange>> receive();
    awaitable<bool> wait_for_first_byte();
    bool has_begun();
    awaitable<bool> receive_rest(request_parser& parser);
    awaitable<bool> begin_body(request_parser& parser);
    void count_body(std::size_t bytes);
    awaitable<bool> read_more();
    void note_time_out();

    /// True: another request may follow.
    awaitable<bool> answer(exchange what);
    awaitable<http_response> ask(http_request request);
    /// Returns what is said instead of an upgrade to `protocol` that cannot be.
    http_response refuse_upgrade(std::string_view protocol, std::string_view target);
    awaitable<> refuse(http_refusal why, std::string target);
    awaitable<bool> send_response(http_response response, reply_form form);

    awaitable<bool> send_stream(body_source& source, bool is_chunked);
    awaitable<bool> send_pieces(body_source& source, bool is_chunked);
    awaitable<bool> run_source(body_source& source);
    awaitable<bool> watch_client();

    /// Says 101 and runs the upgrade of `response` to its end. The client has asked for it.
    awaitable<> switch_protocols(http_response response);
    awaitable<bool> run_upgrade(http_upgrade& what);
    awaitable<> wait_until_abandoned();
    awaitable<result<std::string>> read_upgraded();
    awaitable<result<void>> write_upgraded(std::string bytes);
    awaitable<error> why_ended();

    awaitable<bool> send(std::string_view bytes);
    awaitable<> drain();
    void set_deadline(duration from_now);
    void clear_deadline();
    std::string_view date();
    void log_exception(std::string_view during, std::exception_ptr const& thrown);

    stream_socket socket_;
    connection_context const& context_;
    std::string buffer_;  ///< received and not parsed yet
    std::optional<http_refusal> refusal_;
    std::atomic<std::int64_t> deadline_;
    std::atomic<std::int64_t> idle_since_;
    std::atomic<std::int64_t> sending_since_;
    byte_share body_;
    byte_share unsent_;
    std::chrono::sys_seconds date_second_{};
    std::string date_;
    http_peer peer_;
    stage stage_ = stage::idle;
    bool is_first_ = true;
    bool timed_out_ = false;
    bool has_read_all_ = false;  ///< the client sends no more, but may still read
    bool ending_ = false;
};

}  // namespace rik::detail

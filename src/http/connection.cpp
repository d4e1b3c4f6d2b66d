#include "connection.hpp"

#include "guard.hpp"
#include "text.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <fmt/format.h>

#include <limits>

namespace rik::detail {

namespace {

constexpr std::size_t read_bytes = 8u << 10;
constexpr std::size_t write_bytes = 256u << 10;  ///< the write time-out is for so many
constexpr std::size_t small_body_bytes = 64u << 10;
constexpr std::size_t spared_body_bytes = 16u << 10;  ///< such requests are taken however much the others send
constexpr std::size_t drain_bytes_max = 8u << 20;
constexpr duration drain_time_max = std::chrono::seconds(2);
constexpr auto never = std::numeric_limits<std::int64_t>::max();

/// A place among the streams for as long as it lives, if there is one.
class stream_slot {
public:
    stream_slot(std::atomic<std::size_t>& count, std::size_t count_max)
        : count_(count), is_there_(count.fetch_add(1) < count_max) {}
    ~stream_slot() { --count_; }
    stream_slot(stream_slot const&) = delete;
    stream_slot& operator=(stream_slot const&) = delete;

    bool is_there() const { return is_there_; }

private:
    std::atomic<std::size_t>& count_;
    bool is_there_;
};

}  // namespace

connection::connection(stream_socket socket, http_peer peer, connection_context const& context)
    : socket_(std::move(socket)),
      context_(context),
      deadline_(never),
      idle_since_(never),
      sending_since_(never),
      body_(context.request_bytes),
      unsent_(context.unsent_bytes),
      peer_(peer) {}

awaitable<> connection::run() {
    std::exception_ptr thrown;
    try {
        co_await serve();
    } catch (...) {
        thrown = std::current_exception();
    }
    clear_deadline();
    boost::system::error_code ignored;
    socket_.close(ignored);
    if (is_cancellation(thrown)) throw cancelled{};
    if (thrown) log_exception("a connection", thrown);
}

awaitable<> connection::serve() {
    bool goes_on = true;
    while (goes_on && !ending_) {
        auto received = co_await receive();
        if (!received) co_return;
        auto target = received->request.target;
        if (!refusal_) goes_on = co_await answer(std::move(*received));
        if (!refusal_) continue;
        co_await refuse(std::move(*refusal_), std::move(target));
        co_return;
    }
}

awaitable<std::optional<connection::exchange>> connection::receive() {
    if (!co_await wait_for_first_byte()) co_return std::nullopt;
    stage_ = stage::receiving;
    set_deadline(context_.options.limits.header_timeout);
    request_parser parser(context_.options.limits);
    auto const is_there = co_await receive_rest(parser);
    clear_deadline();
    if (!is_there) note_time_out();
    timed_out_ = false;
    if (!is_there && !refusal_) co_return std::nullopt;
    stage_ = stage::answering;
    std::optional<exchange> received(std::in_place);
    received->request = std::move(parser.request());
    received->request.peer = peer_;
    received->form.is_head = received->request.method == "HEAD";
    received->form.is_http_1_0 = parser.is_http_1_0();
    if (!received->form.is_head && !received->form.is_http_1_0)
        received->protocols = protocols_asked_for(received->request);
    received->form.keeps_alive = parser.has_header() && parser.keeps_alive();
    if (peer_ == http_peer::tcp && !refusal_) refusal_ = check_host_and_origin(received->request, context_.options);
    co_return received;
}

awaitable<bool> connection::wait_for_first_byte() {
    auto const& limits = context_.options.limits;
    stage_ = stage::idle;
    set_deadline(is_first_ ? limits.header_timeout : limits.idle_timeout);
    is_first_ = false;
    idle_since_ = context_.time.now().time_since_epoch().count();
    auto is_there = has_begun();
    while (!is_there && !ending_) {
        auto const has_more = co_await read_more();
        if (!has_more) break;
        is_there = has_begun();
    }
    idle_since_ = never;
    co_return is_there;
}

/// Line ends before a request are to be ignored.  Source: RFC 9112, section 2.2.
bool connection::has_begun() {
    buffer_.erase(0, buffer_.find_first_not_of("\r\n"));
    return !buffer_.empty();
}

awaitable<bool> connection::receive_rest(request_parser& parser) {
    bool has_begun_body = false;
    for (;;) {
        if (!buffer_.empty()) buffer_.erase(0, parser.feed(buffer_));
        refusal_ = parser.refused();
        count_body(parser.request().body.size());
        if (refusal_ || parser.is_done()) co_return true;
        if (parser.has_header() && !has_begun_body) {
            has_begun_body = true;
            if (!co_await begin_body(parser)) co_return false;
            if (refusal_) co_return true;
            if (!buffer_.empty()) continue;
        }
        if (!co_await read_more()) co_return false;
    }
}

/// Until it is answered: what is made of a body is in proportion to it.
void connection::count_body(std::size_t bytes) {
    body_.set(bytes);
    if (refusal_ || bytes <= spared_body_bytes || body_.of_all() <= context_.options.limits.requests_bytes_max) return;
    refusal_ = http_refusal{503, "too many large requests at once; try again later"};
}

awaitable<bool> connection::begin_body(request_parser& parser) {
    if (peer_ == http_peer::tcp) refusal_ = check_host_and_origin(parser.request(), context_.options);
    if (refusal_) co_return true;
    set_deadline(context_.options.limits.body_timeout);
    if (!parser.expects_continue() || !buffer_.empty()) co_return true;
    auto const sent = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
    set_deadline(context_.options.limits.body_timeout);
    co_return sent;
}

awaitable<bool> connection::read_more() {
    if (has_read_all_) co_return false;  // Asio tells the end once: a second read would wait for an event that has been
    auto const had = buffer_.size();
    buffer_.resize(had + read_bytes);
    auto const space = asio::buffer(buffer_.data() + had, read_bytes);
    auto const [failure, count] = co_await socket_.async_read_some(space, no_throw);
    buffer_.resize(had + count);
    has_read_all_ = failure == asio::error::eof;
    // The deadline may pass when the read has ended and is not told yet: then there was nothing left to cancel.
    co_return !failure && !timed_out_;
}

void connection::note_time_out() {
    if (timed_out_) refusal_ = http_refusal{408, "the request did not arrive in time"};
}

awaitable<bool> connection::answer(exchange what) {
    auto const target = what.request.target;
    auto response = co_await ask(std::move(what.request));
    body_.set(0);
    what.form.keeps_alive = what.form.keeps_alive && !ending_;
    if (response.upgrade != nullptr && (ending_ || !lists_token(what.protocols, response.upgrade->protocol())))
        response = refuse_upgrade(response.upgrade->protocol(), target);
    if (response.upgrade == nullptr && (response.stream == nullptr || response.stream_ends))
        co_return co_await send_response(std::move(response), what.form);
    stream_slot const slot(context_.stream_counts[static_cast<std::size_t>(peer_)],
                           context_.options.limits.streams_max);
    if (!slot.is_there()) {
        response =
            context_.handler.refusal(503, "too many watches, logs and the like are open; try again later", target);
        what.form.keeps_alive = false;  // the rest of the connections is for short requests
    }
    if (response.upgrade != nullptr) {
        co_await switch_protocols(std::move(response));
        co_return false;
    }
    co_return co_await send_response(std::move(response), what.form);
}

awaitable<http_response> connection::ask(http_request request) {
    auto const target = request.target;
    std::exception_ptr thrown;
    try {
        co_return co_await context_.handler.handle(std::move(request));
    } catch (...) {
        thrown = std::current_exception();
    }
    auto const state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw cancelled{};
    if (is_cancellation(thrown))
        co_return context_.handler.refusal(503, "what answers this was stopped; try again later", target);
    log_exception("a request", thrown);
    co_return context_.handler.refusal(500, "a defect in this server; its log says more", target);
}

http_response connection::refuse_upgrade(std::string_view protocol, std::string_view target) {
    if (ending_) return context_.handler.refusal(503, "the server stops; try again later", target);
    auto const why =
        fmt::format("this needs a request of HTTP/1.1 that asks to upgrade its connection to {}", protocol);
    auto response = context_.handler.refusal(426, why, target);
    response.headers.push_back({"Connection", "Upgrade"});
    response.headers.push_back({"Upgrade", std::string(protocol)});
    return response;
}

awaitable<> connection::refuse(http_refusal why, std::string target) {
    reply_form form;
    form.keeps_alive = false;
    body_.set(0);
    auto response = context_.handler.refusal(why.status_code, why.message, target);
    co_await send_response(std::move(response), form);
    co_await drain();
}

awaitable<> connection::turn_away() {
    std::exception_ptr thrown;
    try {
        http_refusal why;
        why.status_code = 503;
        why.message = "too many connections; try again later";
        co_await refuse(std::move(why), std::string());
    } catch (...) {
        thrown = std::current_exception();
    }
    clear_deadline();
    if (is_cancellation(thrown)) throw cancelled{};
    if (thrown) log_exception("a connection", thrown);
}

awaitable<bool> connection::send_response(http_response response, reply_form form) {
    auto const has_stream = response.stream != nullptr;
    if (has_stream && form.is_http_1_0) form.keeps_alive = false;
    auto head = head_text(response, form, date());
    auto const has_body = !form.is_head && !is_bodyless(response.status_code);
    if (has_body && !has_stream && response.body.size() <= small_body_bytes) {
        head += response.body;
        response.body.clear();
    }
    if (!co_await send(head)) co_return false;
    if (!has_body) co_return form.keeps_alive;
    if (has_stream) {
        auto& source = *response.stream;
        auto sending =
            response.stream_ends ? send_pieces(source, !form.is_http_1_0) : send_stream(source, !form.is_http_1_0);
        auto const is_whole = co_await std::move(sending);
        co_return is_whole&& form.keeps_alive;
    }
    if (!response.body.empty() && !co_await send(response.body)) co_return false;
    co_return form.keeps_alive;
}

connection::unsent_note::unsent_note(connection& on, std::size_t bytes) : on_(on) {
    on_.unsent_.set(bytes);
    on_.sending_since_ = on_.context_.time.now().time_since_epoch().count();
    auto const& context = on_.context_;
    if (on_.unsent_.of_all() > context.options.limits.replies_bytes_max && context.make_room) context.make_room();
}

connection::unsent_note::~unsent_note() {
    on_.sending_since_ = never;
    on_.unsent_.set(0);
}

awaitable<bool> connection::send(std::string_view bytes) {
    bool sent = true;
    unsent_note const noted(*this, bytes.size());
    while (sent && !bytes.empty()) {
        auto const slice = bytes.substr(0, write_bytes);
        set_deadline(context_.options.limits.write_timeout);
        auto const [failure, count] = co_await asio::async_write(socket_, asio::buffer(slice), no_throw);
        sent = !failure;
        bytes.remove_prefix(count);
    }
    clear_deadline();
    if (sent) timed_out_ = false;
    co_return sent;
}

awaitable<> connection::drain() {
    // Closing while the client still sends would reset the connection, and the client would lose the reply.
    boost::system::error_code failed;
    socket_.shutdown(asio::socket_base::shutdown_send, failed);
    set_deadline(drain_time_max);
    for (std::size_t drained = 0; !failed && drained < drain_bytes_max; drained += buffer_.size()) {
        buffer_.clear();
        if (!co_await read_more()) break;
    }
    clear_deadline();
}

void connection::set_deadline(duration from_now) {
    timed_out_ = false;
    deadline_ = (context_.time.now() + from_now).time_since_epoch().count();
}

void connection::clear_deadline() { deadline_ = never; }

void connection::end_if_overdue() {
    if (!is_overdue(context_.time.now())) return;  // it went on before we came
    clear_deadline();
    timed_out_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

std::optional<duration> connection::idle_for(time_point now) const {
    auto const since = idle_since_.load();
    if (since == never) return std::nullopt;
    return now.time_since_epoch() - duration(since);
}

std::optional<duration> connection::sending_for(time_point now) const {
    auto const since = sending_since_.load();
    if (since == never) return std::nullopt;
    return now.time_since_epoch() - duration(since);
}

void connection::cut_off() {
    ending_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void connection::give_up() {
    ending_ = true;
    if (stage_ != stage::idle) return;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

void connection::wind_down() {
    ending_ = true;
    boost::system::error_code ignored;
    if (stage_ == stage::idle || stage_ == stage::streaming) socket_.cancel(ignored);
    if (stage_ == stage::upgraded) socket_.shutdown(asio::socket_base::shutdown_receive, ignored);  // wakes its reader
}

std::string_view connection::date() {
    auto const now = std::chrono::floor<std::chrono::seconds>(context_.time.wall());
    if (now != date_second_ || date_.empty()) {
        date_second_ = now;
        date_ = date_text(now);
    }
    return date_;
}

void connection::log_exception(std::string_view during, std::exception_ptr const& thrown) {
    std::string what = "of a type that says nothing";
    try {
        std::rethrow_exception(thrown);
    } catch (std::exception const& each) {
        what = each.what();
    } catch (...) {
    }
    context_.to.error("an exception was thrown", {{"during", std::string(during)}, {"what", what}});
}

}  // namespace rik::detail

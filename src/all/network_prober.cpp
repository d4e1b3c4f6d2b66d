#include "network_prober_detail.hpp"

#include <rik/async/deadline.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rik::detail {

namespace {

/// A failure of what was asked is an answer, too.
result<probe_answer> answer_of(result<std::string> const& said, bool has_turn) {
    if (said) return probe_answer{true, *said};
    auto const& why = said.error();
    if (why.code == errc::exhausted || why.code == errc::internal) return why;
    if (why.code != errc::timed_out) return probe_answer{false, why.message};
    if (!has_turn) return error{errc::exhausted, "too many probes are under way on this node"};
    return probe_answer{false, "there was no answer in time"};
}

/// Reads until `answer` is `is_enough`, or nothing comes any more.
awaitable<result<void>> read_until(probe_stream& from, http_answer& answer, bool (http_answer::*is_enough)() const) {
    std::array<char, 4096> part;
    while (!(answer.*is_enough)()) {
        auto const count = co_await from.read(part);
        if (!count) co_return count.error();
        if (*count == 0) break;
        auto const taken = answer.take(std::string_view(part.data(), *count));
        if (!taken) co_return taken;
    }
    co_return result<void>();
}

bool is_address(std::string const& host) {
    boost::system::error_code wrong;
    asio::ip::make_address(host, wrong);
    return !wrong;
}

void drop_host(std::vector<http_header>& headers) {
    std::erase_if(headers, [](auto const& each) { return each.name == "Host"; });
}

}  // namespace

class network_prober::place_among_open {
public:
    explicit place_among_open(std::size_t& count) : count_(count) { ++count_; }
    place_among_open(place_among_open const&) = delete;
    ~place_among_open() { --count_; }

private:
    std::size_t& count_;
};

network_prober::network_prober(asio::any_io_executor strand, clock& time)
    : strand_(strand), time_(time), busy_(std::move(strand), probes_busy_max) {}

awaitable<result<probe_answer>> network_prober::ask(std::string address, network_probe what, time_point deadline) {
    if (open_count_ >= probes_open_max)
        co_return error{errc::exhausted, fmt::format("{} probes are under way on this node", open_count_)};
    place_among_open const mine(open_count_);
    bool has_turn = false;
    auto work = ask_in_turn(std::move(address), std::move(what), deadline, has_turn);
    auto const said = co_await with_deadline(time_, deadline, std::move(work));
    co_return answer_of(said, has_turn);
}

awaitable<result<std::string>> network_prober::ask_in_turn(std::string address, network_probe what, time_point deadline,
                                                           bool& has_turn) {
    auto work = ask_now(std::move(address), std::move(what), deadline, has_turn);
    co_return co_await busy_.run_lent(time_, probe_busy_time, std::move(work));
}

awaitable<result<std::string>> network_prober::ask_now(std::string address, network_probe what, time_point deadline,
                                                       bool& has_turn) {
    has_turn = true;
    if (auto* const http = std::get_if<http_action>(&what)) {
        auto const to = place_of(*http, address);
        co_return co_await ask_http(to, std::move(http->headers), deadline);
    }
    if (auto* const grpc = std::get_if<grpc_action>(&what)) {
        auto const to = fmt::format("{}:{}", address, grpc->port);
        co_return co_await ask_grpc(to, std::move(grpc->service), deadline);
    }
    auto const& tcp = std::get<tcp_action>(what);
    auto host = tcp.host.empty() ? std::move(address) : tcp.host;
    co_return co_await connect(std::move(host), tcp.port);
}

awaitable<result<std::unique_ptr<probe_stream>>> network_prober::open(std::string host, std::uint16_t port) {
    auto const to = co_await names_.find(std::move(host), port);
    if (!to) co_return to.error();
    co_return co_await open_probe_stream(*to);
}

awaitable<result<std::string>> network_prober::connect(std::string host, std::uint16_t port) {
    auto const made = co_await open(std::move(host), port);
    if (!made) co_return made.error();
    co_return "the connection was accepted";
}

result<void> network_prober::load_tls() {
    if (tls_) return {};
    auto loaded = load_tls_library();
    if (!loaded) return loaded.error();
    tls_ = std::move(*loaded);
    return {};
}

awaitable<result<std::unique_ptr<probe_stream>>> network_prober::open_tls(http_place to) {
    if (auto const loaded = load_tls(); !loaded) co_return loaded.error();
    auto plain = co_await open(to.host, to.port);
    if (!plain) co_return plain;
    auto name = is_address(to.host) ? std::string() : to.host;
    co_return co_await open_tls_stream(tls_, std::move(*plain), std::move(name));
}

/// A server that is cut off in the middle of its answer may say so in its log, so what is short is read to its end,
/// though the head has said all.
awaitable<result<void>> network_prober::exchange(http_place to, std::string question, time_point deadline,
                                                 http_answer& answer) {
    auto opening = to.is_https ? open_tls(to) : open(to.host, to.port);
    auto const over = co_await std::move(opening);
    if (!over) co_return over.error();
    auto const sent = co_await (*over)->write(question);
    if (!sent) co_return sent;
    auto const came = co_await read_until(**over, answer, &http_answer::has_head);
    if (!came) co_return came;
    if (!answer.has_head()) co_return error{errc::corrupt, "the connection was closed without an answer by HTTP"};
    auto const now = time_.now();
    auto rest = read_until(**over, answer, &http_answer::is_over);
    auto const read = co_await with_deadline(time_, now + (deadline - now) / 2, std::move(rest));
    (void)read;  // it says nothing of the head
    co_return result<void>();
}

awaitable<result<std::string>> network_prober::ask_http(http_place to, std::vector<http_header> headers,
                                                        time_point deadline) {
    for (unsigned hops = 0; hops <= probe_redirects_max; ++hops) {
        auto question = request_text(to, headers);
        if (!question) co_return question.error();
        http_answer answer;
        auto const done = co_await exchange(to, std::move(*question), deadline, answer);
        if (!done) co_return done.error();
        auto next = redirected(to, answer);
        if (!next) co_return verdict_on(answer);
        if (answer.location().find("//") != std::string::npos) drop_host(headers);
        to = std::move(*next);
    }
    co_return error{errc::unavailable, fmt::format("it redirected more than {} times", probe_redirects_max)};
}

result<void> network_prober::start_grpc() {
    if (!health_) health_ = make_health_asker(strand_);
    if (!health_) return error{errc::internal, "this build of RIK cannot probe by gRPC"};
    return {};
}

awaitable<result<std::string>> network_prober::ask_grpc(std::string address, std::string service, time_point deadline) {
    if (auto const started = start_grpc(); !started) co_return started.error();
    co_return co_await health_->ask(std::move(address), std::move(service), deadline - time_.now());
}

}  // namespace rik::detail

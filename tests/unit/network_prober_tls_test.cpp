// Probes by HTTPS.
#include "support/catch.hpp"
#include "support/prober_fixture.hpp"

#include <boost/asio/ssl.hpp>

#include <memory>
#include <string>

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

using namespace rik;
using namespace rik::testing;

namespace {

using tcp_socket = asio::ip::tcp::socket;

/// With a certificate that nobody has signed, which was over long ago and names nothing.
class tls_server_side {
public:
    tls_server_side() : context_(asio::ssl::context::tls_server) {
        std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
        std::unique_ptr<X509, decltype(&X509_free)> const certificate(X509_new(), &X509_free);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7'200);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), -3'600);
        X509_set_pubkey(certificate.get(), key.get());
        X509_sign(certificate.get(), key.get(), EVP_sha256());
        SSL_CTX_use_certificate(context_.native_handle(), certificate.get());
        SSL_CTX_use_PrivateKey(context_.native_handle(), key.get());
    }

    awaitable<> serve(tcp_socket& plain, std::string text) {
        auto constexpr token = asio::as_tuple(asio::use_awaitable);
        asio::ssl::stream<tcp_socket&> over(plain, context_);
        auto const [refused] = co_await over.async_handshake(asio::ssl::stream_base::server, token);
        if (refused) co_return;
        std::string head;
        auto into = asio::dynamic_buffer(head);
        auto const [cut, size] = co_await asio::async_read_until(over, into, "\r\n\r\n", token);
        if (cut) co_return;
        auto const bytes = asio::buffer(text);
        co_await asio::async_write(over, bytes, token);
        co_await over.async_shutdown(token);
    }

private:
    asio::ssl::context context_;
};

struct tls_fixture : prober_fixture {
    tls_server_side tls;
    probed_server::behaviour answering(std::string text) {
        return [this, text](tcp_socket& over) { return tls.serve(over, text); };
    }
    result<probe_answer> ask_https(probed_server::behaviour what, duration at_most = 2s, std::string host = {}) {
        probed_server server(context, std::move(what));
        auto answer = ask(http_action{.port = server.port(), .is_https = true, .host = std::move(host)}, at_most);
        testing::run(context, server.stop());
        return answer;
    }
};

awaitable<> never_answer(tcp_socket&) {
    system_clock time;
    co_await time.sleep_for(long_time);
}

awaitable<> answer_without_tls(tcp_socket& over) {
    co_await send(over, "HTTP/1.1 400 Bad Request\r\n\r\n");
    co_await read_head(over);
}

awaitable<> close_at_once(tcp_socket&) { co_return; }

}  // namespace

TEST_CASE_METHOD(tls_fixture, "a probe by HTTPS takes any certificate", "[prober]") {
    auto const well = ask_https(answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    REQUIRE(well.has_value());
    CHECK(*well == probe_answer{true, "HTTP 200"});
    auto const named = ask_https(answering("HTTP/1.1 204 OK\r\n\r\n"), 2s, "localhost");
    REQUIRE(named.has_value());
    CHECK(*named == probe_answer{true, "HTTP 204"});
    auto const ill = ask_https(answering("HTTP/1.1 503 No\r\n\r\n" + std::string(100'000, 'x')));
    REQUIRE(ill.has_value());
    CHECK(*ill == probe_answer{false, "HTTP 503"});
}

TEST_CASE_METHOD(tls_fixture, "what does not speak TLS has failed", "[prober]") {
    auto const plain = ask_https(answer_without_tls);
    REQUIRE(plain.has_value());
    CHECK(*plain == probe_answer{false, "TLS failed: wrong version number"});
    auto const closing = ask_https(close_at_once);
    REQUIRE(closing.has_value());
    CHECK_FALSE(closing->success);
    auto const silent = ask_https(never_answer, 50ms);
    REQUIRE(silent.has_value());
    CHECK(*silent == probe_answer{false, "there was no answer in time"});
}

TEST_CASE_METHOD(tls_fixture, "a redirect may lead from HTTP to HTTPS", "[prober]") {
    probed_server secure(context, answering("HTTP/1.1 500 No\r\n\r\n"));
    auto const there = "Location: https://127.0.0.1:" + std::to_string(secure.port()) + "/\r\n\r\n";
    auto const answer = http_answer_of([&](tcp_socket& over) -> awaitable<> {
        co_await read_head(over);
        co_await send(over, "HTTP/1.1 301 Moved\r\n" + there);
    });
    REQUIRE(answer.has_value());
    CHECK(*answer == probe_answer{false, "HTTP 500"});
    testing::run(context, secure.stop());
}

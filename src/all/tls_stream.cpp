#include "probe_stream_detail.hpp"

#include <rik/base/assert.hpp>

#include <fmt/format.h>

#include <array>
#include <utility>

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace rik::detail {

namespace {

constexpr auto library_name = "libssl.so.3";  // of the headers that this is compiled with

}  // namespace

/// OpenSSL is loaded when the first probe needs it: its tables would cost every node half a MiB. It stays loaded, for
/// it cannot be unloaded.
class tls_library {
public:
    explicit tls_library(void* handle) : handle_(handle) {
        find("SSL_CTX_new", context_new);
        find("SSL_CTX_free", context_free);
        find("SSL_CTX_set_security_level", context_set_security_level);
        find("TLS_client_method", client_method);
        find("SSL_new", session_new);
        find("SSL_free", session_free);
        find("SSL_set_bio", session_set_bio);
        find("SSL_ctrl", session_control);
        find("SSL_connect", session_connect);
        find("SSL_read", session_read);
        find("SSL_write", session_write);
        find("SSL_get_error", session_error);
        find("BIO_new", buffer_new);
        find("BIO_s_mem", buffer_in_memory);
        find("BIO_read", buffer_read);
        find("BIO_write", buffer_write);
        find("ERR_clear_error", errors_clear);
        find("ERR_peek_last_error", errors_last);
        find("ERR_reason_error_string", errors_reason);
        if (is_whole_) context_ = context_new(client_method());
        if (context_ != nullptr) context_set_security_level(context_, 0);  // weak keys are the program's own affair
    }
    tls_library(tls_library const&) = delete;
    ~tls_library() {
        if (context_ != nullptr) context_free(context_);
    }

    bool is_usable() const { return context_ != nullptr; }
    SSL_CTX* context() const { return context_; }

    decltype(&::SSL_CTX_new) context_new = nullptr;
    decltype(&::SSL_CTX_free) context_free = nullptr;
    decltype(&::SSL_CTX_set_security_level) context_set_security_level = nullptr;
    decltype(&::TLS_client_method) client_method = nullptr;
    decltype(&::SSL_new) session_new = nullptr;
    decltype(&::SSL_free) session_free = nullptr;
    decltype(&::SSL_set_bio) session_set_bio = nullptr;
    decltype(&::SSL_ctrl) session_control = nullptr;
    decltype(&::SSL_connect) session_connect = nullptr;
    decltype(&::SSL_read) session_read = nullptr;
    decltype(&::SSL_write) session_write = nullptr;
    decltype(&::SSL_get_error) session_error = nullptr;
    decltype(&::BIO_new) buffer_new = nullptr;
    decltype(&::BIO_s_mem) buffer_in_memory = nullptr;
    decltype(&::BIO_read) buffer_read = nullptr;
    decltype(&::BIO_write) buffer_write = nullptr;
    decltype(&::ERR_clear_error) errors_clear = nullptr;
    decltype(&::ERR_peek_last_error) errors_last = nullptr;
    decltype(&::ERR_reason_error_string) errors_reason = nullptr;

private:
    template <class Function>
    void find(char const* name, Function& into) {
        into = reinterpret_cast<Function>(::dlsym(handle_, name));
        is_whole_ = is_whole_ && into != nullptr;
    }

    void* handle_;
    bool is_whole_ = true;
    SSL_CTX* context_ = nullptr;
};

namespace {

/// OpenSSL works on two buffers in memory, and this carries them to and fro: its own writes to a socket would raise
/// SIGPIPE.
class tls_stream final : public probe_stream {
public:
    tls_stream(std::shared_ptr<tls_library const> library, std::unique_ptr<probe_stream> over)
        : library_(std::move(library)), over_(std::move(over)), session_(library_->session_new(library_->context())) {
        incoming_ = library_->buffer_new(library_->buffer_in_memory());
        outgoing_ = library_->buffer_new(library_->buffer_in_memory());
        RIK_ASSERT(session_ != nullptr && incoming_ != nullptr && outgoing_ != nullptr);
        library_->session_set_bio(session_, incoming_, outgoing_);
    }
    ~tls_stream() override { library_->session_free(session_); }

    awaitable<result<void>> begin(std::string name) {
        if (!name.empty())
            library_->session_control(session_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
        auto const step = [this] { return library_->session_connect(session_); };
        auto const done = co_await perform(step);
        if (!done) co_return done.error();
        if (*done == 0) co_return error{errc::corrupt, "the other end does not speak TLS: it closed the connection"};
        co_return result<void>();
    }
    awaitable<result<void>> write(std::string_view text) override {
        auto const step = [this, text] {
            return library_->session_write(session_, text.data(), static_cast<int>(text.size()));
        };
        auto const done = co_await perform(step);
        if (!done) co_return done.error();
        co_return result<void>();
    }
    awaitable<result<std::size_t>> read(std::span<char> into) override {
        auto const step = [this, into] {
            return library_->session_read(session_, into.data(), static_cast<int>(into.size()));
        };
        return perform(step);
    }

private:
    /// Takes `step` until OpenSSL has what it needs for it. 0: the other end has closed.
    template <class Step>
    awaitable<result<std::size_t>> perform(Step step) {
        for (;;) {
            library_->errors_clear();
            auto const did = step();
            auto const wants = did > 0 ? SSL_ERROR_NONE : library_->session_error(session_, did);
            auto const sent = co_await send_outgoing();
            if (did > 0) co_return static_cast<std::size_t>(did);
            if (wants == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
            if (wants != SSL_ERROR_WANT_READ) co_return problem();
            if (!sent) co_return sent.error();
            auto const came = co_await receive();
            if (!came) co_return came.error();
            if (*came == 0) co_return std::size_t{0};
        }
    }
    awaitable<result<void>> send_outgoing() {
        for (;;) {
            auto const count = library_->buffer_read(outgoing_, part_.data(), static_cast<int>(part_.size()));
            if (count <= 0) co_return result<void>();
            auto const sent = co_await over_->write(std::string_view(part_.data(), static_cast<std::size_t>(count)));
            if (!sent) co_return sent;
        }
    }
    awaitable<result<std::size_t>> receive() {
        auto const came = co_await over_->read(part_);
        if (came && *came > 0) library_->buffer_write(incoming_, part_.data(), static_cast<int>(*came));
        co_return came;
    }
    error problem() const {
        auto const* const reason = library_->errors_reason(library_->errors_last());
        return {errc::corrupt, fmt::format("TLS failed: {}", reason == nullptr ? "no reason is known" : reason)};
    }

    std::shared_ptr<tls_library const> library_;
    std::unique_ptr<probe_stream> over_;
    SSL* session_;
    BIO* incoming_ = nullptr;
    BIO* outgoing_ = nullptr;
    std::array<char, 4096> part_{};
};

}  // namespace

result<std::shared_ptr<tls_library const>> load_tls_library() {
    auto* const handle = ::dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr)
        return error{errc::internal,
                     fmt::format("probes by HTTPS need {}, which cannot be loaded", library_name),
                     {},
                     "apt-get install libssl3"};
    auto loaded = std::make_shared<tls_library const>(handle);
    if (!loaded->is_usable())
        return error{errc::internal, fmt::format("probes by HTTPS: {} cannot be used", library_name)};
    return loaded;
}

awaitable<result<std::unique_ptr<probe_stream>>> open_tls_stream(std::shared_ptr<tls_library const> library,
                                                                 std::unique_ptr<probe_stream> over, std::string name) {
    auto made = std::make_unique<tls_stream>(std::move(library), std::move(over));
    auto const begun = co_await made->begin(std::move(name));
    if (!begun) co_return begun.error();
    co_return std::move(made);
}

}  // namespace rik::detail

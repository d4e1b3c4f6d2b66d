#include "request_parser.hpp"

#include "text.hpp"

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <utility>

namespace rik::detail {

namespace http = boost::beast::http;
namespace beast = boost::beast;

namespace {

unsigned status_of(beast::error_code failure) {
    if (failure == http::error::header_limit) return 431;
    if (failure == http::error::body_limit) return 413;
    if (failure == http::error::bad_version) return 505;
    return 400;
}

}  // namespace

/// Beast's grammar, written straight into a request of ours.
class request_parser::impl final : public http::basic_parser<true> {
public:
    explicit impl(http_limits const& limits) : limits_(limits) {
        header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
        body_limit(limits.body_bytes_max);
    }

    std::size_t feed(std::string_view bytes);
    void refuse(unsigned status_code, std::string message) {
        if (!refused_) refused_ = http_refusal{status_code, std::move(message)};
    }

    http_request request_;
    std::optional<http_refusal> refused_;
    bool expects_continue_ = false;
    int version_ = 11;

private:
    using error_code = beast::error_code;

    void on_request_impl(http::verb, beast::string_view method, beast::string_view target, int version,
                         error_code& failure) override;
    void on_field_impl(http::field name, beast::string_view text, beast::string_view value,
                       error_code& failure) override;
    void on_header_impl(error_code& failure) override;
    std::size_t on_body_impl(beast::string_view body, error_code& failure) override;
    std::size_t on_chunk_body_impl(std::uint64_t remain, beast::string_view body, error_code& failure) override;
    void on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code& failure) override;
    void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
    void on_response_impl(int, beast::string_view, int, error_code&) override {}
    void on_finish_impl(error_code&) override {}

    /// Notes why, and makes Beast stop.
    void stop(unsigned status_code, std::string message, error_code& failure) {
        refuse(status_code, std::move(message));
        failure = http::error::bad_value;
    }

    http_limits limits_;
    std::size_t host_count_ = 0;
    bool has_header_ = false;
};

std::size_t request_parser::impl::feed(std::string_view bytes) {
    eager(is_header_done());
    error_code failure;
    auto const used = put(boost::asio::buffer(bytes), failure);
    auto const is_stuck = failure == http::error::need_more && bytes.size() - used >= limits_.header_bytes_max;
    if (is_stuck)
        refuse(is_header_done() ? 400 : 431, "a line of the request is too long");
    else if (failure && failure != http::error::need_more)
        refuse(status_of(failure), fmt::format("the request is not right: {}", failure.message()));
    return used;
}

void request_parser::impl::on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                                           int version, error_code& failure) {
    request_.method = std::string(method);
    request_.target = std::string(target);
    version_ = version;
    if (auto problem = split_target(request_)) stop(400, std::move(*problem), failure);
}

void request_parser::impl::on_field_impl(http::field name, beast::string_view text, beast::string_view value,
                                         error_code& failure) {
    if (has_header_) return;  // of a trailer, which nobody here reads
    if (request_.headers.size() == limits_.header_count_max)
        return stop(431, fmt::format("more than {} header fields", limits_.header_count_max), failure);
    if (name == http::field::host) ++host_count_;
    if (name == http::field::expect) expects_continue_ = equal_ignoring_case(value, "100-continue");
    if (name == http::field::transfer_encoding && !equal_ignoring_case(trim(value), "chunked"))
        return stop(501, "the only transfer encoding understood here is chunked", failure);
    request_.headers.push_back({std::string(text), std::string(value)});
}

void request_parser::impl::on_header_impl(error_code& failure) {
    has_header_ = true;
    if (host_count_ > 1 || (host_count_ == 0 && version_ >= 11))
        stop(400, "a request of HTTP/1.1 needs one Host field", failure);
}

void request_parser::impl::on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code&) {
    if (length && *length <= limits_.body_bytes_max) request_.body.reserve(std::min<std::size_t>(*length, 64u << 10));
}

std::size_t request_parser::impl::on_body_impl(beast::string_view body, error_code&) {
    request_.body.append(body.data(), body.size());
    return body.size();
}

std::size_t request_parser::impl::on_chunk_body_impl(std::uint64_t, beast::string_view body, error_code&) {
    request_.body.append(body.data(), body.size());
    return body.size();
}

request_parser::request_parser(http_limits const& limits) : self_(std::make_unique<impl>(limits)) {}
request_parser::~request_parser() = default;

std::size_t request_parser::feed(std::string_view bytes) { return self_->feed(bytes); }
bool request_parser::has_header() const { return self_->is_header_done(); }
bool request_parser::is_done() const { return self_->is_done(); }
std::optional<http_refusal> const& request_parser::refused() const { return self_->refused_; }
bool request_parser::expects_continue() const { return self_->expects_continue_ && self_->version_ >= 11; }
bool request_parser::is_http_1_0() const { return self_->version_ < 11; }
bool request_parser::keeps_alive() const { return self_->keep_alive(); }
http_request& request_parser::request() { return self_->request_; }

}  // namespace rik::detail

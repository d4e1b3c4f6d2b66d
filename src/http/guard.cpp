#include "guard.hpp"

#include "text.hpp"

#include <fmt/format.h>
#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace rik::detail {

namespace {

bool is_ip_address(std::string_view host) {
    boost::system::error_code wrong;
    asio::ip::make_address(std::string(host), wrong);
    return !wrong;
}

bool contains(std::vector<std::string> const& names, std::string_view name) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string const& each) { return equal_ignoring_case(each, name); });
}

bool is_our_host(std::string_view authority, http_options const& options) {
    auto const host = host_of(authority);
    if (!host) return false;
    return equal_ignoring_case(*host, "localhost") || is_ip_address(*host) || contains(options.host_names, *host);
}

bool is_our_origin(std::string_view origin, std::string_view host, http_options const& options) {
    auto const scheme = origin.find("://");
    if (scheme != std::string_view::npos && !host.empty() && equal_ignoring_case(origin.substr(scheme + 3), host))
        return true;
    return contains(options.origins, origin);
}

}  // namespace

std::optional<http_refusal> check_host_and_origin(http_request const& request, http_options const& options) {
    auto const host = request.header("Host").value_or("");
    if (!host.empty() && !is_our_host(host, options))
        return http_refusal{403, fmt::format("this server is not called '{}'; use its IP address, localhost, or a name "
                                             "that it was told is its own",
                                             quotable(host))};
    auto const origin = request.header("Origin");
    if (origin && !is_our_origin(*origin, host, options))
        return http_refusal{403, fmt::format("pages of '{}' may not call this server", quotable(*origin))};
    return std::nullopt;
}

}  // namespace rik::detail

// A connection of a probe: plain, or with TLS.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace rik::detail {

/// Closed when it is destroyed. Of its operations: errors: unavailable, the other end has refused or closed it;
/// corrupt, it is no TLS; both are answers. Exhausted, internal.
class probe_stream {
public:
    virtual ~probe_stream() = default;
    virtual awaitable<result<void>> write(std::string_view text) = 0;
    /// Returns how much has come; 0 at the end.
    virtual awaitable<result<std::size_t>> read(std::span<char> into) = 0;
};

/// What the kernel's answer means for a probe.
error network_problem(boost::system::error_code code);

/// Errors: as of a probe_stream.
awaitable<result<std::unique_ptr<probe_stream>>> open_probe_stream(asio::ip::tcp::endpoint to);

class tls_library;

/// Loads OpenSSL. Errors: internal, it is not installed or not one that is known.
result<std::shared_ptr<tls_library const>> load_tls_library();

/// Speaks TLS over `over`, and takes any certificate. `name` is told to the server; empty if it has none.
awaitable<result<std::unique_ptr<probe_stream>>> open_tls_stream(std::shared_ptr<tls_library const> library,
                                                                 std::unique_ptr<probe_stream> over, std::string name);

}  // namespace rik::detail

// Finds the address of a name for a probe.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace rik::detail {

/// The C library cannot be stopped while it looks a name up, so a cancelled caller goes on and leaves it alone with
/// that. Use it from one strand only.
class probe_lookups {
public:
    /// `host` may be an address. Errors: unavailable, it has none; exhausted, too many names are looked up.
    awaitable<result<asio::ip::tcp::endpoint>> find(std::string host, std::uint16_t port);

private:
    static constexpr std::size_t at_once_max = 64;
    std::shared_ptr<std::size_t> const under_way_ = std::make_shared<std::size_t>(0);
};

}  // namespace rik::detail

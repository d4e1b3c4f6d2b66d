// Which name servers a Pod can ask: pure.
#pragma once

#include <rik/base/result.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// glibc and musl read no more.   Source: resolv.conf(5), MAXNS
inline constexpr std::size_t dns_servers_max = 3;

/// Returns why no Pod can reach a server at this address: "it is a loopback address". Pods have IPv4 only, and a
/// loopback interface of their own. nullopt if a Pod may reach it.
std::optional<std::string_view> why_unreachable(std::string_view server);

/// Checks servers that somebody has chosen for Pods.
/// Errors: invalid, naming the first one that no Pod can reach, or that there are more than `dns_servers_max`.
result<void> check_dns_servers(std::vector<std::string> const& servers);

}  // namespace rik

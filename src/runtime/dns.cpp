#include <rik/runtime/dns.hpp>

#include <fmt/format.h>

#include <arpa/inet.h>

namespace rik {

namespace {

std::optional<std::string_view> why_unreachable(std::uint32_t address) {
    if (address >> 24 == 127) return "it is a loopback address";
    if (address >> 24 == 0) return "it means the host itself";
    if (address >> 28 == 0xe) return "it is a multicast address";
    if (address >> 28 == 0xf) return "it is no host's address";
    return std::nullopt;
}

bool is_ipv6(std::string server) {
    in6_addr address{};
    if (auto const scope = server.find('%'); scope != server.npos) server.resize(scope);
    return ::inet_pton(AF_INET6, server.c_str(), &address) == 1;
}

}  // namespace

std::optional<std::string_view> why_unreachable(std::string_view server) {
    std::string const text(server);
    if (text == "::1") return "it is a loopback address";
    if (is_ipv6(text)) return "it is an IPv6 address, and Pods have IPv4 only";
    in_addr address{};
    if (text.empty() || text.find_first_not_of("0123456789abcdefxABCDEFX.") != text.npos ||
        ::inet_aton(text.c_str(), &address) == 0)  // as the C library reads resolv.conf: "127.1" is an address
        return "it is no address";
    return why_unreachable(ntohl(address.s_addr));
}

result<void> check_dns_servers(std::vector<std::string> const& servers) {
    for (auto const& each : servers) {
        auto const why = why_unreachable(each);
        if (!why) continue;
        return error{errc::invalid,
                     fmt::format("name server '{}': {}", each, *why),
                     {},
                     "give the IPv4 address of a server that Pods can reach"};
    }
    if (servers.size() <= dns_servers_max) return {};
    return error{errc::invalid,
                 fmt::format("{} name servers: no program asks more than {}", servers.size(), dns_servers_max)};
}

}  // namespace rik

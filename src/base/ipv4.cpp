#include <rik/base/ipv4.hpp>

#include <rik/base/assert.hpp>

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

namespace rik {

namespace {

/// A decimal number without sign or leading zeros, at most `value_max`.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t value_max) {
    if (text.size() > 1 && text.front() == '0')
        return std::nullopt;  // octal for some programs: refused, as inet_pton does
    std::uint32_t value = 0;
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end != text.data() + text.size() || value > value_max) return std::nullopt;
    return value;
}

// Source: RFC 6890: "this network", loopback, link-local, and from 224.0.0.0 on multicast and reserved
constexpr std::array<ipv4_subnet, 4> not_for_pods{ipv4_subnet(0u << 24, 8), ipv4_subnet(127u << 24, 8),
                                                  ipv4_subnet(169u << 24 | 254u << 16, 16), ipv4_subnet(224u << 24, 3)};

std::string shortened(std::string_view text) { return std::string(text.substr(0, 64)); }

}  // namespace

std::string ipv4_text(std::uint32_t address) {
    return fmt::format("{}.{}.{}.{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255, address & 255);
}

result<std::uint32_t> parse_ipv4(std::string_view text) {
    auto const wrong = [&] {
        return error{errc::invalid, fmt::format("'{}' is not an IPv4 address", shortened(text))};
    };
    std::uint32_t address = 0;
    auto rest = text;
    for (int part = 0; part < 4; ++part) {
        auto const dot = part < 3 ? rest.find('.') : rest.size();
        if (dot == std::string_view::npos) return wrong();
        auto const number = parse_number(rest.substr(0, dot), 255);
        if (!number) return wrong();
        address = address << 8 | *number;
        rest.remove_prefix(part < 3 ? dot + 1 : dot);
    }
    return address;
}

result<ipv4_subnet> ipv4_subnet::parse(std::string_view text) {
    auto const wrong = [&](std::string_view why) {
        return error{errc::invalid, fmt::format("subnet '{}': {}", shortened(text), why), "",
                     "write it like 10.210.3.0/24"};
    };
    auto const slash = text.find('/');
    if (text.find(':') != std::string_view::npos) return wrong("an IPv6 subnet, and Pods have IPv4 only");
    if (slash == std::string_view::npos) return wrong("not ADDRESS/BITS");
    auto const network = parse_ipv4(text.substr(0, slash));
    auto const bits = parse_number(text.substr(slash + 1), 32);
    if (!network || !bits) return wrong("not ADDRESS/BITS");
    ipv4_subnet const subnet(*network, *bits);
    if (*network & (subnet.size() - 1)) return wrong("host bits are set");
    return subnet;
}

result<ipv4_subnet> ipv4_subnet::part(std::uint64_t index, unsigned part_prefix_bits) const {
    RIK_ASSERT(part_prefix_bits <= 32);
    auto const exists = part_prefix_bits >= prefix_bits_ && index >> (part_prefix_bits - prefix_bits_) == 0;
    if (!exists) {
        return error{errc::exhausted,
                     fmt::format("subnet {}: there is no /{} number {}", text(), part_prefix_bits, index)};
    }
    auto const offset = index << (32 - part_prefix_bits);
    return ipv4_subnet(network_ + static_cast<std::uint32_t>(offset), part_prefix_bits);
}

result<ipv4_subnet> parse_cluster_cidr(std::string_view text, unsigned node_prefix_bits) {
    auto const parsed = ipv4_subnet::parse(text);
    if (!parsed) return parsed.error();
    if (parsed->prefix_bits() > node_prefix_bits)
        return error{errc::invalid, fmt::format("subnet {}: the cluster needs at least a /{}", text, node_prefix_bits)};
    for (auto const& special : not_for_pods)
        if (special.contains(parsed->network()) || parsed->contains(special.network()))
            return error{errc::invalid,
                         fmt::format("subnet {}: it has addresses of {}, which Pods cannot have", text, special.text()),
                         {},
                         "take one of 10.0.0.0/8, for example"};
    return parsed;
}

std::string ipv4_subnet::text() const { return fmt::format("{}/{}", ipv4_text(network_), prefix_bits_); }

}  // namespace rik

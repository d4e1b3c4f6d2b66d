#include "network/linux/names_detail.hpp"

#include <rik/base/assert.hpp>
#include <rik/base/hash.hpp>

#include <fmt/format.h>

#include <charconv>

namespace rik::detail {

namespace {

constexpr std::size_t tag_size = 8;

}  // namespace

std::string bridge_name(std::string_view tag) { return fmt::format("rk{}", tag); }

std::string pod_veth_name(std::string_view tag, instance_id instance) {
    return fmt::format("rv{:013x}", fnv1a(fmt::format("{}/{}", tag, instance.text())) >> 12);
}

std::string pod_tap_name(std::string_view tag, instance_id instance) {
    return std::string(tap_name_prefix) + pod_veth_name(tag, instance).substr(2);
}

std::string table_name(std::string_view tag) { return fmt::format("rik_{}", tag); }

interface_groups interface_groups_of(std::string_view tag) {
    std::uint32_t number = 0;
    auto const [end, problem] = std::from_chars(tag.data(), tag.data() + tag.size(), number, 16);
    RIK_ASSERT(tag.size() == tag_size && problem == std::errc{} && end == tag.data() + tag.size());
    auto const live = (number & 0x3fffffffu) | 0x40000000u;
    return {.live = live, .disconnected = live | 0x80000000u};
}

mac_address mac_of(std::uint32_t address) {
    auto const byte = [address](int number) { return static_cast<std::uint8_t>(address >> (8 * number)); };
    return {0x0a, 0x58, byte(3), byte(2), byte(1), byte(0)};
}

std::string mac_text(mac_address const& mac) {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

}  // namespace rik::detail

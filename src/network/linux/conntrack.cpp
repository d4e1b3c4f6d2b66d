#include "network/linux/conntrack_detail.hpp"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <system_error>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace rik::detail {

namespace {

/// So many entries are kept in memory before they are deleted; the rest is found by the next walk.
constexpr std::size_t found_count_max = 8192;
constexpr int walk_count_max = 128;
constexpr timeval patience{.tv_sec = 2, .tv_usec = 0};

// What of a tuple CTA_FILTER compares: names of the kernel's own, numbers of its interface.
// Source: Linux 5.8, net/netfilter/nf_internals.h
constexpr std::uint32_t compare_source = 1u << 0;
constexpr std::uint32_t compare_protocol = 1u << 3;
constexpr std::uint32_t compare_destination_port = 1u << 5;

struct found_flow {
    flow what;
    std::uint32_t id = 0;         ///< in the kernel's byte order
    std::vector<std::byte> name;  ///< the payload of its CTA_TUPLE_ORIG
};

struct search {
    std::function<bool(flow const&)> const& is_stale;
    std::vector<found_flow> found = {};
    bool is_cut = false;  ///< there may be more
};

error to_error(int number) {
    auto code = errc::internal;
    if (number == EPERM || number == EACCES) code = errc::denied;
    if (number == EAGAIN) code = errc::timed_out;
    if (number == EOPNOTSUPP || number == EPROTONOSUPPORT || number == EINVAL) code = errc::unsupported;
    return error{code, fmt::format("conntrack: {}", std::generic_category().message(number))};
}

template <class Value>
Value value_of(nlattr const* attribute) {
    Value value{};
    std::memcpy(&value, mnl_attr_get_payload(attribute),
                std::min<std::size_t>(sizeof value, mnl_attr_get_payload_len(attribute)));
    return value;
}

/// libmnl's own loops are macros that C++ does not take.
template <class Take>
int call(nlattr const* each, void* take) {
    (*static_cast<Take*>(take))(each);
    return MNL_CB_OK;
}
template <class Take>
void for_each_in(nlattr const* nest, Take take) {
    mnl_attr_parse_nested(nest, call<Take>, &take);
}

void read_addresses(nlattr const* nest, flow_way& into) {
    for_each_in(nest, [&](nlattr const* each) {
        if (mnl_attr_get_type(each) == CTA_IP_V4_SRC) into.source = ntohl(value_of<std::uint32_t>(each));
        if (mnl_attr_get_type(each) == CTA_IP_V4_DST) into.destination = ntohl(value_of<std::uint32_t>(each));
    });
}

void read_ports(nlattr const* nest, flow_way& into, std::uint8_t& protocol) {
    for_each_in(nest, [&](nlattr const* each) {
        if (mnl_attr_get_type(each) == CTA_PROTO_NUM) protocol = value_of<std::uint8_t>(each);
        if (mnl_attr_get_type(each) == CTA_PROTO_SRC_PORT) into.source_port = ntohs(value_of<std::uint16_t>(each));
        if (mnl_attr_get_type(each) == CTA_PROTO_DST_PORT) into.destination_port = ntohs(value_of<std::uint16_t>(each));
    });
}

void read_tuple(nlattr const* nest, flow_way& into, flow& of) {
    for_each_in(nest, [&](nlattr const* each) {
        if (mnl_attr_get_type(each) == CTA_TUPLE_IP) read_addresses(each, into);
        if (mnl_attr_get_type(each) == CTA_TUPLE_PROTO) read_ports(each, into, of.protocol);
        if (mnl_attr_get_type(each) == CTA_TUPLE_ZONE) of.is_in_zone = true;
    });
}

void read_attribute(nlattr const* each, found_flow& into) {
    auto const* const payload = static_cast<std::byte const*>(mnl_attr_get_payload(each));
    switch (mnl_attr_get_type(each)) {
        case CTA_TUPLE_ORIG:
            read_tuple(each, into.what.there, into.what);
            into.name.assign(payload, payload + mnl_attr_get_payload_len(each));
            break;
        case CTA_TUPLE_REPLY: read_tuple(each, into.what.back, into.what); break;
        case CTA_STATUS: into.what.is_assured = (ntohl(value_of<std::uint32_t>(each)) & IPS_ASSURED) != 0; break;
        case CTA_ID: into.id = value_of<std::uint32_t>(each); break;
        case CTA_ZONE: into.what.is_in_zone = true; break;
        default: break;
    }
}

found_flow read_flow(nlmsghdr const* message) {
    found_flow read;
    auto take = [&](nlattr const* each) { read_attribute(each, read); };
    mnl_attr_parse(message, sizeof(nfgenmsg), call<decltype(take)>, &take);
    return read;
}

int read_flow(nlmsghdr const* message, void* into) {
    auto& looking = *static_cast<search*>(into);
    if (looking.found.size() >= found_count_max) {
        looking.is_cut = true;
        return MNL_CB_OK;
    }
    auto read = read_flow(message);
    if (!read.name.empty() && looking.is_stale(read.what)) looking.found.push_back(std::move(read));
    return MNL_CB_OK;
}

struct close_socket {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

class conntrack_socket {
public:
    /// 0 or an errno.
    int open() {
        socket_.reset(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
        if (!socket_) return errno;
        (void)::setsockopt(mnl_socket_get_fd(socket_.get()), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        return mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) == 0 ? 0 : errno;
    }

    nlmsghdr* begin(std::uint16_t type, std::uint16_t flags) {
        auto* const message = mnl_nlmsg_put_header(buffer_.data());
        message->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
        message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        message->nlmsg_seq = ++sequence_;
        auto* const body = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
        body->nfgen_family = AF_INET;
        body->version = NFNETLINK_V0;
        return message;
    }

    /// Sends what was begun, and gives each message of the answer to `take`. 0 or an errno.
    int ask(nlmsghdr const* message, mnl_cb_t take, void* data) {
        if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) return errno;
        auto const own = mnl_socket_get_portid(socket_.get());
        for (;;) {
            auto const size = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
            if (size < 0 && errno == EINTR) continue;
            if (size < 0) return errno;
            auto const state = mnl_cb_run(buffer_.data(), static_cast<std::size_t>(size), sequence_, own, take, data);
            if (state < 0) return errno;
            if (state == MNL_CB_STOP) return 0;
        }
    }

private:
    std::unique_ptr<mnl_socket, close_socket> socket_;
    std::array<char, 32768> buffer_;  // the kernel's own limit for a part of a dump
    std::uint32_t sequence_ = 0;
};

struct tuple_filter {
    std::uint16_t tuple;  ///< CTA_TUPLE_ORIG, CTA_TUPLE_REPLY
    std::uint32_t source = 0;
    std::uint8_t protocol = 0;
    std::uint16_t destination_port = 0;

    std::uint32_t compares() const {
        return (source != 0 ? compare_source : 0) | (protocol != 0 ? compare_protocol : 0) |
               (destination_port != 0 ? compare_destination_port : 0);
    }
};

void put_tuple(nlmsghdr* message, tuple_filter const& what) {
    if (what.compares() == 0) return;
    auto* const tuple = mnl_attr_nest_start(message, what.tuple);
    if (what.source != 0) {
        auto* const addresses = mnl_attr_nest_start(message, CTA_TUPLE_IP);
        mnl_attr_put_u32(message, CTA_IP_V4_SRC, htonl(what.source));
        mnl_attr_nest_end(message, addresses);
    }
    if (what.protocol != 0) {
        auto* const protocol = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
        mnl_attr_put_u8(message, CTA_PROTO_NUM, what.protocol);
        if (what.destination_port != 0) mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(what.destination_port));
        mnl_attr_nest_end(message, protocol);
    }
    mnl_attr_nest_end(message, tuple);
}

void put_filter(nlmsghdr* message, flow_filter const& filter) {
    tuple_filter const there{.tuple = CTA_TUPLE_ORIG,
                             .source = filter.source,
                             .protocol = filter.protocol,
                             .destination_port = filter.destination_port};
    tuple_filter const back{.tuple = CTA_TUPLE_REPLY, .source = filter.answerer};
    if (there.compares() == 0 && back.compares() == 0) return;
    put_tuple(message, there);
    put_tuple(message, back);
    auto* const compared = mnl_attr_nest_start(message, CTA_FILTER);
    mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS, there.compares());
    mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS, back.compares());
    mnl_attr_nest_end(message, compared);
}

int remove(conntrack_socket& socket, found_flow const& which) {
    auto* const message = socket.begin(IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
    mnl_attr_put(message, CTA_TUPLE_ORIG | NLA_F_NESTED, which.name.size(), which.name.data());
    if (which.id != 0) mnl_attr_put_u32(message, CTA_ID, which.id);  // another one that begins alike is not meant
    auto const number = socket.ask(message, nullptr, nullptr);
    auto const is_gone = number == ENOENT || number == EBUSY;  // or the network card has it
    return is_gone ? 0 : number;
}

}  // namespace

result<std::size_t> delete_flows(flow_filter const& filter, std::function<bool(flow const&)> const& is_stale) {
    conntrack_socket socket;
    if (auto const number = socket.open(); number != 0) return to_error(number);
    std::size_t count = 0;
    for (int walk = 0; walk < walk_count_max; ++walk) {
        search looking{.is_stale = is_stale};
        auto* const question = socket.begin(IPCTNL_MSG_CT_GET, NLM_F_DUMP);
        put_filter(question, filter);
        if (auto const number = socket.ask(question, read_flow, &looking); number != 0) return to_error(number);
        for (auto const& each : looking.found)
            if (auto const number = remove(socket, each); number != 0) return to_error(number);
        count += looking.found.size();
        if (!looking.is_cut) break;
    }
    return count;
}

}  // namespace rik::detail

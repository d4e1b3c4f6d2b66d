#include "network/linux/netlink_detail.hpp"

#include <rik/base/assert.hpp>
#include <rik/base/shortage.hpp>

#include <fmt/format.h>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace rik::detail {

descriptor::~descriptor() {
    if (number_ >= 0) ::close(number_);
}

void netlink_message::start(std::uint16_t type, unsigned flags, std::span<std::byte const> body) {
    bytes_.reserve(512);
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    append(header);
    put(body);
}

void netlink_message::put(std::span<std::byte const> value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    auto const length = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
}

std::size_t netlink_message::start_attribute(std::uint16_t attribute) {
    auto const start = bytes_.size();
    append(nlattr{.nla_len = sizeof(nlattr), .nla_type = attribute});
    return start;
}

void netlink_message::end_attribute(std::size_t start) {
    auto const length = bytes_.size() - start;
    RIK_ASSERT(length <= UINT16_MAX);
    auto const number = static_cast<std::uint16_t>(length);
    std::memcpy(bytes_.data() + start + offsetof(nlattr, nla_len), &number, sizeof number);
}

netlink_message& netlink_message::add(std::uint16_t attribute, std::span<std::byte const> value) {
    RIK_ASSERT(value.size() <= UINT16_MAX - sizeof(nlattr));
    append(nlattr{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), .nla_type = attribute});
    put(value);
    return *this;
}

netlink_message& netlink_message::add(std::uint16_t attribute, std::string_view text) {
    std::string const ended(text);
    return add(attribute, std::as_bytes(std::span(ended.c_str(), ended.size() + 1)));
}

void netlink_message::set_sequence(std::uint32_t number) {
    std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_seq), &number, sizeof number);
}

netlink_message::nest::nest(netlink_message& message, std::uint16_t attribute)
    : message_(message), start_(message.start_attribute(static_cast<std::uint16_t>(attribute | NLA_F_NESTED))) {}

netlink_message::nest::~nest() { message_.end_attribute(start_); }

std::optional<std::span<std::byte const>> netlink_attributes::find(std::uint16_t attribute) const {
    auto rest = bytes_;
    while (rest.size() >= sizeof(nlattr)) {
        nlattr header;
        std::memcpy(&header, rest.data(), sizeof header);
        if (header.nla_len < sizeof header || header.nla_len > rest.size()) return std::nullopt;
        if ((header.nla_type & NLA_TYPE_MASK) == attribute)
            return rest.subspan(sizeof header, header.nla_len - sizeof header);
        rest = rest.subspan(std::min<std::size_t>(NLA_ALIGN(header.nla_len), rest.size()));
    }
    return std::nullopt;
}

std::optional<std::uint32_t> netlink_attributes::find_number(std::uint16_t attribute) const {
    auto const value = find(attribute);
    std::uint32_t number = 0;
    if (!value || value->size() != sizeof number) return std::nullopt;
    std::memcpy(&number, value->data(), sizeof number);
    return number;
}

std::string netlink_attributes::text(std::uint16_t attribute) const {
    auto const value = find(attribute).value_or(std::span<std::byte const>());
    std::string text(reinterpret_cast<char const*>(value.data()), value.size());
    if (auto const zero = text.find('\0'); zero != std::string::npos) text.resize(zero);
    return text;
}

netlink_attributes netlink_attributes::nested(std::uint16_t attribute) const {
    return netlink_attributes(find(attribute).value_or(std::span<std::byte const>()));
}

error to_error(netlink_failure const& failure, std::string_view object) {
    auto problem = system_failure(std::string(object), failure.number);
    if (failure.number == EPERM || failure.number == EACCES) problem.code = errc::denied;
    if (!failure.message.empty()) problem.message += fmt::format(" ({})", failure.message);
    return problem;
}

void throw_exception_from_error(netlink_failure const& failure, boost::source_location const&) {
    throw std::logic_error(to_error(failure, "netlink").message);
}

result<netlink_socket> netlink_socket::open() {
    descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket) return to_error({errno}, "netlink socket");
    int const on = 1;
    // Words with an errno, and answers without a copy of the question. Kernels before 4.12 know neither: not needed.
    (void)::setsockopt(socket.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    (void)::setsockopt(socket.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    return netlink_socket(std::move(socket));
}

std::optional<netlink_failure> netlink_socket::send(netlink_message& message) {
    message.set_sequence(++sequence_);
    auto const bytes = message.bytes();
    if (::send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) return netlink_failure{errno};
    return std::nullopt;
}

namespace {

/// The answer in an NLMSG_ERROR or NLMSG_DONE: 0 is success.
netlink_failure read_end(std::span<std::byte const> payload, std::uint16_t flags) {
    std::int32_t number = 0;
    if (payload.size() < sizeof number) return {EBADMSG};
    std::memcpy(&number, payload.data(), sizeof number);
    netlink_failure failure{-number};
    auto const words = sizeof(nlmsgerr);  // with NETLINK_CAP_ACK only the question's header is repeated
    if ((flags & NLM_F_ACK_TLVS) && payload.size() > words) {
        failure.message = netlink_attributes(payload.subspan(words)).text(NLMSGERR_ATTR_MSG);
    }
    return failure;
}

/// Takes the messages of one datagram. What the end of the answer says, if it is among them.
std::optional<netlink_failure> take_datagram(std::span<std::byte const> rest, std::uint32_t sequence,
                                             std::vector<netlink_reply>& replies) {
    while (rest.size() >= sizeof(nlmsghdr)) {
        nlmsghdr header;
        std::memcpy(&header, rest.data(), sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) return netlink_failure{EBADMSG};
        auto const payload = rest.subspan(sizeof header, header.nlmsg_len - sizeof header);
        auto const is_ours = header.nlmsg_seq == sequence;  // else left over from a question that was given up
        if (is_ours && (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE)) {
            return read_end(payload, header.nlmsg_type == NLMSG_ERROR ? header.nlmsg_flags : 0);
        }
        if (is_ours) replies.emplace_back(header.nlmsg_type, payload);
        rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
    }
    return std::nullopt;
}

}  // namespace

bool netlink_socket::be_strict() {
    int const on = 1;
    return ::setsockopt(socket_.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on) == 0;
}

netlink_result<std::vector<netlink_reply>> netlink_socket::ask(netlink_message message) {
    return ask(std::move(message), until::end);
}

netlink_result<std::vector<netlink_reply>> netlink_socket::ask_for_first(netlink_message message) {
    return ask(std::move(message), until::first_part);
}

netlink_result<std::vector<netlink_reply>> netlink_socket::ask(netlink_message message, until when) {
    if (auto const failure = send(message)) return *failure;
    std::vector<netlink_reply> replies;
    std::array<std::byte, 32768> buffer;  // the kernel's own limit for a part of a dump
    for (;;) {
        auto const size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return netlink_failure{errno};
        auto const datagram = std::span<std::byte const>(buffer).first(static_cast<std::size_t>(size));
        auto const end = take_datagram(datagram, sequence_, replies);
        if (end && end->number != 0) return *end;
        if (end || when == until::first_part) return replies;
    }
}

netlink_result<void> netlink_socket::request(netlink_message message) {
    auto const answer = ask(std::move(message));
    if (!answer) return answer.error();
    return {};
}

}  // namespace rik::detail

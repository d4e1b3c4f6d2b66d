// Netlink: messages that are built and read safely, and a socket that waits for its answers.
// Source: man 7 netlink, rtnetlink; kernel Documentation/userspace-api/netlink/intro.rst.
#pragma once

#include <rik/base/result.hpp>

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rik::detail {

/// Owns a file descriptor.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int number) : number_(number) {}
    descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~descriptor();

    int get() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }

private:
    int number_ = -1;
};

/// One request, to be acknowledged: a header, a body of a fixed type, attributes. Grows as needed.
class netlink_message {
public:
    template <class Body>
    netlink_message(std::uint16_t type, unsigned flags, Body const& body) {
        static_assert(std::is_trivially_copyable_v<Body>);
        start(type, flags, std::as_bytes(std::span(&body, 1)));
    }

    netlink_message& add(std::uint16_t attribute, std::span<std::byte const> value);
    /// With the zero at its end, as the kernel wants it.
    netlink_message& add(std::uint16_t attribute, std::string_view text);
    template <class Value>
    requires std::is_integral_v<Value> netlink_message& add(std::uint16_t attribute, Value value) {
        return add(attribute, std::as_bytes(std::span(&value, 1)));
    }

    /// While it lives, what is added goes into `attribute`.
    class nest {
    public:
        nest(netlink_message& message, std::uint16_t attribute);
        nest(nest const&) = delete;
        nest& operator=(nest const&) = delete;
        ~nest();

    private:
        netlink_message& message_;
        std::size_t start_;
    };
    /// Puts `body`, a structure that an attribute begins with, at the end.
    template <class Body>
    void append(Body const& body) {
        static_assert(std::is_trivially_copyable_v<Body>);
        put(std::as_bytes(std::span(&body, 1)));
    }

    void set_sequence(std::uint32_t number);
    std::span<std::byte const> bytes() const { return bytes_; }

private:
    void start(std::uint16_t type, unsigned flags, std::span<std::byte const> body);
    void put(std::span<std::byte const> value);
    std::size_t start_attribute(std::uint16_t attribute);
    void end_attribute(std::size_t start);

    std::vector<std::byte> bytes_;
};

/// The attributes of a received message or of a nested attribute. Refers to its bytes. Whatever is malformed ends it.
class netlink_attributes {
public:
    explicit netlink_attributes(std::span<std::byte const> bytes) : bytes_(bytes) {}

    std::optional<std::span<std::byte const>> find(std::uint16_t attribute) const;
    std::optional<std::uint32_t> find_number(std::uint16_t attribute) const;
    /// Without the zero at its end; empty if there is none.
    std::string text(std::uint16_t attribute) const;
    netlink_attributes nested(std::uint16_t attribute) const;

private:
    std::span<std::byte const> bytes_;
};

/// A received message.
class netlink_reply {
public:
    netlink_reply(std::uint16_t type, std::span<std::byte const> payload)
        : type_(type), payload_(payload.begin(), payload.end()) {}

    std::uint16_t type() const { return type_; }
    /// The fixed part; zeros where the message is too short.
    template <class Body>
    Body body() const {
        Body body{};
        std::memcpy(&body, payload_.data(), std::min(sizeof body, payload_.size()));
        return body;
    }
    template <class Body>
    netlink_attributes attributes() const& {
        std::span<std::byte const> const all(payload_);
        return netlink_attributes(all.subspan(std::min<std::size_t>(NLMSG_ALIGN(sizeof(Body)), all.size())));
    }
    template <class Body>
    netlink_attributes attributes() && = delete;  // they would refer to what is gone

private:
    std::uint16_t type_;
    std::vector<std::byte> payload_;
};

/// Why the kernel refused a request.
struct netlink_failure {
    int number = 0;            ///< an errno
    std::string message = {};  ///< what else the kernel said, often empty
};
/// The same for people; `object` comes first. denied for EPERM and EACCES, else internal.
error to_error(netlink_failure const& failure, std::string_view object);

template <class T>
using netlink_result = boost::system::result<T, netlink_failure>;
[[noreturn]] void throw_exception_from_error(netlink_failure const& failure, boost::source_location const& where);

/// A route socket of the network namespace in which the calling thread was when it opened it, wherever it is used.
/// One thread at a time.
class netlink_socket {
public:
    /// Errors: internal, the kernel gives no socket.
    static result<netlink_socket> open();

    /// Sends and waits for the acknowledgement. rtnetlink does the work before it returns from send.
    [[nodiscard]] netlink_result<void> request(netlink_message message);
    /// The answers to a question: for one with NLM_F_DUMP all of them.
    [[nodiscard]] netlink_result<std::vector<netlink_reply>> ask(netlink_message message);
    /// The first part of the answer. The rest is lost, and the socket is of no use any more.
    [[nodiscard]] netlink_result<std::vector<netlink_reply>> ask_for_first(netlink_message message);
    /// From now on the kernel minds what a dump is asked for. False before Linux 4.20, which dumps everything.
    bool be_strict();

private:
    explicit netlink_socket(descriptor socket) : socket_(std::move(socket)) {}
    std::optional<netlink_failure> send(netlink_message& message);
    enum class until : std::uint8_t { end, first_part };
    netlink_result<std::vector<netlink_reply>> ask(netlink_message message, until when);

    descriptor socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace rik::detail

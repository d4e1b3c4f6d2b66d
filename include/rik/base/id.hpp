// Identities: a 128-bit uid that is never used twice, with one type per kind of object.
#pragma once

#include <rik/base/entropy.hpp>
#include <rik/base/result.hpp>

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iosfwd>
#include <string>
#include <string_view>

namespace rik {

namespace detail {

/// 16 bytes of a UUID in the order in which they are written.
using uid_bytes = std::array<std::uint8_t, 16>;
uid_bytes make_uid(entropy& random);
std::string uid_text(uid_bytes const& bytes);
result<uid_bytes> parse_uid(std::string_view text);
void print_uid(std::ostream& out, uid_bytes const& bytes);

/// Eight bytes from `begin` as a number, so that the order of numbers is that of the bytes.
inline std::uint64_t uid_half(uid_bytes const& bytes, std::size_t begin) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data() + begin, sizeof number);
    return std::endian::native == std::endian::little ? __builtin_bswap64(number) : number;
}

}  // namespace detail

/// A UUIDv4 (RFC 9562). `Kind` makes it a type of its own, so that a node's id cannot be passed where an instance's is
/// wanted. A default-constructed one is nil: it names nothing and is never generated. The order is that of the bytes,
/// which is also the order of the text.
template <class Kind>
class uid {
public:
    uid() = default;

    static uid generate(entropy& random) { return uid(detail::make_uid(random)); }

    /// Errors: invalid, `text` is not the 36 characters of a UUID.
    static result<uid> parse(std::string_view text) {
        auto const bytes = detail::parse_uid(text);
        if (!bytes) return bytes.error();
        return uid(*bytes);
    }

    static uid from_bytes(detail::uid_bytes const& bytes) { return uid(bytes); }

    bool is_nil() const { return bytes_ == detail::uid_bytes{}; }
    std::string text() const { return detail::uid_text(bytes_); }
    detail::uid_bytes const& bytes() const { return bytes_; }

    friend bool operator==(uid const&, uid const&) = default;
    /// Half by half: maps of a million ids compare twenty times for each look.
    friend std::strong_ordering operator<=>(uid const& a, uid const& b) {
        auto const by_first = detail::uid_half(a.bytes_, 0) <=> detail::uid_half(b.bytes_, 0);
        return by_first != 0 ? by_first : detail::uid_half(a.bytes_, 8) <=> detail::uid_half(b.bytes_, 8);
    }
    friend std::ostream& operator<<(std::ostream& out, uid const& id) {
        detail::print_uid(out, id.bytes_);
        return out;
    }

private:
    explicit uid(detail::uid_bytes const& bytes) : bytes_(bytes) {}
    detail::uid_bytes bytes_{};
};

using workload_id = uid<struct workload_tag>;
using release_id = uid<struct release_tag>;
using instance_id = uid<struct instance_tag>;
using node_id = uid<struct node_tag>;
using cluster_id = uid<struct cluster_tag>;
using document_id = uid<struct document_tag>;
using tenant_id = uid<struct tenant_tag>;
using stream_id = uid<struct stream_tag>;

/// The number of a commit in a store, one counter for all tables; 0 is before the first. Never used twice.
using revision = std::uint64_t;

}  // namespace rik

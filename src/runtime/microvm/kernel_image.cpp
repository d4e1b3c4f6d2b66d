#include "kernel_image_detail.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace rik::detail {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t sector_bytes = 512;
constexpr std::size_t magic_at = 0x202;  // "HdrS"
constexpr std::size_t sectors_at = 0x1f1;
constexpr std::size_t payload_at = 0x248;
constexpr std::size_t payload_length_at = 0x24c;
constexpr std::size_t size_bytes = 4;                    // of the unpacked kernel, behind the payload
constexpr std::uint32_t lz4_block_bytes_max = 8u << 20;  // of legacy frames
constexpr std::size_t match_bytes_min = 4;

struct known_form {
    std::string_view magic;
    payload_form form;
};
constexpr std::array known_forms{known_form{"\x02\x21\x4c\x18"sv, payload_form::lz4},
                                 known_form{"\x28\xb5\x2f\xfd"sv, payload_form::zstd},
                                 known_form{"\xfd"
                                            "7zXZ"sv,
                                            payload_form::xz},
                                 known_form{"\x1f\x8b"sv, payload_form::gzip},
                                 known_form{"\x7f"
                                            "ELF"sv,
                                            payload_form::elf}};

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 4; i > 0; --i) number = number << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
    return number;
}

error is_corrupt() { return error{errc::corrupt, "kernel: its lz4 payload is damaged"}; }

/// One block of lz4: sequences of literal bytes and copies of what was written before.
class lz4_block {
public:
    lz4_block(std::string_view packed, std::string& into) : packed_(packed), into_(into) {}

    bool unpack(std::size_t bytes_max) {
        auto const begin = into_.size();
        while (at_ < packed_.size()) {
            auto const token = static_cast<unsigned char>(packed_[at_++]);
            auto const literals = length(token >> 4);
            if (!literals || *literals > packed_.size() - at_ || into_.size() - begin + *literals > bytes_max)
                return false;
            into_.append(packed_.substr(at_, *literals));
            at_ += *literals;
            if (at_ == packed_.size()) return true;  // the last sequence has no copy
            if (!copy(token & 15, begin, bytes_max)) return false;
        }
        return false;
    }

private:
    std::optional<std::size_t> length(std::size_t begin) {
        if (begin != 15) return begin;
        for (;;) {
            if (at_ >= packed_.size()) return std::nullopt;
            auto const more = static_cast<unsigned char>(packed_[at_++]);
            begin += more;
            if (more != 255) return begin;
        }
    }
    bool copy(std::size_t code, std::size_t begin, std::size_t bytes_max) {
        if (packed_.size() - at_ < 2) return false;
        std::size_t const distance = static_cast<unsigned char>(packed_[at_]) |
                                     static_cast<std::size_t>(static_cast<unsigned char>(packed_[at_ + 1])) << 8;
        at_ += 2;
        auto const count = length(code);
        auto const written = into_.size() - begin;
        if (!count || distance == 0 || distance > written || written + *count + match_bytes_min > bytes_max)
            return false;
        // It may run into what it writes itself, so byte by byte.
        for (auto left = *count + match_bytes_min; left > 0; --left) into_ += into_[into_.size() - distance];
        return true;
    }

    std::string_view packed_;
    std::string& into_;
    std::size_t at_ = 0;
};

}  // namespace

result<kernel_payload> find_payload(std::string_view bz_image) {
    auto const wrong = [] { return error{errc::corrupt, "kernel: is no bzImage of Linux"}; };
    if (bz_image.size() < payload_length_at + 4 || bz_image.substr(magic_at, 4) != "HdrS") return wrong();
    std::size_t setup_sectors = static_cast<unsigned char>(bz_image[sectors_at]);
    if (setup_sectors == 0) setup_sectors = 4;  // for backwards compatibility
    std::size_t const begin = (setup_sectors + 1) * sector_bytes + number_at(bz_image, payload_at);
    std::size_t const length = number_at(bz_image, payload_length_at);
    if (length <= size_bytes || begin > bz_image.size() || length > bz_image.size() - begin) return wrong();
    auto const payload = bz_image.substr(begin, length);
    for (auto const& [magic, form] : known_forms) {
        if (!payload.starts_with(magic)) continue;
        return kernel_payload{form, form == payload_form::elf ? payload : payload.substr(0, length - size_bytes)};
    }
    return error{errc::unsupported, "kernel: is packed in a way that rik does not know"};
}

result<std::string> unpack_lz4_legacy(std::string_view packed, std::size_t bytes_max) {
    std::string unpacked;
    packed.remove_prefix(std::min<std::size_t>(packed.size(), 4));  // the magic
    while (packed.size() >= 4) {
        std::size_t const size = number_at(packed, 0);
        packed.remove_prefix(4);
        if (size == 0) break;
        if (size > packed.size()) return is_corrupt();
        lz4_block block(packed.substr(0, size), unpacked);
        if (!block.unpack(lz4_block_bytes_max)) return is_corrupt();
        if (unpacked.size() > bytes_max) return error{errc::exhausted, "kernel: is too large when it is unpacked"};
        packed.remove_prefix(size);
    }
    return unpacked;
}

bool is_direct_kernel(std::string_view elf) {
    // An ELF note of the owner "Xen" with type 18, XEN_ELFNOTE_PHYS32_ENTRY.
    constexpr auto note = "\x04\x00\x00\x00\x08\x00\x00\x00\x12\x00\x00\x00Xen\x00"sv;
    constexpr auto short_note = "\x04\x00\x00\x00\x04\x00\x00\x00\x12\x00\x00\x00Xen\x00"sv;
    return elf.starts_with(
               "\x7f"
               "ELF") &&
           (elf.find(note) != elf.npos || elf.find(short_note) != elf.npos);
}

}  // namespace rik::detail

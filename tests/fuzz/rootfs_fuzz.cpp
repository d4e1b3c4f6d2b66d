// Root file systems as servers give them, and the names they are asked for by.
#include <rik/base/assert.hpp>

#include "runtime/microvm/kernel_image_detail.hpp"
#include "runtime/microvm/rootfs_files_detail.hpp"
#include "runtime/microvm/rootfs_form_detail.hpp"
#include "runtime/microvm/rootfs_name_detail.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace rik::detail;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    for (auto const whole : {static_cast<std::int64_t>(size), std::int64_t{1} << 40}) {
        auto const form = form_of(text.substr(0, form_bytes), whole);
        RIK_ASSERT(form || !form.error().message.empty());
    }
    if (auto const name = parse_rootfs_name(text)) {
        RIK_ASSERT(name->from != rootfs_source::where::file || name->location.starts_with('/'));
        RIK_ASSERT(name->digest.empty() || name->digest.size() == 71);
    }
    if (auto const record = parse_rootfs_record(text)) RIK_ASSERT(parse_rootfs_record(record_text(*record)));
    if (auto const payload = find_payload(text)) RIK_ASSERT(payload->bytes.size() < size);
    if (auto const plain = unpack_lz4_legacy(text, 1u << 20)) RIK_ASSERT(plain->size() <= 1u << 20);
    return 0;
}

// Names of images become arguments of tools and parts of paths; references become arguments of programs.
#include <rik/base/assert.hpp>
#include <rik/model/image_name.hpp>
#include <rik/model/references.hpp>

#include "runtime/oci/image_source_detail.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const name = rik::parse_image_name(text);
    auto const source = rik::detail::parse_image_source(text);
    RIK_ASSERT(name.has_value() == source.has_value());
    if (source) {
        RIK_ASSERT(!source->key.empty() && source->key.size() <= 255 && source->key.find('/') == source->key.npos);
        RIK_ASSERT(source->key != "." && source->key != "..");
        RIK_ASSERT(!source->location.starts_with('-') && source->location.find('\n') == source->location.npos);
    }
    rik::reference_expander with(rik::string_map{{"A", "one"}, {"B", ""}});
    auto const back = with.expand(rik::escape_references(text));
    RIK_ASSERT(back && *back == text);
    (void)with.expand(text);
    return 0;
}

// What a server (perhaps another one) answers to rikctl: tables and descriptions are text for a terminal.
#include <rik/base/assert.hpp>
#include <rik/client/event_stream.hpp>
#include <rik/client/print.hpp>
#include <rik/client/problems.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

bool is_harmless(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 || c == '\n' || c == '\t'; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    RIK_ASSERT(!rik::parse_problems(500, text).empty());
    RIK_ASSERT(is_harmless(rik::printable(text)));
    rik::event_stream_parser stream;
    if (stream.feed(text))
        while (stream.next()) {
        }
    for (auto const kind : {rik::resource_kind::workload, rik::resource_kind::instance, rik::resource_kind::node,
                            rik::resource_kind::event}) {
        auto const rows = rik::table_rows(kind, text, {.wide = true});
        if (!rows) continue;
        rik::table_writer table(false);
        RIK_ASSERT(is_harmless(table.write(*rows)));
    }
    (void)rik::object_names(text);
    return 0;
}

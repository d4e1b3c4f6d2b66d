// What a machine and its QEMU say to their keeper, and what that has written down of it: all of it may come from a
// guest that attacks.
#include <rik/base/assert.hpp>

#include "runtime/microvm/control_reader_detail.hpp"
#include "runtime/microvm/machine_end_detail.hpp"
#include "runtime/microvm/qmp_reader_detail.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace rik::detail;

bool is_harmless(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 || c == '\n'; });
}

/// Cut anywhere, the same is heard.
template <class Reader>
std::size_t count_words(std::string_view text, std::size_t step) {
    Reader reader;
    std::size_t count = 0;
    while (!text.empty()) {
        reader.feed(text.substr(0, step));
        text.remove_prefix(std::min(step, text.size()));
        while (reader.next()) ++count;
    }
    return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    RIK_ASSERT(count_words<control_reader>(text, 1) == count_words<control_reader>(text, 100'000));
    RIK_ASSERT(count_words<control_reader>(text, 7) <= 2);
    RIK_ASSERT(count_words<qmp_reader>(text, 1) == count_words<qmp_reader>(text, 100'000));
    machine_story story;
    control_reader guest;
    guest.feed(text);
    while (auto word = guest.next()) story.hear(std::move(*word));
    qmp_reader qemu;
    qemu.feed(text);
    while (auto const word = qemu.next()) story.hear(*word);
    auto const end = story.end(0, text);
    RIK_ASSERT(end.code >= 0 && end.code <= 255);
    auto const kept = parse_note(note_text({.was_up = story.is_up(), .end = end, .console = std::string(text)}));
    RIK_ASSERT(kept.end && kept.end->kind == end.kind && kept.end->code == end.code && kept.was_up == story.is_up());
    for (auto const& note : {kept, parse_note(text)}) {
        RIK_ASSERT(is_harmless(note.console) && note.console.size() <= note_console_bytes_max);
        if (note.end) RIK_ASSERT(is_harmless(note.end->text) && is_harmless(describe(*note.end)));
    }
    return 0;
}

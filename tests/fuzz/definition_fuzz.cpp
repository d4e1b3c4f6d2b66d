// What users send as a definition: it is refused with reasons, or what is stored of it reads the same again.
#include <rik/base/assert.hpp>
#include <rik/base/utf8.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/references.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

/// Of a file: each definition that is right is so by itself, too.
void check_file(std::string_view text) {
    for (auto const& each : rik::parse_definition_file(text)) {
        for (auto const& problem : each.parsed.found)
            RIK_ASSERT(!problem.message.empty() && rik::is_utf8(problem.message));
        if (!each.parsed.found.empty()) continue;
        auto const alone = rik::parse_definition(each.text);
        RIK_ASSERT(alone.found.empty());
        RIK_ASSERT(alone.definition.text == each.parsed.definition.text);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    check_file(text);
    auto const first = rik::parse_definition(text);
    for (auto const& each : first.found) RIK_ASSERT(!each.message.empty() && rik::is_utf8(each.message));
    if (!first.found.empty()) return 0;
    auto const& made = first.definition;
    auto const again = rik::parse_definition_json(made.text);
    RIK_ASSERT(again.found.empty());
    RIK_ASSERT(again.definition.text == made.text);
    RIK_ASSERT(again.definition.spec == made.spec);
    for (auto const& each : made.spec.containers) RIK_ASSERT(rik::expand_references(each, {}).has_value());
    return 0;
}

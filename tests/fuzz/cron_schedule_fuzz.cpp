// A schedule and, on the line below it, a zone: both come from definitions.
#include <rik/base/assert.hpp>
#include <rik/base/utf8.hpp>
#include <rik/model/cron_schedule.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace std::chrono;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const line = text.rfind('\n');
    auto const zone = line == text.npos ? std::nullopt : std::optional(text.substr(line + 1));
    auto const read = rik::cron_schedule::parse(text.substr(0, line), zone);
    if (!read) {
        RIK_ASSERT(!read.error().message.empty() && !read.error().remedy.empty() && !read.error().field.empty());
        RIK_ASSERT(rik::is_utf8(read.error().message) && read.error().message.size() < 1'024);
        return 0;
    }
    auto const begin = rik::wall_time(sys_days(year(2026) / 11 / 30));
    auto when = begin;
    std::size_t count = 0;
    for (auto next = read->next_after(when); next && count < 20; next = read->next_after(when), ++count) {
        RIK_ASSERT(*next > when);
        when = *next;
    }
    auto const times = read->times_in(begin, when, 100);
    RIK_ASSERT(times.count == count && times.newest.has_value() == (count > 0));
    RIK_ASSERT(count == 0 || *times.newest == when);
    return 0;
}

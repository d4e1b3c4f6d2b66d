#include "machine_template_detail.hpp"

#include <rik/base/hash.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace rik::detail {

namespace {

constexpr std::string_view form = "rik-template-1";
constexpr std::size_t words_of_page = page_bytes / sizeof(std::uint64_t);
constexpr std::uint64_t memory_bytes_max = std::uint64_t{1} << 44;  // so that sums of sizes cannot overflow

std::uint64_t in_pages(std::uint64_t bytes) { return (bytes + page_bytes - 1) / page_bytes * page_bytes; }

bool is_empty(std::span<std::uint64_t const> page) {
    return std::all_of(page.begin(), page.end(), [](auto word) { return word == 0; });
}

std::string_view next_word(std::string_view& text) {
    auto const end = std::min(text.find(' '), text.size());
    auto const word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

bool read_number(std::string_view text, std::uint64_t& into) {
    auto const* const last = text.data() + text.size();
    auto const [end, failure] = std::from_chars(text.data(), last, into, 16);
    return failure == std::errc{} && end == last;
}

}  // namespace

std::string template_key(template_inputs const& of) {
    constexpr std::uint64_t step_khz = 10'000;
    auto const speed = (of.tsc_khz + step_khz / 2) / step_khz;
    auto text =
        fmt::format("{}\n{}\n{}\n{}\n{:x}\n{}\n{}\n", form, of.tag, of.qemu, of.kernel, of.initramfs, of.node, speed);
    for (auto const& each : of.arguments) text += each + '\n';
    return fmt::format("{:016x}", fnv1a(text));
}

std::vector<page_run> find_runs(std::span<std::uint64_t const> memory) {
    std::vector<page_run> found;
    for (std::size_t page = 0; page < memory.size() / words_of_page; ++page) {
        if (is_empty(memory.subspan(page * words_of_page, words_of_page))) continue;
        auto const number = static_cast<std::uint32_t>(page);
        if (!found.empty() && found.back().first + found.back().count == number)
            ++found.back().count;
        else
            found.push_back({number, 1});
    }
    return found;
}

std::string header_text(template_header const& of) {
    auto text = fmt::format("{} {} {:x} {:x} {:x} {:x} {:x} \n", form, of.key, of.memory_bytes, of.state_bytes,
                            of.run_count, of.page_count, of.sum);
    text.resize(page_bytes, '\0');
    return text;
}

result<template_header> parse_template_header(std::string_view text) {
    auto line = text.substr(0, text.find('\n'));
    error const damaged{errc::corrupt, "template of machines: its header makes no sense"};
    if (next_word(line) != form) return damaged;
    template_header found;
    found.key = next_word(line);
    for (auto* const each : {&found.memory_bytes, &found.state_bytes, &found.run_count, &found.page_count, &found.sum})
        if (!read_number(next_word(line), *each)) return damaged;
    auto const page_count_max = found.memory_bytes / page_bytes;
    if (!line.empty() || found.memory_bytes > memory_bytes_max || found.memory_bytes % page_bytes != 0 ||
        found.state_bytes > template_state_bytes_max || found.page_count > page_count_max ||
        found.run_count > found.page_count)
        return damaged;
    return found;
}

template_layout layout_of(template_header const& of) {
    template_layout made{.state_at = page_bytes};
    made.runs_at = made.state_at + in_pages(of.state_bytes);
    made.pages_at = made.runs_at + in_pages(of.run_count * sizeof(page_run));
    made.file_bytes = made.pages_at + of.page_count * page_bytes;
    return made;
}

/// Four at once, since each has to wait for its own multiplication only.
std::uint64_t sum_of(std::span<std::uint64_t const> words) {
    constexpr std::uint64_t prime = 0x100000001b3;
    std::array<std::uint64_t, 4> lanes{1, 2, 3, 4};
    std::size_t at = 0;
    for (; at + lanes.size() <= words.size(); at += lanes.size())
        for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
            lanes[lane] = (lanes[lane] ^ words[at + lane]) * prime;
            lanes[lane] ^= lanes[lane] >> 29;  // the upper bits would never reach the lower ones
        }
    for (; at < words.size(); ++at) lanes[0] = mix(lanes[0], words[at]);
    std::uint64_t sum = words.size();
    for (auto const each : lanes) sum = mix(sum, each);
    return sum;
}

bool fit(std::span<page_run const> runs, template_header const& of) {
    std::uint64_t next = 0;
    std::uint64_t count = 0;
    for (auto const& each : runs) {
        if (each.first < next || each.count == 0) return false;
        next = std::uint64_t{each.first} + each.count;
        count += each.count;
    }
    return next <= of.memory_bytes / page_bytes && count == of.page_count;
}

std::string order_text(std::size_t settings_bytes, std::int64_t wall_ns, std::span<unsigned char const> seed) {
    auto text = fmt::format("{} {} ", settings_bytes, wall_ns);
    for (auto const each : seed) text += fmt::format("{:02x}", each);
    return text + '\n';
}

std::string qmp_restore(int descriptor) {
    return fmt::format("{{\"execute\":\"migrate-incoming\",\"arguments\":{{\"uri\":\"fd:{}\"}}}}\n", descriptor);
}

}  // namespace rik::detail

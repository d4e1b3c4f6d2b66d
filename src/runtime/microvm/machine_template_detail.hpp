// A template: a machine as it was before it loaded its first module, in a file. Machines of the same kind go on from
// there. Its file is HEADER STATE RUNS PAGES: a text, what QEMU says of its devices, which pages of its memory are not
// empty, and these. Each part begins at a page. Pure.
#pragma once

#include "qmp_reader_detail.hpp"

#include <rik/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

inline constexpr std::size_t page_bytes = 4096;
inline constexpr std::size_t seed_bytes = 64;
/// More is not told by a serial console, which is slow.
inline constexpr std::size_t told_bytes_max = 64u << 10;
inline constexpr std::uint64_t template_state_bytes_max = 16u << 20;
// What the guest's first program knows, too: see guest/main.cpp.
inline constexpr std::string_view template_word = "rik.template";
// With the end of its line: what is not sent yet when it is saved, each machine that goes on would send.
inline constexpr std::string_view template_ready = "rik: ready to be a template\n";

/// All on which it depends whether a machine can go on from a template.
struct template_inputs {
    std::string tag;                     ///< of the rik that has made it: nobody else's is taken
    std::string qemu;                    ///< which file that is
    std::string kernel;                  ///< the same
    std::uint64_t initramfs = 0;         ///< its hash
    std::string node;                    ///< the kernel and the processor that it was made on
    std::uint64_t tsc_khz = 0;           ///< to the next 10 MHz: it is measured, and each time a little different
    std::vector<std::string> arguments;  ///< of QEMU, without what differs between machines
};

/// Sixteen hex digits.
std::string template_key(template_inputs const& of);

/// Consecutive pages that are not empty.
struct page_run {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    friend bool operator==(page_run const&, page_run const&) = default;
};

/// `memory`: whole pages.
std::vector<page_run> find_runs(std::span<std::uint64_t const> memory);

struct template_header {
    std::string key;
    std::uint64_t memory_bytes = 0;
    std::uint64_t state_bytes = 0;
    std::uint64_t run_count = 0;
    std::uint64_t page_count = 0;
    std::uint64_t sum = 0;  ///< of all that follows
    friend bool operator==(template_header const&, template_header const&) = default;
};

/// Where its parts begin.
struct template_layout {
    std::uint64_t state_at = 0;
    std::uint64_t runs_at = 0;
    std::uint64_t pages_at = 0;
    std::uint64_t file_bytes = 0;
};

std::string header_text(template_header const& of);  ///< a page
/// Errors: corrupt.
result<template_header> parse_template_header(std::string_view text);
template_layout layout_of(template_header const& of);

/// Tells damage, not malice: only root can write there.
std::uint64_t sum_of(std::span<std::uint64_t const> words);

/// Whether the runs are in order, inside of the memory, and as many pages as the header says.
bool fit(std::span<page_run const> runs, template_header const& of);

/// What a machine that goes on is told first: see guest/main.cpp.
std::string order_text(std::size_t settings_bytes, std::int64_t wall_ns, std::span<unsigned char const> seed);

/// What the keeper says to QEMU, one after the other.
inline constexpr std::string_view qmp_ignore_shared =
    "{\"execute\":\"migrate-set-capabilities\",\"arguments\":{\"capabilities\":["
    "{\"capability\":\"x-ignore-shared\",\"state\":true},{\"capability\":\"events\",\"state\":true}]}}\n";
/// Whoever goes on would tell the network the address of its template.
inline constexpr std::string_view qmp_no_announcements =
    "{\"execute\":\"migrate-set-parameters\",\"arguments\":{\"announce-rounds\":0}}\n";
inline constexpr std::string_view qmp_stop = "{\"execute\":\"stop\"}\n";
inline constexpr std::string_view qmp_get_descriptor = "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"state\"}}\n";
inline constexpr std::string_view qmp_save = "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"fd:state\"}}\n";
/// A machine that was saved when it stood still stands still when it is restored.
inline constexpr std::string_view qmp_go_on = "{\"execute\":\"cont\"}\n";
/// From the descriptor of that number.
std::string qmp_restore(int descriptor);

}  // namespace rik::detail

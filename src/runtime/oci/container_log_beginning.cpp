// Where a reader of a log begins: at its beginning, at its last lines, or where another reader was.
#include "container_log_detail.hpp"
#include "container_log_format_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>
#include <iterator>
#include <optional>

#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::size_t step_bytes = limits::container_log_chunk_bytes_max;

/// Where the entries of a file end that are written to their end.
off_t end_of_entries(container_log_file const& in) {
    auto const end = ::lseek(in.file.get(), 0, SEEK_END);
    auto const start = std::max<off_t>(end - static_cast<off_t>(step_bytes), 0);
    auto const block = read_log_block(in, start, static_cast<std::size_t>(end - start));
    auto const newline = block.rfind('\n');
    return newline == std::string::npos ? start : start + static_cast<off_t>(newline + 1);
}

/// Looks through a file from its end. Where the tail begins in it, as far as it was found.
std::optional<off_t> look_through(container_log_file const& in, tail_search& search) {
    std::optional<off_t> begin;
    auto end = ::lseek(in.file.get(), 0, SEEK_END);
    while (end > 0 && !search.is_done()) {
        auto const start = std::max<off_t>(end - static_cast<off_t>(step_bytes), 0);
        auto const block = read_log_block(in, start, static_cast<std::size_t>(end - start));
        // Entries are far shorter than a block (conmon cuts them at 8 KiB), so one begins in it.
        auto const newline = block.find('\n');
        auto const skipped = start == 0 || newline == std::string::npos ? 0 : newline + 1;
        auto const first = start + static_cast<off_t>(skipped);
        if (auto const found = search.look(std::string_view(block).substr(skipped)))
            begin = first + static_cast<off_t>(*found);
        if (first >= end) break;  // an entry longer than a block: not conmon's
        end = first;
    }
    return begin;
}

container_log_beginning whole_log(std::vector<container_log_file> files, container_log_options const& options) {
    container_log_beginning found;
    for (auto& each : files) found.files.push_front(std::move(each));
    found.state.since = options.since;
    return found;
}

container_log_beginning last_lines(std::vector<container_log_file> files, container_log_options const& options) {
    tail_search search(*options.tail_lines, options.only);
    std::size_t first = 0;  // the file in which the tail begins
    auto offset = files.empty() ? 0 : end_of_entries(files.front());
    for (std::size_t at = 0; at < files.size() && !search.is_done(); ++at) {
        auto const begin = look_through(files[at], search);
        if (!begin) continue;
        first = at;
        offset = *begin;
    }
    if (!files.empty()) files.resize(first + 1);
    auto found = whole_log(std::move(files), options);
    if (!found.files.empty()) found.files.front().offset = offset;
    found.state.output.skipped_entries = search.skipped_entries(container_log_origin::standard_output);
    found.state.errors.skipped_entries = search.skipped_entries(container_log_origin::standard_error);
    return found;
}

container_log_beginning rest_of_log(std::vector<container_log_file> files, container_key const& key,
                                    container_log_options const& options) {
    auto const& after = *options.after;
    auto const is_attempt = after.attempt == key.attempt;
    auto const newer = count_newer(files, after.file, std::chrono::nanoseconds(after.file_born));
    auto const is_there = is_attempt && newer.is_there;
    if (is_attempt) files.resize(newer.count + (is_there ? 1 : 0));
    auto found = whole_log(std::move(files), options);
    found.state = after;
    found.is_behind_gap = !is_there;
    if (is_there) found.files.front().offset = static_cast<off_t>(after.offset);
    return found;
}

}  // namespace

newer_files count_newer(std::vector<container_log_file> const& files, std::uint64_t inode,
                        std::chrono::nanoseconds born) {
    auto const same = [&](container_log_file const& each) { return each.inode == inode && each.born == born; };
    auto const found = std::ranges::find_if(files, same);
    if (found != files.end()) return {static_cast<std::size_t>(found - files.begin()), true};
    if (files.empty()) return {};
    // It was dropped, and perhaps others after it. Births are as coarse as the kernel's tick, but the first is new.
    auto const older = [&](container_log_file const& each) { return each.born <= born; };
    return {static_cast<std::size_t>(std::find_if(files.begin() + 1, files.end(), older) - files.begin()), false};
}

container_log_beginning find_beginning(std::vector<container_log_file> files, container_key const& key,
                                       container_log_options const& options) {
    if (options.after) return rest_of_log(std::move(files), key, options);
    if (options.tail_lines) return last_lines(std::move(files), options);
    return whole_log(std::move(files), options);
}

}  // namespace rik::detail

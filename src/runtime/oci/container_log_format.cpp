#include "container_log_format_detail.hpp"

#include "words_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/base/time_text.hpp>

#include <algorithm>

namespace rik::detail {

namespace {

/// conmon writes none that is longer than 8 KiB and its head.
constexpr std::size_t entry_bytes_max = limits::container_log_chunk_bytes_max;

std::optional<wall_time> time_of(std::string_view text) {
    auto const when = parse_zoned_time(text);
    return when ? std::optional(*when) : std::nullopt;
}

}  // namespace

std::optional<container_log_entry> parse_log_entry(std::string_view line) {
    container_log_entry found;
    found.time = next_word(line);
    auto const stream = next_word(line);
    auto const tag = next_word(line);
    if ((tag != "F" && tag != "P") || (stream != "stdout" && stream != "stderr")) return std::nullopt;
    found.from = stream == "stderr" ? container_log_origin::standard_error : container_log_origin::standard_output;
    found.ends_line = tag == "F";
    found.text = line;
    return found;
}

container_log_decoder::container_log_decoder(container_log_options const& form, std::size_t take_bytes_max)
    : form_(form), take_bytes_max_(take_bytes_max) {}

void container_log_decoder::go_on_from(container_log_position const& position) {
    output_ = position.output;
    errors_ = position.errors;
    form_.since = position.since;
    if (position.last_written) last_time_ = to_string(*position.last_written);
}

void container_log_decoder::give(container_log_origin from, std::string_view bytes) {
    if (!form_.is_framed) {
        ready_ += bytes;
        return;
    }
    auto const bytes_max = take_bytes_max_ - container_log_frame_head_bytes;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes_max, bytes.size())))
        append_container_log_frame(ready_, from, bytes.substr(0, bytes_max));
}

void container_log_decoder::end_line(container_log_origin from) {
    give(from, "\n");
    state_of(from).is_inside_line = false;
}

/// An entry whose time cannot be read is not known to be old.
bool container_log_decoder::is_wanted(container_log_entry const& entry) {
    if (form_.only && *form_.only != entry.from) return false;
    auto& skipped_entries = state_of(entry.from).skipped_entries;
    if (skipped_entries > 0) {
        --skipped_entries;
        return false;
    }
    auto const when = form_.since ? time_of(entry.time) : std::nullopt;
    return !when || *when >= *form_.since;
}

void container_log_decoder::tell_gap(std::string_view end) {
    is_behind_gap_ = false;
    if (!form_.has_marks) return;
    container_log_mark const gap{.is_gap = true, .gap_begin = time_of(last_time_), .gap_end = time_of(end)};
    append_container_log_frame(ready_, container_log_origin::mark, to_text(gap));
}

void container_log_decoder::add(container_log_entry const& entry) {
    if (is_behind_gap_) tell_gap(entry.time);
    last_time_ = entry.time;
    if (!is_wanted(entry)) return;
    auto& state = state_of(entry.from);
    std::string piece;
    if (form_.timestamps && !state.is_inside_line) piece.append(entry.time).push_back(' ');
    piece += entry.text;
    if (entry.ends_line) piece += '\n';
    give(entry.from, piece);
    state.is_inside_line = !entry.ends_line;
}

void container_log_decoder::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        auto const end = bytes.find('\n');
        if (end == std::string_view::npos) {
            cut_ += bytes.substr(0, entry_bytes_max - std::min(cut_.size(), entry_bytes_max));
            return;
        }
        auto const part = bytes.substr(0, end);
        if (cut_.empty()) {
            if (auto const entry = parse_log_entry(part)) add(*entry);
        } else {
            cut_ += part;
            if (auto const entry = parse_log_entry(cut_)) add(*entry);
            cut_.clear();
        }
        bytes.remove_prefix(end + 1);
    }
}

void container_log_decoder::end_file() {
    if (auto entry = parse_log_entry(cut_)) {
        entry->ends_line = false;
        add(*entry);
    }
    cut_.clear();
}

void container_log_decoder::finish() {
    end_file();
    if (is_behind_gap_) tell_gap({});
}

void container_log_decoder::interrupt() {
    end_file();
    for (auto const from : {container_log_origin::standard_output, container_log_origin::standard_error}) {
        if (state_of(from).is_inside_line) end_line(from);
        state_of(from) = {};
    }
    is_behind_gap_ = true;
}

void container_log_decoder::mark(container_log_position here) {
    if (!form_.has_marks) return;
    here.offset -= std::min<std::uint64_t>(cut_.size(), here.offset);
    here.output = output_;
    here.errors = errors_;
    here.last_written = time_of(last_time_);
    here.since = form_.since;
    append_container_log_frame(ready_, container_log_origin::mark, to_text({.after = to_string(here)}));
}

std::string container_log_decoder::take() {
    auto const left = std::string_view(ready_).substr(taken_);
    auto const size = form_.is_framed ? whole_frames(left, take_bytes_max_) : std::min(left.size(), take_bytes_max_);
    std::string bytes(left.substr(0, size));
    taken_ += size;
    if (taken_ == ready_.size()) {
        ready_.clear();
        taken_ = 0;
    }
    return bytes;
}

/// Entries come from the last to the first.
bool tail_search::belongs(container_log_entry const& entry, stream_end& stream) {
    using what = stream_end::what;
    if (stream.now == what::before_tail) return false;
    auto const is_part = stream.now == what::in_line && !entry.ends_line;
    if (is_part) return true;
    stream.now = lines_wanted_ > 0 ? what::in_line : what::before_tail;
    if (lines_wanted_ > 0) --lines_wanted_;
    return stream.now == what::in_line;
}

bool tail_search::accept(container_log_entry const& entry) {
    auto& stream = entry.from == container_log_origin::standard_error ? errors_ : output_;
    if (!belongs(entry, stream)) {
        ++stream.rejected;
        return false;
    }
    for (auto* const each : {&output_, &errors_}) {
        each->skipped += each->rejected;
        each->rejected = 0;
    }
    idle_bytes_ = 0;
    return true;
}

std::optional<std::size_t> tail_search::look(std::string_view block) {
    std::optional<std::size_t> begin;
    // What has no newline is being written.
    auto end = block.rfind('\n') == std::string_view::npos ? 0 : block.rfind('\n') + 1;
    while (end > 0 && !is_done()) {
        auto const before = end < 2 ? std::string_view::npos : block.rfind('\n', end - 2);
        auto const start = before == std::string_view::npos ? 0 : before + 1;
        auto const entry = parse_log_entry(block.substr(start, end - 1 - start));
        idle_bytes_ += end - start;
        if (entry && (!only_ || *only_ == entry->from) && accept(*entry)) begin = start;
        end = start;
    }
    return begin;
}

}  // namespace rik::detail

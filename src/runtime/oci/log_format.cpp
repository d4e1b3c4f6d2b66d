#include "log_format_detail.hpp"

#include <algorithm>

namespace rik::detail {

namespace {

std::string_view next_word(std::string_view& line) {
    auto const end = std::min(line.find(' '), line.size());
    auto const word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

}  // namespace

std::optional<log_line> parse_log_line(std::string_view line) {
    log_line found;
    found.time = next_word(line);
    auto const stream = next_word(line);
    auto const tag = next_word(line);
    if ((tag != "F" && tag != "P") || (stream != "stdout" && stream != "stderr")) return std::nullopt;
    found.from = stream == "stderr" ? log_origin::standard_error : log_origin::standard_output;
    found.is_whole = tag == "F";
    found.text = line;
    return found;
}

log_joiner::log_joiner(log_options form, std::size_t take_bytes_max)
    : form_(form),
      take_bytes_max_(take_bytes_max),
      line_bytes_max_(take_bytes_max - (form.is_framed ? log_frame_head_bytes : 0)) {}

void log_joiner::end_line(log_origin from) {
    auto& line = unfinished(from);
    line += '\n';
    if (form_.is_framed)
        append_log_frame(ready_, from, line);
    else
        ready_ += line;
    line.clear();
}

void log_joiner::add(log_line const& line) {
    if (form_.only && *form_.only != line.from) return;
    auto& begun = unfinished(line.from);
    auto text = line.text;
    do {
        if (begun.empty() && form_.timestamps) begun.append(line.time).push_back(' ');
        auto const room = line_bytes_max_ - 1 - std::min(begun.size(), line_bytes_max_ - 1);
        auto const part = text.substr(0, room);
        text.remove_prefix(part.size());
        begun += part;
        if (!text.empty()) end_line(line.from);
    } while (!text.empty());
    if (line.is_whole) end_line(line.from);
}

void log_joiner::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        auto const end = bytes.find('\n');
        if (end == std::string_view::npos) {
            cut_ += bytes.substr(0, take_bytes_max_ - std::min(cut_.size(), take_bytes_max_));
            return;
        }
        auto const part = bytes.substr(0, end);
        if (cut_.empty()) {
            if (auto const line = parse_log_line(part)) add(*line);
        } else {
            cut_ += part;
            if (auto const line = parse_log_line(cut_)) add(*line);
            cut_.clear();
        }
        bytes.remove_prefix(end + 1);
    }
}

void log_joiner::finish() {
    for (auto const from : {log_origin::standard_output, log_origin::standard_error})
        if (!unfinished(from).empty()) end_line(from);
}

void log_joiner::interrupt() {
    cut_.clear();
    finish();
}

std::string log_joiner::take() {
    auto const left = std::string_view(ready_).substr(taken_);
    auto size = left.size();
    if (size > take_bytes_max_)
        size = form_.is_framed ? whole_frames(left, take_bytes_max_) : left.rfind('\n', take_bytes_max_ - 1) + 1;
    std::string lines(left.substr(0, size));
    taken_ += size;
    if (taken_ == ready_.size()) {
        ready_.clear();
        taken_ = 0;
    }
    return lines;
}

tail_position find_tail(std::string_view block, std::uint64_t& wanted, std::optional<log_origin> only) {
    auto end = block.size();
    while (end > 0) {
        auto const before = end < 2 ? std::string_view::npos : block.rfind('\n', end - 2);
        auto const start = before == std::string_view::npos ? 0 : before + 1;
        auto const line = block.substr(start, end - start);
        auto const parsed = parse_log_line(line.substr(0, line.size() - 1));
        auto const counts = parsed && parsed->is_whole && (!only || *only == parsed->from);
        if (line.back() == '\n' && counts) {
            if (wanted == 0) return {.offset = end, .is_cut = true};
            --wanted;
        }
        end = start;
    }
    return {};
}

}  // namespace rik::detail

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
    found.stream = next_word(line);
    auto const tag = next_word(line);
    if ((tag != "F" && tag != "P") || (found.stream != "stdout" && found.stream != "stderr")) return std::nullopt;
    found.is_whole = tag == "F";
    found.text = line;
    return found;
}

void log_joiner::flush(std::string& unfinished) {
    if (unfinished.empty()) return;
    ready_.append(unfinished).push_back('\n');
    unfinished.clear();
}

void log_joiner::add(log_line const& line) {
    auto& unfinished = unfinished_[line.stream == "stderr" ? 1 : 0];
    auto text = line.text;
    do {
        if (unfinished.empty() && with_time_) unfinished.append(line.time).push_back(' ');
        auto const room = line_bytes_max_ - 1 - std::min(unfinished.size(), line_bytes_max_ - 1);
        auto const part = text.substr(0, room);
        text.remove_prefix(part.size());
        unfinished += part;
        if (!text.empty()) flush(unfinished);
    } while (!text.empty());
    if (!line.is_whole) return;
    if (unfinished.empty()) ready_ += '\n';  // an empty line
    flush(unfinished);
}

void log_joiner::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        auto const end = bytes.find('\n');
        if (end == std::string_view::npos) {
            cut_ += bytes.substr(0, line_bytes_max_ - std::min(cut_.size(), line_bytes_max_));
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
    for (auto& each : unfinished_) flush(each);
}

void log_joiner::interrupt() {
    cut_.clear();
    finish();
}

std::string log_joiner::take() {
    auto const left = std::string_view(ready_).substr(taken_);
    auto size = left.size();
    if (size > line_bytes_max_) size = left.rfind('\n', line_bytes_max_ - 1) + 1;
    std::string lines(left.substr(0, size));
    taken_ += size;
    if (taken_ == ready_.size()) {
        ready_.clear();
        taken_ = 0;
    }
    return lines;
}

tail_position find_tail(std::string_view block, std::uint64_t& wanted) {
    auto end = block.size();
    while (end > 0) {
        auto const before = end < 2 ? std::string_view::npos : block.rfind('\n', end - 2);
        auto const start = before == std::string_view::npos ? 0 : before + 1;
        auto const line = block.substr(start, end - start);
        auto const parsed = parse_log_line(line.substr(0, line.size() - 1));
        if (line.back() == '\n' && parsed && parsed->is_whole) {
            if (wanted == 0) return {.offset = end, .is_cut = true};
            --wanted;
        }
        end = start;
    }
    return {};
}

}  // namespace rik::detail

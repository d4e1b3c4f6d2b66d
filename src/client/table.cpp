#include <rik/client/print.hpp>

#include <algorithm>

namespace rik {

namespace {

constexpr std::size_t gap = 3;

/// Columns on a screen, counted in characters rather than bytes.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char byte) { return (byte & '\xC0') != '\x80'; }));
}

/// What a terminal would act upon, or what would break the line, is shown as a blank.
std::string on_one_line(std::string_view text) {
    std::string line(text);
    std::ranges::replace_if(
        line, [](char byte) { return (byte >= 0 && byte < ' ') || byte == '\x7F'; }, ' ');
    return line;
}

std::string_view colour_of(tone how) {
    switch (how) {
        case tone::good: return "\x1B[32m";
        case tone::busy: return "\x1B[33m";
        case tone::bad: return "\x1B[31m";
        case tone::plain: break;
    }
    return {};
}

}  // namespace

void table_writer::widen(table_row const& cells) {
    if (widths_.size() < cells.size()) widths_.resize(cells.size());
    for (std::size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], width_of(cells[i].text));
}

std::string table_writer::write(std::span<table_row const> rows) {
    for (auto const& row : rows) widen(row);
    std::string out;
    for (auto const& row : rows) {
        auto const line_start = out.size();
        for (std::size_t i = 0; i < row.size(); ++i) {
            auto const text = row[i].text.empty() ? std::string("-") : on_one_line(row[i].text);
            auto const colour = has_colours_ ? colour_of(row[i].how) : std::string_view();
            out += colour;
            out += text;
            if (!colour.empty()) out += "\x1B[0m";
            if (i + 1 < row.size()) out.append(widths_[i] - std::min(widths_[i], width_of(text)) + gap, ' ');
        }
        while (out.size() > line_start && out.back() == ' ') out.pop_back();
        out += '\n';
    }
    return out;
}

}  // namespace rik

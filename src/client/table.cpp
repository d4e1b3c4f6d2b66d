#include <rik/base/utf8.hpp>
#include <rik/client/print.hpp>

#include <algorithm>

namespace rik {

namespace {

constexpr std::size_t gap = 3;

/// Columns on a screen, counted in characters rather than bytes.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char byte) { return (byte & '\xC0') != '\x80'; }));
}

std::string on_one_line(std::string_view text) {
    auto line = printable(text);
    std::ranges::replace_if(
        line, [](char byte) { return byte == '\n' || byte == '\t'; }, ' ');
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

std::string printable(std::string_view raw) {
    auto const text = to_utf8(raw);
    std::string shown;
    shown.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const byte = static_cast<unsigned char>(text[i]);
        auto const next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0u;
        // U+0080 to U+009F, of which U+009B begins an escape sequence as ESC [ does.
        auto const is_c1 = byte == 0xC2 && next >= 0x80 && next <= 0x9F;
        auto const is_c0 = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
        shown += is_c0 || is_c1 ? ' ' : text[i];
        if (is_c1) ++i;
    }
    return shown;
}

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

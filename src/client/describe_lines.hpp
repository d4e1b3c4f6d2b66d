// The layout of `describe`: aligned "Name: value" lines in indented sections.
#pragma once

#include <rik/base/time.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

class describe_lines {
public:
    explicit describe_lines(wall_time now) : now_(now) {}

    /// Nothing for an empty value. Further lines of a value stand below its first.
    void add(std::string_view name, std::string_view value);
    /// "3m20s ago (2026-11-21 19:19:38 UTC)"
    void add_time(std::string_view name, std::optional<wall_time> when);
    void heading(std::string_view text);
    void text(std::string_view block);
    void indent() { depth_ += 2; }
    void outdent() { depth_ -= 2; }

    std::string take() { return std::move(out_); }

private:
    wall_time now_;
    std::size_t depth_ = 0;
    std::string out_;
};

/// "2026-11-21 19:19:38 UTC"
std::string date_text(wall_time when);

}  // namespace rik::detail

#include <rik/base/log.hpp>

#include <cstdio>

namespace rik {

namespace {

/// A value may be what some program said: it stays on its line.
void append_printable(std::string& line, std::string_view text) {
    for (auto const letter : text) line += static_cast<unsigned char>(letter) < ' ' || letter == 127 ? ' ' : letter;
}

class standard_error final : public log_sink {
public:
    void write(log_level level, std::string_view message, std::span<log_field const> fields) override {
        if (level != log_level::warning && level != log_level::error) return;
        auto const line = line_of(level, message, fields);
        std::fwrite(line.data(), 1, line.size(), stderr);  // one call, so that the lines of two threads do not mix
    }

private:
    static std::string line_of(log_level level, std::string_view message, std::span<log_field const> fields) {
        auto line = "rik: " + std::string(to_string(level)) + ": ";
        append_printable(line, message);
        auto const* separator = " (";
        for (auto const& each : fields) {
            line.append(separator).append(each.name).append("=");
            append_printable(line, each.value);
            separator = ", ";
        }
        return line + (fields.empty() ? "\n" : ")\n");
    }
};

}  // namespace

std::string_view to_string(log_level level) {
    switch (level) {
        case log_level::debug: return "debug";
        case log_level::info: return "info";
        case log_level::warning: return "warning";
        case log_level::error: return "error";
    }
    return "error";
}

log warnings_to_standard_error() {
    static auto* const sink = new standard_error;  // never destroyed: threads may log while the program ends
    return log(*sink);
}

}  // namespace rik

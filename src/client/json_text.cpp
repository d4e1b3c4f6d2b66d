#include <rik/client/print.hpp>

#include <algorithm>

namespace rik {

namespace {

/// Writes JSON anew with other white space, and nothing else: numbers and escapes stay as the server wrote them, which
/// they would not through a parser.
class json_layout {
public:
    explicit json_layout(bool is_pretty) : is_pretty_(is_pretty) {}

    std::string write(std::string_view json) {
        for (std::size_t at = 0; at < json.size(); ++at) {
            if (json[at] == '"')
                at = copy_string(json, at);
            else
                take(json, at);
        }
        return std::move(out_);
    }

private:
    std::size_t copy_string(std::string_view json, std::size_t at) {
        auto end = at + 1;
        while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2u : 1u;
        end = std::min(end, json.size() - 1);
        out_ += json.substr(at, end + 1 - at);
        return end;
    }

    void take(std::string_view json, std::size_t at) {
        switch (auto const byte = json[at]) {
            case ' ':
            case '\t':
            case '\r':
            case '\n': return;
            case '{':
            case '[': return open(byte, is_closed_next(json, at + 1));
            case '}':
            case ']': return close(byte);
            case ',': out_ += ','; return break_line();
            case ':': out_ += is_pretty_ ? ": " : ":"; return;
            default: out_ += byte;
        }
    }

    static bool is_closed_next(std::string_view json, std::size_t at) {
        at = json.find_first_not_of(" \t\r\n", at);
        return at != std::string_view::npos && (json[at] == '}' || json[at] == ']');
    }

    void open(char byte, bool is_empty) {
        out_ += byte;
        ++depth_;
        is_empty_ = is_empty;
        if (!is_empty) break_line();
    }

    void close(char byte) {
        if (depth_ > 0) --depth_;
        if (!is_empty_) break_line();
        is_empty_ = false;
        out_ += byte;
    }

    void break_line() {
        if (!is_pretty_) return;
        out_ += '\n';
        out_.append(2 * depth_, ' ');
    }

    bool is_pretty_;
    bool is_empty_ = false;
    std::size_t depth_ = 0;
    std::string out_;
};

}  // namespace

std::string pretty_json(std::string_view json) { return json_layout(true).write(json); }

std::string compact_json(std::string_view json) { return json_layout(false).write(json); }

}  // namespace rik

// YAML into a JSON tree. The one place that knows yaml-cpp, and that catches its exceptions.
#include "model/definition_tree.hpp"

#include <rik/base/limits.hpp>
#include <rik/base/utf8.hpp>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <sstream>

namespace rik::detail {

namespace {

std::string position_text(YAML::Mark const& mark) {
    return fmt::format("line {} column {}", mark.line + 1, mark.column + 1);
}

bool is_word(std::string_view text, std::string_view lower, std::string_view title, std::string_view upper) {
    return text == lower || text == title || text == upper;
}

bool are_all(std::string_view text, std::string_view legal) {
    return !text.empty() && text.find_first_not_of(legal) == std::string_view::npos;
}

std::string_view without_sign(std::string_view text) {
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    return text;
}

template <class Number, class... Format>
std::optional<Number> number_from(std::string_view text, Format... format) {
    Number number{};
    auto const* const end = text.data() + text.size();
    auto const parsed = std::from_chars(text.data(), end, number, format...);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    return number;
}

/// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_float(std::string_view text) {
    constexpr std::string_view digits = "0123456789";
    text = without_sign(text);
    auto const exponent = text.find_first_of("eE");
    if (exponent != std::string_view::npos && !are_all(without_sign(text.substr(exponent + 1)), digits)) return false;
    auto const mantissa = text.substr(0, exponent);
    auto const point = mantissa.find('.');
    if (point == std::string_view::npos) return are_all(mantissa, digits);
    auto const whole = mantissa.substr(0, point);
    auto const fraction = mantissa.substr(point + 1);
    if (whole.empty()) return are_all(fraction, digits);
    return are_all(whole, digits) && (fraction.empty() || are_all(fraction, digits));
}

bool is_infinite_or_nan(std::string_view text) {
    auto const rest = without_sign(text);
    return is_word(rest, ".inf", ".Inf", ".INF") || is_word(text, ".nan", ".NaN", ".NAN");
}

std::optional<json::value> whole_number(std::string_view text, int base) {
    if (auto const number = number_from<std::int64_t>(text, base)) return json::value(*number);
    if (auto const number = number_from<std::uint64_t>(text, base)) return json::value(*number);
    return std::nullopt;
}

/// The value of a plain scalar by the core schema; nullopt for a number that JSON cannot hold.
/// Source: YAML 1.2.2, 10.3.2 "Tag Resolution".
std::optional<json::value> resolve_plain(std::string_view text) {
    if (text.empty() || text == "~" || is_word(text, "null", "Null", "NULL")) return json::value(nullptr);
    if (is_word(text, "true", "True", "TRUE")) return json::value(true);
    if (is_word(text, "false", "False", "FALSE")) return json::value(false);
    if (is_infinite_or_nan(text)) return std::nullopt;
    auto const unsigned_text = text.front() == '+' ? text.substr(1) : text;
    if (are_all(without_sign(text), "0123456789"))
        if (auto number = whole_number(unsigned_text, 10)) return number;
    if (text.starts_with("0o") && are_all(text.substr(2), "01234567")) return whole_number(text.substr(2), 8);
    if (text.starts_with("0x") && are_all(text.substr(2), "0123456789abcdefABCDEF"))
        return whole_number(text.substr(2), 16);
    if (!is_float(text)) return json::value(json::string(text));
    auto const number = number_from<double>(unsigned_text, std::chars_format::general);
    return number ? std::optional<json::value>(*number) : std::nullopt;
}

/// Hands the events of yaml-cpp's parser to a tree_builder, and stops at what a definition may not have.
class yaml_events final : public YAML::EventHandler {
public:
    explicit yaml_events(tree_builder& tree) : tree_(tree) {}

    void OnDocumentStart(YAML::Mark const& mark) override {
        if (++documents_count_ > 1) stop(mark, "a second document begins", "give one document at a time");
    }
    void OnDocumentEnd() override {}

    void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override {
        if (!accept(mark, "?", anchor)) return;
        if (tree_.expects_key()) return stop(mark, "a key is null", "write the key in quotes");
        tree_.scalar(nullptr);
    }
    void OnAlias(YAML::Mark const& mark, YAML::anchor_t) override { stop_at_anchor(mark); }

    void OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                  std::string const& text) override {
        if (!accept(mark, tag, anchor)) return;
        if (tree_.expects_key()) return tree_.key(text);
        if (tag == "!") return tree_.scalar(json::string(text));  // quoted, or a block of text
        if (auto value = resolve_plain(text)) return tree_.scalar(std::move(*value));
        stop(mark, fmt::format("'{}' is a number that a definition cannot hold", shortened(text)),
             "write it in quotes if it is text");
    }

    void OnSequenceStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        if (accept_collection(mark, tag, anchor)) tree_.begin_array();
    }
    void OnSequenceEnd() override { tree_.end(); }
    void OnMapStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        if (accept_collection(mark, tag, anchor)) tree_.begin_object();
    }
    void OnMapEnd() override { tree_.end(); }

    int documents_count() const { return documents_count_; }

private:
    void stop(YAML::Mark const& mark, std::string_view what, std::string_view remedy) {
        tree_.stop(
            {errc::invalid, fmt::format("{}: {}", position_text(mark), what), tree_.path(), std::string(remedy)});
    }
    void stop_at_anchor(YAML::Mark const& mark) {
        stop(mark, "anchors and aliases are not accepted", "write the value out, or in quotes if it is text");
    }
    bool accept(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor) {
        if (anchor != YAML::NullAnchor) stop_at_anchor(mark);
        // "?" is a plain scalar or a collection, "!" a quoted scalar; everything else was written by the user.
        if (!tag.empty() && tag != "?" && tag != "!")
            stop(mark, "tags are not accepted", "leave the tag out; write text in quotes");
        return !tree_.is_stopped();
    }
    bool accept_collection(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor) {
        if (!accept(mark, tag, anchor)) return false;
        if (!tree_.expects_key()) return true;
        stop(mark, "a key is not a string", "use a string as key; text with braces needs quotes");
        return false;
    }

    tree_builder& tree_;
    int documents_count_ = 0;
};

bool has_foreign_bytes(std::string_view text, problems& found) {
    auto const at = find_not_utf8(text);
    if (at == text.size()) return false;
    auto const line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    found.push_back({errc::invalid, fmt::format("line {}: the text is not UTF-8", line), {}, "save the file as UTF-8"});
    return true;
}

/// The text with a mark for the end of the document: without it yaml-cpp takes a quote that is open at the end of the
/// text for a closed one.
std::string with_end_mark(std::string_view text) {
    std::string marked(text);
    if (!text.ends_with('\n')) marked += '\n';
    return marked += "...\n";
}

void parse_documents(std::string_view text, yaml_events& events, tree_builder& tree) {
    std::istringstream input(with_end_mark(text));
    YAML::Parser parser(input);
    while (!tree.is_stopped() && parser.HandleNextDocument(events)) {
    }
}

}  // namespace

definition_tree read_yaml_tree(std::string_view text) {
    definition_tree result;
    if (is_too_large(text, result.found) || has_foreign_bytes(text, result.found)) return result;
    tree_builder tree(result.found);
    yaml_events events(tree);
    try {
        parse_documents(text, events, tree);
    } catch (YAML::Exception const& problem) {
        tree.stop({errc::invalid,
                   fmt::format("{}: {}", position_text(problem.mark), to_utf8(problem.msg)),
                   {},
                   "look there for wrong indentation, a missing space after ':' or an open quote"});
    }
    if (!tree.is_stopped() && events.documents_count() == 0)
        tree.stop({errc::invalid, "the text holds no definition", {}, "begin with apiVersion, kind and name"});
    if (tree.is_stopped()) return result;
    result.root = tree.take();
    result.is_complete = true;
    return result;
}

}  // namespace rik::detail

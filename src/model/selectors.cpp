// Reading selectors.
#include <rik/model/labels.hpp>

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace rik {

namespace {

using relation = label_requirement::relation;

constexpr std::string_view selector_remedy =
    "write for example app=web, tier!=db, env in (a,b), env notin (c), canary, or !old, joined by commas";
constexpr std::string_view field_remedy = "write for example state=running or node!=a, joined by commas";

/// Reads a label selector from left to right.
class selector_reader {
public:
    explicit selector_reader(std::string_view text) : text_(text) {}

    result<label_selector> read() {
        label_selector selector;
        for (skip_blanks(); at_ < text_.size();) {
            auto one = read_requirement();
            if (!one) return one.error();
            selector.requirements.push_back(std::move(*one));
            if (selector.requirements.size() > limits::selector_requirements_max) return wrong("is too long");
            skip_blanks();
            if (at_ == text_.size()) break;
            if (!take(',')) return wrong("has no comma");
            skip_blanks();
            if (at_ == text_.size()) return wrong("ends with a comma");
        }
        return selector;
    }

private:
    error wrong(std::string_view what) const {
        return error{errc::invalid, fmt::format("the selector '{}' {} at column {}", text_, what, at_ + 1), "selector",
                     std::string(selector_remedy)};
    }
    void skip_blanks() {
        while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    }
    bool take(char what) {
        skip_blanks();
        if (at_ == text_.size() || text_[at_] != what) return false;
        ++at_;
        return true;
    }
    std::string_view take_word() {
        skip_blanks();
        auto const end = std::min(text_.find_first_of(" ,=!()", at_), text_.size());
        auto const word = text_.substr(at_, end - at_);
        at_ = end;
        return word;
    }

    result<label_requirement> read_requirement() {
        auto const is_absent = take('!');
        auto const key = take_word();
        if (!is_label_key(key)) return wrong(fmt::format("has no legal key ('{}')", key));
        if (is_absent) return label_requirement{std::string(key), relation::does_not_exist};
        if (take('!')) return take('=') ? read_value(key, relation::not_in) : wrong("has a '!' without '='");
        if (take('=')) {
            take('=');
            return read_value(key, relation::in);
        }
        auto const before = at_;
        auto const word = take_word();
        if (word == "in") return read_set(key, relation::in);
        if (word == "notin") return read_set(key, relation::not_in);
        if (!word.empty()) return wrong(fmt::format("has '{}' where in or notin may stand", word));
        at_ = before;
        return label_requirement{std::string(key), relation::exists};
    }

    result<label_requirement> read_value(std::string_view key, relation how) {
        auto const value = take_word();
        if (!value.empty() && !is_label_text(value)) return wrong(fmt::format("has no legal value ('{}')", value));
        return label_requirement{std::string(key), how, {std::string(value)}};
    }

    result<label_requirement> read_set(std::string_view key, relation how) {
        label_requirement read{std::string(key), how};
        if (!take('(')) return wrong("has no '('");
        do {
            auto value = read_value(key, how);
            if (!value) return value.error();
            read.values.push_back(std::move(value->values.front()));
        } while (take(','));
        if (!take(')')) return wrong("has no ')'");
        return read;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

/// The text up to the first of `ends` that has no backslash before it, without backslashes.
std::string take_plain(std::string_view& text, std::string_view ends) {
    std::string plain;
    while (!text.empty() && ends.find(text.front()) == ends.npos) {
        if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
        plain += text.front();
        text.remove_prefix(1);
    }
    return plain;
}

error wrong_field_selector(std::string_view text, std::string_view what) {
    return error{errc::invalid, fmt::format("the field selector '{}' {}", text, what), "fieldSelector",
                 std::string(field_remedy)};
}

}  // namespace

result<label_selector> parse_label_selector(std::string_view text) { return selector_reader(text).read(); }

result<std::vector<field_requirement>> parse_field_selector(std::string_view text) {
    std::vector<field_requirement> all;
    for (auto rest = text; !rest.empty();) {
        field_requirement one{.field = take_plain(rest, "=!,")};
        one.is_negated = rest.starts_with('!');
        if (one.is_negated) rest.remove_prefix(1);
        if (!rest.starts_with('=') || one.field.empty()) return wrong_field_selector(text, "has no field with a value");
        rest.remove_prefix(rest.starts_with("==") ? 2 : 1);
        one.value = take_plain(rest, ",");
        all.push_back(std::move(one));
        if (all.size() > limits::selector_requirements_max) return wrong_field_selector(text, "is too long");
        if (!rest.empty()) rest.remove_prefix(1);
    }
    return all;
}

}  // namespace rik

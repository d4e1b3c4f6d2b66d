#include <rik/client/json_path.hpp>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace rik {

namespace {

namespace json = boost::json;

using values = std::vector<json::value const*>;

struct condition;

struct field_step {
    std::string name;
    bool is_deep = false;  ///< anywhere below
};
struct element_step {
    std::vector<std::int64_t> indexes;  ///< negative: from the end
};
struct slice_step {
    std::int64_t begin = 0;
    std::int64_t end = std::numeric_limits<std::int64_t>::max();
};
struct all_step {
    bool is_deep = false;
};
struct condition_step {
    std::shared_ptr<condition const> what;
};
using step = std::variant<field_step, element_step, slice_step, all_step, condition_step>;

struct path {
    bool is_from_root = false;
    std::vector<step> steps;
};

/// `left` compared with `right`; with an empty relation `left` must be there.
struct condition {
    path left;
    std::string relation;
    std::variant<json::value, path> right;
};

values follow(path const& which, json::value const& top, json::value const& here);

void add_all(json::value const& from, values& into) {
    if (auto const* object = from.if_object())
        for (auto const& member : *object) into.push_back(&member.value());
    if (auto const* array = from.if_array())
        for (auto const& each : *array) into.push_back(&each);
}

/// Recursion is bounded by the depth of the JSON parser.
void add_below(json::value const& from, values& into) {
    into.push_back(&from);
    values inside;
    add_all(from, inside);
    for (auto const* each : inside) add_below(*each, into);
}

std::optional<std::size_t> position(std::int64_t index, std::size_t size) {
    auto const at = index < 0 ? index + static_cast<std::int64_t>(size) : index;
    if (at < 0 || at >= static_cast<std::int64_t>(size)) return std::nullopt;
    return static_cast<std::size_t>(at);
}

bool compare(json::value const& left, std::string_view relation, json::value const& right) {
    if (relation == "==") return left == right;
    if (relation == "!=") return left != right;
    auto const order = [&](auto const& a, auto const& b) {
        if (relation == "<") return a < b;
        if (relation == "<=") return a <= b;
        return relation == ">" ? a > b : a >= b;
    };
    if (left.is_number() && right.is_number()) return order(left.to_number<double>(), right.to_number<double>());
    if (left.is_string() && right.is_string()) return order(left.get_string(), right.get_string());
    return false;
}

bool holds(condition const& what, json::value const& top, json::value const& here) {
    auto const left = follow(what.left, top, here);
    if (what.relation.empty()) return !left.empty();
    if (left.empty()) return false;
    if (auto const* literal = std::get_if<json::value>(&what.right)) return compare(*left[0], what.relation, *literal);
    auto const right = follow(std::get<path>(what.right), top, here);
    return !right.empty() && compare(*left[0], what.relation, *right[0]);
}

/// Takes one step from one value.
class stepper {
public:
    stepper(json::value const& top, json::value const& from, values& into) : root_(top), from_(from), into_(into) {}

    void operator()(field_step const& by) const {
        if (!by.is_deep) return add_member(from_, by.name);
        values below;
        add_below(from_, below);
        for (auto const* each : below) add_member(*each, by.name);
    }
    void operator()(element_step const& by) const {
        auto const* array = from_.if_array();
        if (array == nullptr) return;
        for (auto const index : by.indexes)
            if (auto const at = position(index, array->size())) into_.push_back(&(*array)[*at]);
    }
    void operator()(slice_step const& by) const {
        auto const* array = from_.if_array();
        if (array == nullptr) return;
        auto const size = static_cast<std::int64_t>(array->size());
        auto const bounded = [&](std::int64_t index) {
            return std::clamp<std::int64_t>(index < 0 ? index + size : index, 0, size);
        };
        for (auto at = bounded(by.begin); at < bounded(by.end); ++at)
            into_.push_back(&(*array)[static_cast<std::size_t>(at)]);
    }
    void operator()(all_step const& by) const { by.is_deep ? add_below(from_, into_) : add_all(from_, into_); }
    void operator()(condition_step const& by) const {
        values all;
        add_all(from_, all);
        for (auto const* each : all)
            if (holds(*by.what, root_, *each)) into_.push_back(each);
    }

private:
    void add_member(json::value const& of, std::string const& name) const {
        auto const* object = of.if_object();
        auto const* found = object == nullptr ? nullptr : object->if_contains(name);
        if (found != nullptr) into_.push_back(found);
    }

    json::value const& root_;
    json::value const& from_;
    values& into_;
};

values follow(path const& which, json::value const& top, json::value const& here) {
    values found{which.is_from_root ? &top : &here};
    for (auto const& each : which.steps) {
        values next;
        for (auto const* from : found) std::visit(stepper(top, *from, next), each);
        found = std::move(next);
    }
    return found;
}

std::string printed(json::value const& value) {
    if (auto const* text = value.if_string()) return std::string(text->data(), text->size());
    return value.is_null() ? std::string() : json::serialize(value);
}

}  // namespace

/// A part of a template: text, a path, or a range with what is inside.
struct json_path::node {
    std::variant<std::string, path> what = std::string();
    bool is_range = false;
    std::vector<node> inside = {};

    void print(json::value const& top, json::value const& here, std::string& into) const {
        if (auto const* text = std::get_if<std::string>(&what)) into += *text;
        if (auto const* from = std::get_if<path>(&what)) print_values(follow(*from, top, here), top, into);
        if (!std::holds_alternative<path>(what)) print_inside(top, here, into);
    }

private:
    void print_inside(json::value const& top, json::value const& here, std::string& into) const {
        for (auto const& each : inside) each.print(top, here, into);
    }
    void print_values(values const& found, json::value const& top, std::string& into) const {
        for (std::size_t i = 0; i < found.size(); ++i) {
            if (is_range) {
                print_inside(top, *found[i], into);
                continue;
            }
            if (i > 0) into += ' ';
            into += printed(*found[i]);
        }
    }
};

namespace {

/// Reads a template from left to right. The first problem stops it.
class template_reader {
public:
    explicit template_reader(std::string_view text) : text_(text) {}

    std::optional<error> const& problem() const { return problem_; }
    bool is_at_end() const { return problem_ || at_ == text_.size(); }
    bool looks_at(std::string_view what) const { return text_.substr(at_).starts_with(what); }
    bool take(std::string_view what) {
        if (!looks_at(what)) return false;
        at_ += what.size();
        return true;
    }
    void skip_blanks() {
        while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    }
    void expect(std::string_view what) {
        skip_blanks();
        if (!take(what)) stop(fmt::format("has no {}", what));
    }
    void stop(std::string_view what) {
        if (problem_) return;
        problem_ = error{errc::invalid,
                         fmt::format("the path '{}' {} at column {}", text_, what, at_ + 1),
                         {},
                         "write for example {.items[*].name}"};
        at_ = text_.size();
    }

    std::string take_plain(std::string_view ends) {
        auto const end = std::min(text_.find_first_of(ends, at_), text_.size());
        auto const plain = text_.substr(at_, end - at_);
        at_ = end;
        return std::string(plain);
    }

    /// Text in quotes of either kind, with backslashes as in JSON.
    std::string take_quoted() {
        auto const quote = text_[at_++];
        std::string made;
        while (at_ < text_.size() && text_[at_] != quote) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
                auto const letter = text_[++at_];
                made += letter == 'n' ? '\n' : letter == 't' ? '\t' : letter == 'r' ? '\r' : letter;
            } else {
                made += text_[at_];
            }
            ++at_;
        }
        if (at_ == text_.size())
            stop("has an open quote");
        else
            ++at_;
        return made;
    }
    bool is_at_quote() const { return looks_at("'") || looks_at("\""); }

    path take_path() {
        path made;
        made.is_from_root = take("$");
        if (!made.is_from_root) take("@");
        while (!is_at_end()) {
            if (looks_at(".") || looks_at("["))
                made.steps.push_back(take_step());
            else
                break;
        }
        return made;
    }

private:
    step take_step() {
        if (take("[")) return take_brackets();
        auto const is_deep = take("..");
        if (!is_deep) take(".");
        if (is_deep && looks_at("[")) return all_step{true};
        if (take("*")) return all_step{is_deep};
        return field_step{take_name(), is_deep};
    }
    /// A dot after a backslash belongs to the name.
    std::string take_name() {
        std::string name = take_plain(".[]{}() =!<>,\\");
        while (take("\\")) {
            if (!is_at_end()) name += text_[at_++];
            name += take_plain(".[]{}() =!<>,\\");
        }
        if (name.empty() && !is_at_end() && !looks_at("}")) stop("has no name");
        return name;
    }
    step take_brackets() {
        step made = all_step{};
        skip_blanks();
        if (take("?")) {
            made = take_condition();
        } else if (is_at_quote()) {
            made = field_step{take_quoted()};
        } else if (!take("*")) {
            made = take_numbers();
        }
        expect("]");
        return made;
    }
    std::optional<std::int64_t> take_number() {
        skip_blanks();
        std::int64_t number = 0;
        auto const* const begin = text_.data() + at_;
        auto const read = std::from_chars(begin, text_.data() + text_.size(), number);
        if (read.ec != std::errc()) return std::nullopt;
        at_ += static_cast<std::size_t>(read.ptr - begin);
        skip_blanks();
        return number;
    }
    step take_numbers() {
        auto const first = take_number();
        if (take(":")) {
            slice_step made{.begin = first.value_or(0)};
            if (auto const end = take_number()) made.end = *end;
            return made;
        }
        element_step made;
        if (!first) stop("has no number, name or * between brackets");
        made.indexes.push_back(first.value_or(0));
        while (take(","))
            if (auto const next = take_number())
                made.indexes.push_back(*next);
            else
                stop("has no number after a comma");
        return made;
    }
    step take_condition() {
        auto made = std::make_shared<condition>();
        expect("(");
        skip_blanks();
        made->left = take_path();
        skip_blanks();
        for (std::string_view const relation : {"==", "!=", "<=", ">=", "<", ">"}) {
            if (!take(relation)) continue;
            made->relation = relation;
            skip_blanks();
            made->right = take_operand();
            break;
        }
        expect(")");
        return condition_step{std::move(made)};
    }
    std::variant<json::value, path> take_operand() {
        if (is_at_quote()) return json::value(json::string(take_quoted()));
        if (looks_at("@") || looks_at("$") || looks_at(".")) return take_path();
        auto const word = take_plain(" )");
        boost::system::error_code failed;
        auto number = json::parse(word, failed);
        if (failed) stop("has no value to compare with");
        return number;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::optional<error> problem_;
};

/// Reads up to the end of the template, or of a range.
template <class Node>
void read_parts(template_reader& from, std::vector<Node>& into, bool is_in_range) {
    while (!from.is_at_end()) {
        if (!from.take("{")) {
            into.push_back(Node{.what = from.take_plain("{")});
            continue;
        }
        from.skip_blanks();
        if (from.take("end")) {
            from.expect("}");
            if (!is_in_range) from.stop("has an end without a range");
            return;
        }
        if (from.take("range ")) {
            from.skip_blanks();
            auto& range = into.emplace_back(Node{.what = from.take_path(), .is_range = true});
            from.expect("}");
            read_parts(from, range.inside, true);
            continue;
        }
        while (!from.is_at_end() && !from.looks_at("}")) {
            if (from.is_at_quote())
                into.push_back(Node{.what = from.take_quoted()});
            else if (from.looks_at(".") || from.looks_at("[") || from.looks_at("$") || from.looks_at("@"))
                into.push_back(Node{.what = from.take_path()});
            else
                from.stop("has something else than a path or text in quotes");
            from.skip_blanks();
        }
        from.expect("}");
    }
    if (is_in_range) from.stop("has a range without an end");
}

}  // namespace

json_path::json_path(std::unique_ptr<node const> root) : root_(std::move(root)) {}
json_path::json_path(json_path&&) noexcept = default;
json_path& json_path::operator=(json_path&&) noexcept = default;
json_path::~json_path() = default;

result<json_path> json_path::parse(std::string_view text) {
    auto const has_braces = text.find('{') != text.npos;
    auto const whole = has_braces ? std::string(text) : fmt::format("{{{}{}}}", text.starts_with('.') ? "" : ".", text);
    template_reader reader(whole);
    auto top = std::make_unique<node>();
    read_parts(reader, top->inside, false);
    if (auto const& wrong = reader.problem()) return *wrong;
    return json_path(std::move(top));
}

result<std::string> json_path::print(std::string_view text) const {
    boost::system::error_code failed;
    auto const top = json::parse(text, failed);
    if (failed) return error{errc::corrupt, fmt::format("what the server answered is no JSON: {}", failed.message())};
    std::string text_made;
    root_->print(top, top, text_made);
    return text_made;
}

}  // namespace rik

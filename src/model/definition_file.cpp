// A file of several definitions.
#include "model/definition_tree.hpp"
#include "model/yaml_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

namespace detail {

namespace {

/// Reads a file definition by definition.
class definition_file {
public:
    explicit definition_file(std::string_view text) : text_(without_boms(text)), rest_(text_) {}
    definition_file(definition_file const&) = delete;
    definition_file& operator=(definition_file const&) = delete;

    /// Adds what the next document defines. False at the end of the file.
    bool next(std::vector<definition_of_file>& into) {
        auto const start = start_of_next();
        pass(start.at);
        if (rest_.empty() && !start.problem) return false;
        auto const where = position_;
        auto part = is_json(rest_) ? read_json() : read_yaml_part(rest_, position_);
        if (start.problem) part.tree = wrong(*start.problem);
        auto const text = rest_.substr(0, part.size);
        if (text.size() > limits::definition_bytes_max) part.tree = wrong(too_large(text, where));
        parse_tree_of_file(std::move(part.tree), text, where, into);
        pass(part.size);
        return true;
    }

private:
    void pass(std::size_t size) {
        position_ = position_after(rest_.substr(0, size), position_);
        rest_.remove_prefix(size);
    }

    /// JSON values need nothing between them.
    document_start start_of_next() const {
        auto const blank = std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size());
        if (rest_.substr(blank).starts_with('{')) return {blank};
        return find_document(rest_, position_);
    }

    tree_part read_json() const {
        auto part = read_json_part(rest_, position_);
        if (!part.tree.is_complete) {
            part.size = find_next_document(rest_, part.size);
        } else if (auto const behind = rest_.substr(part.size); !may_follow_json(behind)) {
            auto const where = position_after(rest_.substr(0, part.size), position_);
            part.tree = wrong(text_behind(behind, where));
            part.size = find_next_document(rest_, part.size);
        }
        return part;
    }

    static definition_tree wrong(error problem) {
        definition_tree tree;
        tree.found.push_back(std::move(problem));
        return tree;
    }

    static error text_behind(std::string_view text, text_position at) {
        auto const blanks = std::min(text.find_first_not_of(" \t\r\n"), text.size());
        auto const where = to_string(position_after(text.substr(0, blanks), at));
        text.remove_prefix(blanks);
        if (text.starts_with('}') || text.starts_with(']'))
            return {errc::invalid, fmt::format("{}: there is one {} too many", where, text.front()), {}, "take it out"};
        return {errc::invalid,
                fmt::format("{}: there is text behind the end of the definition", where),
                {},
                "begin the next definition with a line ---"};
    }

    static error too_large(std::string_view text, text_position where) {
        problems found;
        is_too_large(text, found);
        found.front().message = fmt::format("{}: {}", to_string(where), found.front().message);
        return std::move(found.front());
    }

    std::string text_;
    std::string_view rest_;
    text_position position_ = {};
};

std::optional<error> file_problem(std::string_view text) {
    if (text.size() > limits::definition_file_bytes_max)
        return error{
            errc::invalid,
            fmt::format("the file has {} bytes; the limit is {}", text.size(), limits::definition_file_bytes_max),
            {},
            "split it into several files"};
    problems found;
    if (is_foreign(text, found)) return std::move(found.front());
    return std::nullopt;
}

definition_of_file problem_entry(error problem) {
    definition_of_file entry;
    entry.parsed.found.push_back(std::move(problem));
    return entry;
}

}  // namespace

}  // namespace detail

std::vector<definition_of_file> parse_definition_file(std::string_view text) {
    std::vector<definition_of_file> all;
    if (auto problem = detail::file_problem(text)) {
        all.push_back(detail::problem_entry(std::move(*problem)));
        return all;
    }
    detail::definition_file file(text);
    while (all.size() <= limits::definitions_per_file_max && file.next(all)) {
    }
    if (all.size() <= limits::definitions_per_file_max) return all;
    all.resize(limits::definitions_per_file_max);
    all.push_back(
        detail::problem_entry({errc::invalid,
                               fmt::format("the file has more than {} definitions", limits::definitions_per_file_max),
                               {},
                               "split it into several files"}));
    return all;
}

}  // namespace rik

#include <rik/model/references.hpp>

#include <rik/base/limits.hpp>

#include <fmt/format.h>

namespace rik {

result<std::string> reference_expander::expand(std::string_view text) {
    std::string made;
    // In the last bytes no reference ends. Each of many open ones would look through all of them.
    auto const unclosed_bytes = text.size() - (text.rfind(')') + 1);  // npos + 1 is 0
    auto const has_room_for = [&](std::string_view more) {
        return more.size() <= limits::expanded_bytes_max - made_bytes_ - made.size();
    };
    while (!text.empty()) {
        auto const dollar = text.find('$');
        auto part = text.substr(0, dollar);  // what comes next into `made`
        auto read = part.size();             // what it takes of `text`
        if (dollar == 0 && text.starts_with("$(")) {
            auto const end = text.size() > unclosed_bytes ? text.find(')') : text.npos;
            auto const found = end == text.npos ? values_.end() : values_.find(text.substr(2, end - 2));
            read = end == text.npos ? 2 : end + 1;
            part = found == values_.end() ? text.substr(0, read) : std::string_view(found->second);
        } else if (dollar == 0) {
            read = text.starts_with("$$") ? 2 : 1;
            part = text.substr(0, 1);
        }
        if (!has_room_for(part))
            return error{
                errc::invalid,
                fmt::format("with its references expanded it is longer than {} bytes", limits::expanded_bytes_max), "",
                "write $$(NAME) for what is no reference"};
        made += part;
        text.remove_prefix(read);
    }
    made_bytes_ += made.size();
    return made;
}

namespace {

error in_field(error why, std::string_view list, std::size_t index, std::string_view member = {}) {
    why.field = fmt::format("{}[{}]{}", list, index, member);
    return why;
}

result<std::vector<std::string>> expand_words(std::optional<std::vector<std::string>> const& words,
                                              std::string_view field, reference_expander& with) {
    std::vector<std::string> made;
    if (!words) return made;
    for (auto const& word : *words) {
        auto expanded = with.expand(word);
        if (!expanded) return in_field(expanded.error(), field, made.size());
        made.push_back(std::move(*expanded));
    }
    return made;
}

}  // namespace

result<expanded_texts> expand_references(container_definition const& of, string_map const& known) {
    reference_expander with(known);
    expanded_texts made;
    for (auto const& each : of.env) {
        auto expanded = each.is_written() ? with.expand(each.value) : result<std::string>(each.value);
        if (!expanded) return in_field(expanded.error(), "env", made.env.size(), ".value");
        with.define(each.name, *expanded);
        made.env.push_back({each.name, std::move(*expanded)});
    }
    auto command = expand_words(of.command, "command", with);
    if (!command) return command.error();
    auto args = expand_words(of.args, "args", with);
    if (!args) return args.error();
    made.command = std::move(*command);
    made.args = std::move(*args);
    return made;
}

std::string escape_references(std::string_view text) {
    std::string escaped;
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto const next = at + 1 < text.size() ? text[at + 1] : '\0';
        if (text[at] == '$' && (next == '$' || next == '(')) escaped += '$';
        escaped += text[at];
    }
    return escaped;
}

}  // namespace rik

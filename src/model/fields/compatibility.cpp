// The table of fields as tables of docs/compatibility.md.
#include <rik/model/fields.hpp>

#include <fmt/format.h>

#include <set>
#include <string>

namespace rik {

namespace {

/// Writes one row of a table for each field that is not simply acted on, in the order of the table of fields.
class table_writer {
public:
    explicit table_writer(definition_form of) : form_(of) {}

    std::string write() {
        text_ = fmt::format("### {}\n\n| field | what RIK does | why |\n|---|---|---|\n", to_string(form_));
        for (auto const& each : definition_types())
            if (each.form == form_) add_object(*each.type, std::string(each.kind));
        return std::move(text_);
    }

private:
    /// Objects that are used at several places are written at the first.
    void add_object(object_type const& of, std::string const& path) {
        if (!written_.insert(&of).second) return;
        for_each_field(of, [&](field const& row) {
            auto const here = fmt::format("{}.{}{}", path, row.name, row.type.count == value_count::list ? "[]" : "");
            add_row(row, here);
            if (row.type.object != nullptr && row.standing == field_standing::acted_on)
                add_object(*row.type.object, here);
        });
    }

    void add_row(field const& row, std::string const& path) {
        if (!row.refused_words.empty())
            add(path, fmt::format("refuses {}", word_list(row.refused_words)), row.because);
        else if (row.standing == field_standing::kept)
            add(path, "keeps it, with a warning", row.because);
        else if (row.standing == field_standing::refused)
            add(path, "refuses it", row.because);
    }
    void add(std::string_view path, std::string_view what, std::string_view why) {
        text_ += fmt::format("| `{}` | {} | {} |\n", path, what, why);
    }

    definition_form form_;
    std::string text_;
    std::set<object_type const*> written_;  // only looked up by pointer, never walked
};

}  // namespace

std::string compatibility_tables() {
    return table_writer(definition_form::kubernetes).write() + "\n" + table_writer(definition_form::rik).write();
}

}  // namespace rik

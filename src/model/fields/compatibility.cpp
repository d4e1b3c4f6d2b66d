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
    std::string write(definition_form of) {
        text_ = "| field | what RIK does | why |\n|---|---|---|\n";
        for (auto const& each : definition_types())
            if (each.form == of) add_object(*each.type, std::string(each.kind));
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
        if (!told_.insert(&row).second) return;
        if (!row.refused_words.empty())
            add(path, fmt::format("refuses {}{}", word_list(row.refused_words), rest_text(row)), row.because);
        else if (row.standing == field_standing::kept)
            add(path, "keeps it, with a warning", row.because);
        else if (row.standing == field_standing::refused)
            add(path, "refuses it", row.because);
    }
    static std::string_view rest_text(field const& row) {
        return row.standing == field_standing::kept ? ", keeps the rest with a warning" : "";
    }
    void add(std::string_view path, std::string_view what, std::string_view why) {
        text_ += fmt::format("| `{}` | {} | {} |\n", path, what, why);
    }

    std::string text_;
    std::set<object_type const*> written_;  // only looked up by pointer, never walked, as is the next
    std::set<field const*> told_;           // the forms share rows
};

}  // namespace

std::string compatibility_tables() {
    table_writer writer;
    auto const kubernetes = writer.write(definition_form::kubernetes);
    auto const rik = writer.write(definition_form::rik);
    return fmt::format("### In both forms, by their places in Kubernetes' form\n\n{}\n### In RIK's form only\n\n{}",
                       kubernetes, rik);
}

}  // namespace rik

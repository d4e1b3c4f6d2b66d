#include "store/transaction_check.hpp"

#include "store/row_text.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <map>

namespace rik::detail {

namespace {

/// The rows of one table as they will be, as far as the transaction changes them.
template <class Row>
struct claims {
    /// Null: there is none, or will be none.
    struct versions {
        Row const* now;
        Row const* next;
    };
    std::map<typename table<Row>::key, versions> rows;
    std::map<std::string, typename table<Row>::key, std::less<>> names;
};

class checker {
public:
    explicit checker(view const& head) : head_(head) {}

    result<void> operator()(transaction const& changes) {
        for (auto const& write : changes.writes()) {
            auto revision_fits = std::visit([this](auto const& each) { return check_revision(each); }, write);
            if (!revision_fits) return revision_fits;
        }
        for (auto const& write : changes.writes()) {
            auto name_is_free = std::visit([this](auto const& each) { return check_name(each); }, write);
            if (!name_is_free) return name_is_free;
        }
        return {};
    }

private:
    template <class Row>
    result<void> check_revision(transaction::write<Row> const& write) {
        auto const now = head_.find<Row>(write.key);
        typename claims<Row>::versions const both{now.row.get(), write.row.get()};
        if (!of<Row>().rows.emplace(write.key, both).second)
            return error{errc::internal, named(write) + ": occurs twice in one transaction"};
        if (!now && !write.row) return error{errc::conflict, named(write) + ": does not exist"};
        if (now.changed_at == write.expected) return {};
        if (!now) return error{errc::conflict, named(write) + ": was removed meanwhile"};
        if (write.expected == 0) return error{errc::conflict, named(write) + ": exists already"};
        return error{errc::conflict, fmt::format("{}: was changed meanwhile (it is at revision {}, not {})",
                                                 named(write), now.changed_at, write.expected)};
    }

    template <class Row>
    result<void> check_name(transaction::write<Row> const& write) {
        if (!write.row) return {};
        auto const* const now = of<Row>().rows.at(write.key).now;
        if (now != nullptr && table<Row>::has_same_name(*now, *write.row)) return {};
        auto const name = table<Row>::name_of(*write.row);
        if (name.empty()) return {};
        auto const claimed = of<Row>().names.emplace(name, write.key);
        if (!claimed.second) return name_taken(write);
        auto const holder = head_.find_named<Row>(name);
        if (!holder) return {};
        auto const holder_key = table<Row>::key_of(*holder);
        if (holder_key == write.key || gives_up(holder_key, name, static_cast<Row const*>(nullptr))) return {};
        return name_taken(write);
    }

    /// Does this transaction remove or rename the row that has `name`?
    template <class Row>
    bool gives_up(typename table<Row>::key const& holder, std::string const& name, Row const*) {
        auto const found = of<Row>().rows.find(holder);
        if (found == of<Row>().rows.end()) return false;
        auto const* const next = found->second.next;
        return next == nullptr || table<Row>::name_of(*next) != name;
    }

    template <class Row>
    static result<void> name_taken(transaction::write<Row> const& write) {
        return error{errc::conflict, describe(*write.row) + ": the name is taken", {}, "choose another name"};
    }

    template <class Row>
    std::string named(transaction::write<Row> const& write) const {
        if (write.row) return describe(*write.row);
        if (auto const now = head_.find<Row>(write.key)) return describe(*now);
        return std::string(to_string(table<Row>::id)) + " " + key_text(write.key);
    }

    template <class Row>
    claims<Row>& of() {
        return std::get<claims<Row>>(claims_);
    }

    view const& head_;
    std::tuple<claims<workload>, claims<release>, claims<instance>, claims<node>, claims<document>> claims_;
};

}  // namespace

result<void> check(transaction const& changes, view const& head) {
    if (changes.size() > limits::append_entries_max) {
        return error{errc::exhausted, fmt::format("a transaction of {} changes: at most {} are possible",
                                                  changes.size(), limits::append_entries_max)};
    }
    return checker(head)(changes);
}

}  // namespace rik::detail

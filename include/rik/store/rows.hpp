// The rows of one table, in the two states that a store has of them, with their names and indexes.
#pragma once

#include <rik/store/tables.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik {

/// A row and the revision of the commit that last changed it. It is empty if there is no such row.
template <class Row>
struct stored {
    std::shared_ptr<Row const> row;
    revision changed_at = 0;

    explicit operator bool() const { return row != nullptr; }
    Row const* operator->() const { return row.get(); }
    Row const& operator*() const { return *row; }
};

/// What is applied, and what of it is durable.
enum class row_state : std::uint8_t { head, durable };

namespace detail {

/// One of each for the two states.
template <class T>
class of_both_states {
public:
    T& operator[](row_state which) { return both_[static_cast<std::size_t>(which)]; }
    T const& operator[](row_state which) const { return both_[static_cast<std::size_t>(which)]; }

private:
    std::array<T, 2> both_{};
};

/// Nearly every row is the same in both states. So a row has one place in each index for both of them, which says in
/// which it is there: that takes half the memory, and whoever changes the one finds the other at hand.
template <class Row>
class rows {
public:
    using key = typename table<Row>::key;
    /// Behind a name: in the whole table, or under an index key that is not empty.
    struct position {
        std::string_view index_key;
        std::string_view name;
    };

    /// Sets or, with nullptr, removes a row in one state, and keeps the indexes in step.
    void apply(row_state in, key const& which, std::shared_ptr<Row const> row, revision changed_at);

    stored<Row> find(row_state in, key const& which) const;
    stored<Row> find_named(row_state in, std::string_view name) const;
    std::vector<stored<Row>> list(row_state in) const;
    std::vector<stored<Row>> list(row_state in, std::string_view index_key) const;
    std::vector<stored<Row>> list_after(row_state in, position const& after, std::size_t count_max) const;
    std::size_t count(row_state in) const { return counts_[in]; }
    std::size_t count(row_state in, std::string_view index_key) const;

private:
    using versions = of_both_states<stored<Row>>;
    using entry = std::pair<key const, versions>;
    /// A name, and who has it.
    using named = std::pair<std::string const, of_both_states<entry const*>>;
    /// Where a row stands in an index: in the order of names, then of keys.
    struct place {
        named const* name;  ///< nullptr: rows of this table have none
        entry const* row;
        std::string_view text() const { return name == nullptr ? std::string_view() : std::string_view(name->first); }
    };
    struct place_order {
        using is_transparent = void;
        bool operator()(place const& a, place const& b) const;
        bool operator()(std::string_view name, place const& a) const { return name < a.text(); }
        bool operator()(place const& a, std::string_view name) const { return a.text() < name; }
    };
    struct index {
        std::map<place, of_both_states<bool>, place_order> places;
        of_both_states<std::size_t> counts;
    };

    void file(row_state in, entry const& which, Row const* before, Row const* after);
    void add_place(row_state in, std::string const& index_key, place const& at);
    void remove_place(row_state in, std::string const& index_key, place const& at);
    named const* find_name(std::string const& name) const;
    void give_name(row_state in, entry const& to, std::string const& name);
    void take_name(row_state in, entry const& from, std::string const& name);

    std::map<key, versions> by_key_;
    of_both_states<std::size_t> counts_;
    std::map<std::string, of_both_states<entry const*>, std::less<>> by_name_;
    std::map<std::string, index, std::less<>> by_index_;
};

extern template class rows<workload>;
extern template class rows<release>;
extern template class rows<instance>;
extern template class rows<node>;
extern template class rows<document>;

}  // namespace detail

}  // namespace rik

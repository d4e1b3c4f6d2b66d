// The rows of one table, in the two states that a store has of them, with their names and indexes.
#pragma once

#include <rik/base/id_table.hpp>
#include <rik/base/sorted_chunks.hpp>
#include <rik/store/tables.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
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

struct key_hash : id_hash {
    using id_hash::operator();
    std::size_t operator()(document_key const& key) const noexcept;
};

struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept;
};

/// Nearly every row is the same in both states. So a row has one place in each index for both of them, which says in
/// which it is there: that takes half the memory. A place has no text: what a row is called, the row says.
///
/// Rows are found by hashes, and listed in order: what comes out of a hash table is sorted, as its own order differs
/// between libraries.
template <class Row>
class rows {
public:
    using key = typename table<Row>::key;
    /// Behind a name: in the whole table, or under an index key that is not empty.
    struct position {
        std::string_view index_key;
        std::string_view name;
    };

    /// Sets or, with nullptr, removes a row in one state, and keeps the indexes in step. Returns what was there.
    std::shared_ptr<Row const> apply(row_state in, key const& which, std::shared_ptr<Row const> row,
                                     revision changed_at);

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
    /// Where a row stands in an index, and in which states. Where it is there in both, it has one name in both.
    struct place {
        entry const* which;
        of_both_states<bool> is_there;
        Row const& row() const;
    };
    /// Of rows with names, in the order of names, then of keys.
    class by_name {
    public:
        void add(row_state in, entry const& which, Row const& row);
        void remove(row_state in, entry const& which, Row const& row);
        bool empty() const { return places_.empty(); }
        sorted_chunks<place> const& places() const { return places_; }

    private:
        typename sorted_chunks<place>::position find(entry const& which, Row const& row) const;
        sorted_chunks<place> places_;
    };
    /// Of rows without names.
    class by_entry {
    public:
        void add(row_state in, entry const& which, Row const&) { places_[&which][in] = true; }
        void remove(row_state in, entry const& which, Row const&);
        bool empty() const { return places_.empty(); }
        std::unordered_map<entry const*, of_both_states<bool>> const& places() const { return places_; }

    private:
        std::unordered_map<entry const*, of_both_states<bool>> places_;
    };
    struct index {
        std::conditional_t<table<Row>::has_names, by_name, by_entry> all;
        of_both_states<std::size_t> counts;
    };

    static std::vector<stored<Row>> in_order(row_state in, std::vector<entry const*> some);
    static void add_place(index& to, row_state in, entry const& which, Row const& row);
    static void remove_place(index& from, row_state in, entry const& which, Row const& row);
    void file_anew(row_state in, entry& which, stored<Row> next);
    index const* find_index(std::string_view index_key) const;

    std::unordered_map<key, versions, key_hash> by_key_;
    of_both_states<std::size_t> counts_;
    index named_;  ///< all that have names
    std::unordered_map<std::string, index, text_hash, std::equal_to<>> by_index_;
};

extern template class rows<workload>;
extern template class rows<release>;
extern template class rows<instance>;
extern template class rows<node>;
extern template class rows<document>;

}  // namespace detail

}  // namespace rik

// A sorted sequence in small chunks of contiguous memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace rik {

/// What a std::set is for, without its 32 bytes beside each item: the items of a chunk stand one after the other, and
/// what comes in order fills chunks to the brim. The caller knows the order, and keeps to it. Items move; a change ends
/// every position.
template <class Item>
class sorted_chunks {
public:
    static constexpr std::size_t chunk_size_max = 64;

    /// Where an item stands, or would.
    struct position {
        std::size_t chunk = 0;
        std::size_t at = 0;
        friend bool operator==(position const&, position const&) = default;
    };

    bool empty() const { return chunks_.empty(); }
    position begin() const { return {}; }
    position end() const { return {chunks_.size(), 0}; }

    /// Returns the first position whose item `is_before` does not hold for. It holds for those in front of some place.
    /// What stands at either end is found at once.
    template <class Predicate>
    position find_first_not(Predicate is_before) const {
        if (empty() || !is_before(chunks_.front().front())) return begin();
        if (is_before(chunks_.back().back())) return end();
        auto const chunk = std::partition_point(chunks_.begin(), chunks_.end(),
                                                [&](auto const& each) { return is_before(each.back()); });
        auto const at = std::partition_point(chunk->begin(), chunk->end(), is_before);
        return {static_cast<std::size_t>(chunk - chunks_.begin()), static_cast<std::size_t>(at - chunk->begin())};
    }

    /// Precondition of these: `where` is not the end.
    Item& operator[](position where) { return chunks_[where.chunk][where.at]; }
    Item const& operator[](position where) const { return chunks_[where.chunk][where.at]; }
    position after(position where) const {
        if (++where.at < chunks_[where.chunk].size()) return where;
        return {where.chunk + 1, 0};
    }

    void insert(position where, Item item) {
        if (where.at == 0 && where.chunk > 0) where = {where.chunk - 1, chunks_[where.chunk - 1].size()};
        if (chunks_.empty()) chunks_.emplace_back();
        if (chunks_[where.chunk].size() == chunk_size_max) where = make_room(where);
        auto& chunk = chunks_[where.chunk];
        chunk.insert(chunk.begin() + static_cast<std::ptrdiff_t>(where.at), std::move(item));
    }

    /// Precondition: `where` is not the end.
    void erase(position where) {
        auto& chunk = chunks_[where.chunk];
        chunk.erase(chunk.begin() + static_cast<std::ptrdiff_t>(where.at));
        auto const next = where.chunk + 1;
        if (chunk.empty())
            chunks_.erase(chunk_at(where.chunk));
        else if (next < chunks_.size() && chunk.size() + chunks_[next].size() <= chunk_size_max / 2)
            join_with_next(where.chunk);
    }

    template <class Visit>
    void for_each(Visit visit) const {
        for (auto const& chunk : chunks_)
            for (auto const& each : chunk) visit(each);
    }

private:
    using chunk_list = std::vector<std::vector<Item>>;
    typename chunk_list::iterator chunk_at(std::size_t index) {
        return chunks_.begin() + static_cast<std::ptrdiff_t>(index);
    }

    /// At the end of a full chunk another begins; elsewhere it is halved.
    position make_room(position where) {
        auto const kept = where.at == chunk_size_max ? chunk_size_max : chunk_size_max / 2;
        auto& full = *chunk_at(where.chunk);
        auto const cut = full.begin() + static_cast<std::ptrdiff_t>(kept);
        std::vector<Item> rest(std::make_move_iterator(cut), std::make_move_iterator(full.end()));
        full.erase(cut, full.end());
        chunks_.insert(chunk_at(where.chunk + 1), std::move(rest));
        return where.at < kept ? where : position{where.chunk + 1, where.at - kept};
    }

    void join_with_next(std::size_t index) {
        auto& next = chunks_[index + 1];
        std::ranges::move(next, std::back_inserter(chunks_[index]));
        chunks_.erase(chunk_at(index + 1));
    }

    chunk_list chunks_;  ///< none is empty
};

}  // namespace rik

// Values by id, to look up.
#pragma once

#include <rik/base/id.hpp>

#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <vector>

namespace rik {

struct id_hash {
    template <class Kind>
    std::size_t operator()(uid<Kind> const& id) const noexcept {
        return detail::uid_half(id.bytes(), 8);  // its own random bits
    }
};

/// For many thousands: a std::map of a million ids reads twenty of them for each look. It shows no order but that of
/// the ids, since its own differs between libraries. Values stay where they are until they are erased.
template <class Id, class Value>
class id_table {
public:
    std::size_t size() const { return values_.size(); }
    bool contains(Id const& id) const { return values_.contains(id); }
    /// nullptr if there is none.
    Value const* find(Id const& id) const {
        auto const found = values_.find(id);
        return found == values_.end() ? nullptr : &found->second;
    }
    /// Precondition: there is one.
    Value const& at(Id const& id) const { return values_.at(id); }

    Value& operator[](Id const& id) { return values_[id]; }
    bool erase(Id const& id) { return values_.erase(id) > 0; }
    /// Erases those that `is_done(value)` holds for, in any order.
    template <class Predicate>
    void erase_if(Predicate is_done) {
        std::erase_if(values_, [&](auto const& each) { return is_done(each.second); });
    }

    /// In their order.
    std::vector<Id> ids() const {
        std::vector<Id> all;
        all.reserve(values_.size());
        for (auto const& each : values_) all.push_back(each.first);
        std::ranges::sort(all);
        return all;
    }

private:
    std::unordered_map<Id, Value, id_hash> values_;
};

}  // namespace rik

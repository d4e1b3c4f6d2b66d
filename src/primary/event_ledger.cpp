#include "event_ledger_detail.hpp"

#include <rik/base/hash.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <queue>
#include <ranges>

namespace rik::detail {

std::uint64_t event_ledger::sequence_of(document_key const& which) {
    std::uint64_t sequence = 0;
    std::from_chars(which.name.data(), which.name.data() + which.name.size(), sequence);
    return sequence;
}

event_ledger::entry event_ledger::read(document const& from) {
    auto const happened = parse_event(from);
    if (happened) return read(from, *happened);
    return {.key = from.key, .sequence = sequence_of(from.key), .object = from.about, .group = from.about};
}

event_ledger::entry event_ledger::read(document const& from, event const& happened) {
    auto group = happened.owner_id.empty() ? from.about : happened.owner_id + "/instances";
    entry made{.key = from.key, .sequence = sequence_of(from.key), .object = from.about, .group = std::move(group)};
    made.content = content_of(happened);
    return made;
}

/// Returns false if it is there.
bool event_ledger::insert(sequences& into, std::uint64_t sequence) {
    auto const at = std::ranges::lower_bound(into, sequence);
    if (at != into.end() && *at == sequence) return false;
    into.insert(at, sequence);
    return true;
}

void event_ledger::erase(sequences& from, std::uint64_t sequence) {
    from.erase(std::ranges::lower_bound(from, sequence));
}

void event_ledger::add(entry what) {
    auto const sequence = what.sequence;
    remove(sequence);
    last_sequence_ = std::max(last_sequence_, sequence);
    auto const object = objects_.try_emplace(what.object).first;
    auto const group = groups_.try_emplace(what.group).first;
    insert(object->second, sequence);
    if (!group->second.empty()) ranks_.erase(rank_of(group->second));
    insert(group->second, sequence);
    ranks_.insert(rank_of(group->second));
    all_.insert_or_assign(all_.end(), sequence, filed{std::move(what), object, group});
}

void event_ledger::remove(std::uint64_t sequence) {
    auto const found = all_.find(sequence);
    if (found == all_.end()) return;
    auto const& [what, object, group] = found->second;
    erase(object->second, sequence);
    if (object->second.empty()) objects_.erase(object);
    ranks_.erase(rank_of(group->second));
    erase(group->second, sequence);
    if (group->second.empty())
        groups_.erase(group);
    else
        ranks_.insert(rank_of(group->second));
    all_.erase(found);
}

std::uint64_t event_ledger::content_of(event const& happened) {
    auto content = fnv1a(happened.reason);
    for (std::string_view const part : {std::string_view(happened.message), std::string_view(happened.source)})
        content = content * 31 + fnv1a(part);
    return content;
}

event_ledger::entry const* event_ledger::find(std::uint64_t sequence) const {
    auto const found = all_.find(sequence);
    return found == all_.end() ? nullptr : &found->second.what;
}

event_ledger::entry const* event_ledger::find_same(std::string_view object, std::uint64_t content) const {
    auto const known = objects_.find(object);
    if (known == objects_.end()) return nullptr;
    for (auto const sequence : std::views::reverse(known->second)) {
        auto const& each = all_.at(sequence).what;
        if (each.content == content) return &each;
    }
    return nullptr;
}

std::vector<std::uint64_t> event_ledger::find_excess(std::span<entry const> added, std::vector<std::uint64_t> removed,
                                                     std::size_t count_max) const {
    std::ranges::sort(removed);
    auto going = removed;
    find_old(objects_, added, &entry::object, limits::events_per_object_max, going);
    find_old(groups_, added, &entry::group, limits::events_per_owner_max, going);
    auto const count = all_.size() + added.size() - going.size();
    if (count > limits::events_count_max) find_old_of_groups(count - limits::events_count_max, going);
    sequences found;
    std::ranges::set_difference(going, removed, std::back_inserter(found));
    if (found.size() > count_max) found.resize(count_max);
    return found;
}

void event_ledger::find_old(holders const& known, std::span<entry const> added, std::string entry::*key,
                            std::size_t count_max, sequences& going) {
    std::map<std::string_view, std::size_t> counts;
    for (auto const& each : added) ++counts[each.*key];
    for (auto const& [whose, more] : counts) {
        auto const found = known.find(whose);
        if (found == known.end() || found->second.size() + more <= count_max) continue;
        auto const& theirs = found->second;
        auto const is_theirs = [&](std::uint64_t sequence) { return std::ranges::binary_search(theirs, sequence); };
        auto left = theirs.size() + more - static_cast<std::size_t>(std::ranges::count_if(going, is_theirs));
        for (auto oldest = theirs.begin(); oldest != theirs.end() && left > count_max; ++oldest)
            if (insert(going, *oldest)) --left;
    }
}

/// Level by level: whoever is the largest at the moment gives one.
void event_ledger::find_old_of_groups(std::size_t count, sequences& going) const {
    struct contender {
        rank now;
        sequences const* group;
        sequences::const_iterator next;
    };
    auto const is_smaller = [](contender const& one, contender const& other) { return by_size()(other.now, one.now); };
    std::priority_queue<contender, std::vector<contender>, decltype(is_smaller)> largest(is_smaller);
    auto upcoming = ranks_.begin();
    while (count > 0) {
        while (upcoming != ranks_.end() && (largest.empty() || by_size()(*upcoming, largest.top().now))) {
            auto const& group = all_.at(upcoming->second).group->second;
            largest.push({*upcoming, &group, group.begin()});
            ++upcoming;
        }
        if (largest.empty()) return;
        auto giving = largest.top();
        largest.pop();
        if (insert(going, *giving.next)) --count;
        if (++giving.next == giving.group->end()) continue;
        giving.now = {giving.now.first - 1, *giving.next};
        largest.push(giving);
    }
}

}  // namespace rik::detail

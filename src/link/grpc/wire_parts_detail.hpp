// What the messages of the wire are made of, for those who map them.
#pragma once

#include "wire_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rik::detail {

/// What was wrong with the first part that could not be read.
struct wire_failure {
    std::string message;
};

// Readers throw it: a message is taken whole or not at all, and every part may be wrong.
[[noreturn]] inline void fail(std::string message) { throw wire_failure{std::move(message)}; }

template <class Read>
auto guarded(Read read) -> result<std::invoke_result_t<Read>> {
    try {
        return read();
    } catch (wire_failure const& why) {
        return error{errc::corrupt, "a message of the peer: " + why.message};
    }
}

// --- ids, times, words, lists

template <class Kind>
std::string bytes_of(uid<Kind> const& id) {
    if (id.is_nil()) return {};
    return std::string(id.bytes().begin(), id.bytes().end());
}

/// Nothing is the nil id.
template <class Id>
Id read_id(std::string const& bytes) {
    if (bytes.empty()) return {};
    detail::uid_bytes parsed{};
    if (bytes.size() != parsed.size()) fail(fmt::format("an id of {} bytes", bytes.size()));
    std::ranges::copy(bytes, parsed.begin());
    return Id::from_bytes(parsed);
}

inline std::int64_t microseconds(wall_time when) { return when.time_since_epoch().count(); }
inline wall_time read_time(std::int64_t microseconds) { return wall_time(wall_time::duration(microseconds)); }

/// An enumeration travels as its number, which never changes.
template <class Word>
Word read_word(std::uint32_t number, Word last) {
    if (number > static_cast<std::uint32_t>(last))
        fail(fmt::format("a state or verb {} that this version does not know", number));
    return static_cast<Word>(number);
}

inline std::uint16_t read_port(std::uint32_t number) {
    if (number > std::numeric_limits<std::uint16_t>::max()) fail(fmt::format("a port {}", number));
    return static_cast<std::uint16_t>(number);
}

template <class Texts>
void copy_texts(std::vector<std::string> const& from, Texts& into) {
    for (auto const& each : from) into.Add(std::string(each));
}

template <class Texts, class Id>
void copy_ids(std::vector<Id> const& from, Texts& into) {
    for (auto const& each : from) into.Add(bytes_of(each));
}
template <class Id, class Texts>
std::vector<Id> read_ids(Texts const& from) {
    std::vector<Id> all;
    for (auto const& each : from) all.push_back(read_id<Id>(each));
    return all;
}

// --- values, in wire_values.cpp

void fill(wire::Metrics& into, node_metrics const& from);
node_metrics read(wire::Metrics const& from);
void fill(wire::NodeFacts& into, node_facts const& from);
node_facts read(wire::NodeFacts const& from);
void fill(wire::InstanceStatus& into, instance_status const& from);
instance_status read(wire::InstanceStatus const& from);
void fill(wire::StatusReport& into, instance_id const& which, revision fence, instance_status const& status);
void fill(wire::Release& into, release const& from);
release_ptr read(wire::Release const& from);
void fill(wire::StreamRequest& into, stream_request const& from);
stream_request read(wire::StreamRequest const& from);

template <class Taints>
void fill_taints(std::vector<taint> const& from, Taints& into) {
    for (auto const& each : from) {
        auto& one = *into.Add();
        one.set_key(each.key);
        one.set_value(each.value);
        one.set_effect(static_cast<std::uint32_t>(each.effect));
    }
}

template <class Taints>
std::vector<taint> read_taints(Taints const& from) {
    std::vector<taint> all;
    for (auto const& each : from)
        all.push_back({each.key(), each.value(), read_word(each.effect(), taint_effect::no_execute)});
    return all;
}

template <class Troubles>
std::vector<node_trouble> read_troubles(Troubles const& from) {
    std::vector<node_trouble> all;
    for (auto const& each : from) all.push_back({each.reason(), each.message()});
    return all;
}

// --- releases

template <class Message>
std::string told_releases::tell(release_ptr const& which, Message& into) {
    if (which == nullptr) return {};
    if (told_.insert(which->id).second) {
        bytes_ += which->definition->text.size();
        fill(*into.add_releases(), *which);
    }
    return bytes_of(which->id);
}

template <class Message>
void told_releases::begin(Message& next) {
    if (told_.size() < limits::releases_per_session_max && bytes_ < limits::releases_bytes_per_session_max) return;
    told_.clear();
    bytes_ = 0;
    next.set_forget_releases(true);
}

template <class Message>
void known_releases::learn(Message const& from) {
    if (from.forget_releases()) {
        known_.clear();
        bytes_ = 0;
    }
    for (auto const& each : from.releases()) keep(read(each));
}

}  // namespace rik::detail

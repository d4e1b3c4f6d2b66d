// Properties of find_eviction over generated disks and users: nobody goes while there is room; whoever goes gives back
// what is worth it, and nobody stays who should have gone before; the order of the users does not matter; evicting
// until nobody is left to be chosen ends, and then there is room, or whoever stays has next to nothing; the message
// says what was free.
#include <node/disk_eviction_detail.hpp>

#include <rik/base/entropy.hpp>
#include <rik/base/quantity.hpp>

#include "property/seed.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

using namespace rik;
using namespace rik::detail;

namespace {

class world {
public:
    explicit world(entropy& random) : random_(random) {
        room.name = "/state";
        room.total_bytes = below(8) == 0 ? 0 : std::int64_t{1} << 30;
        room.free_bytes = below(256) * (std::int64_t{1} << 20);
        room.total_files = below(4) == 0 ? 0 : 1000 + below(1'000'000);
        room.free_files = below(30'000);
        for (auto left = below(8); left > 0; --left) users.push_back(make_user());
    }
    std::int64_t below(std::int64_t limit) {
        return static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(limit));
    }

    disk_room room;
    std::vector<disk_user> users;

private:
    disk_user make_user() {
        disk_user made{.id = instance_id::generate(random_)};
        made.priority = static_cast<std::int32_t>(below(3));
        made.request_bytes = below(2) == 0 ? 0 : below(100) << 20;
        for (auto left = below(4); left > 0; --left) {
            disk_part part{.name = "container c"};
            part.held.bytes = below(2) == 0 ? below(4096) : below(100) << 20;
            part.held.files = below(2) == 0 ? below(20) : below(20'000);
            part.log_bytes = below(3) == 0 ? below(60) << 20 : 0;
            made.parts.push_back(std::move(part));
        }
        made.is_complete = below(16) != 0;
        return made;
    }

    entropy& random_;
};

bool lacks_bytes(disk_room const& room) {
    return room.total_bytes > 0 && room.free_bytes < limits::pressure_disk_bytes;
}
bool lacks_files(disk_room const& room) {
    return room.total_files > 0 && room.free_files < pressure_files(room.total_files);
}

bool has_bytes(disk_user const& who) { return who.held().bytes >= eviction_bytes_min; }

bool has_files(world const& in, disk_user const& who) {
    return who.held().files >= eviction_files_min(in.room.total_files);
}

bool goes_before_for_bytes(disk_user const& one, disk_user const& other) {
    auto const excess = [](disk_user const& each) { return each.used_bytes() - each.request_bytes; };
    auto const one_exceeds = excess(one) > 0;
    auto const other_exceeds = excess(other) > 0;
    if (one_exceeds != other_exceeds) return one_exceeds;
    if (one.priority != other.priority) return one.priority < other.priority;
    return excess(one) > excess(other);
}

/// Has anybody more logs than the first to go would give back?
bool is_flooded(world const& in) {
    disk_user const* first = nullptr;
    std::int64_t logs_max = 0;
    for (auto const& each : in.users) {
        logs_max = std::max(logs_max, each.used_bytes() - each.held().bytes);
        if (!has_bytes(each)) continue;
        auto const is_tie =
            first != nullptr && !goes_before_for_bytes(each, *first) && !goes_before_for_bytes(*first, each);
        if (first == nullptr || goes_before_for_bytes(each, *first) || (is_tie && each.id < first->id)) first = &each;
    }
    return first != nullptr && logs_max > first->held().bytes;
}

/// Bytes come first, if all that can give some back together bring back what lacks.
bool is_for_bytes(world const& in) {
    auto free = in.room.free_bytes;
    auto is_known = true;
    for (auto const& each : in.users) {
        if (!has_bytes(each)) continue;
        free += each.held().bytes;
        is_known = is_known && each.is_complete;
    }
    return lacks_bytes(in.room) && (free >= limits::pressure_disk_bytes || !is_known) && !is_flooded(in);
}

bool is_for_files(world const& in) {
    auto free = in.room.free_files;
    auto is_known = true;
    for (auto const& each : in.users) {
        if (!has_files(in, each)) continue;
        free += each.held().files;
        is_known = is_known && each.is_complete;
    }
    return lacks_files(in.room) && (free >= pressure_files(in.room.total_files) || !is_known);
}

bool is_worth_it(world const& in, disk_user const& who) {
    if (is_for_bytes(in)) return has_bytes(who);
    return is_for_files(in) && has_files(in, who);
}

/// Should `one` have gone before `other`?
bool goes_before(world const& in, disk_user const& one, disk_user const& other) {
    if (!is_for_bytes(in)) {
        if (one.priority != other.priority) return one.priority < other.priority;
        return one.held().files > other.held().files;
    }
    return goes_before_for_bytes(one, other);
}

void check_choice(world const& in, disk_eviction const& chosen) {
    CHECK((lacks_bytes(in.room) || lacks_files(in.room)));
    auto const who = std::ranges::find(in.users, chosen.id, &disk_user::id);
    REQUIRE(who != in.users.end());
    CHECK(is_worth_it(in, *who));
    for (auto const& other : in.users)
        if (is_worth_it(in, other)) CHECK_FALSE(goes_before(in, other, *who));
    auto const free = is_for_bytes(in) ? bytes_text(in.room.free_bytes) : std::to_string(in.room.free_files);
    CHECK(chosen.how.message.find(": " + free + " ") != std::string::npos);
    CHECK(chosen.how.reason == "Evicted");
    CHECK(chosen.how.state == instance_state::failed);
}

void check_nobody(world const& in) {
    for (auto const& each : in.users) CHECK_FALSE(is_worth_it(in, each));
}

void evict_all(world in) {
    for (auto left = in.users.size() + 1; left > 0; --left) {
        auto const chosen = find_eviction(in.room, in.users);
        auto turned = in.users;
        std::ranges::reverse(turned);
        auto const again = find_eviction(in.room, turned);
        REQUIRE(chosen.has_value() == again.has_value());
        if (!chosen) return check_nobody(in);
        CHECK(again->id == chosen->id);
        check_choice(in, *chosen);
        auto const who = std::ranges::find(in.users, chosen->id, &disk_user::id);
        in.room.free_bytes += who->held().bytes;
        in.room.free_files += who->held().files;
        in.users.erase(who);
    }
    FAIL("it never ends");
}

}  // namespace

TEST_CASE("whoever is evicted should go, and gives back room", "[property][node][disk]") {
    seeded_entropy random(test_seed());
    for (int i = 0; i < 20'000; ++i) evict_all(world(random));
}

#include "disk_eviction_detail.hpp"

#include <rik/base/quantity.hpp>
#include <rik/model/node_metrics.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::int64_t pressure_files_part = 20;
constexpr std::int64_t pressure_files_max = 20'000;
constexpr std::int64_t eviction_part = 16;
constexpr std::int64_t eviction_files_least = 100;  // about so many make up a container that does nothing
constexpr std::int64_t scarce_times = 16;
constexpr std::size_t named_parts_max = 4;

bool lacks_bytes(disk_room const& room, std::int64_t times = 1) {
    return room.total_bytes > 0 && room.free_bytes < times * limits::pressure_disk_bytes;
}

bool lacks_files(disk_room const& room, std::int64_t times = 1) {
    return room.total_files > 0 && room.free_files < times * pressure_files(room.total_files);
}

std::int64_t used_bytes_of(disk_part const& part) { return part.held.bytes + part.log_bytes; }

/// Of those that have enough to give back the one of the lowest rank; null if there is none.
template <class Enough, class Rank>
disk_user const* first_of(std::vector<disk_user> const& all, Enough const& has_enough, Rank const& rank) {
    disk_user const* first = nullptr;
    for (auto const& each : all)
        if (has_enough(each) && (first == nullptr || rank(&each) < rank(first))) first = &each;
    return first;
}

/// Would all together that have enough to give back make up for what lacks? If not, somebody else has filled the disk,
/// and nobody is ended in vain.
template <class Enough>
bool would_suffice(std::vector<disk_user> const& all, std::int64_t lacking, Enough const& has_enough,
                   std::int64_t disk_share::*amount) {
    for (auto const& each : all) {
        if (!has_enough(each)) continue;
        lacking -= each.held().*amount;
        if (lacking <= 0 || !each.is_complete) return true;
    }
    return false;
}

/// Does somebody fill the disk with logs, of which an eviction gives nothing back? They are cut as they grow, and
/// nobody who has written less goes for that.
bool is_flooded(std::vector<disk_user> const& all, disk_user const& would_go) {
    auto const bytes = would_go.held().bytes;
    return std::ranges::any_of(all, [&](auto const& each) { return each.used_bytes() - each.held().bytes > bytes; });
}

std::string joined_text(std::vector<std::string> const& parts) { return fmt::format("{}", fmt::join(parts, "; ")); }

template <class Amount>
std::vector<disk_part> largest_first(std::vector<disk_part> parts, Amount const& amount) {
    std::ranges::stable_sort(parts, std::greater<>(), amount);
    if (parts.size() > named_parts_max) parts.resize(named_parts_max);
    std::erase_if(parts, [&](auto const& each) { return amount(each) == 0; });
    return parts;
}

std::string bytes_message(disk_room const& room, disk_user const& who) {
    std::vector<std::string> said{
        fmt::format("the node was low on ephemeral-storage: {} were available, and it keeps {} free",
                    bytes_text(room.free_bytes), bytes_text(limits::pressure_disk_bytes))};
    for (auto const& each : largest_first(who.parts, used_bytes_of)) {
        said.push_back(fmt::format("{} was using {}", each.name, bytes_text(used_bytes_of(each))));
        if (each.name.starts_with("container"))
            said.back() += fmt::format(", and its request is {}", bytes_text(each.request_bytes));
    }
    return joined_text(said);
}

std::string files_message(disk_room const& room, disk_user const& who) {
    std::vector<std::string> said{
        fmt::format("the node was low on inodes: {} more files could be made, and it keeps {} free", room.free_files,
                    pressure_files(room.total_files))};
    auto const files = [](disk_part const& each) { return each.held.files; };
    for (auto const& each : largest_first(who.parts, files))
        said.push_back(fmt::format("{} had {} files", each.name, each.held.files));
    return joined_text(said);
}

disk_eviction eviction_of(disk_user const& who, std::string message) {
    return {who.id, {instance_state::failed, "Evicted", std::move(message)}};
}

}  // namespace

std::int64_t pressure_files(std::int64_t total_files) {
    return std::min(total_files / pressure_files_part, pressure_files_max);
}

std::int64_t eviction_files_min(std::int64_t total_files) {
    return std::max(pressure_files(total_files) / eviction_part, eviction_files_least);
}

std::vector<node_trouble> find_disk_pressure(disk_room const& room) {
    auto found = find_pressure(node_metrics(), {room.name, room.total_bytes, room.free_bytes});
    if (found.empty() && lacks_files(room))
        found.push_back(
            {"DiskPressure", fmt::format("only {} more files can be made on {}, where images and logs are: remove some",
                                         room.free_files, room.name)});
    return found;
}

bool is_scarce(disk_room const& room) { return lacks_bytes(room, scarce_times) || lacks_files(room, scarce_times); }

disk_share disk_user::held() const {
    disk_share sum;
    for (auto const& each : parts) {
        sum.bytes += each.held.bytes;
        sum.files += each.held.files;
    }
    return sum;
}

std::int64_t disk_user::used_bytes() const {
    auto sum = held().bytes;
    for (auto const& each : parts) sum += each.log_bytes;
    return sum;
}

disk_user user_of(instance_template const& pod, std::int64_t request_bytes, written_files const& written) {
    disk_user made{.id = written.instance, .priority = pod.priority, .request_bytes = request_bytes};
    made.is_complete = written.is_complete;
    for (auto const& each : written.containers) {
        disk_part part{.name = "container " + each.name, .held = each.layer, .log_bytes = each.log_bytes};
        auto const definition = std::ranges::find(pod.containers, each.name, &container_definition::name);
        if (definition != pod.containers.end()) part.request_bytes = definition->requests.get(resource::storage);
        made.parts.push_back(std::move(part));
    }
    for (auto const& each : written.volumes) made.parts.push_back({.name = "volume " + each.name, .held = each.held});
    return made;
}

std::optional<disk_eviction> find_eviction(disk_room const& room, std::vector<disk_user> const& users) {
    auto const by_bytes = [](disk_user const* each) {
        auto const excess = each->used_bytes() - each->request_bytes;
        return std::tuple(excess <= 0, each->priority, -excess, each->id);
    };
    auto const by_files = [](disk_user const* each) {
        return std::tuple(each->priority, -each->held().files, each->id);
    };
    auto const has_bytes = [](disk_user const& each) { return each.held().bytes >= eviction_bytes_min; };
    auto const has_files = [least = eviction_files_min(room.total_files)](disk_user const& each) {
        return each.held().files >= least;
    };
    auto const bytes_lacking = limits::pressure_disk_bytes - room.free_bytes;
    auto const files_lacking = pressure_files(room.total_files) - room.free_files;
    if (lacks_bytes(room) && would_suffice(users, bytes_lacking, has_bytes, &disk_share::bytes))
        if (auto const* const who = first_of(users, has_bytes, by_bytes); who != nullptr && !is_flooded(users, *who))
            return eviction_of(*who, bytes_message(room, *who));
    if (lacks_files(room) && would_suffice(users, files_lacking, has_files, &disk_share::files))
        if (auto const* const who = first_of(users, has_files, by_files))
            return eviction_of(*who, files_message(room, *who));
    return std::nullopt;
}

std::vector<container_key> find_ended(disk_room const& room, std::vector<container_status> const& containers,
                                      written_files const& written) {
    std::vector<container_key> found;
    for (auto const& each : containers) {
        auto const part = std::ranges::find(written.containers, each.name, &written_container::name);
        if (each.state != container_state::exited || part == written.containers.end()) continue;
        auto const is_worth_it = part->layer.bytes >= eviction_bytes_min ||
                                 (lacks_files(room) && part->layer.files >= eviction_files_min(room.total_files));
        if (is_worth_it) found.push_back({written.instance, each.name, each.restart_count});
    }
    return found;
}

}  // namespace rik::detail

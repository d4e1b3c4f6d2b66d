#include "written_detail.hpp"

#include <utility>

namespace rik::detail {

namespace {

constexpr std::size_t files_per_turn = 100;
constexpr std::size_t turns_per_slice = 10;    // about two milliseconds of a processor: others wait for the thread
constexpr std::size_t walks_at_once_max = 32;  // each has up to two files open

}  // namespace

written_meter::written_meter(std::vector<instance_reading> const& of) {
    for (auto const& each : of) {
        written_files made{.instance = each.usage.instance};
        // Until the walks are through its usage has of each container what its logs take.
        for (auto const& one : each.usage.containers)
            made.containers.push_back({.name = one.name, .log_bytes = one.written_bytes});
        std::vector<std::size_t> place_of(each.usage.volumes.size());
        for (auto const& one : each.written) {
            if (!one.is_volume) continue;
            place_of[one.volume] = made.volumes.size();
            made.volumes.push_back({.name = each.usage.volumes[one.volume].name});
        }
        for (auto what : each.written) {
            if (what.is_volume) what.volume = place_of[what.volume];
            walks_.push_back({.instance = read_.size(), .what = std::move(what)});
        }
        read_.push_back(std::move(made));
    }
}

void written_meter::advance(walk& one) {
    if (!one.through) one.through = std::make_unique<disk_walk>(one.what.path);
    one.is_over = one.through->advance(files_per_turn);
    one.found = one.through->found();
    if (one.is_over) one.through.reset();
}

bool written_meter::advance() {
    for (std::size_t turn = 0; turn < turns_per_slice; ++turn) {
        while (under_way_.size() < walks_at_once_max && begun_count_ < walks_.size())
            under_way_.push_back(begun_count_++);
        if (under_way_.empty()) return true;
        next_ %= under_way_.size();
        auto& one = walks_[under_way_[next_]];
        advance(one);
        if (one.is_over)
            under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(next_));
        else
            ++next_;
    }
    return under_way_.empty() && begun_count_ == walks_.size();
}

std::vector<written_files> written_meter::found() const {
    auto all = read_;
    for (auto const& each : walks_) {
        auto& of = all[each.instance];
        of.is_complete = of.is_complete && each.is_over;
        auto& into = each.what.is_volume ? of.volumes[each.what.volume].held : of.containers[each.what.container].layer;
        into = each.found;
    }
    return all;
}

}  // namespace rik::detail

#include "disk_watch_detail.hpp"
#include "pod_images_detail.hpp"
#include "requests_detail.hpp"
#include "scoped_detail.hpp"

#include <rik/async/unless.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

constexpr duration pull_pause_min = std::chrono::seconds(10);  // Source: Kubernetes, "Images", ImagePullBackOff
constexpr duration pull_pause_max = std::chrono::minutes(5);

duration doubled(duration first, duration last, unsigned times) {
    for (; times > 0 && first < last; --times) first *= 2;
    return std::min(first, last);
}

/// A machine that is short of something may have it soon; a registry should not be asked too often.
duration pull_pause(error const& why, unsigned failures) {
    if (why.code == errc::exhausted) return doubled(limits::reconnect_pause_min, limits::start_pause_max, failures);
    return doubled(pull_pause_min, pull_pause_max, failures);
}

error lacks_room_for(std::string const& image) {
    return error{errc::exhausted,
                 fmt::format("image {}: it is pulled when the node's disk has room", image),
                 {},
                 "remove images, or other files"};
}

}  // namespace

void pod_images::begin(std::size_t unit) {
    auto const& mine = all_[unit];
    if (mine.image == nullptr && !mine.is_on_its_way) pulls_.spawn(pull(unit));
}

awaitable<image_ptr> pod_images::get(std::size_t unit) {
    while (all_[unit].image == nullptr) co_await progressed_.wait();
    co_return all_[unit].image;
}

awaitable<> pod_images::wait_for_first() {
    while (!are_first_settled()) co_await progressed_.wait();
}

bool pod_images::are_first_settled() const {
    for (std::size_t i = 0; i < all_.size(); ++i) {
        auto const is_settled = all_[i].image != nullptr || all_[i].has_failed;
        if (pod_.machine->has_its_turn(i) && !is_settled) return false;
    }
    return true;
}

awaitable<> pod_images::pull(std::size_t unit) {
    raised const here(all_[unit].is_on_its_way);
    auto const release = pod_.mine->fields.made_from;  // as it is now, whatever comes meanwhile
    auto const& container = release->spec().containers[unit];
    for (unsigned failures = 0;; ++failures) {
        auto image = co_await pull_once(container);
        auto const forbidden = image ? find_root(container, (*image)->config) : std::nullopt;
        if (image && !forbidden) {
            take(unit, std::move(*image));
            co_return;
        }
        auto const why = forbidden ? *forbidden : image.error();
        take_failure(unit, why, forbidden.has_value(), failures);
        if (pod_.is_final(unit, why)) co_return;
        co_await pod_.on.time.sleep_for(pull_pause(why, failures));
    }
}

/// What is here can be had on a disk that is nearly full, too, unless its registry must be asked. A pull that fills the
/// disk is given up: else others would be evicted for it.
awaitable<result<image_ptr>> pod_images::pull_once(container_definition const& of) {
    auto& storage = pod_.on.storage;
    auto const must_ask = of.pull_policy == image_pull_policy::always;
    if (storage.is_short() && !must_ask) {
        auto here = co_await pod_.pulled->ensure(of.image, image_pull_policy::never);
        if (here) co_return here;
    }
    if (storage.is_short()) co_return lacks_room_for(of.image);
    auto pulling = pod_.pulled->ensure(of.image, of.pull_policy);
    auto image = co_await unless(storage.shortage(), std::move(pulling));
    if (!image) co_return lacks_room_for(of.image);
    co_return std::move(*image);
}

void pod_images::take(std::size_t unit, image_ptr image) {
    notes_.drop_trouble(unit);
    pod_.status_of(unit).image_digest = image->digest;
    if (!image->warning.empty()) pod_.mine->warnings += fmt::format("; {}", image->warning);
    all_[unit].image = std::move(image);
    progressed_.notify();
}

void pod_images::take_failure(std::size_t unit, error const& why, bool is_forbidden, unsigned failures) {
    all_[unit].has_failed = true;
    progressed_.notify();
    auto const* const word = failures == 0 ? "ErrImagePull" : "ImagePullBackOff";
    notes_.set_trouble(unit, is_forbidden ? "CreateContainerConfigError" : word, why);
    if (!pod_.is_final(unit, why)) return;
    notes_.give_up(unit);
    pod_.fail(
        {instance_state::failed, is_forbidden ? "CreateContainerConfigError" : "ImagePullFailed", to_string(why)});
}

}  // namespace rik::detail

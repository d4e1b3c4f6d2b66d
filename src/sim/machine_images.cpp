// The images of a simulated machine, and the registry that they come from.
#include <rik/base/hash.hpp>
#include <rik/model/image_name.hpp>
#include <rik/sim/machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::sim {

namespace {

std::string short_name_of(std::string const& name) {
    auto const parsed = parse_image_name(name);
    return parsed ? short_name(*parsed) : name;
}

/// What a Function's root file system may be made from beside images.
bool is_file_or_url(std::string_view name) {
    return name.starts_with('/') || name.starts_with("file:") || name.starts_with("http://") ||
           name.starts_with("https://");
}

bool is_asked_for(std::string const& name, std::optional<image_pull_policy> policy) {
    if (policy) return *policy == image_pull_policy::always;
    auto const parsed = parse_image_name(name);
    return parsed && is_floating(*parsed);
}

image_ptr make_image(std::string name, std::string digest, std::string warning) {
    auto made = std::make_shared<image>();
    made->name = std::move(name);
    made->digest = std::move(digest);
    made->warning = std::move(warning);
    return made;
}

}  // namespace

void machine::push(std::string const& image, std::string digest) {
    registry_[short_name_of(image)] = std::move(digest);
}

std::string machine::digest_of(std::string const& name) const {
    auto const pushed = registry_.find(name);
    return pushed != registry_.end() ? pushed->second : fmt::format("sha256:{:064x}", fnv1a(name));
}

awaitable<result<image_ptr>> machine::ensure(std::string name, std::optional<image_pull_policy> policy) {
    if (auto const parsed = parse_image_name(name); !parsed && !is_file_or_url(name)) co_return parsed.error();
    auto const how = behaviour_of(name);
    auto const key = short_name_of(name);
    if (!pulled_.contains(key) && policy == image_pull_policy::never)
        co_return error{errc::not_found, fmt::format("image {}: it is not here, and its policy is Never", name)};
    if (pulled_.contains(key) && !is_asked_for(name, policy)) co_return make_image(name, pulled_.at(key), {});
    if (!pulled_.contains(key)) co_await time_.sleep_for(how.pull_time);
    auto const fault = faults.pull_error ? faults.pull_error : how.pull_error;
    auto const is_away = fault && fault->code == errc::unavailable;
    if (is_away && !policy && pulled_.contains(key))
        co_return make_image(name, pulled_.at(key), "its registry is away");
    if (fault) co_return inject(*fault);
    pulled_[key] = digest_of(key);
    co_return make_image(name, pulled_.at(key), {});
}

awaitable<result<std::vector<node_image>>> machine::list_all_images() {
    std::map<std::string, node_image> by_digest;
    for (auto const& [name, digest] : pulled_) {
        by_digest[digest].digest = digest;
        by_digest[digest].names.push_back(name);
    }
    std::vector<node_image> all;
    for (auto& [digest, each] : by_digest) all.push_back(std::move(each));
    std::ranges::stable_sort(all, {}, &node_image::names);
    co_return all;
}

awaitable<result<std::vector<node_image>>> machine::load(load_images what) {
    if (!what.path.starts_with('/'))
        co_return error{errc::invalid, fmt::format("{}: it is not an absolute path", what.path)};
    if (what.name.empty()) co_return error{errc::unsupported, fmt::format("{}: its image has no name", what.path)};
    auto const name = parse_image_name(what.name);
    if (!name) co_return name.error();
    auto const digest = fmt::format("sha256:{:064x}", fnv1a(what.path));
    pulled_[short_name(*name)] = digest;
    auto all = co_await list_all_images();
    std::erase_if(*all, [&](auto const& each) { return each.digest != digest; });
    co_return std::move(*all);
}

awaitable<result<void>> machine::remove(image_removal what) {
    auto const removed_count = std::erase_if(pulled_, [&](auto const& each) {
        auto const is_meant = what.only_name.empty() || short_name_of(what.only_name) == each.first;
        return each.second == what.digest && is_meant;
    });
    if (removed_count == 0) co_return error{errc::not_found, fmt::format("image {}: it is not here", what.digest)};
    co_return result<void>{};
}

}  // namespace rik::sim

#include "uid_pool_detail.hpp"

#include <fmt/format.h>

#include <vector>

namespace rik::detail {

result<std::uint32_t> uid_pool::take(container_key const& of) {
    if (auto const found = taken_.find(of); found != taken_.end()) return found->second;
    for (std::uint32_t tries = 0; tries < count_; ++tries) {
        auto const uid = next_;
        next_ = uid + 1 < first_ + count_ ? uid + 1 : first_;
        if (numbers_.contains(uid)) continue;
        keep(of, uid);
        return uid;
    }
    return error{errc::exhausted, fmt::format("all {} user ids for machines are in use", count_)};
}

void uid_pool::keep(container_key const& of, std::uint32_t uid) {
    give_back(of);
    taken_[of] = uid;
    numbers_.insert(uid);
}

std::vector<std::uint32_t> uid_pool::find(instance_id const& all_of) const {
    std::vector<std::uint32_t> found;
    for (auto const& [key, uid] : taken_)
        if (key.instance == all_of) found.push_back(uid);
    return found;
}

void uid_pool::give_back(container_key const& of) {
    auto const found = taken_.extract(of);
    if (!found.empty()) numbers_.erase(found.mapped());
}

void uid_pool::give_back(instance_id const& all_of) {
    std::vector<container_key> keys;
    for (auto const& [key, uid] : taken_)
        if (key.instance == all_of) keys.push_back(key);
    for (auto const& each : keys) give_back(each);
}

}  // namespace rik::detail

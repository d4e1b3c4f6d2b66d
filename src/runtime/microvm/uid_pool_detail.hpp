// Which machine has which user id.
#pragma once

#include <rik/base/result.hpp>
#include <rik/runtime/runtime.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace rik::detail {

class uid_pool {
public:
    uid_pool(std::uint32_t first, std::uint32_t count) : first_(first), count_(count), next_(first) {}

    /// One that no other machine has; of one that has one, that. Errors: exhausted.
    result<std::uint32_t> take(container_key const& of);
    /// Of a machine that was found.
    void keep(container_key const& of, std::uint32_t uid);
    std::vector<std::uint32_t> find(instance_id const& all_of) const;
    void give_back(container_key const& of);
    void give_back(instance_id const& all_of);

private:
    std::uint32_t first_;
    std::uint32_t count_;
    std::uint32_t next_;  // what was free last is used as late as possible
    std::map<container_key, std::uint32_t> taken_;
    std::set<std::uint32_t> numbers_;
};

}  // namespace rik::detail

// The parts of a batch of facts, until the last one is there.
#pragma once

#include <rik/base/result.hpp>
#include <rik/link/messages.hpp>

#include <cstddef>
#include <optional>
#include <set>

namespace rik::detail {

class staged_facts {
public:
    explicit staged_facts(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    /// Gives the whole batch with its last part, and nothing before. Errors: exhausted, the parts are more than
    /// `bytes_max`, and the batch is not complete.
    result<std::optional<facts>> add(facts part);

private:
    std::size_t bytes_of(facts const& part);

    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    facts whole_;
    std::set<release_ptr> releases_;  ///< that were counted
};

}  // namespace rik::detail

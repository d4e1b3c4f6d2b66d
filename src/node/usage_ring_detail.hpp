// What one instance used of late: pure.
#pragma once

#include <rik/base/time.hpp>
#include <rik/model/usage_row.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace rik::detail {

inline constexpr std::size_t usage_samples_max = 20;  ///< of each container: five minutes

/// A container at one moment.
struct usage_sample {
    time_point at;
    container_usage seen;
};

/// Forgets the oldest sample for a new one, and all of them when the container was restarted.
class usage_ring {
public:
    void add(usage_sample one);
    /// Of the two newest samples; nullopt while there is one.
    std::optional<std::int64_t> cpu_milli() const;
    std::size_t size() const { return samples_.size(); }
    /// Precondition: it is not empty.
    container_usage const& newest() const { return samples_.back().seen; }

private:
    std::deque<usage_sample> samples_;
};

/// The containers of one instance, and what they share.
class instance_rings {
public:
    /// A container that `seen` does not have is forgotten.
    void add(instance_usage seen, time_point at);
    usage_row row() const;
    instance_usage const& newest() const { return newest_; }

private:
    instance_usage newest_ = {};
    std::map<std::string, usage_ring> containers_;
};

}  // namespace rik::detail

#include "template_faults_detail.hpp"

#include <algorithm>

namespace rik::detail {

namespace {

using namespace std::chrono_literals;

constexpr duration template_pause_min = 1min;
constexpr duration template_pause_max = 1h;
constexpr unsigned template_doublings_max = 6;  // past template_pause_max

}  // namespace

duration template_pause(unsigned faults) {
    if (faults < 2) return duration::zero();
    return std::min(template_pause_min * (1 << std::min(faults - 2, template_doublings_max)), template_pause_max);
}

unsigned template_faults::count(std::string const& key) const {
    auto const found = faults_.find(key);
    return found != faults_.end() ? found->second.count : 0;
}

bool template_faults::may_try(std::string const& key, time_point now) const {
    auto const found = faults_.find(key);
    return found == faults_.end() || now >= found->second.again_at;
}

bool template_faults::add(std::string const& key, unsigned known, time_point now) {
    if (count(key) != known) return false;
    faults_[key] = {known + 1, now + template_pause(known + 1)};
    if (faults_.size() > template_fault_records_max)
        faults_.erase(std::min_element(faults_.begin(), faults_.end(), [](auto const& one, auto const& other) {
            return one.second.again_at < other.second.again_at;
        }));
    return true;
}

}  // namespace rik::detail

// Which templates have come to nothing, and when they are tried again. Pure.
#pragma once

#include <rik/base/time.hpp>

#include <cstddef>
#include <map>
#include <string>

namespace rik::detail {

class template_faults {
public:
    /// How many there were since this one last worked.
    unsigned count(std::string const& key) const;
    /// False for a while after a fault: it is neither used nor made then.
    bool may_try(std::string const& key, time_point now) const;
    /// `known`: how many there were when that began which has failed now. Of several machines that a damaged template
    /// fails at once, the first one counts. True if this is it.
    bool add(std::string const& key, unsigned known, time_point now);
    /// It works.
    void forgive(std::string const& key) { faults_.erase(key); }

private:
    struct record {
        unsigned count = 0;
        time_point again_at = {};
    };
    std::map<std::string, record> faults_;
};

/// How long a template is left alone after that many faults. After the first not at all: what was damaged by chance is
/// made again at once. Then a minute, and twice as long after each one, up to an hour.
duration template_pause(unsigned faults);

/// More kinds than that are not remembered: those that may be tried first are forgotten.
inline constexpr std::size_t template_fault_records_max = 64;

}  // namespace rik::detail

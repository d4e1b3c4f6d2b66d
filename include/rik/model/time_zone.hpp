// Time zones: how far clocks on the wall are from UTC, and when they are set.
#pragma once

#include <rik/base/result.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace rik {

/// A stretch of time in which the clocks of a zone are `offset` ahead of UTC.
struct zone_span {
    std::chrono::sys_seconds begin = {};
    std::chrono::sys_seconds end = {};  ///< the first second that is not in it; sys_seconds::max(): it does not end
    std::chrono::seconds offset = {};
    friend bool operator==(zone_span const&, zone_span const&) = default;
};

/// The rules of a time zone. A value; copies share what was read. Any thread.
class time_zone {
public:
    /// UTC, which needs no database.
    time_zone() = default;

    /// Reads a zone by its name in the database of the IANA, which is that of this machine (/usr/share/zoneinfo,
    /// Debian: tzdata); nothing comes over the network. A zone is read once per process: newer rules need a restart, as
    /// does a database that was missing. Waits for the disk when the first zone is read (1.6 ms, measured) and when
    /// each is. Errors: invalid, there is no such zone, or it is not the same everywhere ("Local"); unsupported, this
    /// machine has no database; corrupt, its file cannot be read.
    static result<time_zone> open(std::string_view name);

    /// Returns the name of the zone that this machine is set to; "UTC" where nothing is set.
    static std::string name_here();

    std::string const& name() const;
    /// The span that `when` is in. Precondition: `when` is within the years 1 to 10000.
    zone_span span_at(std::chrono::sys_seconds when) const;

    /// Returns true if both have the same name.
    friend bool operator==(time_zone const& a, time_zone const& b) { return a.name() == b.name(); }

private:
    struct table;
    static result<std::shared_ptr<table const>> read(std::string const& name);

    std::shared_ptr<table const> table_;  ///< nullptr: UTC
};

}  // namespace rik

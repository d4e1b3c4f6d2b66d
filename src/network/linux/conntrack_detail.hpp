// The kernel's table of connections, through netlink. Blocking.
#pragma once

#include "network/linux/flows_detail.hpp"

#include <rik/base/result.hpp>

#include <cstddef>
#include <functional>

namespace rik::detail {

/// Deletes the IPv4 entries that match `filter` and of which `is_stale` is true. Takes as long as the kernel needs to
/// walk its table: 2 ms with 262,144 buckets, and 0.2 ms for each 1,000 entries in them. An entry that goes meanwhile
/// is no error. Returns how many were deleted. Errors: unsupported, this kernel has no ctnetlink; denied; timed_out;
/// internal. Source: linux/netfilter/nfnetlink_conntrack.h; the filter is minded since Linux 5.8, and before that
/// ignored
result<std::size_t> delete_flows(flow_filter const& filter, std::function<bool(flow const&)> const& is_stale);

}  // namespace rik::detail

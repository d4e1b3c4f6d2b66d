// What is in use on a node, as text for people.
#pragma once

#include <boost/json.hpp>

#include <string>

namespace rik::detail {

/// Of the metrics of a node: "0.4 of 2 cores (20%)", "1.2Gi of 8Gi (15%)".
std::string cpu_load_text(boost::json::object const& metrics);
std::string memory_load_text(boost::json::object const& metrics);
/// Of one of their disks.
std::string disk_load_text(boost::json::object const& disk);

}  // namespace rik::detail

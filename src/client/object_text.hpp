// Parts of the API's objects as text for people; shared by tables and descriptions.
#pragma once

#include <rik/client/print.hpp>

#include "client/json_view.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rik::detail {

/// "3m20s"; empty without a time.
std::string age_of(std::optional<wall_time> since, wall_time now);
/// The tone of an instance's or a workload's state.
tone tone_of(boost::json::object const& object);
/// At most `bytes_max` bytes, ending in "..." if it was longer; never cut inside of a character.
std::string shortened(std::string text, std::size_t bytes_max);
std::string texts(boost::json::array const& from);
/// "app=web,tier=front"
std::string labels_text(boost::json::object const& labels);
/// "definition.spec.containers", as text_at and objects_at read it: where a workload has this of its instances. One
/// that is managed has it in its template, which Kubernetes' form has in spec.
std::string spec_path(boost::json::object const& workload, std::string_view member);
/// Each image once.
std::string images_text(std::vector<boost::json::object const*> const& containers);
/// The Function of a workload as if it were a container, "function"; empty if it is none.
boost::json::object function_unit(boost::json::object const& workload);
/// "8080->80/TCP"
std::string host_port_text(boost::json::object const& host_port);
/// The ports of a container of a definition; RIK writes one object, Kubernetes a list.
std::vector<std::string> definition_ports(boost::json::object const& container);

/// "ready", "ready,cordoned", "unheard,dead"
std::string node_state_text(boost::json::object const& node);

/// A member of a Job's or a CronJob's definition, in either form; empty if it is not there.
std::string cron_text(boost::json::object const& of, std::string_view member);

}  // namespace rik::detail

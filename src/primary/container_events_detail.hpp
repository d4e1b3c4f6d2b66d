// What a change of an instance's status tells of its containers: pure.
#pragma once

#include <rik/model/document.hpp>
#include <rik/model/instance.hpp>

#include <string>
#include <vector>

namespace rik::detail {

/// What has happened to one container, or to all of them.
struct container_event {
    event_type type = event_type::normal;
    std::string reason;   ///< Kubernetes' word where it has one: "BackOff", "Unhealthy", "Started", "Pulled", "Failed"
    std::string message;  ///< the same each time, so that what happens again is one event that counts
};

/// Of a change that ends the instance it says nothing: the instance's own event tells it. Of one that is being
/// destroyed it tells of failed hooks only.
std::vector<container_event> container_events(instance_status const& before, instance_status const& now);

}  // namespace rik::detail

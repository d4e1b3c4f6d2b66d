// What comes from other processes, made fit to be kept: UTF-8, as JSON wants it, and of bounded length.
#pragma once

#include <rik/model/document.hpp>
#include <rik/model/instance.hpp>
#include <rik/model/node.hpp>
#include <rik/model/node_metrics.hpp>

namespace rik::detail {

/// The names of tools, files and hosts, which stand in what a node says, may hold any bytes.
instance_status tidied(instance_status said);
node_facts tidied(node_facts said);
node_metrics tidied(node_metrics said);
event tidied(event happened);

}  // namespace rik::detail

// The kinds of workloads as users write them ("sts web", "sts/web"), put into the form in which each command takes
// them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace rikctl {

/// Where the command is: the first word that is no option, and no value of one; the end if there is none.
std::size_t command_place(std::vector<std::string> const& arguments);

/// "wait sts web" and "wait sts/web" as "wait workload web --kind StatefulSet", "get cronjobs" as "get workloads
/// --field-selector kind=CronJob", and "rollout status sts web" as "rollout status sts/web", whose names may have
/// kinds. "get pods" is "get instance". Names of several kinds stay as they are.
void spell_out_kinds(std::vector<std::string>& arguments);

}  // namespace rikctl

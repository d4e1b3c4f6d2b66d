// Workloads as users name them: NAME, or KIND/NAME.
#pragma once

#include <string>

namespace rikctl {

struct named_workload {
    std::string name;
    std::string kind = {};  ///< "Deployment"; empty: it was not said
};

/// What stands before a slash is a kind if kubectl knows it as one.
named_workload named(std::string const& text);

}  // namespace rikctl

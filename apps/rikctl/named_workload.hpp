// Workloads as users name them: NAME, or KIND/NAME.
#pragma once

#include <string>
#include <string_view>

namespace rikctl {

struct named_workload {
    std::string name;
    std::string kind = {};  ///< "Deployment"; empty: it was not said
};

/// What stands before a slash is a kind if kubectl knows it as one.
named_workload named(std::string const& text);

/// The kind of workload that a word alone means: "CronJob" of "cronjobs". Empty: it means none, or another sort of
/// object, as "pods" does to users of kubectl.
std::string kind_of_word(std::string_view word);

}  // namespace rikctl

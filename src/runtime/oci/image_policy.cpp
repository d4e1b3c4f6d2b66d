#include "runtime/oci/image_policy_detail.hpp"

#include <fmt/format.h>

namespace rik::detail {

asking asking_of(image_source const& source, std::optional<image_pull_policy> policy) {
    if (policy == image_pull_policy::always) return asking::each_time;
    if (policy == image_pull_policy::if_not_present) return asking::if_missing;
    if (policy == image_pull_policy::never) return asking::never;
    return source.is_floating || !source.file.empty() ? asking::if_it_answers : asking::if_missing;
}

bool is_away(error const& problem, image_source const& source) {
    return problem.code == errc::unavailable || (problem.code == errc::not_found && !source.file.empty());
}

error not_here(std::string_view name) {
    return error{errc::not_found, "it is not on this node, and its imagePullPolicy is Never", "imagePullPolicy",
                 fmt::format("bring it: rikctl images pull {}, or rikctl images load PATH", name)};
}

error told_of_copy(error problem) {
    constexpr auto way = "the copy that is on this node serves with imagePullPolicy IfNotPresent";
    problem.remedy += problem.remedy.empty() ? way : fmt::format("; {}", way);
    return problem;
}

}  // namespace rik::detail

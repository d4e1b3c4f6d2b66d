#include "oci_program_detail.hpp"

#include "runtime/find_program_detail.hpp"

#include <fmt/format.h>

#include <utility>

#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

constexpr own_program own_launcher{"rik-launch", "crun needs", "install it with rik, or use runc"};

}  // namespace

oci_maker maker_of(fs::path const& program) {
    return program.filename().native().starts_with("crun") ? oci_maker::crun : oci_maker::runc;
}

result<oci_program> find_oci_program(oci_options const& options, std::string_view name) {
    auto found = find_program(name);
    if (!found) return found.error();
    oci_program made{.path = std::move(*found)};
    made.maker = maker_of(made.path);
    if (made.maker == oci_maker::runc) return made;
    auto found_launcher = find_own_program(options.launcher_program, own_launcher);
    if (!found_launcher) return found_launcher.error();
    made.launcher = std::move(*found_launcher);
    return made;
}

result<oci_program> find_maker_of(runtime_context const& on, container_paths const& paths) {
    auto const is_of_crun = ::access((paths.runtime_state / "status").c_str(), F_OK) == 0;
    auto const maker = is_of_crun ? oci_maker::crun : oci_maker::runc;
    if (on.runtime && on.runtime->maker == maker) return on.runtime;
    return find_oci_program(on.options, is_of_crun ? "crun" : "runc");
}

std::vector<std::string> words_to_create(cgroups const& groups, oci_program const& with) {
    auto const hidden = groups.second_of_two();
    if (with.maker == oci_maker::runc || !hidden) return {with.path.string()};
    return {with.launcher.string(), "--hide", hidden->string(), with.path.string()};
}

std::vector<std::string> words_to_exec(cgroups const& groups, oci_program const& with, std::string const& container,
                                       std::string const& group_name, std::optional<int> oom_score_adj) {
    auto words = words_to_create(groups, with);
    if (with.maker == oci_maker::runc) return words;
    std::vector<std::string> joining;
    if (oom_score_adj) joining = {"--oom-score-adj", std::to_string(*oom_score_adj)};
    if (groups.for_exec()) {
        for (auto const& each : groups.exec_groups(container, group_name)) {
            joining.emplace_back("--join");
            joining.push_back(each.string());
        }
    }
    if (joining.empty()) return words;
    if (words.front() != with.launcher) words.insert(words.begin(), with.launcher.string());
    words.insert(words.begin() + 1, joining.begin(), joining.end());
    return words;
}

}  // namespace rik::detail

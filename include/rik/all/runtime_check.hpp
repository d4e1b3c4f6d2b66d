// Which runtimes this machine can offer, and what it lacks for the others. Target rik::all.
#pragma once

#include <rik/all.hpp>

#include <string>
#include <vector>

namespace rik {

/// What a runtime needs of a machine, and what of that is there.
struct runtime_check {
    std::string name;                       ///< "oci", "microvm"
    std::vector<std::string> found = {};    ///< a line each: "conmon: /usr/bin/conmon (conmon version 2.1.6)"
    std::vector<std::string> lacking = {};  ///< completes "the machine has": "no skopeo"
    std::string remedy = {};                ///< of what is lacking: "install it with: apt-get install skopeo"

    bool is_offered() const { return lacking.empty(); }
};

/// "no skopeo and no umoci; install them with: apt-get install skopeo umoci"; empty: nothing is lacking.
std::string lack_text(runtime_check const& of);

/// Looks for what each runtime that RIK knows needs, with the options of a start: all of them, in the order of their
/// names. It changes nothing, needs no rights, and runs programs only to ask for their versions. Cancel: at any time.
awaitable<std::vector<runtime_check>> check_runtimes(local_options options);

}  // namespace rik

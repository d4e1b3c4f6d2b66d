// The workload definition behind `rikctl run`: one container or one Function, from options.
#pragma once

#include <rik/base/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace rik {

struct run_options {
    std::string image;  ///< of a Function what its root file system is made from
    std::string name;
    bool is_function = false;
    /// Replaces the image's command, not its entrypoint; of a Function what its root file system would run.
    std::vector<std::string> command = {};
    std::vector<std::string> ports = {};  ///< HOST:CONTAINER[/udp]; of a Function one at most: [HOST:]FUNCTION
    std::vector<std::string> env = {};    ///< NAME=VALUE
    std::string cpu = {};
    std::string memory = {};
    std::string pull = {};  ///< "always", "missing", "never"; empty: as the image's tag says
};

/// Returns the definition in JSON. Its restart policy is Never, because `run` starts a container once.
/// Errors: invalid, a port or a variable does not have the right form.
result<std::string> run_definition(run_options const& options);

/// Makes a legal name from that of an image: "docker://registry:5000/team/My_App:1.2" gives "my-app".
std::string name_from_image(std::string_view image);

}  // namespace rik

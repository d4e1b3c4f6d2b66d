// The one error type of the project: a code to branch on and a message fit for a user.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// What went wrong, as far as a program may branch on it. One table maps these to HTTP and gRPC.
enum class errc : std::uint8_t {
    invalid,      ///< the request is wrong and will stay wrong
    not_found,    ///< the object does not exist
    conflict,     ///< the object is not in the state that the request needs, or has changed meanwhile
    exhausted,    ///< a limit or a capacity is used up
    denied,       ///< the caller may not do this
    unavailable,  ///< a role, a link or a registry cannot be reached now; trying again may help
    timed_out,    ///< the deadline passed
    corrupt,      ///< stored or received data is damaged
    unsupported,  ///< the request is right, but this build, machine or version cannot do it
    internal,     ///< a defect of RIK or a failure of the machine
};

std::string_view to_string(errc code);
std::ostream& operator<<(std::ostream& out, errc code);

/// `message` says what happened to which object, lower case, object first: "node a: not enough memory".
/// `field` is the path of the offending field in a definition, if there is one; `remedy` says what to do about it.
struct error {
    errc code = errc::internal;
    std::string message;
    std::string field = {};
    std::string remedy = {};

    friend bool operator==(error const&, error const&) = default;
};

/// Returns the field, the message and the remedy in one line.
std::string to_string(error const& problem);
std::ostream& operator<<(std::ostream& out, error const& problem);

/// What a validator returns: every problem it found, not just the first.
using problems = std::vector<error>;

/// Returns one error whose message has a line for each of `found`. Precondition: `found` is not empty.
error summarize(problems const& found);

}  // namespace rik

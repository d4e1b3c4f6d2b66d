// What every command has at hand: streams, the server, interrupts; and how it reports failures.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/time_text.hpp>
#include <rik/client/client.hpp>
#include <rik/model/definition.hpp>

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exit_code.hpp"

namespace rikctl {

/// Filled by main, or by a test.
struct surroundings {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    bool has_colours = false;
    bool can_ask = false;  ///< `in` is a terminal: somebody is there to answer
    rik::address_sources sources = {};
    rik::client_options options = {};
    /// From now on Ctrl-C does not end the program; `is_interrupted` says whether it was pressed.
    std::function<void()> catch_interrupts = [] {};
    std::function<bool()> is_interrupted = [] { return false; };
    /// Did the reader of `out` go away, as head does? Of use when `out` has failed.
    std::function<bool()> is_reader_gone = [] { return false; };
    /// Lets the user change a file, and waits. Errors: the editor cannot be started, or has failed.
    std::function<rik::result<void>(std::string const&)> edit_file = [](std::string const&) -> rik::result<void> {
        return rik::error{rik::errc::unsupported, "there is no editor"};
    };
};

class session {
public:
    explicit session(surroundings& around) : around_(around) {}

    std::ostream& out() { return around_.out; }
    std::ostream& err() { return around_.err; }
    std::istream& in() { return around_.in; }
    rik::client_options const& options() const { return around_.options; }
    bool can_ask() const { return around_.can_ask; }
    bool has_colours() const { return around_.has_colours; }
    rik::wall_time wall() const { return clock_.wall(); }
    rik::time_point now() const { return clock_.now(); }
    void catch_interrupts() { around_.catch_interrupts(); }
    bool is_interrupted() const { return around_.is_interrupted(); }
    bool is_reader_gone() const { return around_.is_reader_gone(); }
    rik::result<void> edit_file(std::string const& path) { return around_.edit_file(path); }

    /// The tenant that --tenant names; empty: none.
    std::string const& named_tenant() const { return around_.sources.tenant_flag; }
    /// What a command that is shown to the user needs for the same tenant: " -n NAME", or nothing.
    std::string tenant_words() const;

    /// It is asked about the tenant of rik::resolve_tenant. Errors: as of that, and of rik::resolve_server_address.
    rik::result<rik::client> server() const;
    /// The same; no call waits longer than until `deadline`.
    rik::result<rik::client> server_until(rik::time_point deadline) const;

    /// Prints each line of `problem` as an error and gives the exit code that fits it.
    exit_code fail(rik::error const& problem, std::string_view about = {});
    /// The same for what `server` found: a wrong --server is a wrong command line.
    exit_code fail_address(rik::error const& problem);
    exit_code fail_usage(std::string_view message);
    void warn(std::string_view message);
    /// The server does not answer any more, and is asked again and again; with an empty reason: it is there again.
    void tell_connection(std::string_view reason);

private:
    surroundings& around_;
    rik::system_clock clock_;
};

/// What a chosen command does.
using action = std::function<exit_code(session&)>;

/// A definition that the user gave.
struct definition {
    std::string about;  ///< for messages: the file, and which of several in it
    std::string text;   ///< behind empty lines, so that its lines are those of the file
    rik::parsed_definition parsed;
    std::optional<rik::tenant_definition> tenant = {};  ///< it defines a tenant, and no workload
};

/// The definitions of a file, or of the standard input for "-", as of rik::parse_definition_file. What is wrong with
/// one is in it. Errors: invalid, the file cannot be read, or has none; exhausted, it is too long.
rik::result<std::vector<definition>> read_definitions(session& with, std::string const& path);

using rik::parse_duration;

}  // namespace rikctl

// What an instance's state is, given its containers: pure.
#pragma once

#include "pod_machine_detail.hpp"

#include <rik/model/instance.hpp>
#include <rik/runtime/runtime.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// How an instance ends by itself.
struct instance_end {
    instance_state state = instance_state::succeeded;
    std::string reason;
    std::string message;
    friend bool operator==(instance_end const&, instance_end const&) = default;
};

/// How a Pod has ended in which nothing starts again: all its main containers have exited, or an init container has
/// failed. nullopt: it goes on. Sidecars do not count.
std::optional<instance_end> end_of(std::vector<container_status> const& containers);

/// Is any process of it here?
bool has_running(found_sandbox const& found);

/// All but the init containers, which are done.
bool all_run(std::vector<container_status> const& containers);
/// "a: exited with 3; 1 of 2 containers runs": for a Pod that goes on. What does not run comes first.
std::string describe_progress(std::vector<container_status> const& containers);

/// As a row on disk: state, reason and message, a line each; the message may have more of them.
std::string encode_end(instance_end const& how);
std::optional<instance_end> parse_end(std::string_view text);

/// All containers waiting, for a status that begins.
std::vector<container_status> waiting_containers(instance_template const& pod);

void set_running(container_status& which, wall_time when);
/// A container that was being stopped goes on saying why.
void set_exited(container_status& which, container_exit const& exit);
/// Nothing of them is left: those that are said to run have ended, and nobody knows how.
void set_lost(std::vector<container_status>& containers, wall_time when);
/// It runs yet, and is stopped because `cause`.
void set_stopping(container_status& which, std::string_view cause);
/// Something has gone wrong while it is being stopped.
void add_to_stopping(container_status& which, std::string_view what);
/// It was being stopped, and that is not gone on with.
void set_stopping_no_more(container_status& which);
/// It is ready: of a machine this ends its start, if it is so for the first time.
void note_ready(container_status& which, wall_time now);
/// Its attempt is over, and another one is to come. Precondition: it has exited.
void set_restarting(container_status& which);
/// It waits; why it waits is said by `settle`.
void set_waiting(container_status& which);

/// Why a container does not start, in Kubernetes' word and for people.
struct start_trouble {
    std::string reason;
    std::string message;
    friend bool operator==(start_trouble const&, start_trouble const&) = default;
};

/// Says why it has not started.
void set_not_started(container_status& which, start_trouble const& why);

/// What is decided of a container, beside what was seen of it.
struct container_outlook {
    unit_phase phase = unit_phase::waiting;
    std::uint32_t restart_count = 0;
    bool has_started = false;
    bool is_ready = false;
    bool has_its_turn = true;
    std::optional<wall_time> starts_at = {};  ///< it waits for that, and not only for a moment
    std::optional<start_trouble> trouble = {};
    std::string note = {};  ///< of its hook or its probes, while it runs
};
/// Brings the status of a container in line with what is decided of it.
void settle(container_status& which, container_outlook const& of);

/// What is said of a running Pod whose containers have changed: one word, and a sentence.
struct progress {
    std::string reason;
    std::string message;
};
progress progress_of(std::vector<container_status> const& containers);

/// Which container cannot be started, and why; nullopt: none is known that cannot.
std::optional<progress> start_trouble_of(std::vector<container_status> const& containers);

/// What is said of a Pod of which not all has started.
progress start_progress_of(std::vector<container_status> const& containers);

/// The attempt whose log a user means: the newest that has run, or the one before it. nullopt: there is none.
std::optional<std::uint32_t> attempt_to_read(container_status const& of, bool is_previous);

}  // namespace rik::detail

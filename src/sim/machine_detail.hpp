// A container of a simulated machine.
#pragma once

#include <rik/sim/machine.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace rik::sim {

inline constexpr int killed_exit_code = 137;

/// Nobody runs for a container: whether it has ended is asked of the clock.
struct machine::container {
    container(asio::any_io_executor executor, container_request from)
        : asked(std::move(from)), changed(std::move(executor)) {}
    container_request asked;
    time_point started_on = {};
    wall_time started_at = {};  ///< the same
    std::optional<time_point> ends_at = {};
    int exit_code = 0;
    bool is_told = false;  ///< somebody ends it
    bool is_code_lost = false;
    bool is_removed = false;
    notifier changed;

    bool is_over(time_point now) const { return is_removed || (ends_at && *ends_at <= now); }
    void end_at(time_point when, int code) {
        if (ends_at && *ends_at <= when) return;
        ends_at = when;
        exit_code = code;
        changed.notify();
    }
    void be_told(time_point when, int code) {
        if (ends_at && *ends_at <= when) return;
        is_told = true;
        end_at(when, code);
    }
    bool has_failed_by_itself() const { return !is_told && (exit_code != 0 || is_code_lost); }
    /// Precondition: it is over.
    container_exit exit() const {
        auto const ran_for = std::chrono::floor<wall_time::duration>(*ends_at - started_on);
        return {.code = exit_code, .code_known = !is_code_lost, .finished_at = started_at + ran_for};
    }
};

}  // namespace rik::sim

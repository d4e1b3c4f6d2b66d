// What a process of rik tells of itself, beside what its roles tell.
#pragma once

#include "role_process.hpp"

#include <rik/api/health.hpp>
#include <rik/async/clock.hpp>

namespace rik::app {

/// The roles' numbers, and those of the process: memory, processor time, open files, age.
class process_health_of final : public process_health {
public:
    /// `roles` must outlive it.
    process_health_of(role_process& roles, clock& time) : roles_(roles), began_(time.wall()) {}
    awaitable<role_health> health() override;

private:
    role_process& roles_;
    wall_time began_;
};

}  // namespace rik::app

// The memory of a machine that is restored from a template, and of one that becomes a template.
#pragma once

#include "runtime/microvm/machine_plan_detail.hpp"

#include <cstdint>
#include <string>

namespace rik::machine_program {

/// Files without a name. Whoever has them open is all that keeps them.
struct template_files {
    int memory = -1;
    int state = -1;
};

/// A copy of the template that a plan names, if it is whole and what the plan expects. Returns why not; empty: it is.
std::string copy_template(detail::machine_plan const& plan, template_files& into);

/// Memory that is empty, and a file for the state. Returns what failed.
std::string make_memory(std::uint64_t memory_bytes, template_files& into);

/// Writes a template to `file`, and it is on the disk then. Returns what failed.
std::string write_template(detail::machine_plan const& plan, template_files const& from, int file);

/// Of at most 64 KiB. Returns what failed.
std::string read_small_file(std::string const& path, std::string& into);

}  // namespace rik::machine_program

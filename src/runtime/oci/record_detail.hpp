// What is known of a container that was made: written before it starts, so that whoever comes later can take it over.
#pragma once

#include "layout_detail.hpp"
#include "process_identity_detail.hpp"

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace rik::detail {

struct container_record {
    std::string boot_id;         ///< the processes below are of this boot
    process_identity container;  ///< its pid 1
    process_identity monitor;    ///< conmon
    wall_time started_at;
    int stop_signal = 15;
};

std::string record_text(container_record const& record);
/// Errors: corrupt.
result<container_record> parse_record(std::string_view text);

/// Errors: not_found, the container was never made; corrupt.
result<container_record> read_record(container_paths const& paths);

/// True for an error of read_record that says that there is none. Nothing can be known of a container whose record is
/// damaged, so it counts as one that was made by half.
inline bool is_no_record(error const& problem) {
    return problem.code == errc::not_found || problem.code == errc::corrupt;
}

/// "SIGINT", "int", "15", "RTMIN+3", "SIGRTMAX-1"; TERM if it is empty; nothing if there is no such signal.
/// Source: OCI image-spec, config.md, StopSignal
std::optional<int> parse_signal(std::string_view text);

}  // namespace rik::detail

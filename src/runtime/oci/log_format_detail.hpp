// The k8s-file format of conmon's logs: "TIME STREAM P|F TEXT", P when the line goes on in the stream's next one. Pure.
#pragma once

#include <rik/model/log.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

struct log_line {
    std::string_view time;  ///< "2026-11-21T19:19:38.579273098+00:00"
    log_origin from = log_origin::standard_output;
    bool is_whole = false;  ///< false: the rest comes in the next line of this stream
    std::string_view text;
};

/// Without its newline. Nothing if it is not of this form (a line that is being written).
/// Source: conmon, src/ctr_logging.c; the CRI log format of Kubernetes.
std::optional<log_line> parse_log_line(std::string_view line);

/// Puts the parts of long lines together again, each stream for itself.
class log_joiner {
public:
    /// Lines longer than `take_bytes_max` are cut.
    log_joiner(log_options form, std::size_t take_bytes_max);

    /// The next bytes of the log, cut anywhere.
    void feed(std::string_view bytes);
    /// No more bytes come: what is unfinished is a line as well.
    void finish();
    /// Bytes are missing between the last and the next: what is unfinished does not go on.
    void interrupt();
    /// Whole lines, each in a frame if it was asked for; `take_bytes_max` at most; empty if there are none yet.
    std::string take();

private:
    void add(log_line const& line);
    void end_line(log_origin from);
    std::string& unfinished(log_origin from) { return from == log_origin::standard_error ? errors_ : output_; }

    log_options form_;
    std::size_t take_bytes_max_;
    std::size_t line_bytes_max_;  // with its newline
    std::string cut_;             // the beginning of a line of the file
    std::string output_;          // the beginning of a line of standard output
    std::string errors_;          // the same of standard error
    std::string ready_;
    std::size_t taken_ = 0;
};

/// How far from the end of `block` the last `wanted` whole lines (of one stream, if `only` says so) begin: as an offset
/// into it. `wanted` is lowered by the lines that were found; the offset is final if it becomes 0 and `is_cut` true (a
/// line before them was seen).
/// Precondition: the block begins and ends at the beginning of a line.
struct tail_position {
    std::size_t offset = 0;
    bool is_cut = false;
};
tail_position find_tail(std::string_view block, std::uint64_t& wanted, std::optional<log_origin> only = {});

}  // namespace rik::detail

// The k8s-file format of conmon's logs: "TIME STREAM P|F TEXT", P when the line goes on in the stream's next one. Pure.
#pragma once

#include <rik/model/container_log.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

/// What was written at once, or a line of it.
struct container_log_entry {
    std::string_view time;  ///< "2026-11-21T19:19:38.579273098+00:00"
    container_log_origin from = container_log_origin::standard_output;
    bool ends_line = false;  ///< false: the container has written no newline behind `text` yet
    std::string_view text;
};

/// Without its newline. Nothing if it is not of this form (one that is being written).
/// Source: conmon, src/ctr_logging.c; the CRI log format of Kubernetes.
std::optional<container_log_entry> parse_log_entry(std::string_view line);

/// Makes of a log the bytes that the container has written, each stream for itself, as soon as they are there.
class container_log_decoder {
public:
    /// Whatever `take` gives at once is not longer than `take_bytes_max`.
    container_log_decoder(container_log_options const& form, std::size_t take_bytes_max);

    /// What it would know if it had been fed all that stands before `position`.
    void go_on_from(container_log_position const& position);
    /// The next bytes of a log file, cut anywhere.
    void feed(std::string_view bytes);
    /// The file ends: what is left of it is an entry that was not written to its end.
    void end_file();
    /// No more bytes come.
    void finish();
    /// Something is missing between the last bytes and the next; lines do not go on behind it.
    void interrupt();
    /// A mark for going on behind what was fed. `here` is where the next bytes would be fed from.
    void mark(container_log_position here);
    /// `take_bytes_max` at most, whole frames if those were asked for; empty if there is nothing yet.
    std::string take();

private:
    using stream_state = container_log_position::stream_state;
    stream_state& state_of(container_log_origin from) {
        return from == container_log_origin::standard_error ? errors_ : output_;
    }
    bool is_wanted(container_log_entry const& entry);
    void add(container_log_entry const& entry);
    void tell_gap(std::string_view end);
    void give(container_log_origin from, std::string_view bytes);
    void end_line(container_log_origin from);

    container_log_options form_;
    std::size_t take_bytes_max_;
    std::string cut_;  // the beginning of an entry
    stream_state output_;
    stream_state errors_;
    std::string last_time_;  // of an entry
    bool is_behind_gap_ = false;
    std::string ready_;
    std::size_t taken_ = 0;
};

/// Looks for the beginning of the last lines, block by block from the end of a log. A line is all of its parts; one
/// without a newline at the end of a stream is a line, too. Of the streams' lines those are the last that end last.
class tail_search {
public:
    tail_search(std::uint64_t lines_wanted, std::optional<container_log_origin> only)
        : lines_wanted_(lines_wanted), only_(only) {}

    /// `block` stands right before what was looked at, and begins with an entry. Returns where in it the tail begins,
    /// as far as it was looked for; nullopt if none of it belongs to the tail.
    std::optional<std::size_t> look(std::string_view block);
    /// The tail begins where `look` has said last. The beginning of a line is not looked for without end: in a stream
    /// that was quiet before the line, nothing tells that it has begun.
    bool is_done() const {
        return lines_wanted_ == 0 && ((!is_open(output_) && !is_open(errors_)) || idle_bytes_ > idle_bytes_max);
    }
    /// Entries behind that which are not of the tail: parts of lines that end before it.
    std::uint64_t skipped_entries(container_log_origin from) const { return from_of(from).skipped; }

private:
    struct stream_end {
        enum class what : std::uint8_t { not_seen, in_line, before_tail } now = what::not_seen;
        std::uint64_t rejected = 0;  // since the last entry that belongs to the tail
        std::uint64_t skipped = 0;
    };
    static bool is_open(stream_end const& stream) { return stream.now == stream_end::what::in_line; }
    stream_end const& from_of(container_log_origin from) const {
        return from == container_log_origin::standard_error ? errors_ : output_;
    }
    bool belongs(container_log_entry const& entry, stream_end& stream);
    bool accept(container_log_entry const& entry);

    static constexpr std::size_t idle_bytes_max = 1u << 20;

    std::uint64_t lines_wanted_;
    std::optional<container_log_origin> only_;
    std::size_t idle_bytes_ = 0;  // looked at since the last entry that belongs to the tail
    stream_end output_;
    stream_end errors_;
};

}  // namespace rik::detail

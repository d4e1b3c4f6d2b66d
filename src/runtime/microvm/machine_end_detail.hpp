// How a machine went, from what guest, QEMU and kernel have said of it: pure. The keeper decides it and writes it into
// a note; the node reads that note, and believes no more of it than that the machine said so.
#pragma once

#include "control_reader_detail.hpp"
#include "qmp_reader_detail.hpp"

#include <rik/model/machine_boot.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

enum class end_kind : std::uint8_t {
    exited,         ///< its program has ended
    stopped,        ///< as it was asked to
    off,            ///< it has powered itself off
    reset,          ///< it has begun anew
    panicked,       ///< its kernel
    out_of_memory,  ///< its kernel has killed its program
    killed,         ///< QEMU, by a signal
    broken,         ///< QEMU has ended by itself, or could not be started
    refused,        ///< its program cannot be run
    failed,         ///< it could not make itself ready
    stuck           ///< it has never said that it is up
};

std::string_view to_string(end_kind kind);

struct machine_end {
    end_kind kind = end_kind::broken;
    int code = 0;      ///< as of a container
    std::string text;  ///< more about it; of the machine's own making, and not yet fit to be shown
    friend bool operator==(machine_end const&, machine_end const&) = default;
};

/// Whatever was said, in the order in which it came.
class machine_story {
public:
    void hear(guest_word word);
    void hear(qmp_word word);
    void kill_as_stuck(std::string why) { stuck_ = std::move(why); }

    bool is_up() const { return is_up_; }
    /// It ends now: QEMU needs no more time than it takes to end.
    bool is_over() const { return exit_ || has_stopped_ || failed_ || has_panicked_ || is_off_ || is_reset_; }
    /// When QEMU has ended, with `code` (128 + n for signal n). `complaints`: what it wrote to its standard error.
    machine_end end(int code, std::string_view complaints) const;

private:
    bool is_up_ = false;
    bool has_stopped_ = false;
    bool has_panicked_ = false;
    bool is_off_ = false;
    bool is_reset_ = false;
    std::optional<guest_word> exit_;
    std::optional<guest_word> failed_;
    std::optional<std::string> stuck_;
};

/// Where a start was, in milliseconds since it began. A step that is not known is 0.
struct boot_times {
    std::int64_t prepared_ms = 0;
    std::int64_t qemu_ms = 0;
    std::int64_t kernel_ms = 0;
    std::int64_t init_ms = 0;
    std::int64_t up_ms = 0;
    friend bool operator==(boot_times const&, boot_times const&) = default;
};

/// Adds what the machine has said of itself, as far as that can be: nothing of it is before QEMU, or behind `up_ms`.
/// When a machine was restored its keeper knows.
void add_guest_times(boot_times& to, guest_times const& said);
enum class boot_kind : std::uint8_t { cold, warm };
/// Those that are known, in their order. What a kernel that boots has come to is, of a machine that goes on from a
/// template, that it does so.
std::vector<boot_step> steps_of(boot_times const& times, boot_kind how);

/// The keeper's note: whether the machine has been up, and how it ended if it has.
struct machine_note {
    bool was_up = false;
    boot_times times = {};  ///< of one that was up
    std::optional<machine_end> end = {};
    std::string console = {};  ///< the last of what it wrote
    friend bool operator==(machine_note const&, machine_note const&) = default;
};

inline constexpr std::size_t note_text_bytes_max = 1024;
inline constexpr std::size_t note_console_bytes_max = 2048;
inline constexpr std::size_t note_bytes_max = 8u << 10;

std::string note_text(machine_note const& note);
/// What makes no sense is left out. Its texts can be shown.
machine_note parse_note(std::string_view text);

/// For people: "its kernel has panicked"; empty where the code says all.
std::string describe(machine_end const& end);

}  // namespace rik::detail

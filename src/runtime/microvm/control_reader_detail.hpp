// What the first program of a machine says to its keeper: lines of words. Whoever is in the machine can write anything
// there, at any time, so nothing is believed but what makes sense next. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

struct guest_times {
    std::int64_t began_ms_ago = 0;
    std::int64_t ready_ms_ago = 0;
    friend bool operator==(guest_times const&, guest_times const&) = default;
};

struct guest_word {
    enum class what : std::uint8_t {
        up,       ///< "up", or "up BEGAN READY NOW": the program, or the image's own init, runs
        failed,   ///< "failed TEXT": the machine cannot be made ready
        refused,  ///< "refused TEXT": the program cannot be run
        exited,   ///< "exit CODE", or "exit CODE memory": the program has ended
        stopped   ///< "stopped": everything was ended, as it was asked for
    } kind = what::up;
    int code = 0;
    bool is_out_of_memory = false;  ///< the machine's kernel had killed the program
    std::string text = {};          ///< as it was written: not yet fit to be shown
    /// Of "up", if it was said: how long before that the machine's first program began, and had all ready.
    std::optional<guest_times> times = {};
    friend bool operator==(guest_word const&, guest_word const&) = default;
};

class control_reader {
public:
    /// Of a line; one that is longer is dropped.
    static constexpr std::size_t line_bytes_max = 512;
    /// All that is ever read. A machine that behaves says three lines.
    static constexpr std::size_t bytes_max = 64u << 10;

    /// The next bytes, cut anywhere.
    void feed(std::string_view bytes);
    /// The next word that makes sense: "up", "failed" and "refused" only as the first, the others only behind "up".
    std::optional<guest_word> next();
    /// True once it is not worth reading on.
    bool is_full() const { return fed_ >= bytes_max; }

private:
    bool fits(guest_word const& word);

    std::string text_;
    std::size_t fed_ = 0;
    bool is_up_ = false;
    bool is_over_ = false;
};

}  // namespace rik::detail

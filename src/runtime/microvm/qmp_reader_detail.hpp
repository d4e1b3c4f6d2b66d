// What QEMU says on its monitor, as far as a keeper needs it. A machine that has broken out of its processor into QEMU
// can say anything there. Pure.   Source: QEMU, docs/interop/qmp-spec.txt; qapi/run-state.json
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

inline constexpr std::string_view qmp_begin = "{\"execute\":\"qmp_capabilities\"}\n";

enum class qmp_word : std::uint8_t {
    greeting,  ///< it waits for qmp_begin
    panicked,  ///< the machine's kernel
    off,       ///< the machine has powered itself off
    reset,     ///< the machine has begun anew, which ends it here
    returned,  ///< what was said last is done
    refused,   ///< it is not, or a machine could not be saved or restored
    saved,     ///< a machine, or restored
    resumed,   ///< the machine runs
    other
};

class qmp_reader {
public:
    static constexpr std::size_t line_bytes_max = 16u << 10;
    /// All that is ever read.
    static constexpr std::size_t bytes_max = 1u << 20;

    /// The next bytes, cut anywhere.
    void feed(std::string_view bytes);
    std::optional<qmp_word> next();
    bool is_full() const { return fed_ >= bytes_max; }

private:
    std::string text_;
    std::size_t fed_ = 0;
};

}  // namespace rik::detail

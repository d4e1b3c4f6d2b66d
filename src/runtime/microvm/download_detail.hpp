// How curl is asked for a file, and what its answer means: pure.   Source: curl(1), "EXIT CODES"
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

struct download_request {
    std::string url;
    std::filesystem::path into;
    std::filesystem::path old_etag;  ///< a file with that of what is here; may be missing
    std::int64_t bytes_max = 0;
    duration time_max = {};
    duration stall_time_max = {};
    /// What is in `into` already is the beginning of this version, and is gone on with. Empty: it begins anew.
    std::string part_etag = {};
};

/// Is it an ETag by which two parts can be told to be of one file? A weak one says that they are alike only.
/// Source: RFC 9110, sections 8.8.3 and 13.1.5
bool is_strong_etag(std::string_view text);

std::vector<std::string> download_arguments(download_request const& what);

/// As curl was told to print it.
struct download_answer {
    int exit_code = 0;
    int status_code = 0;
    std::string etag = {};  ///< empty: it has none, or none that can be kept
};

/// `written`: what curl has printed; may be nothing.
download_answer parse_answer(int exit_code, std::string_view written);

enum class downloaded : std::uint8_t { all, not_changed };

/// Errors: not_found; denied; unavailable; timed_out; exhausted, too large; invalid; corrupt, it was cut off.
result<downloaded> read_answer(download_answer const& answer, std::string_view complaint, download_request const& of);

}  // namespace rik::detail

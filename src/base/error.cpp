#include <rik/base/error.hpp>

#include <rik/base/assert.hpp>
#include <rik/base/result.hpp>

#include <fmt/format.h>

#include <ostream>
#include <stdexcept>

namespace rik {

std::string_view to_string(errc code) {
    switch (code) {
        case errc::invalid: return "invalid";
        case errc::not_found: return "not_found";
        case errc::conflict: return "conflict";
        case errc::exhausted: return "exhausted";
        case errc::denied: return "denied";
        case errc::unavailable: return "unavailable";
        case errc::timed_out: return "timed_out";
        case errc::corrupt: return "corrupt";
        case errc::unsupported: return "unsupported";
        case errc::internal: return "internal";
    }
    return "internal";
}

std::ostream& operator<<(std::ostream& out, errc code) { return out << to_string(code); }

std::string to_string(error const& problem) {
    auto text = problem.field.empty() ? problem.message : fmt::format("{}: {}", problem.field, problem.message);
    if (!problem.remedy.empty()) text += fmt::format(" ({})", problem.remedy);
    return text;
}

std::ostream& operator<<(std::ostream& out, error const& problem) {
    return out << problem.code << ": " << to_string(problem);
}

error summarize(problems const& found) {
    RIK_ASSERT(!found.empty());
    if (found.size() == 1) return found.front();
    std::string lines;
    for (auto const& problem : found) {
        if (!lines.empty()) lines += '\n';
        lines += to_string(problem);
    }
    return error{found.front().code, std::move(lines)};
}

void throw_exception_from_error(error const& problem, boost::source_location const& where) {
    throw std::logic_error(
        fmt::format("{}:{}: value() of a result that holds: {}", where.file_name(), where.line(), to_string(problem)));
}

}  // namespace rik

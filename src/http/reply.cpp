#include "reply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace rik::detail {

namespace {

/// A field's value ends at a line end; one that has come from outside must not begin another field.
std::string one_line(std::string_view text) {
    std::string cleaned(text);
    std::replace_if(
        cleaned.begin(), cleaned.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
    return cleaned;
}

void put_framing(std::string& head, http_response const& response, reply_form form) {
    auto const end = std::back_inserter(head);
    if (response.stream != nullptr) {
        if (!form.is_http_1_0) head += "Transfer-Encoding: chunked\r\n";
    } else if (!is_bodyless(response.status_code)) {
        fmt::format_to(end, "Content-Length: {}\r\n", response.body.size());
    }
    if (!form.keeps_alive)
        head += "Connection: close\r\n";
    else if (form.is_http_1_0)
        head += "Connection: keep-alive\r\n";
}

}  // namespace

std::string head_text(http_response const& response, reply_form form, std::string_view date) {
    std::string head;
    head.reserve(256);
    auto const end = std::back_inserter(head);
    fmt::format_to(end, "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status_code, reason_phrase(response.status_code),
                   date);
    if (!response.content_type.empty()) fmt::format_to(end, "Content-Type: {}\r\n", response.content_type);
    for (auto const& field : response.headers) fmt::format_to(end, "{}: {}\r\n", field.name, one_line(field.value));
    put_framing(head, response, form);
    head += "\r\n";
    return head;
}

std::string date_text(std::chrono::sys_seconds when) {
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    auto const midnight = std::chrono::floor<std::chrono::days>(when);
    std::chrono::year_month_day const date(midnight);
    std::chrono::hh_mm_ss const time(when - midnight);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[std::chrono::weekday(midnight).c_encoding()],
                       static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                       static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                       time.seconds().count());
}

std::string chunk_text(std::string_view piece) { return fmt::format("{:x}\r\n{}\r\n", piece.size(), piece); }

}  // namespace rik::detail

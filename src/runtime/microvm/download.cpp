#include "download_detail.hpp"

#include "runtime/clean_text_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace rik::detail {

namespace {

constexpr int redirects_max = 10;
constexpr std::size_t complaint_bytes_max = 300;

std::string seconds_text(duration time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

errc code_of_status(int status) {
    if (status == 404 || status == 410) return errc::not_found;
    if (status == 401 || status == 403 || status == 407) return errc::denied;
    return errc::unavailable;
}

struct known_exit {
    int code;
    errc means;
    std::string_view text;
};
constexpr known_exit known_exits[] = {
    {3, errc::invalid, "the address is wrong"},
    {6, errc::unavailable, "there is no such server"},
    {7, errc::unavailable, "the server does not answer"},
    {18, errc::corrupt, "the server ended the transfer before its end"},
    {23, errc::exhausted, "it cannot be written to the disk"},
    {28, errc::timed_out, "it took too long, or nothing came any more"},
    {33, errc::corrupt, "the server cannot go on in the middle of it"},
    {35, errc::unavailable, "no connection by TLS"},
    {47, errc::unavailable, "the server sends from one address to the next without an end"},
    {52, errc::unavailable, "the server answers nothing"},
    {56, errc::unavailable, "the connection broke"},
    {60, errc::denied, "the server's certificate is not trusted"},
    {63, errc::exhausted, "it is too large"}};

}  // namespace

bool is_strong_etag(std::string_view text) {
    auto const is_plain = [](char each) { return static_cast<unsigned char>(each) > ' ' && each != 0x7f; };
    return text.size() > 2 && text.front() == '"' && text.back() == '"' && std::ranges::all_of(text, is_plain);
}

download_answer parse_answer(int exit_code, std::string_view written) {
    constexpr std::size_t etag_bytes_max = 1'024;
    download_answer made{.exit_code = exit_code};
    auto const end = std::min(written.find(' '), written.size());
    std::from_chars(written.data(), written.data() + end, made.status_code);
    auto const etag = written.substr(std::min(end + 1, written.size()));
    auto const is_plain = [](char each) { return static_cast<unsigned char>(each) >= ' ' && each != 0x7f; };
    if (etag.size() <= etag_bytes_max && std::ranges::all_of(etag, is_plain)) made.etag = etag;
    return made;
}

std::vector<std::string> download_arguments(download_request const& what) {
    std::vector<std::string> all{"--silent", "--show-error", "--globoff", "--fail", "--location"};
    auto const add = [&](std::string option, std::string value) {
        all.push_back(std::move(option));
        all.push_back(std::move(value));
    };
    // Nothing but these, wherever a server sends us: else it could have us read a file of this machine.
    add("--proto", "=http,https");
    add("--proto-redir", "=http,https");
    add("--max-redirs", std::to_string(redirects_max));
    add("--connect-timeout", seconds_text(what.stall_time_max));
    add("--speed-limit", "1024");
    add("--speed-time", seconds_text(what.stall_time_max));
    add("--max-time", seconds_text(what.time_max));
    add("--max-filesize", std::to_string(what.bytes_max));
    auto const goes_on = !what.part_etag.empty();
    if (!goes_on && !what.old_etag.empty()) add("--etag-compare", what.old_etag.string());
    if (goes_on) {
        // A server whose file is another one by now sends all of that, which curl refuses to append.
        add("--continue-at", "-");
        add("--header", "If-Range: " + what.part_etag);
    }
    add("--output", what.into.string());
    add("--write-out", "%{http_code} %header{etag}");  // of the last answer: a redirect may have an ETag of its own
    add("--url", what.url);
    return all;
}

result<downloaded> read_answer(download_answer const& answer, std::string_view complaint, download_request const& of) {
    if (answer.exit_code == 0 && answer.status_code == 304) return downloaded::not_changed;
    if (answer.exit_code == 0 && (answer.status_code == 200 || (!of.part_etag.empty() && answer.status_code == 206)))
        return downloaded::all;
    auto const fail = [&](errc code, std::string_view why) {
        return error{code, fmt::format("root file system {}: {}", of.url, why)};
    };
    if (answer.exit_code == 22 || answer.exit_code == 0)
        return fail(code_of_status(answer.status_code), fmt::format("the server answers {}", answer.status_code));
    for (auto const& [code, means, text] : known_exits)
        if (code == answer.exit_code) return fail(means, text);
    return fail(errc::unavailable, clean_text(complaint, complaint_bytes_max));
}

}  // namespace rik::detail

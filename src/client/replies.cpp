#include "client/replies.hpp"

#include <rik/client/problems.hpp>

#include "client/json_view.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik::detail {

namespace {

constexpr std::string_view json_type = "application/json";
constexpr std::size_t refusal_bytes_max = 8u << 20;
constexpr std::size_t list_head_bytes = 4'096;  ///< what stands before the items is far shorter

std::string short_name(server_address const& at) {
    auto text = to_string(at);
    for (std::string_view const scheme : {"unix://", "http://"})
        if (text.starts_with(scheme)) text.erase(0, scheme.size());
    return text;
}

std::string type_of(http_exchange const& reply) {
    auto const type = reply.content_type();
    return type.empty() ? "without saying of what type" : fmt::format("with {}", type);
}

/// A proxy says so of what it stands before.
bool may_pass(unsigned status) { return status == 502 || status == 503 || status == 504; }

error foreign(server_address const& at, http_exchange const& reply) {
    auto problem = not_rik(at, fmt::format("it answers {} {}", reply.status(), type_of(reply)));
    if (may_pass(reply.status())) problem.code = reply.status() == 504 ? errc::timed_out : errc::unavailable;
    return problem;
}

bool is_refusal(std::string_view text) {
    auto const object = parse_object(text);
    if (!object) return false;
    return !object_at(*object, "error").empty() || !objects_at(*object, "problems").empty();
}

}  // namespace

error not_rik(server_address const& at, std::string_view why) {
    return error{errc::corrupt,
                 fmt::format("{} is not rik's API: {}", short_name(at), why),
                 {},
                 "say by --server where rik listens"};
}

result<void> check_type(server_address const& at, http_exchange const& reply,
                        std::initializer_list<std::string_view> types) {
    if (std::ranges::find(types, reply.content_type()) != types.end()) return {};
    return not_rik(at, fmt::format("it answers {}", type_of(reply)));
}

error refusal_of(server_address const& at, http_exchange& reply, time_point deadline) {
    if (reply.content_type() != json_type) return foreign(at, reply);
    auto const text = reply.read_all(deadline, refusal_bytes_max);
    if (!text) return text.error();
    if (!is_refusal(*text)) return foreign(at, reply);
    return summarize(parse_problems(reply.status(), *text));
}

result<void> check_member(server_address const& at, std::string_view text, std::string_view member) {
    auto const object = parse_object(text);
    if (!object) return not_rik(at, "its answer is no JSON object");
    if (member.empty() || find(*object, member) != nullptr) return {};
    return not_rik(at, fmt::format("its answer has no {}", member));
}

result<void> check_list(server_address const& at, std::string_view text) {
    auto const head = text.substr(0, list_head_bytes);
    auto const begin = head.find_first_not_of(" \t\r\n");
    if (begin == head.npos || head[begin] != '{') return not_rik(at, "its answer is no JSON object");
    if (head.find("\"items\"") == head.npos) return not_rik(at, "its answer has no items");
    return {};
}

}  // namespace rik::detail

// Bytes from the network: a request is the same however its bytes are cut, or it is refused.
#include <rik/base/assert.hpp>

#include "api/router.hpp"
#include "http/request_parser.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

struct outcome {
    bool is_done = false;
    unsigned refused_with = 0;
    rik::http_request request = {};
};

outcome parse(std::string_view text, std::size_t step) {
    rik::detail::request_parser parser(rik::http_limits{});
    std::string waiting;
    while (!parser.refused() && !parser.is_done() && !text.empty()) {
        auto const part = text.substr(0, step);
        waiting += part;
        text.remove_prefix(part.size());
        while (!waiting.empty() && !parser.refused() && !parser.is_done()) {
            auto const used = parser.feed(waiting);
            RIK_ASSERT(used <= waiting.size());
            if (used == 0) break;
            waiting.erase(0, used);
        }
    }
    outcome found{.is_done = parser.is_done()};
    if (parser.refused()) found.refused_with = parser.refused()->status_code;
    found.request = parser.request();
    return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const whole = parse(text, text.size() + 1);
    auto const pieces = parse(text, 7);
    RIK_ASSERT(whole.is_done == pieces.is_done);
    if (!whole.is_done || whole.refused_with != 0) return 0;
    RIK_ASSERT(pieces.refused_with == 0);
    RIK_ASSERT(whole.request.method == pieces.request.method && whole.request.target == pieces.request.target);
    RIK_ASSERT(whole.request.path == pieces.request.path && whole.request.query == pieces.request.query);
    RIK_ASSERT(whole.request.headers == pieces.request.headers && whole.request.body == pieces.request.body);
    (void)rik::detail::find_route(whole.request);
    return 0;
}

#include "router.hpp"

#include <algorithm>
#include <array>

namespace rik::detail {

namespace {

/// Does `path` fit `pattern`? What stands for each {..} is added to `arguments`.
bool fits(std::string_view pattern, std::vector<std::string> const& path, std::vector<std::string>& arguments) {
    arguments.clear();
    for (auto const& segment : path) {
        if (pattern.empty()) return false;
        pattern.remove_prefix(1);
        auto const end = std::min(pattern.find('/'), pattern.size());
        auto const part = pattern.substr(0, end);
        pattern.remove_prefix(end);
        if (part.starts_with('{'))
            arguments.push_back(segment);
        else if (part != segment)
            return false;
    }
    return pattern.empty();
}

}  // namespace

route_match find_route(http_request const& request) {
    auto const method = request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
    route_match match;
    std::vector<std::string> arguments;
    for (auto const& table : std::array{v1_routes(), v0_routes(), health_routes()}) {
        for (auto const& each : table) {
            if (!fits(each.pattern, request.path, arguments)) continue;
            match.methods.push_back(each.method);
            if (each.method != method) continue;
            match.found = &each;
            match.arguments = std::move(arguments);
            return match;
        }
    }
    return match;
}

std::string allow_text(std::vector<std::string_view> const& methods) {
    std::string text;
    for (auto const& method : methods) {
        text += method;
        text += method == "GET" ? ", HEAD, " : ", ";
    }
    return text + "OPTIONS";
}

}  // namespace rik::detail

// The images of a node: what is there, pulls, archives, removals.
#include "v1_detail.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace rik::detail {

namespace {

json::object image_object(node_image const& image) {
    json::object object;
    object["digest"] = image.digest;
    object["runtime"] = image.runtime;
    object["names"] = json::array(image.names.begin(), image.names.end());
    object["sizeBytes"] = image.size_bytes;
    object["pulledAt"] = image.pulled_at ? json::value(to_string(*image.pulled_at)) : json::value(nullptr);
    object["usedBy"] = json::array(image.used_by.begin(), image.used_by.end());
    return object;
}

api_answer ask_node(api_call& call, image_call what) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const images = co_await call.primary.images().call(call.who, std::move(*which), std::move(what));
    if (!images) co_return images.error();
    json::array items;
    for (auto const& each : *images) items.push_back(image_object(each));
    json::object answer;
    answer["items"] = std::move(items);
    co_return json_response(200, json::serialize(answer));
}

error wrong_body(std::string message, std::string field = {}) {
    return error{errc::invalid, std::move(message), std::move(field),
                 R"(send {"pull":"NAME"} or {"load":"/PATH"[,"name":"NAME"]})"};
}

result<std::string> text_of_member(json::object const& body, std::string_view name) {
    auto const* value = body.if_contains(name);
    if (value == nullptr) return std::string();
    if (value->is_string() && !value->get_string().empty()) return std::string(value->get_string());
    return wrong_body("it must be a string, and not empty", std::string(name));
}

result<image_call> read_call(json::object const& body) {
    static constexpr std::array<std::string_view, 3> known{"pull", "load", "name"};
    for (auto const& member : body)
        if (std::ranges::find(known, std::string_view(member.key())) == known.end())
            return wrong_body("there is no such member", std::string(member.key()));
    auto pulled = text_of_member(body, "pull");
    if (!pulled) return pulled.error();
    auto loaded = text_of_member(body, "load");
    if (!loaded) return loaded.error();
    auto name = text_of_member(body, "name");
    if (!name) return name.error();
    if (pulled->empty() == loaded->empty()) return wrong_body("it must have one of pull and load");
    if (!loaded->empty()) return image_call(load_images{std::move(*loaded), std::move(*name)});
    if (!name->empty()) return wrong_body("it is for load alone", "name");
    return image_call(pull_image{std::move(*pulled)});
}

result<image_call> read_image_call(http_request const& request) {
    boost::system::error_code wrong;
    auto const parsed = json::parse(request.body, wrong);
    if (wrong) return wrong_body(fmt::format("the body is not JSON: {}", wrong.message()));
    if (!parsed.is_object()) return wrong_body("the body must be a JSON object");
    return read_call(parsed.get_object());
}

}  // namespace

api_answer list_images_of(api_call& call) { return ask_node(call, list_images()); }

api_answer bring_images_to(api_call& call) {
    auto what = read_image_call(call.request);
    if (!what) co_return what.error();
    auto asking = ask_node(call, std::move(*what));
    co_return co_await std::move(asking);
}

api_answer remove_image_of(api_call& call) {
    auto const name = call.request.parameter("image");
    if (!name || name->empty())
        co_return error{errc::invalid, "it is missing", "image", "say which: ?image=NAME, or its digest"};
    remove_image what{std::string(*name)};
    auto asking = ask_node(call, std::move(what));
    co_return co_await std::move(asking);
}

}  // namespace rik::detail

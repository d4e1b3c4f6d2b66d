#include <rik/base/quantity.hpp>
#include <rik/client/print.hpp>

#include "client/json_view.hpp"
#include "client/object_text.hpp"

namespace rik {

namespace {

using namespace detail;
using boost::json::object;

constexpr std::size_t short_digest_bytes = 12;  // as docker shows it

std::string digest_text(object const& image, table_options const& options) {
    auto const whole = text_at(image, "digest");
    if (options.wide) return whole;
    return whole.substr(whole.find(':') + 1, short_digest_bytes);  // npos + 1 is 0
}

std::string users_text(object const& image, table_options const& options) {
    auto const& users = array_at(image, "usedBy");
    return options.wide ? texts(users) : std::to_string(users.size());
}

table_row row_of(std::string_view node, std::string name, object const& image, table_options const& options) {
    auto const size = number_at(image, "sizeBytes").value_or(0);
    return {{std::string(node)},
            {std::move(name)},
            {digest_text(image, options)},
            {size == 0 ? std::string() : bytes_text(size)},
            {age_of(time_at(image, "pulledAt"), options.now)},
            {text_at(image, "runtime")},
            {users_text(image, options)}};
}

}  // namespace

table_row image_header() { return {{"NODE"}, {"NAME"}, {"DIGEST"}, {"SIZE"}, {"PULLED"}, {"RUNTIME"}, {"USED-BY"}}; }

result<std::vector<table_row>> image_rows(std::string_view node, std::string_view json, table_options const& options) {
    auto const list = parse_object(json);
    if (!list) return list.error();
    if (find(*list, "items") == nullptr)
        return error{errc::corrupt, "the server's answer is no list of images", {}, "is it rik that listens there?"};
    std::vector<table_row> rows;
    for (auto const* each : objects_at(*list, "items")) {
        auto const& names = array_at(*each, "names");
        if (names.empty()) rows.push_back(row_of(node, {}, *each, options));
        for (auto const& name : names) rows.push_back(row_of(node, text_of(name), *each, options));
    }
    return rows;
}

}  // namespace rik

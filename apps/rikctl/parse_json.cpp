#include "parse_json.hpp"

#include <boost/json.hpp>

namespace rikctl {

boost::json::value parse_json(std::string_view text) {
    boost::json::parse_options lenient;
    lenient.allow_invalid_utf8 = true;
    boost::system::error_code code;
    auto parsed = boost::json::parse({text.data(), text.size()}, code, {}, lenient);
    return code ? boost::json::value() : parsed;
}

std::string string_at(boost::json::value const& in, std::string_view pointer) {
    boost::system::error_code code;
    auto const* const found = in.find_pointer({pointer.data(), pointer.size()}, code);
    return found != nullptr && found->is_string() ? std::string(found->get_string().c_str()) : std::string();
}

std::int64_t number_at(boost::json::value const& in, std::string_view pointer) {
    boost::system::error_code code;
    auto const* const found = in.find_pointer({pointer.data(), pointer.size()}, code);
    return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

bool bool_at(boost::json::value const& in, std::string_view pointer) {
    boost::system::error_code code;
    auto const* const found = in.find_pointer({pointer.data(), pointer.size()}, code);
    return found != nullptr && found->is_bool() && found->get_bool();
}

boost::json::array const& array_at(boost::json::value const& in, std::string_view pointer) {
    static boost::json::array const none;
    boost::system::error_code code;
    auto const* const found = in.find_pointer({pointer.data(), pointer.size()}, code);
    return found != nullptr && found->is_array() ? found->get_array() : none;
}

}  // namespace rikctl

#include "support/catch.hpp"

#include <rik/model/image_name.hpp>

using namespace rik;

TEST_CASE("a registry is understood as people write it", "[unit][model]") {
    for (auto const& [text, registry] : {std::pair{"127.0.0.1:5000", "127.0.0.1:5000"},
                                         {"http://127.0.0.1:5000", "127.0.0.1:5000"},
                                         {"http://127.0.0.1:5000/", "127.0.0.1:5000"},
                                         {"https://Registry.Example:443", "registry.example:443"},
                                         {"registry.example", "registry.example"},
                                         {"localhost", "localhost"},
                                         {"[::1]:5000", "[::1]:5000"}}) {
        CAPTURE(text);
        REQUIRE(parse_registry(text));
        CHECK(*parse_registry(text) == registry);
    }
}

TEST_CASE("what no name of an image can mean is no registry", "[unit][model]") {
    for (auto const* text :
         {"", "http://", "plainword", "a b:1", "host:", "host:x", "host:123456", "host:70000", "http://host:1/path",
          "host:1/", "user@host:1", "ftp://host:1", "http://http://host:1", "-host:1", "host\n:1", "host:1\n"}) {
        CAPTURE(text);
        auto const parsed = parse_registry(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == errc::invalid);
        CHECK(!parsed.error().remedy.empty());
    }
}

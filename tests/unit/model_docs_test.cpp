// What docs/ has of the table of fields is what the table says. With RIK_WRITE_DOCS=1 it is written:
// scripts/generate-docs.
#include <rik/model/fields.hpp>

#include "support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace rik;

namespace {

constexpr std::string_view begin_mark = "<!-- made by scripts/generate-docs -->\n";
constexpr std::string_view end_mark = "<!-- end -->\n";

std::filesystem::path path_of(std::string const& name) { return std::filesystem::path(RIK_DOCS_DIR) / name; }

std::string read(std::string const& name) {
    std::ifstream file(path_of(name));
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Compares the file with what it should be, or writes it.
void settle(std::string const& name, std::string const& wanted) {
    INFO(name << ": run scripts/generate-docs");
    if (std::getenv("RIK_WRITE_DOCS") != nullptr) std::ofstream(path_of(name)) << wanted;
    CHECK(read(name) == wanted);
}

}  // namespace

TEST_CASE("the published schemas are those of the table", "[docs]") {
    settle("schema-v1.json", json_schema(definition_form::rik));
    settle("kubernetes-v1.json", json_schema(definition_form::kubernetes));
}

TEST_CASE("the tables of docs/compatibility.md are those of the table of fields", "[docs]") {
    auto const text = read("compatibility.md");
    auto const begin = text.find(begin_mark);
    auto const end = text.find(end_mark, begin);
    REQUIRE(begin != text.npos);
    REQUIRE(end != text.npos);
    auto const head = text.substr(0, begin + begin_mark.size());
    settle("compatibility.md", head + "\n" + compatibility_tables() + "\n" + text.substr(end));
}

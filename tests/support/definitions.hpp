// Definitions for tests that need an object with one.
#pragma once

#include <rik/model/definition.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace rik::testing {

/// What `text` says. Throws if it is no definition.
inline definition_ptr written(std::string_view text) {
    auto parsed = parse_definition(text);
    if (!parsed.found.empty()) throw std::runtime_error(to_string(summarize(parsed.found)));
    return std::make_shared<workload_definition const>(std::move(parsed.definition));
}

/// A Pod of one container; `note` tells it from others.
inline definition_ptr written_pod(std::string const& name, std::string const& note = "none") {
    return written(R"({"apiVersion":"v1","kind":"Pod","name":")" + name + R"(","annotations":{"note":")" + note +
                   R"("},"spec":{"containers":[{"name":"main","image":"nginx"}]}})");
}

/// A definition of this template without a text: it cannot be stored.
inline definition_ptr unwritten(instance_template spec) {
    workload_definition made;
    made.spec = std::move(spec);
    return std::make_shared<workload_definition const>(std::move(made));
}

}  // namespace rik::testing

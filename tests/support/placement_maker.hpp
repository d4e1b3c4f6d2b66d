// Nodes, releases and items for tests of placement and of the scheduler's image.
#pragma once

#include "definitions.hpp"

#include <rik/link/messages.hpp>
#include <rik/placement/placement.hpp>

#include <memory>
#include <string>
#include <utility>

namespace rik::testing {

/// Ids in the order in which they were asked for.
template <class Id>
Id numbered(unsigned number) {
    auto text = std::string("00000000-0000-4000-8000-000000000000");
    auto const digits = std::to_string(number);
    text.replace(text.size() - digits.size(), digits.size(), digits);
    return Id::parse(text).value();
}

/// `made` with another template, but with the requests that it has.
template <class Change>
void change_spec(release& made, Change change) {
    auto spec = made.spec();
    change(spec);
    made.definition = unwritten(std::move(spec));
}

inline release_ptr make_release(unsigned number, std::int64_t cpu, std::uint16_t host_port = 0) {
    instance_template spec;
    release made{.id = numbered<release_id>(number), .workload = numbered<workload_id>(number)};
    container_definition container{.name = "main", .image = "web:1"};
    if (host_port != 0) container.ports.push_back({.port = 80, .host_port = host_port});
    spec.containers.push_back(std::move(container));
    made.definition = unwritten(std::move(spec));
    made.requests.set(resource::cpu, cpu);
    made.requests.set(resource::pods, 1);
    return std::make_shared<release const>(std::move(made));
}

/// One that asks for a Pod's place alone.
inline release_ptr make_release(unsigned number, instance_template spec) {
    release made{.id = numbered<release_id>(number), .workload = numbered<workload_id>(number)};
    made.definition = unwritten(std::move(spec));
    made.requests.set(resource::pods, 1);
    return std::make_shared<release const>(std::move(made));
}

inline node_facts make_facts(std::string name, std::int64_t cpu, std::int64_t pods = 110) {
    node_facts made{.name = std::move(name), .runtimes = {"oci"}};
    made.capacity.set(resource::cpu, cpu);
    made.capacity.set(resource::pods, pods);
    return made;
}

inline candidate make_candidate(unsigned number, std::int64_t cpu, std::int64_t pods = 110) {
    return candidate_of(numbered<node_id>(number), make_facts("n" + std::to_string(number), cpu, pods));
}

}  // namespace rik::testing

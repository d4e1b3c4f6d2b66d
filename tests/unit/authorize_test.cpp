// Who may do what.
#include "support/catch.hpp"

#include <rik/primary/authorize.hpp>

#include <array>
#include <string_view>
#include <vector>

using namespace rik;

namespace {

constexpr std::array reads{verb::get, verb::list, verb::watch};
constexpr std::array changes{verb::create, verb::update, verb::remove};
constexpr std::array of_tenants{object_kind::workload, object_kind::instance, object_kind::event, object_kind::log};
constexpr std::array of_nobody{object_kind::node, object_kind::image};

caller someone(caller_role role) { return {.subject = "eve", .tenant = "default", .role = role}; }

/// What of `verbs` `role` may do.
template <class Verbs>
std::vector<verb> allowed(caller_role role, Verbs const& verbs, object_kind kind, std::string_view tenant) {
    std::vector<verb> all;
    for (auto const each : verbs)
        if (!authorize(someone(role), each, kind, tenant)) all.push_back(each);
    return all;
}

template <class Verbs>
bool may_all(caller_role role, Verbs const& verbs, object_kind kind, std::string_view tenant) {
    return allowed(role, verbs, kind, tenant).size() == verbs.size();
}
template <class Verbs>
bool may_none(caller_role role, Verbs const& verbs, object_kind kind, std::string_view tenant) {
    return allowed(role, verbs, kind, tenant).empty();
}

constexpr auto admin = caller_role::admin;
constexpr auto editor = caller_role::editor;
constexpr auto reader = caller_role::reader;

}  // namespace

TEST_CASE("an admin may do everything, in every tenant") {
    for (auto const* tenant : {"", "default", "other"}) {
        for (auto const kind : of_tenants) {
            CHECK(may_all(admin, reads, kind, tenant));
            CHECK(may_all(admin, changes, kind, tenant));
        }
    }
    for (auto const kind : of_nobody) {
        CHECK(may_all(admin, reads, kind, ""));
        CHECK(may_all(admin, changes, kind, ""));
    }
}

TEST_CASE("an editor reads and changes what belongs to its own tenant") {
    for (auto const kind : of_tenants) {
        CHECK(may_all(editor, reads, kind, "default"));
        CHECK(may_all(editor, changes, kind, "default"));
        CHECK(may_none(editor, reads, kind, "other"));
        CHECK(may_none(editor, changes, kind, "other"));
    }
}

TEST_CASE("a reader reads what belongs to its own tenant") {
    for (auto const kind : of_tenants) {
        CHECK(may_all(reader, reads, kind, "default"));
        CHECK(may_none(reader, changes, kind, "default"));
        CHECK(may_none(reader, reads, kind, "other"));
        CHECK(may_none(reader, changes, kind, "other"));
    }
}

TEST_CASE("everybody may ask for all that they may see") {
    for (auto const kind : of_tenants)
        for (auto const role : {reader, editor}) CHECK(may_all(role, reads, kind, ""));
}

TEST_CASE("everybody reads nodes, and their images are the admin's") {
    for (auto const role : {reader, editor}) {
        CHECK(may_all(role, reads, object_kind::node, ""));
        CHECK(may_none(role, changes, object_kind::node, ""));
        CHECK(may_none(role, reads, object_kind::image, ""));
        CHECK(may_none(role, changes, object_kind::image, ""));
    }
}

TEST_CASE("a refusal says who may not do what to what") {
    auto const here = authorize(someone(reader), verb::remove, object_kind::workload, "default");
    REQUIRE(here);
    CHECK(here->code == errc::denied);
    CHECK(here->message == "eve may not delete workloads");
    auto const there = authorize(someone(editor), verb::list, object_kind::instance, "other");
    REQUIRE(there);
    CHECK(there->message == "eve may not list instances of tenant 'other'");
}

TEST_CASE("tenants are the admin's, and others see their own") {
    for (auto const role : {reader, editor}) {
        CHECK(may_all(role, reads, object_kind::tenant, "default"));
        CHECK(may_all(role, reads, object_kind::tenant, ""));
        CHECK(may_none(role, reads, object_kind::tenant, "other"));
        CHECK(may_none(role, changes, object_kind::tenant, "default"));
        CHECK(may_none(role, changes, object_kind::tenant, ""));
    }
    CHECK(may_all(admin, changes, object_kind::tenant, "other"));
}

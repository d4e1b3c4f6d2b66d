#include <rik/base/limits.hpp>
#include <rik/model/codec.hpp>
#include <rik/model/rollout.hpp>
#include <rik/model/tenant.hpp>

#include "support/catch.hpp"
#include "support/definitions.hpp"

#include <memory>

using namespace rik;

namespace {

struct one_release final : release_source {
    release_ptr only;
    release_ptr find_release(release_id const& id) const override { return only && only->id == id ? only : nullptr; }
};

template <class Kind>
uid<Kind> make_id(std::uint64_t seed) {
    seeded_entropy random(seed);
    return uid<Kind>::generate(random);
}

wall_time at(std::int64_t microseconds) { return wall_time(std::chrono::microseconds(microseconds)); }

release make_release() {
    return rik::make_release(make_id<release_tag>(1), make_id<workload_tag>(2), testing::written_pod("web"));
}

instance make_instance(release_ptr from) {
    instance_fields fields{.id = make_id<instance_tag>(3), .name = "jolly-cat-1234", .made_from = std::move(from)};
    fields.binding = node_binding{make_id<node_tag>(4), 17, true};
    fields.status.state = instance_state::running;
    fields.status.since = at(1'000'001);
    fields.status.containers.push_back({.name = "web", .state = container_state::exited, .exit_code = 0});
    return instance(std::move(fields));
}

}  // namespace

TEST_CASE("a release and its workload keep the tenant that their text does not name", "[codec]") {
    auto definition = *testing::written_pod("web");
    definition.tenant = "shop";
    auto const made = rik::make_release(make_id<release_tag>(1), make_id<workload_tag>(2),
                                        std::make_shared<workload_definition const>(std::move(definition)));
    auto const read = decode_release(encode(made));
    REQUIRE(read.has_value());
    CHECK(read->definition->tenant == "shop");
    workload row{.id = made.workload, .tenant = "shop", .name = "web", .definition = made.definition};
    auto const again = decode_workload(encode(row), one_release());
    REQUIRE(again.has_value());
    CHECK(again->definition->tenant == "shop");
}

TEST_CASE("an instance is read back and shares its release", "[codec]") {
    one_release releases;
    releases.only = std::make_shared<release const>(make_release());
    auto const written = make_instance(releases.only);
    auto const read = decode_instance(encode(written), releases);
    REQUIRE(read.has_value());
    CHECK(read->made_from() == releases.only);
    CHECK(read->id() == written.id());
    CHECK(read->binding() == written.binding());
    CHECK(read->status() == written.status());
    CHECK(read->is_condemned());
}

TEST_CASE("an instance holds its room until its node has vacated, whatever its containers are said to do", "[codec]") {
    auto fields = make_instance(std::make_shared<release const>(make_release())).fields();
    CHECK(instance(fields).occupies_room());  // condemned, and its container has exited
    fields.binding->condemned = false;
    fields.status.state = instance_state::failed;
    CHECK(instance(fields).occupies_room());
    fields.binding->vacated = true;
    CHECK_FALSE(instance(fields).occupies_room());
    fields.binding->condemned = true;
    fields.status.state = instance_state::destroying;
    CHECK_FALSE(instance(fields).occupies_room());
    fields.binding.reset();
    CHECK_FALSE(instance(fields).occupies_room());
}

TEST_CASE("whether the room was given back is stored", "[codec]") {
    one_release releases;
    releases.only = std::make_shared<release const>(make_release());
    auto fields = make_instance(releases.only).fields();
    CHECK(decode_instance(encode(instance(fields)), releases)->occupies_room());
    fields.status.state = instance_state::destroying;
    fields.binding->vacated = true;
    CHECK_FALSE(decode_instance(encode(instance(fields)), releases)->occupies_room());
}

TEST_CASE("an exit code of 0 is not the same as none", "[codec]") {
    instance_status status;
    status.containers.push_back({.name = "a", .state = container_state::exited, .exit_code = 0});
    status.containers.push_back({.name = "b"});
    auto const read = decode_instance_status(encode(status));
    REQUIRE(read.has_value());
    CHECK(read->containers[0].exit_code == 0);
    CHECK_FALSE(read->containers[1].exit_code.has_value());
}

TEST_CASE("an instance whose release is not there is corrupt", "[codec]") {
    one_release const none;
    auto const read = decode_instance(encode(make_instance(std::make_shared<release const>(make_release()))), none);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == errc::corrupt);
    CHECK(read.error().message.find("release") != std::string::npos);
}

TEST_CASE("a release is stored as the text that its user wrote", "[codec]") {
    auto const text =
        R"({"kind":"Pod","apiVersion":"v1","name":"web","spec":{"containers":[{"name":"a","image":"b","resources":{"requests":{"cpu":"250m"}}}]}})";
    auto const written = rik::make_release(make_id<release_tag>(1), make_id<workload_tag>(2), testing::written(text));
    auto const read = decode_release(encode(written));
    REQUIRE(read.has_value());
    CHECK(read->id == written.id);
    CHECK(read->definition->text == text);
    CHECK(read->spec() == written.spec());
    CHECK(read->requests.get(resource::cpu) == 250);
}

TEST_CASE("a workload shares the definition of its current release, unless it has another", "[codec]") {
    one_release releases;
    releases.only = std::make_shared<release const>(make_release());
    workload written{.id = releases.only->workload, .name = "web"};
    written.current_release = releases.only->id;
    written.definition = testing::written_pod("web");
    CHECK(decode_workload(encode(written), releases)->definition == releases.only->definition);
    written.definition = testing::written_pod("web", "changed");
    auto const read = decode_workload(encode(written), releases);
    REQUIRE(read.has_value());
    CHECK(read->definition->text == written.definition->text);
    CHECK(read->annotations().at("note") == "changed");
    CHECK(read->applied.empty());
    CHECK(read->releases_made == 1);
    written.applied = "{}";
    written.releases_made = 7;
    auto const applied = decode_workload(encode(written), releases);
    CHECK(applied->applied == "{}");
    CHECK(applied->releases_made == 7);
}

TEST_CASE("a stored definition that is none is corrupt, and says of which object and why", "[codec]") {
    auto text = encode(make_release());
    text.replace(text.find("\\\"image"), 7, "\\\"imagx");
    auto const read = decode_release(text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == errc::corrupt);
    CHECK(read.error().message.starts_with("release " + make_id<release_tag>(1).text() + ": definition: "));
}

TEST_CASE("every kind is read through one meta", "[meta]") {
    auto const from = std::make_shared<release const>(make_release());
    auto const one = make_instance(from);
    auto const of_instance = meta_of(one, 7);
    CHECK(of_instance.uid == one.id().text());
    CHECK(of_instance.name == "jolly-cat-1234");
    CHECK(&of_instance.labels == &from->spec().labels);
    CHECK(of_instance.updated_at == at(1'000'001));
    CHECK(of_instance.changed_at == 7);
    workload web{.id = from->workload, .name = "web", .definition = from->definition};
    web.finalizers = {"example.com/keep"};
    auto const of_workload = meta_of(web, 8);
    CHECK(of_workload.annotations.at("note") == "none");
    CHECK(of_workload.finalizers.size() == 1);
    CHECK(meta_of(node{.facts = {.name = "a"}}, 9).tenant.empty());
    CHECK(meta_of(document{.key = {"tenant", "", "team"}}, 10).name == "team");
}

TEST_CASE("bytes that are no UTF-8 survive", "[codec]") {
    instance_status status;
    status.message = "exec: \xff\xfe \" \\ \n \x01";
    auto const read = decode_instance_status(encode(status));
    REQUIRE(read.has_value());
    CHECK(read->message == status.message);
}

TEST_CASE("the largest numbers survive", "[codec]") {
    instance_status status;
    status.seq = ~std::uint64_t{0};
    auto const read = decode_instance_status(encode(status));
    REQUIRE(read.has_value());
    CHECK(read->seq == status.seq);
}

TEST_CASE("members of a newer release are ignored", "[codec]") {
    auto text = encode(instance_status{});
    text.insert(1, R"("colour":{"deep":[1,2,3]},)");
    CHECK(decode_instance_status(text).has_value());
}

TEST_CASE("a node that was stored before nodes could be in trouble is read", "[codec]") {
    auto const id = make_id<node_tag>(5).text();
    auto const read = decode_node(R"({"id":")" + id +
                                  R"(","facts":{"name":"a","addresses":["10.0.0.1"]},"state":"ready",)"
                                  R"("state_since":"1970-01-01T00:00:00Z","created_at":"1970-01-01T00:00:00Z"})");
    REQUIRE(read.has_value());
    CHECK(read->facts.troubles.empty());
    CHECK(read->state == node_state::ready);
}

TEST_CASE("a node that was stored before operators could change it is read", "[codec]") {
    auto const id = make_id<node_tag>(5).text();
    auto const read = decode_node(R"({"id":")" + id +
                                  R"(","facts":{"name":"a","labels":{"zone":"x"}},"state":"ready",)"
                                  R"("state_since":"1970-01-01T00:00:00Z","created_at":"1970-01-01T00:00:00Z"})");
    REQUIRE(read.has_value());
    CHECK(read->standing == node_standing{});
    CHECK(read->remnants.empty());
    CHECK(read->generation == 1);
    CHECK(meta_of(*read, 9).labels.at("zone") == "x");
}

TEST_CASE("what operators have said of a node is read back", "[codec]") {
    node wanted{.id = make_id<node_tag>(5), .facts = {.name = "a"}};
    wanted.facts.labels["zone"] = "x";
    wanted.standing = {true, true, {{"gpu", "yes", taint_effect::no_execute}}};
    wanted.operator_labels["zone"] = "y";
    wanted.remnants.push_back({make_id<instance_tag>(6), 17});
    auto const read = decode_node(encode(wanted));
    REQUIRE(read.has_value());
    CHECK(read->standing == wanted.standing);
    CHECK(read->remnants == wanted.remnants);
    CHECK(read->labels.at("zone") == "y");
}

TEST_CASE("damaged text is corrupt and says where", "[codec]") {
    auto const message_of = [](std::string_view text) {
        auto const read = decode_instance_status(text);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == errc::corrupt);
        return read.error().message;
    };
    CHECK(message_of(R"({"since":"1970-01-01T00:00:00Z"})") == "instance status: state: is missing");
    CHECK(message_of(R"({"state":"lost","since":"1970-01-01T00:00:00Z"})") ==
          "instance status: state: 'lost' is not one of its words");
    CHECK(message_of(R"({"state":"running","since":7})") == "instance status: since: is not a string");
    CHECK(
        message_of(
            R"({"state":"running","since":"1970-01-01T00:00:00Z","containers":[{"name":"a","state":"waiting","restart_count":-1}]})") ==
        "instance status: containers[0].restart_count: is not a whole number in range");
    CHECK(message_of("[]") == "instance status: is not an object");
    for (auto const* text : {"", "{", "nonsense", "{\"state\":", "\xff"}) CHECK_FALSE(message_of(text).empty());
}

TEST_CASE("a stored uid that is none is corrupt", "[codec]") {
    auto text = encode(make_release());
    text.replace(text.find(make_id<workload_tag>(2).text()), 36, std::string(36, 'z'));
    auto const read = decode_release(text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().message.starts_with("release: workload: "));
}

TEST_CASE("an event is read back from its document", "[document]") {
    event const happened{.object_kind = "instance",
                         .object_id = "7",
                         .object_name = "web-1",
                         .tenant = "team-a",
                         .type = event_type::warning,
                         .reason = "Failed",
                         .message = "the image is not there",
                         .source = "node a",
                         .at = at(5)};
    auto const written = to_document(happened, 42);
    CHECK(written.about == "7");
    CHECK(written.key.kind == event_kind);
    auto const read = parse_event(written);
    REQUIRE(read.has_value());
    CHECK(read->object_name == "web-1");
    CHECK(read->tenant == "team-a");
    CHECK(read->type == event_type::warning);
    CHECK(read->message == happened.message);
    CHECK(read->at == happened.at);
}

TEST_CASE("events list in the order of their numbers", "[document]") {
    event const happened{.object_kind = "node", .object_id = "1", .reason = "Ready"};
    CHECK(to_document(happened, 9).key < to_document(happened, 10).key);
    CHECK(to_document(happened, 10).key < to_document(happened, ~std::uint64_t{0}).key);
}

TEST_CASE("a document that is no event is corrupt", "[document]") {
    CHECK(parse_event({.key = {"tenant", "default", "a"}, .json = "{}"}).error().code == errc::corrupt);
    CHECK(parse_event({.key = {"event", "default", "a"}, .json = "{}"}).error().code == errc::corrupt);
    CHECK(parse_event({.key = {"event", "default", "a"}, .json = "{"}).error().code == errc::corrupt);
}

TEST_CASE("a tenant is read back from its document", "[document]") {
    tenant_record const written{.id = make_id<tenant_tag>(3),
                                .name = "team-a",
                                .labels = {{"zone", "x"}},
                                .annotations = {{"note", "any text"}},
                                .created_at = at(5),
                                .updated_at = at(6),
                                .generation = 2,
                                .deleting_since = at(7),
                                .verb = "create",
                                .resource = "workload"};
    auto const kept = to_document(written);
    CHECK(kept.key == tenant_key("team-a"));
    CHECK(kept.about == written.id.text());
    auto const read = parse_tenant(kept);
    REQUIRE(read.has_value());
    CHECK(read->id == written.id);
    CHECK(read->name == "team-a");
    CHECK(read->labels == written.labels);
    CHECK(read->annotations == written.annotations);
    CHECK(read->created_at == at(5));
    CHECK(read->updated_at == at(6));
    CHECK(read->generation == 2);
    CHECK(read->deleting_since == at(7));
    CHECK(read->state() == workload_state::destroying);
    CHECK(read->verb == "create");
    CHECK(read->resource == "workload");
    CHECK(meta_of(*read, 9).labels.at("zone") == "x");
    CHECK(meta_of(*read, 9).tenant.empty());
    CHECK(parse_tenant({.key = tenant_key("a"), .json = "{}"}).error().code == errc::corrupt);
    CHECK(parse_tenant({.key = {"event", "default", "a"}, .json = kept.json}).error().code == errc::corrupt);
}

TEST_CASE("what an earlier release kept of a tenant is read, with a legal name", "[document]") {
    auto const id = make_id<tenant_tag>(3).text();
    auto const read = [&](std::string const& name) {
        document const old{.key = {"tenant", "default", id},
                           .json = R"({"name":")" + name + R"(","verb":"create","resource":"w","id":")" + id + R"("})"};
        CHECK(is_old_tenant(old));
        auto parsed = parse_old_tenant(old, at(5));
        REQUIRE(parsed.has_value());
        return *parsed;
    };
    CHECK(read("me").name == "me");
    CHECK(read("me").id.text() == id);
    CHECK(read("me").verb == "create");
    CHECK(read("me").created_at == at(5));
    CHECK(read("My Team!").name == "my-team");
    CHECK(read("-_-").name == "tenant-" + id.substr(0, 8));
    CHECK(read(id).name == "tenant-" + id.substr(0, 8));
    CHECK(read(std::string(80, 'a')).name == std::string(63, 'a'));
    CHECK_FALSE(is_old_tenant(to_document(read("me"))));
}

TEST_CASE("a tenant's name is a DNS-1123 label and no id", "[document]") {
    CHECK_FALSE(check_tenant_name("team-a", "name"));
    for (auto const* wrong : {"", "Team", "a.b", "-a", "a_b", "00000000-0000-4000-8000-000000000003"})
        CHECK(check_tenant_name(wrong, "name").has_value());
    CHECK(check_tenant_name(std::string(64, 'a'), "name").has_value());
}

TEST_CASE("what is kept of a rollout is read as it was written", "[unit][model]") {
    workload of{.id = make_id<workload_tag>(2), .tenant = "team", .name = "web"};
    rollout_record record{.workload = of.id};
    record.set_size(make_id<release_tag>(5), {.count = 3, .wanted = 4, .max = 5});
    record.set_size(make_id<release_tag>(6), {.count = 1, .wanted = 4, .max = 5});
    record.set_size(make_id<release_tag>(6), {.count = 2, .wanted = 4, .max = 5});
    record.progress.release = make_id<release_tag>(6);
    record.progress.wanted = 4;
    record.progress.conditions.push_back({.type = workload_condition_type::progressing,
                                          .status = condition_status::no,
                                          .reason = "ProgressDeadlineExceeded",
                                          .message = "it has timed out",
                                          .since = at(7),
                                          .updated_at = at(8)});
    record.add_step({at(9), "made 2 instances: web-a, web-b"});
    auto const written = to_document(record, of);
    CHECK(written.key == document_key{"rollout", "team", of.id.text()});
    CHECK(written.about == of.id.text());
    auto const read = parse_rollout(written);
    REQUIRE(read.has_value());
    CHECK(*read == record);
    CHECK(read->find_size(make_id<release_tag>(6))->count == 2);
    record.forget_size(make_id<release_tag>(6));
    CHECK(record.find_size(make_id<release_tag>(6)) == nullptr);
    CHECK(parse_rollout(document{.key = {"tenant", "", "x"}, .json = written.json}).error().code == errc::corrupt);
    CHECK(parse_rollout(document{.key = written.key, .json = "{\"workload\":3}"}).error().code == errc::corrupt);
}

TEST_CASE("of what was done about a workload only the newest is kept", "[unit][model]") {
    rollout_record record;
    for (int i = 0; i < 60; ++i) record.add_step({at(i), std::to_string(i)});
    CHECK(record.steps.size() == limits::rollout_steps_max);
    CHECK(record.steps.front().what == "10");
    CHECK(record.steps.back().what == "59");
}

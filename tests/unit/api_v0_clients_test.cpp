// The original's clients, written anew from what they do: what they send, and how strictly they read what comes back.
// The generated Go client looks at the members that it knows; one of a wrong type, kind or status spoils a whole list.
// The Rust CLI wants its members to be there.
#include "support/api_fixture.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

using namespace rik;
using namespace rik::test;
namespace json = boost::json;

namespace {

/// Reads objects as Go's encoding/json does into a struct. `problem` is the first thing that it could not read.
class go_reader {
public:
    std::string problem;

    /// nullptr: it is not there, null, or something else, which is a problem.
    json::object const* object(json::value const& value, std::string_view what) {
        if (value.is_null()) return nullptr;
        if (!value.is_object()) spoil(what, value);
        return value.if_object();
    }
    json::value const* member(json::object const& in, std::string_view name) const {
        auto const* found = in.if_contains(name);
        return found == nullptr || found->is_null() ? nullptr : found;
    }
    json::object const* object_in(json::object const& in, std::string_view name) {
        auto const* found = member(in, name);
        return found == nullptr ? nullptr : object(*found, name);
    }
    json::array list_in(json::object const& in, std::string_view name) {
        auto const* found = member(in, name);
        if (found == nullptr) return {};
        if (!found->is_array()) spoil(name, *found);
        return found->is_array() ? found->get_array() : json::array();
    }
    std::string text_in(json::object const& in, std::string_view name) {
        auto const* found = member(in, name);
        if (found == nullptr) return {};
        if (!found->is_string()) spoil(name, *found);
        return found->is_string() ? std::string(found->get_string()) : std::string();
    }
    void number_in(json::object const& in, std::string_view name) {
        auto const* found = member(in, name);
        if (found != nullptr && !found->is_int64()) spoil(name, *found);
    }
    template <std::size_t Count>
    std::string word_in(json::object const& in, std::string_view name, std::array<std::string_view, Count> known) {
        auto text = text_in(in, name);
        if (std::find(known.begin(), known.end(), text) == known.end()) spoil(name, json::value(text));
        return text;
    }

    void read_spec(json::object const& of) {
        auto const* spec = object_in(of, "spec");
        if (spec == nullptr) return;
        auto const containers = list_in(*spec, "containers");
        for (auto const& each : containers) {
            auto const* container = object(each, "container");
            if (container == nullptr) continue;
            text_in(*container, "name");
            text_in(*container, "image");
        }
        auto const* function = object_in(*spec, "function");
        if (function == nullptr) return;
        if (auto const* execution = object_in(*function, "execution")) text_in(*execution, "rootfs");
        if (auto const* exposure = object_in(*function, "exposure")) {
            number_in(*exposure, "port");
            number_in(*exposure, "targetPort");
            text_in(*exposure, "type");
        }
    }
    std::string read_kind(json::object const& of) {
        return word_in(of, "kind", std::array<std::string_view, 2>{"Pod", "Function"});
    }
    std::string read_status(json::object const& of) {
        return word_in(
            of, "status",
            std::array<std::string_view, 6>{"Running", "Pending", "Failed", "Terminated", "Creating", "Destroying"});
    }

private:
    void spoil(std::string_view what, json::value const& found) {
        if (problem.empty()) problem = std::string(what) + " is " + json::serialize(found);
    }
};

struct v0_row {
    std::string id;
    std::string kind;
    std::string status;
    friend auto operator<=>(v0_row const&, v0_row const&) = default;
    friend std::ostream& operator<<(std::ostream& to, v0_row const& row) {
        return to << row.id << ' ' << row.kind << ' ' << row.status;
    }
};

/// The Go client: a JSON content type on every body that it reads, and every error as status and text.
class go_client {
public:
    explicit go_client(api_fixture& on) : on_(on) {}

    /// It knows the answer only as an object with an id and nothing else.
    std::string create_workload(std::string const& definition) {
        auto const reply = post("workloads.create", definition, "Accept: application/json\r\n");
        if (reply.status_code >= 300) return error_of(reply);
        auto const made = decoded(reply);
        CHECK(made.as_object().size() == 1);
        return std::string(made.at("id").as_string());
    }
    std::vector<v0_row> list_workloads() {
        std::vector<v0_row> rows;
        auto const reply = on_.get("/api/v0/workloads.list", "Accept: application/json\r\n");
        go_reader reader;
        auto const list = decoded(reply);
        for (auto const& each : list.as_array()) {
            auto const& value = each.at("value").as_object();
            rows.push_back({reader.text_in(value, "name"), reader.read_kind(value), ""});
            CHECK(reader.text_in(each.as_object(), "name") == rows.back().id);
            CHECK(workload_id::parse(reader.text_in(each.as_object(), "id")));
            CHECK(reader.text_in(value, "apiVersion") == "v1");
            CHECK(value.at("replicas").is_number());
            reader.read_spec(value);
        }
        CHECK(reader.problem == "");
        std::sort(rows.begin(), rows.end());  // no order is promised
        return rows;
    }
    /// It always sends replicas, and asks for an array of texts.
    std::vector<std::string> create_instances(std::string const& workload, int count) {
        auto const body = R"({"workload_id":")" + workload + R"(","replicas":)" + std::to_string(count) + "}";
        auto const reply = post("instances.create", body, "Accept: application/json\r\n");
        if (reply.status_code >= 300) return {error_of(reply)};
        std::vector<std::string> names;
        auto const list = decoded(reply);
        for (auto const& each : list.as_array()) names.emplace_back(each.as_string());
        return names;
    }
    /// It asks for text/plain, and reads JSON with an array of arrays in it.
    std::vector<v0_row> list_instances() {
        std::vector<v0_row> rows;
        auto const reply = on_.get("/api/v0/instances.list", "Accept: text/plain\r\n");
        go_reader reader;
        auto const whole = decoded(reply);
        auto const list = reader.list_in(whole.as_object(), "instances");
        for (auto const& inner : list)
            for (auto const& each : inner.as_array()) {
                rows.push_back(read_instance(reader, each.at("value").as_object()));
                CHECK(reader.text_in(each.as_object(), "id") == rows.back().id);
                CHECK(reader.text_in(each.as_object(), "name") == rows.back().id);
            }
        CHECK(reader.problem == "");
        std::sort(rows.begin(), rows.end());
        return rows;
    }
    /// Nothing comes back as status 204, which is no error.
    std::vector<v0_row> instances_of(std::string const& workload) {
        std::vector<v0_row> rows;
        auto const reply = on_.get("/api/v0/workloads.instances/" + workload, "Accept: application/json\r\n");
        if (reply.status_code == 204) return rows;
        go_reader reader;
        auto const whole = decoded(reply);
        auto const list = reader.list_in(whole.as_object(), "instances");
        for (auto const& each : list) rows.push_back(read_instance(reader, each.as_object()));
        CHECK(reader.problem == "");
        return rows;
    }
    std::string remove(std::string const& what, std::string const& id) {
        auto const reply = post(what + ".delete", R"({"id":")" + id + R"("})", "");
        return reply.status_code >= 300 ? error_of(reply) : reply.body;
    }
    /// Where a caller forgot the body.
    std::string send_null(std::string const& call) { return error_of(post(call, "null", "")); }

private:
    http_reply post(std::string const& call, std::string const& body, std::string const& headers) {
        return on_.post("/api/v0/" + call, body + "\n", headers + "Content-Type: application/json\r\n");
    }
    static std::string error_of(http_reply const& reply) {
        CHECK(reply.has_header("Content-Type: text/plain; charset=UTF-8\r\n"));
        return std::to_string(reply.status_code) + " " + reply.body;
    }
    static json::value decoded(http_reply const& reply) {
        CHECK(reply.status_code < 300);
        CHECK(reply.has_header("Content-Type: application/json"));
        return json::parse(reply.body);
    }
    static v0_row read_instance(go_reader& reader, json::object const& value) {
        reader.read_spec(value);
        CHECK(workload_id::parse(reader.text_in(value, "workload_id")));
        CHECK(reader.text_in(value, "namespace") == "default");
        return {reader.text_in(value, "id"), reader.read_kind(value), reader.read_status(value)};
    }

    api_fixture& on_;
};

/// What the Go client makes of a Pod and a Function: it does not know replicas.
std::string go_pod(std::string const& name) {
    return R"({"apiVersion":"v1","kind":"Pod","name":")" + name +
           R"(","spec":{"containers":[{"name":"a","image":"registry:5000/team/a:1"},{"name":"b","image":"b"}]}})";
}
std::string go_function(std::string const& name) {
    return R"({"apiVersion":"v1","kind":"Function","name":")" + name +
           R"(","spec":{"function":{"execution":{"rootfs":"https://example.org/root.ext4"}}}})";
}

}  // namespace

TEST_CASE("v0: the Go client reads every reply of a whole conversation") {
    api_fixture on;
    go_client client(on);
    CHECK(client.list_workloads().empty());
    CHECK(client.list_instances().empty());

    auto const pod = client.create_workload(go_pod("web"));
    auto const function = client.create_workload(go_function("resize"));
    CHECK(client.create_workload(go_pod("web")) == "404 Name already used");
    CHECK(client.create_workload("{}").starts_with("400 apiVersion: is missing"));
    CHECK(client.send_null("workloads.create").starts_with("400 the body is missing"));
    CHECK(client.list_workloads() == std::vector<v0_row>{{"resize", "Function", ""}, {"web", "Pod", ""}});

    auto const names = client.create_instances(pod, 2);
    REQUIRE(names.size() == 2);
    auto const called = client.create_instances(function, 1).front();
    std::string const unknown = "6b29fc40-ca47-4067-b31d-00dd010662da";
    CHECK(client.create_instances(unknown, 1).front() == "404 Workload id " + unknown + " not found");
    CHECK(client.create_instances(pod, 0).front().starts_with("400 replicas: "));
    CHECK(client.send_null("instances.create").starts_with("400 "));
    std::vector<v0_row> all{
        {names[0], "Pod", "Pending"}, {names[1], "Pod", "Pending"}, {called, "Function", "Pending"}};
    std::sort(all.begin(), all.end());
    CHECK(client.list_instances() == all);
    CHECK(client.instances_of(function) == std::vector<v0_row>{{called, "Function", "Pending"}});
    auto const exposed = on.json_at("/api/v0/workloads.instances/" + function);
    auto const& exposure = exposed.at("instances").at(0).at("spec").at("function").at("exposure");
    CHECK(exposure.at("port").as_int64() >= 45'000);
    CHECK(exposure.at("port").as_int64() < 50'000);
    CHECK(exposure.at("targetPort") == 8080);
    CHECK(exposure.at("type") == "NodePort");
    CHECK(client.instances_of(unknown).empty());
    CHECK(client.instances_of("a%20b%2Fc%25").empty());

    for (auto const& name : {names[0], names[1], called}) CHECK(client.remove("instances", name) == "");
    CHECK(client.remove("instances", called) == "404 Instance id " + called + " not found");
    CHECK(client.send_null("instances.delete").starts_with("400 "));
    CHECK(client.instances_of(pod).empty());
    for (auto const& id : {pod, function}) CHECK(client.remove("workloads", id) == "");
    CHECK(client.remove("workloads", pod) == "404 Workload id " + pod + " not found");
    CHECK(client.send_null("workloads.delete").starts_with("400 "));
    CHECK(client.list_workloads().empty());
}

TEST_CASE("v0: the Go client reads lists with instances of every kind in every state") {
    api_fixture on;
    go_client client(on);
    auto const node = on.primary.add_node("n1");
    using enum instance_state;
    for (auto const& definition : {go_pod("web"), go_function("resize")}) {
        auto const workload = client.create_workload(definition);
        for (auto const state : {pending, creating, running, succeeded, failed, destroying, terminated})
            on.add_instance_on(node, workload, state);
        CHECK(client.instances_of(workload).size() == 7);
    }
    CHECK(client.list_instances().size() == 14);
    on.primary.lose_node(node);
    CHECK(client.list_instances().size() == 14);
}

TEST_CASE("v0: the Rust CLI sends no content type, or two, and reads bare arrays") {
    api_fixture on;
    auto const once = on.post("/api/v0/workloads.create", go_pod("once"), "Accept: */*\r\n");
    auto const twice = on.post("/api/v0/workloads.create", go_pod("twice"),
                               "Content-Type: application/json\r\nContent-Type: application/json\r\nAccept: */*\r\n");
    CHECK(once.status_code == 200);
    CHECK(twice.status_code == 200);
    auto const id = std::string(json::parse(once.body).at("id").as_string());
    CHECK(on.post("/api/v0/instances.create", R"({"workload_id":")" + id + R"("})").status_code == 201);

    auto const workloads = json::parse(on.get("/api/v0/workloads.list", "Accept: */*\r\n").body);
    REQUIRE(workloads.as_array().size() == 2);
    for (auto const& each : workloads.as_array()) {
        CHECK(each.at("id").is_string());
        for (auto const* name : {"apiVersion", "kind", "name"}) CHECK(each.at("value").at(name).is_string());
        for (auto const& container : each.at("value").at("spec").at("containers").as_array())
            CHECK((container.at("name").is_string() && container.at("image").is_string()));
    }
    auto const instances = json::parse(on.get("/api/v0/instances.list", "Accept: */*\r\n").body);
    REQUIRE(instances.as_array().size() == 1);
    CHECK(instances.at(0).at("name").is_string());
    CHECK(instances.at(0).at("value").at("status") == "Pending");
    auto const gone = on.post("/api/v0/instances.delete",
                              json::serialize(json::object{{"id", instances.at(0).at("id")}}), "Accept: */*\r\n");
    CHECK(gone.status_code == 204);
}

TEST_CASE("v0: what the original's controller wrote can be sent again, nulls and all") {
    api_fixture on;
    go_client client(on);
    client.create_workload(
        R"({"apiVersion":"v1","kind":"Pod","name":"web","replicas":null,"spec":{"containers":[{"name":"a","image":"a",
        "env":null,"ports":{"port":80,"target_port":8080,"protocol":null,"type":"nodePort"}},
        {"name":"b","image":"b","env":[],"ports":null}],"function":null}})");
    client.create_workload(
        R"({"apiVersion":"v1","kind":"Function","name":"resize","replicas":2,"spec":{"containers":[],"function":
        {"execution":{"rootfs":"https://example.org/root.ext4"},
        "exposure":{"port":45001,"targetPort":8080,"type":"NodePort"}}}})");
    CHECK(client.list_workloads() == std::vector<v0_row>{{"resize", "Function", ""}, {"web", "Pod", ""}});
    auto const list = on.json_at("/api/v0/workloads.list");
    REQUIRE(list.as_array().size() == 2);
    for (auto const& each : list.as_array())
        CHECK(each.at("value").at("replicas") == (each.at("name") == "web" ? 1 : 2));
}

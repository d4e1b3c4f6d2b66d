// Properties: whatever is encoded is decoded to the same; a stored text that was damaged is refused or read, and
// nothing worse; encoding is a function of the value alone (encode, decode, encode gives the same text).
#include <rik/model/codec.hpp>

#include "property/seed.hpp"

#include "support/catch.hpp"
#include "support/definitions.hpp"

#include <boost/json.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace rik;

namespace {

/// Any value of each type of the model, from a seed.
class generator {
public:
    explicit generator(entropy& random) : random_(random) {}

    bool coin() { return random_.below(2) == 0; }
    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

    /// Any bytes: programs print what they like.
    std::string bytes() {
        std::string text;
        auto const length = below(12);
        for (std::uint64_t i = 0; i < length; ++i) text += static_cast<char>(below(256));
        return text;
    }
    std::string word() {
        std::string text;
        auto const length = 1 + below(12);
        for (std::uint64_t i = 0; i < length; ++i) text += static_cast<char>('a' + static_cast<char>(below(26)));
        return text;
    }
    wall_time time() { return wall_time(std::chrono::microseconds(below(4'000'000'000'000'000))); }
    template <class Kind>
    uid<Kind> id() {
        return uid<Kind>::generate(random_);
    }
    template <class Make>
    auto maybe(Make make) -> std::optional<decltype(make())> {
        if (coin()) return std::nullopt;
        return make();
    }
    template <class Make>
    auto some(Make make) {
        std::vector<decltype(make())> list;
        auto const count = below(4);
        for (std::uint64_t i = 0; i < count; ++i) list.push_back(make());
        return list;
    }
    string_map map() {
        string_map result;
        auto const count = below(4);
        for (std::uint64_t i = 0; i < count; ++i) {
            auto key = bytes();
            result[std::move(key)] = bytes();
        }
        return result;
    }
    resources amounts() {
        resources result;
        for (auto const name : {resource::cpu, resource::memory, resource::pods})
            if (coin()) result.set(name, static_cast<std::int64_t>(random_.next()));
        return result;
    }
    std::vector<std::string> words() {
        return some([this] { return bytes(); });
    }

    std::vector<taint> taints() {
        return some([this] { return taint{word(), word(), static_cast<taint_effect>(below(3))}; });
    }

    std::string quoted() { return boost::json::serialize(boost::json::string(word())); }
    definition_ptr make_definition() {
        std::string containers;
        auto const count = 1 + below(3);
        for (std::uint64_t i = 0; i < count; ++i) {
            containers += i == 0 ? "" : ",";
            containers += R"({"image":)" + quoted() + R"(,"name":"c)" + std::to_string(i) +
                          R"(","env":[{"name":"A","value":)" + quoted() + R"(}],"ports":[{"containerPort":)" +
                          std::to_string(1 + below(65'535)) + R"(}],"resources":{"requests":{"cpu":)" +
                          std::to_string(below(100)) + "}}}";
        }
        return testing::written(R"({"kind":"Pod","apiVersion":"v1","annotations":{"a":)" + quoted() + R"(},"name":)" +
                                quoted() + R"(,"spec":{"containers":[)" + containers + R"(],"hostname":)" + quoted() +
                                "}}");
    }
    release make_release() {
        auto result = rik::make_release(id<release_tag>(), id<workload_tag>(), make_definition());
        result.number = random_.next();
        result.created_at = time();
        return result;
    }
    workload make_workload() {
        workload result;
        result.id = id<workload_tag>();
        result.tenant = word();
        result.name = word();
        result.kind = static_cast<workload_kind>(below(5));
        result.replicas = static_cast<std::uint32_t>(random_.next());
        result.definition = make_definition();
        result.current_release = id<release_tag>();
        result.created_at = time();
        result.updated_at = time();
        result.generation = random_.next();
        result.owner = maybe([this] { return id<workload_tag>(); });
        result.finalizers = words();
        result.deleting_since = maybe([this] { return time(); });
        result.paused_since = maybe([this] { return time(); });
        result.restart = maybe([this] { return restart_wish{time(), coin()}; });
        result.orphans_instances = coin();
        return result;
    }
    container_status make_container_status() {
        container_status result;
        result.name = word();
        result.state = static_cast<container_state>(below(3));
        result.reason = word();
        result.message = bytes();
        result.image_digest = bytes();
        result.exit_code = maybe([this] { return static_cast<int>(below(256)); });
        result.started_at = maybe([this] { return time(); });
        result.finished_at = maybe([this] { return time(); });
        result.restart_count = static_cast<std::uint32_t>(below(3));
        return result;
    }
    instance_status make_status() {
        instance_status result;
        result.state = static_cast<instance_state>(below(instance_state_count));
        result.reason = bytes();
        result.message = bytes();
        result.since = time();
        result.seq = random_.next();
        result.ready = coin();
        result.ready_since = maybe([this] { return time(); });
        result.addresses = words();
        result.containers = some([this] { return make_container_status(); });
        return result;
    }
    instance make_instance(release_ptr from) {
        instance_fields result;
        result.id = id<instance_tag>();
        result.tenant = word();
        result.name = word();
        result.owner = maybe([this] { return id<workload_tag>(); });
        result.made_from = std::move(from);
        result.created_at = time();
        result.generation = below(5);
        result.index = maybe([this] { return static_cast<std::uint32_t>(random_.next()); });
        result.meant_for = maybe([this] { return id<node_tag>(); });
        result.binding = maybe([this] {
            node_binding binding;
            binding.node = id<node_tag>();
            binding.fence = random_.next();
            binding.condemned = coin();
            binding.vacated = coin();
            return binding;
        });
        result.deleting_since = maybe([this] { return time(); });
        if (coin()) result.labels = map();
        result.exposed_port = coin() ? static_cast<std::uint16_t>(below(65'536)) : std::uint16_t{0};
        result.is_counted = coin();
        result.is_disrupted = coin();
        result.status = make_status();
        return instance(std::move(result));
    }
    node make_node() {
        node result;
        result.id = id<node_tag>();
        result.facts.name = word();
        result.facts.boot_id = bytes();
        result.facts.version = word();
        result.facts.capacity = amounts();
        result.facts.labels = map();
        result.facts.runtimes = words();
        result.facts.missing_runtimes = map();
        result.facts.addresses = words();
        if (coin()) result.facts.troubles.push_back({word(), bytes()});
        result.facts.taints = taints();
        result.pod_subnet = word();
        result.state = coin() ? node_state::ready : node_state::unheard;
        result.state_since = time();
        result.created_at = time();
        result.updated_at = time();
        result.generation = below(5);
        result.standing = {coin(), coin(), taints()};
        result.operator_labels = map();
        settle_labels(result);
        while (coin()) result.remnants.push_back({id<instance_tag>(), random_.next()});
        return result;
    }
    document make_document() {
        document result;
        result.key.kind = word();
        result.key.tenant = word();
        result.key.name = bytes();
        result.about = bytes();
        result.json = bytes();
        return result;
    }

private:
    entropy& random_;
};

struct one_release final : release_source {
    release_ptr only;
    release_ptr find_release(release_id const& id) const override { return only && only->id == id ? only : nullptr; }
};

/// What is decoded and encoded again has the same text; and so, since every member is in it, the same value.
template <class Decode>
void check_round_trip(std::string const& text, Decode decode) {
    auto const read = decode(text);
    INFO(text);
    REQUIRE(read.has_value());
    CHECK(encode(*read) == text);
}

std::string damaged(std::string text, entropy& random) {
    auto const changes = 1 + random.below(4);
    for (std::uint64_t i = 0; i < changes && !text.empty(); ++i) {
        auto const where = random.below(text.size());
        auto const how = random.below(3);
        if (how == 0)
            text[where] = static_cast<char>(random.below(256));
        else if (how == 1)
            text.erase(where, 1 + random.below(8));
        else
            text.insert(where, text.substr(random.below(text.size()), 1 + random.below(8)));
    }
    return text;
}

}  // namespace

TEST_CASE("every object survives its codec", "[property][codec]") {
    seeded_entropy random(test_seed());
    generator any(random);
    for (int round = 0; round < 300; ++round) {
        auto const made = any.make_release();
        check_round_trip(encode(made), decode_release);
        auto const read = decode_release(encode(made));
        REQUIRE(read.has_value());
        CHECK(read->spec() == made.spec());
        CHECK(read->requests == made.requests);
        auto const status = any.make_status();
        auto const status_read = decode_instance_status(encode(status));
        REQUIRE(status_read.has_value());
        CHECK(*status_read == status);
        check_round_trip(encode(any.make_node()), decode_node);
        check_round_trip(encode(any.make_document()), decode_document);
        one_release releases;
        releases.only = std::make_shared<release const>(made);
        check_round_trip(encode(any.make_workload()),
                         [&](std::string_view text) { return decode_workload(text, releases); });
        check_round_trip(encode(any.make_instance(releases.only)),
                         [&](std::string_view text) { return decode_instance(text, releases); });
    }
}

TEST_CASE("damaged text is read or called corrupt, and nothing worse", "[property][codec]") {
    seeded_entropy random(test_seed());
    generator any(random);
    for (int round = 0; round < 300; ++round) {
        one_release releases;
        releases.only = std::make_shared<release const>(any.make_release());
        auto const text = damaged(encode(any.make_instance(releases.only)), random);
        auto const read = decode_instance(text, releases);
        if (!read) CHECK(read.error().code == errc::corrupt);
        auto const made_from = decode_release(damaged(encode(*releases.only), random));
        if (!made_from) CHECK(made_from.error().code == errc::corrupt);
    }
}

// How much goes into one message.
#include <rik/link/batch.hpp>

#include <rik/base/entropy.hpp>

#include <support/catch.hpp>
#include <support/definitions.hpp>

using namespace rik;

namespace {

struct ids {
    instance_id instance() { return instance_id::generate(random); }
    release_ptr release_of(std::size_t text_bytes) {
        auto made = std::make_shared<release>();
        made->id = release_id::generate(random);
        auto definition = std::make_shared<workload_definition>();
        definition->text = std::string(text_bytes, ' ');
        made->definition = std::move(definition);
        return made;
    }
    item item_of(release_ptr from) { return {.instance = instance(), .made_from = std::move(from), .name = "web-1"}; }
    seeded_entropy random{7};
};

std::size_t count_of(batch_room room, std::vector<item> const& all) {
    std::size_t count = 0;
    while (count < all.size() && room.take(all[count])) ++count;
    return count;
}

}  // namespace

TEST_CASE("a message takes so many parts and no more") {
    ids make;
    batch_room room({.items_max = 3});
    for (int i = 0; i < 3; ++i) CHECK(room.take(make.instance()));
    CHECK(room.is_full());
    CHECK_FALSE(room.take(make.instance()));
}

TEST_CASE("a message takes a release once, however many of its parts name it") {
    ids make;
    auto const shared = make.release_of(1'000);
    std::vector<item> const alike(5, make.item_of(shared));
    CHECK(count_of(batch_room({.bytes_max = 2'000}), alike) == 5);
    std::vector<item> different;
    for (int i = 0; i < 5; ++i) different.push_back(make.item_of(make.release_of(1'000)));
    CHECK(count_of(batch_room({.bytes_max = 2'000}), different) == 1);
}

TEST_CASE("a part that is too large for any message travels alone") {
    ids make;
    auto const small = make.item_of(make.release_of(10));
    auto const large = make.item_of(make.release_of(limits::definition_bytes_max));
    CHECK(count_of(batch_room({}), {large, small}) == 1);
    CHECK(count_of(batch_room({}), {small, large, small}) == 1);
}

TEST_CASE("a message that is full by bytes takes nothing smaller any more: what is due keeps its order") {
    ids make;
    batch_room room({.bytes_max = 500});
    CHECK(room.take(make.instance()));
    CHECK_FALSE(room.take(make.item_of(make.release_of(1'000))));
    CHECK_FALSE(room.take(make.instance()));
}

TEST_CASE("a group counts as its instances, and stays whole") {
    ids make;
    batch_room room({.items_max = 4});
    no_place const group{{make.instance(), make.instance(), make.instance()}, "full"};
    CHECK(room.take(group));
    CHECK(room.take(group));
    CHECK_FALSE(room.take(group));
}

TEST_CASE("the texts of a part count") {
    held_instance one;
    auto const bare = approximate_bytes(one);
    one.status.message = std::string(1'000, 'x');
    one.status.containers.push_back({.name = "main", .message = std::string(500, 'y')});
    CHECK(approximate_bytes(one) >= bare + 1'500);
    node_report report;
    auto const bare_report = approximate_bytes(report);
    report.facts = node_facts{.name = "a", .boot_id = {}, .version = "1"};
    report.facts->labels["zone"] = std::string(100, 'z');
    CHECK(approximate_bytes(report) >= bare_report + 100);
}

#include <rik/base/id_table.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <vector>

using namespace rik;

TEST_CASE("values are found by their ids, and ids are told in their order", "[base]") {
    seeded_entropy random(3);
    id_table<instance_id, int> table;
    std::vector<instance_id> ids;
    for (int i = 0; i < 1'000; ++i) {
        ids.push_back(instance_id::generate(random));
        table[ids.back()] = i;
    }
    CHECK(table.size() == 1'000);
    CHECK(table.at(ids[7]) == 7);
    CHECK(table.find(ids[7]) == &table.at(ids[7]));
    CHECK(table.find(instance_id::generate(random)) == nullptr);

    CHECK(table.erase(ids[7]));
    CHECK_FALSE(table.erase(ids[7]));
    CHECK_FALSE(table.contains(ids[7]));
    table.erase_if([](int value) { return value % 2 == 1; });

    std::vector<instance_id> left;
    for (std::size_t i = 0; i < ids.size(); i += 2) left.push_back(ids[i]);
    std::ranges::sort(left);
    CHECK(table.ids() == left);
}

// Taints and labels of nodes, as operators write them.
#include <rik/model/node.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace rik;

TEST_CASE("a taint is read in the form in which it is written", "[node]") {
    for (std::string const text : {"gpu=yes:NoSchedule", "example.com/spot:NoExecute", "a:PreferNoSchedule"}) {
        auto const read = parse_taint(text);
        REQUIRE(read.has_value());
        CHECK(to_string(*read) == text);
    }
    auto const empty_value = parse_taint("gpu=:NoSchedule");
    REQUIRE(empty_value.has_value());
    CHECK(to_string(*empty_value) == "gpu:NoSchedule");
}

TEST_CASE("what is no taint is refused, with the right form", "[node]") {
    for (std::string const text : {"", "gpu", "gpu=yes", "gpu:Never", ":NoSchedule", "=yes:NoSchedule",
                                   "a b:NoSchedule", "gpu=a b:NoSchedule", "gpu=-:NoSchedule", "gpu:noschedule"}) {
        INFO(text);
        auto const read = parse_taint(text);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == errc::invalid);
        CHECK(read.error().remedy.find("key=value:Effect") != std::string::npos);
    }
}

TEST_CASE("a taint is put on, and taken off by its effect or with all of its key", "[node]") {
    CHECK(parse_taint_change("gpu=yes:NoSchedule").value() == taint_change{{"gpu", "yes"}});
    CHECK(parse_taint_change("gpu:NoExecute-").value() == taint_change{{"gpu", "", taint_effect::no_execute}, true});
    CHECK(parse_taint_change("gpu-").value() == taint_change{{"gpu"}, true, true});
    for (std::string const text : {"-", "gpu:Never-", "gpu=yes", "a b-"})
        CHECK_FALSE(parse_taint_change(text).has_value());
}

namespace {

std::vector<taint> changed(std::vector<taint> from, std::string const& by) {
    return changed_taints(std::move(from), {parse_taint_change(by).value()}).value();
}

}  // namespace

TEST_CASE("a node has one taint of each key and effect", "[node]") {
    std::vector<taint> const before{{"gpu", "yes", taint_effect::no_schedule}, {"gpu", "", taint_effect::no_execute}};
    CHECK(changed(before, "gpu=no:NoSchedule") ==
          std::vector<taint>{{"gpu", "", taint_effect::no_execute}, {"gpu", "no", taint_effect::no_schedule}});
    CHECK(changed(before, "gpu:NoSchedule-") == std::vector<taint>{{"gpu", "", taint_effect::no_execute}});
    CHECK(changed(before, "gpu-").empty());
}

TEST_CASE("a taint that is not there is not taken off", "[node]") {
    std::vector<taint> const before{{"gpu", "yes", taint_effect::no_schedule}};
    for (std::string const text : {"gpu:NoExecute-", "cpu-"}) {
        auto const changed = changed_taints(before, {parse_taint_change(text).value()});
        REQUIRE_FALSE(changed.has_value());
        CHECK(changed.error().code == errc::not_found);
    }
}

TEST_CASE("a label is set with a value, which may be empty, and taken off with a dash", "[node]") {
    CHECK(parse_label_change("zone=a").value() == label_changes::value_type("zone", "a"));
    CHECK(parse_label_change("zone=").value() == label_changes::value_type("zone", ""));
    CHECK(parse_label_change("example.com/zone-").value() ==
          label_changes::value_type("example.com/zone", std::nullopt));
    for (std::string const text : {"", "zone", "-", "=a", "zone=a b", "a b-", "zone=-"}) {
        INFO(text);
        CHECK_FALSE(parse_label_change(text).has_value());
    }
}

TEST_CASE("labels of operators lie on top of those that the node offers", "[node]") {
    node of;
    of.facts.labels = {{"os", "linux"}, {"zone", "a"}};
    of.operator_labels = {{"zone", "b"}, {"disk", "ssd"}};
    settle_labels(of);
    CHECK(of.labels == string_map{{"os", "linux"}, {"zone", "b"}, {"disk", "ssd"}});
    of.operator_labels.clear();
    settle_labels(of);
    CHECK(of.labels == of.facts.labels);
}

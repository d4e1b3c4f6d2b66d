// The checker of tenants sees each rule that is broken.
#include "support/catch.hpp"

#include "sim/tenant_rules_detail.hpp"

using rik::sim::tenant_rules;

TEST_CASE("what is in a tenant that is there breaks nothing") {
    tenant_rules rules;
    rules.put("workload", "1", "a", "a/Pod/web");
    rules.put_tenant("a");
    CHECK(rules.broken().empty());
    rules.put_tenant("b");
    rules.put("workload", "2", "b", "b/Pod/web");
    CHECK(rules.broken().empty());
    rules.remove("workload", "2");
    rules.remove_tenant("b");
    CHECK(rules.broken().empty());
}

TEST_CASE("what is made in a tenant that is not there is seen") {
    tenant_rules rules;
    rules.put("instance", "1", "a", "a/web");
    CHECK(rules.broken().size() == 1);
}

TEST_CASE("what a tenant leaves behind is seen") {
    tenant_rules rules;
    rules.put_tenant("a");
    rules.put("workload", "1", "a", "a/Pod/web");
    rules.put("document", "event/a/1", "a", "");
    CHECK(rules.broken().empty());
    rules.remove_tenant("a");
    CHECK(rules.broken().size() == 2);
}

TEST_CASE("two rows of one name are seen, one that takes another's place is not") {
    tenant_rules rules;
    rules.put_tenant("a");
    rules.put("workload", "1", "a", "a/Pod/web");
    CHECK(rules.broken().empty());
    rules.put("workload", "2", "a", "a/Pod/web");
    CHECK(rules.broken().size() == 1);
    rules.put("workload", "3", "a", "a/Pod/web");
    rules.remove("workload", "1");
    rules.remove("workload", "2");
    CHECK(rules.broken().empty());
    rules.put("instance", "3", "a", "a/Pod/web");
    CHECK(rules.broken().empty());
}

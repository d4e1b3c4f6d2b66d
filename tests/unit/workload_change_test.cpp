// What a change of a workload comes to, before anything is done.
#include "primary/workload_change_detail.hpp"

#include "primary/job_rules_detail.hpp"

#include <support/catch.hpp>
#include <support/definitions.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace rik;
using namespace rik::detail;
using rik::testing::written;

namespace {

std::string pod(std::string const& image, std::string const& labels = "{}") {
    return R"({"apiVersion":"v1","kind":"Pod","name":"web","labels":)" + labels +
           R"(,"spec":{"containers":[{"name":"main","image":")" + image + R"("}]}})";
}

std::string kubernetes_pod(std::string const& image) {
    return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"main","image":")" +
           image + R"("}]}})";
}

/// A workload with one release, and what becomes of it.
class changing {
public:
    explicit changing(std::string const& text) {
        row.id = workload_id::generate(random_);
        row.definition = written(text);
        row.name = row.definition->name;
        row.kind = row.definition->kind;
        releases.push_back(
            std::make_shared<release const>(make_release(release_id::generate(random_), row.id, row.definition)));
        row.current_release = releases.front()->id;
    }
    result<definition_plan> plan(std::string const& text, std::string const& applied = {}) {
        wanted_workload wanted{*written(text), applied.empty() ? text : applied};
        return plan_change(row, releases, std::move(wanted), {wall_time(std::chrono::seconds(7)), fresh()});
    }
    /// Takes what is planned.
    definition_plan take(result<definition_plan> planned) {
        REQUIRE(planned.has_value());
        row = planned->next;
        if (planned->made) releases.push_back(std::make_shared<release const>(*planned->made));
        for (auto& each : releases)
            if (planned->rewritten && each->id == planned->rewritten->id)
                each = std::make_shared<release const>(*planned->rewritten);
        return std::move(*planned);
    }
    release_id fresh() { return release_id::generate(random_); }

    workload row;
    std::vector<release_ptr> releases;

private:
    seeded_entropy random_{1};
};

std::string job_of_many(std::string const& more, std::string const& completions = "100001") {
    return R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"pi"},"spec":{"completionMode":"Indexed",)"
           R"("backoffLimitPerIndex":1,"completions":)" +
           completions + "," + more +
           R"("template":{"spec":{"restartPolicy":"Never","containers":[{"name":"main","image":"x"}]}}}})";
}

}  // namespace

/// Source: Kubernetes, validateJobSpec
TEST_CASE("of very many indexes few may fail, and few are tried at once", "[change][job]") {
    auto const wrong = [](std::string const& more, std::string const& completions = "100001") {
        return check_many_indexes(*written(job_of_many(more, completions)));
    };
    CHECK_FALSE(wrong("", "100000"));
    CHECK_FALSE(wrong(R"("parallelism":100000,"maxFailedIndexes":100000,)", "100000"));
    CHECK_FALSE(wrong(R"("parallelism":10000,"maxFailedIndexes":10000,)"));
    auto const missing = wrong("");
    REQUIRE(missing);
    CHECK(missing->code == errc::invalid);
    CHECK(missing->field == "spec.maxFailedIndexes");
    CHECK(missing->remedy == "with more than 100000 completions make it 10000 at most");
    CHECK(wrong(R"("maxFailedIndexes":10001,)")->field == "spec.maxFailedIndexes");
    CHECK(wrong(R"("maxFailedIndexes":1,"parallelism":10001,)")->field == "spec.parallelism");

    auto const cron = check_many_indexes(*written(
        R"({"apiVersion":"v1","kind":"CronJob","name":"pi","schedule":"@daily","jobTemplate":{"completionMode":"Indexed",
        "completions":100001,"backoffLimitPerIndex":0,"template":{"spec":{"restartPolicy":"Never","containers":[
        {"name":"main","image":"x"}]}}}})"));
    REQUIRE(cron);
    CHECK(cron->field == "jobTemplate.maxFailedIndexes");
}

TEST_CASE("a Job that was accepted with too many indexes may be changed, and no other comes to that", "[change][job]") {
    changing old(job_of_many(""));
    CHECK(old.plan(job_of_many(R"("parallelism":2,)")).has_value());
    changing fine(job_of_many(R"("maxFailedIndexes":5,)"));
    auto const worse = fine.plan(job_of_many(""));
    REQUIRE_FALSE(worse.has_value());
    CHECK(worse.error().field == "spec.maxFailedIndexes");
}

TEST_CASE("what says the same changes nothing", "[change]") {
    changing web(pod("a:1"));
    auto const plan = web.take(web.plan(
        R"({"kind":"Pod","apiVersion":"v1","labels":{},"name":"web","spec":{"containers":[{"image":"a:1","name":"main"}]}})"));
    CHECK(plan.changes.empty());
    CHECK_FALSE(plan.is_written);
    CHECK_FALSE(plan.made);
    CHECK(plan.next.generation == 1);
}

TEST_CASE("another template is a new release, with the next number", "[change]") {
    changing web(pod("a:1"));
    auto const first = web.row.current_release;
    auto const plan = web.take(web.plan(pod("a:2")));
    REQUIRE(plan.changes.size() == 1);
    CHECK(plan.changes.front().path == "spec.containers[0].image");
    REQUIRE(plan.made);
    CHECK(plan.made->number == 2);
    CHECK(plan.made->workload == web.row.id);
    CHECK(plan.next.current_release == plan.made->id);
    CHECK(plan.next.current_release != first);
    CHECK(plan.next.generation == 2);
    CHECK(plan.next.updated_at == wall_time(std::chrono::seconds(7)));
    CHECK(plan.made->created_at == plan.next.updated_at);
}

TEST_CASE("a template that was there before is that release again, and numbers are not given twice", "[change]") {
    changing web(pod("a:1"));
    auto const first = web.row.current_release;
    web.take(web.plan(pod("a:2")));
    auto const back = web.take(web.plan(pod("a:1")));
    CHECK_FALSE(back.made);
    CHECK(back.moves_release);
    CHECK(back.next.current_release == first);
    REQUIRE(back.rewritten);
    CHECK(back.rewritten->number == 3);
    web.releases.resize(1);  // nothing was made from the second, and it is gone
    CHECK(web.take(web.plan(pod("a:3"))).made->number == 4);
}

TEST_CASE("the numbers of releases are the order in which they were used", "[change]") {
    changing web(pod("a:1"));
    auto const images = [&] {
        auto all = web.releases;
        std::ranges::sort(all, {}, [](auto const& each) { return each->number; });
        std::vector<std::string> found;
        for (auto const& each : all) found.push_back(each->spec().containers.front().image);
        return found;
    };
    web.take(web.plan(pod("a:2")));
    web.take(web.plan(pod("a:3")));
    web.take(web.plan(pod("a:1")));
    CHECK(images() == std::vector<std::string>{"a:2", "a:3", "a:1"});
    web.take(web.plan(pod("a:2")));
    CHECK(images() == std::vector<std::string>{"a:3", "a:1", "a:2"});
    CHECK(web.row.releases_made == 5);
    auto const same = web.take(web.plan(pod("a:2", R"({"tier":"front"})")));
    CHECK(same.made->number == 6);
}

TEST_CASE("a change-cause that is given later is that of the release that is current", "[change]") {
    auto const said = [](std::string const& image, std::string const& cause) {
        auto text = kubernetes_pod(image);
        auto const name = std::string(R"("name":"web")");
        auto const notes = R"(,"annotations":{"kubernetes.io/change-cause":")" + cause + R"(","other":"x"})";
        return text.insert(text.find(name) + name.size(), notes);
    };
    auto const cause_of = [](release const& of) {
        auto const& all = of.definition->annotations;
        auto const found = all.find("kubernetes.io/change-cause");
        return found == all.end() ? std::string() : found->second;
    };
    changing web(kubernetes_pod("a:1"));
    auto const first = web.row.current_release;
    auto const named = web.take(web.plan(said("a:1", R"(the \"first\")")));
    REQUIRE(named.rewritten);
    CHECK(named.rewritten->id == first);
    CHECK(named.rewritten->number == 1);
    CHECK_FALSE(named.moves_release);
    CHECK(cause_of(*named.rewritten) == "the \"first\"");
    CHECK(written(named.rewritten->definition->text)->annotations.size() == 1);  // only the cause
    CHECK(cause_of(*web.take(web.plan(said("a:2", "second"))).made) == "second");
    auto const back = web.take(web.plan(said("a:1", "second")));  // what was said of the second says nothing of it
    CHECK(cause_of(*back.rewritten) == "the \"first\"");
    CHECK(back.rewritten->number == 3);
    CHECK(cause_of(*web.take(web.plan(said("a:1", "back"))).rewritten) == "back");
    CHECK(cause_of(*web.take(web.plan(kubernetes_pod("a:1"))).rewritten).empty());
}

TEST_CASE("tolerationSeconds is refused where it means nothing, unless it was there before", "[change]") {
    auto const tolerant = [](std::string const& image, std::string const& effect) {
        return R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"tolerations":[{"key":"a","operator":"Exists",)" +
               effect + R"("tolerationSeconds":5}],"containers":[{"name":"main","image":")" + image + R"("}]}})";
    };
    changing web(pod("a:1"));
    CHECK(web.plan(tolerant("a:1", R"("effect":"NoExecute",)")).has_value());
    for (auto const* effect : {R"("effect":"NoSchedule",)", ""}) {
        auto const wrong = web.plan(tolerant("a:1", effect));
        REQUIRE_FALSE(wrong.has_value());
        CHECK(wrong.error().code == errc::invalid);
        CHECK(wrong.error().field == "spec.tolerations[0].tolerationSeconds");
    }
    changing old(tolerant("a:1", R"("effect":"NoSchedule",)"));
    CHECK(old.plan(tolerant("a:2", R"("effect":"NoSchedule",)")).has_value());
}

TEST_CASE("annotations and replicas are not of the template, labels are", "[change]") {
    changing web(pod("a:1"));
    auto text = pod("a:1");
    text.insert(1, R"("replicas":5,"annotations":{"a":"b"},)");
    auto const plan = web.take(web.plan(text));
    CHECK(plan.changes.size() == 2);
    CHECK_FALSE(plan.moves_release);
    CHECK(plan.next.replicas == 5);
    CHECK(plan.next.annotations().at("a") == "b");
    CHECK(web.plan(pod("a:1", R"({"tier":"front"})"))->made);
}

TEST_CASE("annotations count where a container reads them", "[change]") {
    auto const reading = [](std::string const& note) {
        return R"({"apiVersion":"v1","kind":"Pod","name":"web","annotations":{"note":")" + note +
               R"("},"spec":{"containers":[{"name":"main","image":"a","env":[{"name":"NOTE","valueFrom":{"fieldRef":
               {"fieldPath":"metadata.annotations['note']"}}}]}]}})";
    };
    changing web(reading("one"));
    CHECK(web.plan(reading("two"))->made);
}

TEST_CASE("kind, name, tenant and form stay", "[change]") {
    changing web(pod("a:1"));
    auto const refused = [&](std::string const& text, std::string_view field) {
        auto const plan = web.plan(text);
        REQUIRE_FALSE(plan.has_value());
        CHECK(plan.error().code == errc::invalid);
        CHECK(plan.error().field == field);
        CHECK_FALSE(plan.error().remedy.empty());
    };
    refused(
        R"({"apiVersion":"v1","kind":"Function","name":"web","spec":{"function":{"execution":{"rootfs":"https://x/y"}}}})",
        "kind");
    refused(R"({"apiVersion":"v1","kind":"Pod","name":"other","spec":{"containers":[{"name":"main","image":"a"}]}})",
            "name");
    refused(
        R"({"apiVersion":"v1","kind":"Pod","name":"web","tenant":"b","spec":{"containers":[{"name":"main","image":"a"}]}})",
        "tenant");
    refused(kubernetes_pod("a:1"), "form");
    auto text = pod("a:2");
    text.insert(1, R"("tenant":"default",)");
    auto const same = web.plan(text);
    REQUIRE(same.has_value());
    CHECK(same->next.definition->tenant == "default");
}

TEST_CASE("apply takes back what it said, and leaves what others said", "[change]") {
    changing web(pod("a:1", R"({"mine":"1"})"));
    auto const patched = merge_patch(web.row, R"({"labels":{"theirs":"2"}})");
    REQUIRE(patched.has_value());
    wanted_workload wanted{patched->definition, last_applied(web.row)};
    web.take(plan_change(web.row, web.releases, std::move(wanted), {{}, web.fresh()}));
    CHECK(web.row.labels().size() == 2);
    CHECK(changes_between(web.row.applied, pod("a:1", R"({"mine":"1"})")).empty());

    auto const text = pod("a:1");
    auto const merged = merge_applied(web.row, parse_definition(text).definition);
    REQUIRE(merged.has_value());
    CHECK(merged->definition.labels == string_map{{"theirs", "2"}});
    auto const plan = plan_change(web.row, web.releases, {merged->definition, text}, {{}, web.fresh()});
    CHECK(plan->next.applied == text);
}

TEST_CASE("what would be no definition is refused, without places in a text that nobody has written", "[change]") {
    changing web(pod("a:1"));
    auto const wrong = merge_patch(web.row, R"({"spec":{"containers":[]},"labels":{"no key":"x"}})");
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code == errc::invalid);
    CHECK_THAT(wrong.error().message, Catch::Contains("containers") && Catch::Contains("no key"));
    CHECK_THAT(wrong.error().message, !Catch::Contains("line 1"));
    CHECK(merge_patch(web.row, "[1]").error().code == errc::invalid);
    CHECK(merge_patch(web.row, "{").error().code == errc::invalid);
}

TEST_CASE("who changes a template is told which instances stay as they are", "[change]") {
    changing web(pod("a:1"));
    auto const plan = web.plan(pod("a:2"));
    CHECK(warnings_of(*plan, 0).empty());
    REQUIRE(warnings_of(*plan, 3).size() == 1);
    CHECK_THAT(warnings_of(*plan, 3).front(), Catch::StartsWith("3 instances of workload web go on as they are"));
    CHECK_THAT(warnings_of(*plan, 1).front(), Catch::StartsWith("1 instance of workload web goes on as it is"));
    changing one(kubernetes_pod("a:1"));
    CHECK_THAT(warnings_of(*one.plan(kubernetes_pod("a:2")), 1).front(), Catch::Contains("delete Pod web and apply"));
    auto text = pod("a:1");
    text.insert(1, R"("annotations":{"a":"b"},)");
    CHECK(warnings_of(*web.plan(text), 3).empty());
}

TEST_CASE("what is applied in the other form is refused before anything is merged", "[change]") {
    changing web(pod("a:1"));
    auto const other = parse_definition(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + web.row.name +
                                        R"("},"spec":{"containers":[{"name":"a","image":"a:1"}]}})");
    REQUIRE(other.found.empty());
    auto const merged = merge_applied(web.row, other.definition);
    REQUIRE_FALSE(merged.has_value());
    CHECK(merged.error().message.find("its form cannot change") != std::string::npos);
}

TEST_CASE("the selector of a managed workload stays, and its own annotations are not of the template", "[change]") {
    auto const deployment = [](std::string const& label, std::string const& note) {
        return R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","annotations":{"note":")" +
               note + R"("}},"spec":{"selector":{"matchLabels":{"app":")" + label +
               R"("}},"template":{"metadata":{"labels":{"app":")" + label +
               R"("}},"spec":{"containers":[{"name":"main","image":"web:1","env":[{"name":"N","valueFrom":)" +
               R"({"fieldRef":{"fieldPath":"metadata.annotations['note']"}}}]}]}}}})";
    };
    changing one(deployment("web", "a"));
    auto const refused = one.plan(deployment("shop", "a"));
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == errc::invalid);
    CHECK(refused.error().field == "selector");
    auto const noted = one.take(one.plan(deployment("web", "b")));
    CHECK_FALSE(noted.moves_release);
    CHECK(noted.is_written);
}

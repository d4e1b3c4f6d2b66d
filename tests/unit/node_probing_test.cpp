// What probes and hooks ask, and what their answers mean.
#include "node/probing_detail.hpp"

#include "support/catch.hpp"

using namespace rik;
using namespace rik::detail;

TEST_CASE("a program has succeeded when it ends with 0, and says what it wrote", "[unit][node]") {
    CHECK(answer_of(exec_result{.exit_code = 0})->success);
    auto const failed = answer_of(exec_result{.exit_code = 7, .output = "no\nlock\n"});
    CHECK_FALSE(failed->success);
    CHECK(failed->message == "exited with 7: no lock");
    auto const long_one = answer_of(exec_result{.exit_code = 1, .output = std::string(100'000, 'x')});
    CHECK(long_one->message.size() < 400);
}

TEST_CASE("a program that is too slow or missing has failed, and one that could not be asked says nothing",
          "[unit][node]") {
    CHECK_FALSE(answer_of(error{errc::timed_out, "took too long"})->success);
    CHECK_FALSE(answer_of(error{errc::invalid, "no such program"})->success);
    CHECK_FALSE(answer_of(error{errc::not_found, "the container does not run"}).has_value());
    CHECK_FALSE(answer_of(error{errc::exhausted, "too many open files"}).has_value());
}

TEST_CASE("a probe that failed says which, and a hook, too", "[unit][node]") {
    CHECK(describe_probe(probe_kind::liveness, http_action{.port = 8080, .path = "/healthz"}, "HTTP 503") ==
          "its liveness probe failed: http :8080/healthz: HTTP 503");
    CHECK(describe_probe(probe_kind::readiness, tcp_action{.port = 5432, .host = "db"}, "refused") ==
          "its readiness probe failed: tcp db:5432: refused");
    CHECK(describe_probe(probe_kind::startup, grpc_action{.port = 9000, .service = "store"}, "NOT_SERVING") ==
          "its startup probe failed: grpc :9000 store: NOT_SERVING");
    CHECK(describe_probe(probe_kind::liveness, exec_action{{"cat", "/tmp/ok"}}, "exited with 1") ==
          "its liveness probe failed: exec cat /tmp/ok: exited with 1");
    auto const long_one = describe_probe(probe_kind::liveness, exec_action{{std::string(500, 'x')}}, "exited with 1");
    CHECK(long_one.ends_with("xxx...: exited with 1"));
    CHECK(long_one.size() < 120);
    CHECK(describe_hook(hook_kind::post_start, "exited with 1") == "its postStart hook failed: exited with 1");
}

TEST_CASE("a probe is found by its kind", "[unit][node]") {
    container_definition made{.name = "a", .image = "i"};
    made.readiness = probe_definition{.action = tcp_action{.port = 80}};
    CHECK(probe_of(made, probe_kind::readiness));
    CHECK_FALSE(probe_of(made, probe_kind::startup));
    CHECK_FALSE(probe_of(made, probe_kind::liveness));
    CHECK(std::get<tcp_action>(network_part(made.readiness->action)).port == 80);
}

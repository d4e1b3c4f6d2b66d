#include "contract/runtime_contract.hpp"

#include "support/catch.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/entropy.hpp>
#include <rik/base/limits.hpp>

#include <algorithm>
#include <memory>
#include <utility>

#include <unistd.h>

namespace rik::testing {

namespace {

using namespace std::chrono_literals;

container_program lasting() { return {}; }

container_program ending(int exit_code) {
    container_program made;
    made.exit_code = exit_code;
    return made;
}

/// One Pod on the machine of a test.
class fixture {
public:
    explicit fixture(runtime_maker& machine)
        : machine_(machine), pod_(instance_id::generate(random_)), path_(make_sandbox(pod_).network_namespace) {}

    event_loop& loop() { return machine_.loop(); }
    rik::runtime& tested() { return machine_.tested(); }
    runtime_maker& machine() { return machine_; }
    instance_id pod() const { return pod_; }
    std::filesystem::path const& network_namespace() const { return path_; }

    template <class T>
    T get(awaitable<result<T>> work) {
        auto got = loop().run(std::move(work));
        if (!got) FAIL(got.error());
        if constexpr (!std::is_void_v<T>) return std::move(*got);
    }
    template <class T>
    errc failure(awaitable<result<T>> work) {
        auto const got = loop().run(std::move(work));
        REQUIRE_FALSE(got.has_value());
        INFO(got.error());
        return got.error().code;
    }

    sandbox make_sandbox(instance_id instance) {
        sandbox_request wanted{.instance = instance, .hostname = "pod", .addresses = {"10.1.2.3"}};
        return get(tested().create_sandbox(std::move(wanted)));
    }
    container_key key(std::string name = "main", std::uint32_t attempt = 0) const { return {pod_, name, attempt}; }
    container_key start(container_key which, container_program what) {
        get(tested().start_container(machine_.request(which, std::move(what))));
        return which;
    }
    container_key start(container_program what) { return start(key(), std::move(what)); }
    container_exit wait(container_key which) { return get(tested().wait_container(std::move(which))); }

    std::optional<found_sandbox> find_sandbox() {
        auto const all = get(tested().list());
        auto const found =
            std::find_if(all.begin(), all.end(), [&](auto const& each) { return each.instance == pod_; });
        return found == all.end() ? std::nullopt : std::optional(*found);
    }
    std::optional<found_container> find(container_key const& which) {
        auto const in = find_sandbox();
        if (!in) return std::nullopt;
        auto const found = std::find_if(in->containers.begin(), in->containers.end(),
                                        [&](auto const& each) { return each.key == which; });
        return found == in->containers.end() ? std::nullopt : std::optional(*found);
    }
    bool is_listed() { return !get(tested().list()).empty(); }

    std::unique_ptr<container_log_reader> open_container_log(container_key which, container_log_options how = {}) {
        return get(tested().open_container_log(std::move(which), how));
    }
    std::string read(container_log_reader& from) {
        auto part = get(from.read());
        CHECK(part.size() <= limits::container_log_chunk_bytes_max);
        return part;
    }
    std::string read_log(container_key which, container_log_options how = {}) {
        auto const opened = open_container_log(std::move(which), how);
        std::string all;
        for (auto part = read(*opened); !part.empty(); part = read(*opened)) all += part;
        return all;
    }

private:
    runtime_maker& machine_;
    seeded_entropy random_{static_cast<std::uint64_t>(::getpid())};  // others may run beside this
    instance_id pod_;
    std::filesystem::path path_;
};

void sandbox_is_there_once(fixture& on) {
    CHECK_FALSE(on.network_namespace().empty());
    CHECK(on.make_sandbox(on.pod()).network_namespace == on.network_namespace());
    auto const all = on.get(on.tested().list());
    REQUIRE(all.size() == 1);
    CHECK(all[0].instance == on.pod());
    CHECK(all[0].is_whole);
    CHECK(all[0].network_namespace == on.network_namespace());
    CHECK(all[0].containers.empty());
}

void starts_once(fixture& on) {
    SECTION("while it runs") {
        auto const key = on.start(lasting());
        auto const before = on.find(key);
        REQUIRE(before);
        CHECK(before->running);
        CHECK_FALSE(before->exit);
        CHECK(before->started_at);
        on.start(lasting());
        auto const after = on.find(key);
        REQUIRE(after);
        CHECK(after->running);
        CHECK(after->started_at == before->started_at);
    }
    SECTION("and not again when it has ended") {
        auto const key = on.start(ending(3));
        CHECK(on.wait(key).code == 3);
        auto const before = on.find(key);
        on.start(ending(4));
        auto const after = on.find(key);
        REQUIRE((before && after));
        CHECK_FALSE(after->running);
        CHECK(after->started_at == before->started_at);
        REQUIRE(after->exit);
        CHECK(after->exit->code == 3);
    }
}

void nothing_runs_after_an_error(fixture& on) {
    CHECK(on.failure(on.tested().start_container(on.machine().impossible_request(on.key()))) == errc::invalid);
    auto const found = on.find(on.key());
    CHECK_FALSE((found && found->running));
    auto const other = on.start(on.key("other"), ending(0));
    CHECK(on.wait(other).code == 0);
}

awaitable<> wait_into(rik::runtime& on, container_key key, std::optional<result<container_exit>>& into) {
    into.emplace(co_await on.wait_container(std::move(key)));
}

awaitable<> kill_soon(event_loop& loop, rik::runtime& on, container_key key) {
    co_await loop.time().sleep_for(20ms);
    auto const killed = co_await on.kill_container(std::move(key));
    if (!killed) FAIL(killed.error());
}

awaitable<> kill_later(event_loop& loop, rik::runtime& on, container_key key) {
    co_await loop.time().sleep_for(500ms);
    co_await kill_soon(loop, on, std::move(key));
}

awaitable<> exec_into(rik::runtime& on, exec_request what, std::optional<result<exec_result>>& into) {
    into.emplace(co_await on.exec(std::move(what)));
}

awaitable<> remove_soon(event_loop& loop, rik::runtime& on, container_key key) {
    co_await loop.time().sleep_for(20ms);
    auto const removed = co_await on.remove_container(std::move(key));
    if (!removed) FAIL(removed.error());
}

void all_who_wait_are_told(fixture& on) {
    auto const key = on.start(lasting());
    std::optional<result<container_exit>> one;
    std::optional<result<container_exit>> other;
    auto waiting = together(wait_into(on.tested(), key, one), wait_into(on.tested(), key, other));
    on.loop().run(together(std::move(waiting), kill_soon(on.loop(), on.tested(), key)));
    REQUIRE((one && other));
    for (auto const& each : {one, other}) {
        if (!*each) FAIL(each->error());
        CHECK((*each)->code == 137);
        CHECK((*each)->code_known);
        CHECK_FALSE((*each)->out_of_memory);
    }
    on.loop().run(on.loop().time().sleep_for(20ms));
    auto const later = on.wait(key);
    CHECK(later.code == 137);
    CHECK(later.finished_at == (*one)->finished_at);
    auto const found = on.find(key);
    REQUIRE((found && found->exit));
    CHECK(found->exit->code == 137);
    CHECK(found->exit->finished_at == later.finished_at);
}

void who_waits_is_told_of_the_removal(fixture& on) {
    auto const key = on.start(lasting());
    std::optional<result<container_exit>> seen;
    on.loop().run(together(wait_into(on.tested(), key, seen), remove_soon(on.loop(), on.tested(), key)));
    REQUIRE(seen);
    if (!*seen) CHECK(seen->error().code == errc::not_found);
    CHECK(on.failure(on.tested().wait_container(key)) == errc::not_found);
}

void is_stopped(fixture& on) {
    auto const key = on.start(lasting());
    auto const opened = on.open_container_log(key, {.follow = true});
    CHECK(on.read(*opened) == "hello\n");  // now it knows the signal
    on.get(on.tested().stop_container(key));
    CHECK(on.wait(key).code_known);
    CHECK(on.failure(on.tested().stop_container(key)) == errc::not_found);
    CHECK(on.failure(on.tested().kill_container(key)) == errc::not_found);
}

void what_is_not_there_does_not_run(fixture& on) {
    CHECK(on.failure(on.tested().wait_container(on.key())) == errc::not_found);
    CHECK(on.failure(on.tested().stop_container(on.key())) == errc::not_found);
    CHECK(on.failure(on.tested().kill_container(on.key())) == errc::not_found);
    CHECK(on.failure(on.tested().open_container_log(on.key(), {})) == errc::not_found);
}

void container_is_removed_but_for_its_logs(fixture& on) {
    auto const key = on.start(lasting());
    auto const neighbour = on.start(on.key("neighbour"), lasting());
    CHECK(on.read(*on.open_container_log(key, {.follow = true})) == "hello\n");
    on.get(on.tested().remove_container(key));
    on.get(on.tested().remove_container(key));
    CHECK_FALSE(on.find(key));
    CHECK(on.failure(on.tested().wait_container(key)) == errc::not_found);
    CHECK(on.failure(on.tested().kill_container(key)) == errc::not_found);
    CHECK(on.read_log(key) == "hello\n");
    CHECK(on.read_log(key, {.follow = true, .tail_lines = 1}) == "hello\n");
    auto const beside = on.find(neighbour);
    REQUIRE(beside);
    CHECK(beside->running);
}

void sandbox_is_released_but_for_its_logs(fixture& on) {
    auto const key = on.start(ending(0));
    CHECK(on.wait(key).code == 0);
    on.get(on.tested().vacate_sandbox(on.pod()));
    on.get(on.tested().vacate_sandbox(on.pod()));
    CHECK(on.machine().leftovers() == std::vector<std::string>{});
    auto const found = on.find_sandbox();
    REQUIRE(found);
    CHECK_FALSE(found->is_whole);
    CHECK(found->containers.empty());
    CHECK(on.read_log(key, {.follow = true}) == "hello\n");
    on.get(on.tested().remove_sandbox(on.pod()));
    CHECK_FALSE(on.is_listed());
    CHECK(on.failure(on.tested().open_container_log(key, {})) == errc::not_found);
}

void sandbox_is_removed(fixture& on) {
    auto const running = on.start(lasting());
    auto const ended = on.start(on.key("ended"), ending(0));
    on.wait(ended);
    on.get(on.tested().remove_sandbox(on.pod()));
    CHECK_FALSE(on.is_listed());
    CHECK(on.machine().leftovers() == std::vector<std::string>{});
    for (auto const& each : {running, ended}) {
        CHECK(on.failure(on.tested().wait_container(each)) == errc::not_found);
        CHECK(on.failure(on.tested().open_container_log(each, {})) == errc::not_found);
    }
    on.get(on.tested().remove_sandbox(on.pod()));
    on.get(on.tested().vacate_sandbox(on.pod()));
    on.get(on.tested().remove_container(running));
    CHECK_FALSE(on.is_listed());
}

void attempts_are_told_apart(fixture& on) {
    auto const first = on.start(on.key("main", 0), {.line = "first", .exit_code = 1});
    CHECK(on.wait(first).code == 1);
    auto const second = on.start(on.key("main", 1), {.line = "second", .exit_code = 2});
    CHECK(on.wait(second).code == 2);
    CHECK(on.wait(first).code == 1);
    CHECK(on.read_log(first) == "first\n");
    CHECK(on.read_log(second) == "second\n");
    CHECK(on.find(first));
    CHECK(on.find(second));
    on.get(on.tested().remove_container(first));
    CHECK(on.wait(second).code == 2);
    CHECK_FALSE(on.find(first));
    CHECK(on.read_log(first) == "first\n");
    CHECK(on.read_log(second) == "second\n");
}

awaitable<> read_to_the_end(container_log_reader& from, bool& is_over) {
    auto const rest = co_await from.read();
    if (!rest) FAIL(rest.error());
    CHECK(rest->empty());
    is_over = true;
}

awaitable<> expect_no_end_until_killed(event_loop& loop, rik::runtime& on, container_key key, bool const& is_over) {
    co_await loop.time().sleep_for(50ms);
    CHECK_FALSE(is_over);
    co_await kill_soon(loop, on, std::move(key));
}

void log_is_followed(fixture& on) {
    auto const key = on.start(lasting());
    auto const opened = on.open_container_log(key, {.follow = true});
    CHECK(on.read(*opened) == "hello\n");
    bool is_over = false;
    on.loop().run(
        together(read_to_the_end(*opened, is_over), expect_no_end_until_killed(on.loop(), on.tested(), key, is_over)));
    CHECK(is_over);
}

void log_of_what_runs_has_an_end(fixture& on) {
    auto const key = on.start(lasting());
    CHECK(on.read(*on.open_container_log(key, {.follow = true})) == "hello\n");
    CHECK(on.read_log(key) == "hello\n");
}

void log_comes_in_pieces(fixture& on) {
    constexpr std::size_t count = 30'000;
    auto const key = on.start({.line = "hello", .line_count = count, .exit_code = 0});
    CHECK(on.wait(key).code == 0);
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += "hello\n";
    CHECK((on.read_log(key) == all));
    CHECK((on.read_log(key, {.tail_lines = 2}) == "hello\nhello\n"));
    CHECK(on.read_log(key, {.tail_lines = 0}).empty());
    CHECK((on.read_log(key, {.only = container_log_origin::standard_output}) == all));
    CHECK(on.read_log(key, {.only = container_log_origin::standard_error}).empty());
    container_log_frame_parser frames;
    std::string unframed;
    auto const opened = on.open_container_log(key, {.is_framed = true});
    for (auto part = on.read(*opened); !part.empty(); part = on.read(*opened)) {
        frames.feed(part);
        for (auto next = frames.next(); next && *next; next = frames.next()) {
            CHECK((*next)->from == container_log_origin::standard_output);
            unframed += (*next)->bytes;
        }
        REQUIRE_FALSE(frames.is_inside());
    }
    CHECK((unframed == all));
}

/// Gives up after `patience`.
awaitable<> start_for(event_loop& loop, rik::runtime& on, container_request request, duration patience) {
    auto starting = on.start_container(std::move(request));
    auto const started = co_await with_deadline(loop.time(), loop.time().now() + patience, std::move(starting));
    if (!started && started.error().code != errc::timed_out) FAIL(started.error());
}

void what_was_given_up_is_removed(fixture& on) {
    auto number = 0;
    for (auto const patience : {0ms, 1ms, 5ms, 15ms, 40ms}) {
        auto request = on.machine().request(on.key("main" + std::to_string(++number)), lasting());
        on.loop().run(start_for(on.loop(), on.tested(), std::move(request), patience));
    }
    on.get(on.tested().remove_sandbox(on.pod()));
    CHECK_FALSE(on.is_listed());
    CHECK(on.machine().leftovers() == std::vector<std::string>{});
}

exec_request exec_of(fixture& on, container_key which, exec_program what, duration patience) {
    return {.key = std::move(which),
            .command = on.machine().exec_command(std::move(what)),
            .deadline = on.loop().time().now() + patience};
}

void programs_are_run_in_it(fixture& on) {
    auto program = lasting();
    SECTION("to their end") {
        program.exec = {.output = "healthy", .exit_code = 4};
        auto const key = on.start(program);
        auto const ran = on.get(on.tested().exec(exec_of(on, key, program.exec, 10s)));
        CHECK(ran.exit_code == 4);
        CHECK(ran.output == "healthy");
        CHECK_FALSE(ran.is_output_cut);
    }
    SECTION("for as long as there is time") {
        program.exec = {.output = "hanging", .lasts = true};
        auto const key = on.start(program);
        CHECK(on.failure(on.tested().exec(exec_of(on, key, program.exec, 500ms))) == errc::timed_out);
        auto const still = on.find(key);
        REQUIRE(still);
        CHECK(still->running);
    }
    SECTION("but not if it does not run") {
        CHECK(on.failure(on.tested().exec(exec_of(on, on.key(), {}, 10s))) == errc::not_found);
        auto const ended = on.start(ending(0));
        on.wait(ended);
        CHECK(on.failure(on.tested().exec(exec_of(on, ended, {}, 10s))) == errc::not_found);
    }
    SECTION("and end with it") {
        program.exec = {.output = "", .lasts = true};
        auto const key = on.start(program);
        std::optional<result<exec_result>> ran;
        auto running = exec_into(on.tested(), exec_of(on, key, program.exec, 30s), ran);
        on.loop().run(together(std::move(running), kill_later(on.loop(), on.tested(), key)));
        REQUIRE(ran);
        if (!*ran) FAIL(ran->error());
        CHECK((*ran)->exit_code == 137);
    }
    on.get(on.tested().remove_sandbox(on.pod()));
    CHECK(on.machine().leftovers() == std::vector<std::string>{});
}

void host_network_is_shared(fixture& on) {
    on.get(on.tested().remove_sandbox(on.pod()));
    auto const make = [&] {
        sandbox_request wanted{.instance = on.pod(), .hostname = "pod", .has_host_network = true};
        return on.get(on.tested().create_sandbox(std::move(wanted)));
    };
    CHECK(make().network_namespace.empty());
    auto const running = on.start(lasting());
    CHECK(make().network_namespace.empty());
    on.machine().reopen();
    auto const found = on.find_sandbox();
    REQUIRE(found);
    CHECK(found->is_whole);
    CHECK(found->network_namespace.empty());
    auto const still = on.find(running);
    REQUIRE(still);
    CHECK(still->running);
    on.get(on.tested().remove_sandbox(on.pod()));
    CHECK_FALSE(on.is_listed());
    CHECK(on.machine().leftovers() == std::vector<std::string>{});
}

void another_object_takes_over(fixture& on) {
    auto const running = on.start(lasting());
    auto const ended = on.start(on.key("ended"), ending(5));
    CHECK(on.wait(ended).code == 5);
    on.machine().reopen();
    auto const sandbox = on.find_sandbox();
    REQUIRE(sandbox);
    CHECK(sandbox->is_whole);
    CHECK(sandbox->network_namespace == on.network_namespace());
    CHECK(sandbox->containers.size() == 2);
    auto const still = on.find(running);
    REQUIRE(still);
    CHECK(still->running);
    CHECK(still->started_at);
    auto const before = on.find(ended);
    REQUIRE((before && before->exit));
    CHECK_FALSE(before->running);
    CHECK(before->exit->code == 5);
    CHECK(on.wait(ended).code == 5);
    on.get(on.tested().kill_container(running));
    CHECK(on.wait(running).code == 137);
    on.get(on.tested().remove_sandbox(on.pod()));
    CHECK_FALSE(on.is_listed());
}

}  // namespace

void check_runtime(runtime_maker& machine) {
    fixture on(machine);
    SECTION("it has a name") { CHECK_FALSE(on.tested().name().empty()); }
    SECTION("a sandbox is there once, however often it is made") { sandbox_is_there_once(on); }
    SECTION("a container starts once") { starts_once(on); }
    SECTION("a start that fails leaves nothing that runs") { nothing_runs_after_an_error(on); }
    SECTION("all who wait for a container are told the same end") { all_who_wait_are_told(on); }
    SECTION("who waits for a container is told of its removal") { who_waits_is_told_of_the_removal(on); }
    SECTION("a container that is stopped ends") { is_stopped(on); }
    SECTION("a container that is not there does not run") { what_is_not_there_does_not_run(on); }
    SECTION("of a container that is removed the logs stay") { container_is_removed_but_for_its_logs(on); }
    SECTION("of a sandbox that is released the logs stay") { sandbox_is_released_but_for_its_logs(on); }
    SECTION("of a sandbox that is removed nothing stays") { sandbox_is_removed(on); }
    SECTION("each attempt is a container of its own") { attempts_are_told_apart(on); }
    SECTION("who follows a log waits for its container's end") { log_is_followed(on); }
    SECTION("who does not follow a log waits for nothing") { log_of_what_runs_has_an_end(on); }
    SECTION("a log comes in pieces of bounded size") { log_comes_in_pieces(on); }
    SECTION("what was given up can be removed") { what_was_given_up_is_removed(on); }
    SECTION("programs are run in a container, or refused") {
        if (machine.can_exec())
            programs_are_run_in_it(on);
        else
            CHECK(on.failure(on.tested().exec(exec_of(on, on.key(), {}, 10s))) == errc::unsupported);
    }
    SECTION("a sandbox on the host's network has none of its own, and is taken over") {
        if (machine.has_host_network()) host_network_is_shared(on);
    }
    SECTION("another object takes over what is there") { another_object_takes_over(on); }
}

}  // namespace rik::testing

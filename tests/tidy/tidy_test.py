"""Tests of the checks: each finds what it is there for, and leaves what is right alone."""

import unittest

import bans
import layers
import source_text
import tidy

# rule, path, snippet with exactly one defect
BAD = [
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { co_await g({p}); }"),
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { co_await g(request{.id = 1}); }"),
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { auto x = co_await o.m(1, {2}); }"),
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { co_await g([p] { return p; }); }"),
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { co_await g([p]() { h(); return p; }); }"),
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { auto x = agg{co_await g()}; }"),
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { h(agg{1, co_await g()}); }"),
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { co_return result<int>{co_await g()}; }"),
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { h(co_await g(), agg{1}); }"),
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { h(agg{1}, co_await g()); }"),
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { if (co_await g({1})) { h(); } }"),
    ("await_with_braces", "src/node/a.cpp", "awaitable<> f() { while (!(co_await g(a{}))) h(); }"),
    ("await_with_braces", "tests/sim/a.cpp", "awaitable<> f() { auto l = [&]() -> awaitable<> { co_await g({1}); }; }"),
    ("several_awaits", "src/node/a.cpp", "awaitable<> f() { h(co_await g(), co_await g()); }"),
    ("several_awaits", "src/node/a.cpp", "awaitable<> f() { co_await g(co_await h()); }"),
    ("several_awaits", "src/node/a.cpp", "awaitable<> f() { auto x = y ? co_await g() : co_await h(); }"),
    ("await_in_range_for", "src/node/a.cpp", "awaitable<> f() { for (auto x : co_await g()) h(x); }"),
    ("aggregate_default", "include/rik/node/a.hpp", "awaitable<int> g(int a, options o = {});"),
    ("aggregate_default", "include/rik/node/a.hpp", "awaitable<result<std::vector<int>>> g(options o = options{1});"),
    ("aggregate_default", "src/node/a.cpp", "auto g(options o = {}) -> awaitable<int>;"),
    ("aggregate_default", "src/node/a.cpp", "asio::awaitable<int> node::g(options o = {}, int b = 1) {}"),
    ("header_form", "include/rik/node/a.hpp", "#pragma once\n"),
    ("header_form", "include/rik/node/a.hpp", "// What it is.\n"),
    ("todo_without_issue", "src/node/a.cpp", "// TODO later"),
    ("todo_without_issue", "src/node/a.cpp", "// FIXME: 12"),
    ("detached", "apps/a.cpp", "spawn(e, f(), asio::detached);"),
    ("detached", "src/async/a.cpp", "using namespace asio; co_spawn(e, f(), detached);"),
    ("detached", "tests/unit/a.cpp", "#include <boost/asio/detached.hpp>"),
    ("co_spawn", "src/node/a.cpp", "asio::co_spawn(e, f(), token);"),
    ("co_spawn", "include/rik/http/a.hpp", "co_spawn (e, f(), token);"),
    ("timers", "src/node/a.cpp", "asio::steady_timer t(e);"),
    ("timers", "src/node/a.cpp", "std::this_thread::sleep_for(1s);"),
    ("timers", "src/node/a.cpp", "using namespace std::this_thread; sleep_until(x);"),
    ("timers", "apps/rik/main.cpp", "auto t = std::chrono::steady_clock::now();"),
    ("timers", "src/runtime/a.cpp", "usleep(5);"),
    ("timers", "src/runtime/a.cpp", "::clock_gettime(CLOCK_REALTIME, &t);"),
    ("mutexes", "src/primary/a.cpp", "std::mutex m;"),
    ("mutexes", "src/store/store.cpp", "std::unique_lock hold(m);"),
    ("mutexes", "include/rik/placement/a.hpp", "mutable std::shared_mutex m;"),
    ("unordered", "src/scheduler/a.cpp", "std::unordered_map<int, int> m;"),
    ("unordered", "src/sim/a.cpp", "#include <unordered_set>"),
    ("randomness", "src/placement/a.cpp", "std::uniform_int_distribution<int> d;"),
    ("randomness", "src/placement/a.cpp", "std::shuffle(a, b, r);"),
    ("randomness", "src/placement/a.cpp", "std::ranges::shuffle(a, r);"),
    ("randomness", "src/model/a.cpp", "std::hash<int> h;"),
    ("randomness", "src/model/a.cpp", "int x = rand();"),
    ("fork", "src/runtime/process.cpp", "if (fork() == 0) {}"),
    ("fork", "apps/rik/main.cpp", "pid = ::vfork();"),
    ("catch_skip", "tests/unit/a.cpp", 'SKIP("no");'),
]

# path, snippet without a defect
GOOD = [
    ("src/node/a.cpp", "awaitable<> f() { request r{.id = 1}; co_await g(std::move(r)); }"),
    ("src/node/a.cpp", "awaitable<> f() { if (a) { h(); } co_await g(); }"),
    ("src/node/a.cpp", "awaitable<> f() { if (co_await g()) { h({1}); } }"),
    ("src/node/a.cpp", "awaitable<> f() { if (co_await g()) co_await h(); else co_await i(); }"),
    ("src/node/a.cpp", "awaitable<> f() { if (auto x = co_await g(); !x) co_return x.error(); }"),
    ("src/node/a.cpp", "awaitable<> f() { while (co_await g()) { co_await h(); } }"),
    ("src/node/a.cpp", "awaitable<> f() { for (;;) { a = {1}; co_await g(); b = {2}; } }"),
    ("src/node/a.cpp", "awaitable<> f() { for (auto x : list{1}) { co_await g(x); } }"),
    ("src/node/a.cpp", "awaitable<> f() { try { co_await g(); } catch (e const&) { co_return; } co_await h(); }"),
    ("src/node/a.cpp", "awaitable<> f() { switch (x) { case a: co_await g(); break; default: break; } }"),
    ("src/node/a.cpp", "awaitable<> f() { auto const [woken] = co_await g(v[0]); }"),
    ("src/node/a.cpp", "awaitable<> f() { co_return error{errc::internal, message}; }"),
    ("src/node/a.cpp", "awaitable<> f() { auto work = [](int a) -> awaitable<> { co_await g(a); }; co_await work(1); }"),
    ("src/node/a.cpp", "awaitable<> f() { group.spawn(g({1})); co_await h(); }"),
    ("src/node/a.cpp", "// co_await g({1});\nauto s = \"co_await g({1})\"; auto r = R\"(co_await g({1}))\";"),
    ("src/node/a.cpp", "int a = 20'000; // it's co_await g({1})\nint b = 1'000;"),
    ("include/rik/node/a.hpp", "// What it is.\n#pragma once\nawaitable<int> g(int a = 1, time_point b = time_point(), int c = f());"),
    ("include/rik/base/a.hpp", "// What it is.\n#pragma once\nvoid g(fields with = {});\nawaitable<> h(int a);"),
    ("src/node/a.cpp", "// TODO(#12): later. TODO #3 too."),
    ("src/node/a.cpp", "co_await clock_.sleep_for(d); co_await time->sleep_until(clock_.now() + d);"),
    ("src/async/clock.cpp", "asio::steady_timer t(e); auto n = std::chrono::steady_clock::now();"),
    ("tests/unit/a.cpp", "std::this_thread::sleep_for(1ms); asio::co_spawn(e, f(), t);"),
    ("apps/rik/main.cpp", "asio::co_spawn(e, f(), t);"),
    ("src/store/sqlite_journal.cpp", "std::mutex m; std::unordered_map<int, int> x;"),
    ("src/node/a.cpp", "mounts detached = find(); drop(detached);"),
    ("src/runtime/a.cpp", "std::mutex m;"),
    ("src/http/a.cpp", "std::unordered_map<int, int> x;"),
    ("src/sim/a.cpp", "auto x = world.random().next(); entropy& random();"),
    ("src/runtime/a.cpp", "context.notify_fork(x); prefork(1);"),
]

BAD_INCLUDES = [
    ("src/base/a.cpp", "rik/model/node.hpp"),
    ("src/model/a.cpp", "rik/async/clock.hpp"),
    ("src/placement/a.cpp", "rik/store/store.hpp"),
    ("src/node/a.cpp", "rik/store/store.hpp"),
    ("src/network/a.cpp", "rik/runtime/runtime.hpp"),
    ("src/scheduler/a.cpp", "rik/primary/primary.hpp"),
    ("src/cluster/a.cpp", "rik/sim/world.hpp"),
    ("src/primary/a.cpp", "rik/store/sqlite_journal.hpp"),
    ("src/cluster/a.cpp", "rik/runtime/oci/runtime.hpp"),
    ("src/node/a.cpp", "rik/unknown/a.hpp"),
    ("src/unknown/a.cpp", "vector"),
    ("src/store/store.cpp", "sqlite3.h"),
    ("src/node/a.cpp", "boost/json.hpp"),
    ("src/model/a.cpp", "boost/asio/awaitable.hpp"),
    ("src/node/a.cpp", "spdlog/spdlog.h"),
    ("src/api/a.cpp", "boost/beast/http.hpp"),
    ("src/node/a.cpp", "boost/range.hpp"),
    ("src/node/a.cpp", "nlohmann/json.hpp"),
    ("include/rik/model/codec.hpp", "boost/json/value.hpp"),
    ("include/rik/model/a.hpp", "fmt/format.h"),
    ("include/rik/runtime/a.hpp", "sys/stat.h"),
    ("include/rik/runtime/a.hpp", "unistd.h"),
    ("src/placement/a.cpp", "unistd.h"),
    ("src/primary/a.cpp", "store/store_detail.hpp"),
    ("include/rik/store/a.hpp", "store/store_detail.hpp"),
]

GOOD_INCLUDES = [
    ("src/model/a.cpp", "rik/base/error.hpp"),
    ("src/model/a.cpp", "rik/model/node.hpp"),
    ("src/node/a.cpp", "rik/store/journal.hpp"),
    ("src/network/linux/a.cpp", "rik/runtime/process.hpp"),
    ("src/network/linux/a.cpp", "linux/rtnetlink.h"),
    ("src/network/linux/a.cpp", "nftables/libnftables.h"),
    ("src/runtime/oci/a.cpp", "rik/runtime/oci/images.hpp"),
    ("src/sim/cluster.cpp", "rik/cluster.hpp"),
    ("src/all/a.cpp", "rik/store/sqlite_journal.hpp"),
    ("include/rik/cluster.hpp", "rik/node/node.hpp"),
    ("src/store/sqlite/journal.cpp", "sqlite3.h"),
    ("src/store/sqlite_journal.cpp", "sqlite3.h"),
    ("src/http/server.cpp", "boost/beast/http.hpp"),
    ("src/client/http_exchange.cpp", "boost/beast/http.hpp"),
    ("include/rik/all.hpp", "boost/asio/io_context.hpp"),
    ("src/model/codec.cpp", "boost/json/parse.hpp"),
    ("src/placement/place.cpp", "fmt/format.h"),
    ("include/rik/async/a.hpp", "boost/asio/awaitable.hpp"),
    ("include/rik/base/a.hpp", "boost/assert/source_location.hpp"),
    ("include/rik/base/a.hpp", "string_view"),
    ("src/store/store.cpp", "store/store_detail.hpp"),
    ("src/store/store.cpp", "store_detail.hpp"),
    ("include/rik/runtime/process.hpp", "sys/types.h"),
    ("tests/unit/a.cpp", "nlohmann/json.hpp"),
    ("apps/rik/main.cpp", "spdlog/spdlog.h"),
]
PRIVATE = frozenset({"store/store_detail.hpp"})


class Bans(unittest.TestCase):
    def test_bad_snippets_are_found(self):
        for rule, path, text in BAD:
            with self.subTest(rule=rule, text=text):
                self.assertEqual([rule], sorted({found for _, found, _ in bans.check(path, self.header(rule, path, text))}))

    @staticmethod
    def header(rule, path, text):
        complete = "// What it is.\n#pragma once\n"
        return complete + text if path.endswith(".hpp") and rule != "header_form" else text

    def test_good_snippets_pass(self):
        for path, text in GOOD:
            with self.subTest(text=text):
                self.assertEqual([], bans.check(path, text))

    def test_every_ban_has_a_bad_snippet(self):
        self.assertEqual(set(bans.BANS), {rule for rule, _, _ in BAD})

    def test_lines_are_right(self):
        self.assertEqual([3], [line for line, _, _ in bans.check("src/node/a.cpp", "/*\n*/\nstd::mutex m;")])


class Layers(unittest.TestCase):
    def test_bad_includes_are_found(self):
        for path, target in BAD_INCLUDES:
            with self.subTest(path=path, target=target):
                self.assertEqual(1, len(layers.check(path, f"#include <{target}>\n", PRIVATE)))

    def test_good_includes_pass(self):
        for path, target in GOOD_INCLUDES:
            with self.subTest(path=path, target=target):
                self.assertEqual([], layers.check(path, f'#include "{target}"\n', PRIVATE))

    def test_commented_includes_do_not_count(self):
        self.assertEqual([], layers.check("src/base/a.cpp", "// #include <rik/model/node.hpp>\n"))

    def test_the_table_has_no_cycle(self):
        self.assertIsNone(layers.cycle({folder: {each.split("/")[0] for each in below} for folder, below in layers.LAYERS.items()}))

    def test_cycles_are_found(self):
        self.assertEqual(["a", "b", "a"], layers.cycle({"a": {"b"}, "b": {"a"}}))
        files = {
            "include/rik/base/a.hpp": "// A.\n#pragma once\n#include <rik/base/b.hpp>\n",
            "include/rik/base/b.hpp": "// B.\n#pragma once\n#include <rik/base/a.hpp>\n",
        }
        self.assertEqual(1, len(tidy.problems(files)))


class Tree(unittest.TestCase):
    def test_problems_name_file_line_and_rule(self):
        found = tidy.problems({"src/node/a.cpp": "\nstd::mutex m;\n"})
        self.assertEqual(["src/node/a.cpp:2: one strand per role, so no std::mutex [mutexes]"], found)

    def test_long_files_are_listed(self):
        self.assertEqual(1, len(tidy.long_files({"a.cpp": "\n" * 401, "b.cpp": "\n" * 400})))


class SourceText(unittest.TestCase):
    def test_offsets_and_lines_stay(self):
        text = 'a /* x\n */ "b\\"c" R"x(d\n)x" \'e\' 1\'000 // f\ng'
        code = source_text.code_only(text)
        self.assertEqual(len(text), len(code))
        self.assertEqual(text.count("\n"), code.count("\n"))
        self.assertEqual(["a", "g"], [word for word in code.replace('"', " ").split() if word in "abcdefg"])
        self.assertIn("1'000", code)


if __name__ == "__main__":
    unittest.main()

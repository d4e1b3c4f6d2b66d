// The record of changed sysctls, on directories that stand for /run/rik and /proc/sys; files there stand for bridges.
#include "network/linux/sysctl_ledger_detail.hpp"
#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace rik {

using namespace detail;
namespace fs = std::filesystem;

namespace {

constexpr char const* name = "net/ipv4/ip_forward";

class warning_counter final : public log_sink {
public:
    void write(log_level level, std::string_view, std::span<log_field const>) override {
        if (level == log_level::warning) ++warnings;
    }
    std::atomic<int> warnings = 0;
};

void write(fs::path const& file, std::string_view text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
}

std::string read(fs::path const& file) {
    std::ifstream opened(file);
    return {std::istreambuf_iterator<char>(opened), {}};
}

/// A machine that does not forward packets, and the nodes on it.
class fake_machine {
public:
    fake_machine() : scratch_(std::in_place), root_(scratch_->path()) {
        start("first-boot");
        fs::create_directories(bridges());
    }

    /// One that another process has made.
    explicit fake_machine(fs::path root) : root_(std::move(root)) {}

    void start(std::string_view boot_id) const {
        write(settings() / "kernel/random/boot_id", boot_id);
        change_setting("0");
    }
    void change_setting(std::string_view to) const { write(settings() / name, std::string(to) + "\n"); }
    std::string setting() const { return read(settings() / name).substr(0, 1); }

    result<void> enter(std::string const& node) {
        write(bridges() / node, "");
        return ledger().set(name, "1");
    }
    /// `meanwhile` happens once it is known whether there are other nodes.
    result<void> leave(
        std::string const& node, std::function<void()> const& meanwhile = [] {}) {
        vanish(node);
        return ledger().restore_unless([&]() -> result<bool> {
            auto const is_needed = !fs::is_empty(bridges());
            meanwhile();
            return is_needed;
        });
    }
    void vanish(std::string const& node) const { fs::remove(bridges() / node); }

    fs::path const& root() const { return root_; }
    fs::path run() const { return root_ / "run"; }
    fs::path record() const { return run() / "sysctls"; }
    std::vector<sysctl_change> changes() const { return read_changes(read(record())).changes; }
    int warnings() const { return sink_.warnings; }

private:
    /// Each process has its own.
    sysctl_ledger ledger() {
        return sysctl_ledger({.directory = run(), .settings = settings(), .logger = rik::log(sink_)});
    }
    fs::path settings() const { return root_ / "sys"; }
    fs::path bridges() const { return root_ / "bridges"; }

    std::optional<testing::scratch_directory> scratch_;
    fs::path root_;
    warning_counter sink_;
};

}  // namespace

TEST_CASE("changes are read as they were written", "[unit][network]") {
    std::vector<sysctl_change> const changes{{{"boot", 4026531840}, name, "0", "1"},
                                             {{"boot", 17}, "net/ipv4/tcp_sack", "1", "0"}};
    auto const read = read_changes(write_changes(changes));
    CHECK(read.changes == changes);
    CHECK_FALSE(read.is_damaged);
}

TEST_CASE("damaged lines are skipped and told, the others count", "[unit][network]") {
    std::string const whole = "boot 1 net/ipv4/ip_forward 0 1\n";
    for (std::string const damage :
         {"boot 1 net/ipv4/ip_forward 0 1", "boot 1 net/ipv4/ip_forward 0\n", "boot x net/ipv4/ip_forward 0 1\n", "\n",
          "boot 1 net/ipv4/ip_forward 0 1 2\n", "boot 1 kernel/x 0 1\n", "boot 1 net/../kernel/x 0 1\n"}) {
        INFO(damage);
        auto const read = read_changes(whole + damage);
        CHECK(read.is_damaged);
        CHECK(read.changes.size() == 1);
    }
    CHECK(read_changes("").is_damaged);
    CHECK(read_changes(std::string(100, '\0')).is_damaged);
}

TEST_CASE("a setting is put back, and no file stays", "[unit][network]") {
    fake_machine machine;
    REQUIRE(machine.enter("a"));
    REQUIRE(machine.enter("a"));  // a restart
    CHECK(machine.setting() == "1");
    REQUIRE(machine.leave("a"));
    CHECK(machine.setting() == "0");
    CHECK_FALSE(fs::exists(machine.run()));
    REQUIRE(machine.leave("a"));
    CHECK_FALSE(fs::exists(machine.run()));
}

TEST_CASE("the last of two nodes restores, whichever it is", "[unit][network]") {
    fake_machine machine;
    REQUIRE(machine.enter("a"));
    REQUIRE(machine.enter("b"));
    auto const [first, last] = GENERATE(table<char const*, char const*>({{"a", "b"}, {"b", "a"}}));
    REQUIRE(machine.leave(first));
    CHECK(machine.setting() == "1");
    SECTION("at once") {}
    SECTION("after the first has come back and left again") {
        REQUIRE(machine.enter(first));
        REQUIRE(machine.leave(first));
        CHECK(machine.setting() == "1");
    }
    REQUIRE(machine.leave(last));
    CHECK(machine.setting() == "0");
    CHECK_FALSE(fs::exists(machine.run()));
}

TEST_CASE("a node that went without a word does not count, what it changed does", "[unit][network]") {
    fake_machine machine;
    REQUIRE(machine.enter("a"));
    REQUIRE(machine.enter("b"));
    machine.vanish("a");
    SECTION("the other one leaves") { REQUIRE(machine.leave("b")); }
    SECTION("both have vanished, and a third one comes and leaves") {
        machine.vanish("b");
        REQUIRE(machine.enter("c"));
        REQUIRE(machine.leave("c"));
    }
    CHECK(machine.setting() == "0");
}

TEST_CASE("a setting that had our value before is left alone", "[unit][network]") {
    fake_machine machine;
    machine.change_setting("1");
    REQUIRE(machine.enter("a"));
    REQUIRE(machine.leave("a"));
    CHECK(machine.setting() == "1");
}

TEST_CASE("what somebody else makes of a setting stays", "[unit][network]") {
    fake_machine machine;
    REQUIRE(machine.enter("a"));
    machine.change_setting("2");
    SECTION("when the node leaves") {}
    SECTION("and is what another node finds and puts back") {
        REQUIRE(machine.enter("b"));
        CHECK(machine.setting() == "1");
        REQUIRE(machine.leave("b"));
    }
    REQUIRE(machine.leave("a"));
    CHECK(machine.setting() == "2");
    CHECK_FALSE(fs::exists(machine.run()));
}

TEST_CASE("a crash between two steps leaves nothing behind in the end", "[unit][network]") {
    auto const comes_back = GENERATE(true, false);
    fake_machine machine;
    REQUIRE(machine.enter("a"));
    SECTION("the change is written down, but not made") { machine.change_setting("0"); }
    SECTION("the change is undone, but still written down") {
        machine.vanish("a");
        machine.change_setting("0");
    }
    SECTION("a new record is not whole") { write(machine.run() / "sysctls.new", "boot 1 net/ip"); }
    SECTION("the bridge is there, and its settings are not") { REQUIRE(machine.leave("b")); }
    SECTION("the bridge is gone, and the settings are not") { machine.vanish("a"); }
    if (comes_back) {
        REQUIRE(machine.enter("a"));
        CHECK(machine.setting() == "1");
    }
    REQUIRE(machine.leave("a"));
    CHECK(machine.setting() == "0");
    CHECK_FALSE(fs::exists(machine.run()));
}

TEST_CASE("a change that cannot be written down is not made", "[unit][network]") {
    fake_machine machine;
    fs::create_directories(machine.run() / "sysctls.new");
    CHECK_FALSE(machine.enter("a"));
    CHECK(machine.setting() == "0");
}

TEST_CASE("a damaged record is told, and stops nobody", "[unit][network]") {
    fake_machine machine;
    REQUIRE(machine.enter("a"));
    auto const text = read(machine.record());
    SECTION("empty: what it had stays changed") {
        write(machine.record(), "");
        REQUIRE(machine.leave("a"));
        CHECK(machine.setting() == "1");
    }
    SECTION("empty while another one changes a setting: that is put back") {
        write(machine.record(), "");
        machine.change_setting("0");
        REQUIRE(machine.enter("b"));
        REQUIRE(machine.leave("b"));
        REQUIRE(machine.leave("a"));
        CHECK(machine.setting() == "0");
    }
    SECTION("partly: the rest counts") {
        write(machine.record(), "nonsense\n" + text);
        REQUIRE(machine.leave("a"));
        CHECK(machine.setting() == "0");
    }
    CHECK(machine.warnings() == 1);
    CHECK_FALSE(fs::exists(machine.run()));
}

TEST_CASE("changes of an earlier boot are forgotten, those of another network namespace are not", "[unit][network]") {
    fake_machine machine;
    REQUIRE(machine.enter("a"));
    machine.vanish("a");
    SECTION("an earlier boot") {
        machine.start("second-boot");
        machine.change_setting("1");  // by the administrator
        REQUIRE(machine.leave("a"));
        CHECK(machine.setting() == "1");
        CHECK_FALSE(fs::exists(machine.run()));
    }
    SECTION("another network namespace") {
        auto foreign = machine.changes();
        REQUIRE(foreign.size() == 1);
        foreign[0].scope.network_namespace += 1;
        write(machine.record(), write_changes(foreign));
        machine.change_setting("0");
        REQUIRE(machine.enter("b"));
        CHECK(machine.changes().size() == 2);
        REQUIRE(machine.leave("b"));
        CHECK(machine.setting() == "0");
        CHECK(machine.changes() == foreign);
    }
}

TEST_CASE("a lock that somebody keeps is an error after a while, and only we can take it", "[unit][network]") {
    fake_machine machine;
    fs::create_directories(machine.run());
    auto const held = ::open(machine.run().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(::flock(held, LOCK_EX) == 0);
    auto const refused = machine.enter("a");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::unavailable);
    CHECK(machine.setting() == "0");
    ::close(held);
    REQUIRE(machine.enter("a"));
    auto const readable_by_others = fs::perms::group_read | fs::perms::others_read;
    CHECK((fs::status(machine.run()).permissions() & readable_by_others) == fs::perms::none);
    CHECK((fs::status(machine.run()).permissions() & fs::perms::others_exec) != fs::perms::none);
}

TEST_CASE("a shared directory with other files in it stays", "[unit][network]") {
    fake_machine machine;
    write(machine.run() / "rik.sock", "");
    REQUIRE(machine.enter("a"));
    REQUIRE(machine.leave("a"));
    CHECK(fs::exists(machine.run() / "rik.sock"));
    CHECK_FALSE(fs::exists(machine.record()));
}

TEST_CASE("a setting that does not exist is an error to set, and none to restore", "[unit][network]") {
    testing::scratch_directory const scratch;
    sysctl_ledger ledger({.directory = scratch.path() / "run", .settings = scratch.path()});
    auto const set = ledger.set("net/none", "1");
    REQUIRE_FALSE(set);
    CHECK(set.error().code == errc::not_found);
    write(scratch.path() / "net/brief", "0\n");
    REQUIRE(ledger.set("net/brief", "1"));
    fs::remove(scratch.path() / "net/brief");
    CHECK(ledger.restore_unless([]() -> result<bool> { return false; }));
    CHECK_FALSE(fs::exists(scratch.path() / "run"));
}

TEST_CASE("an unanswered question whether others need a setting restores nothing", "[unit][network]") {
    fake_machine machine;
    REQUIRE(machine.enter("a"));
    sysctl_ledger ledger({.directory = machine.run()});
    auto const asked = ledger.restore_unless([]() -> result<bool> { return error{errc::denied, "no"}; });
    REQUIRE_FALSE(asked);
    CHECK(asked.error().code == errc::denied);
    CHECK(machine.setting() == "1");
    CHECK(machine.changes().size() == 1);
}

TEST_CASE("a node that comes while the last one leaves gets its setting", "[unit][network]") {
    fake_machine machine;
    REQUIRE(machine.enter("a"));
    std::atomic<bool> has_entered = false;
    std::thread other;
    auto const enter_other = [&] {
        other = std::thread([&] {
            if (machine.enter("b")) has_entered = true;
        });
        for (int i = 0; i < 20 && !has_entered; ++i) ::usleep(1000);  // it waits for the lock
        CHECK_FALSE(has_entered);
    };
    REQUIRE(machine.leave("a", enter_other));
    other.join();
    CHECK(has_entered);
    CHECK(machine.setting() == "1");
    REQUIRE(machine.leave("b"));
    CHECK(machine.setting() == "0");
}

TEST_CASE("nodes that come and go at once never take the setting from each other", "[unit][network]") {
    fake_machine machine;
    std::atomic<int> failures = 0;
    auto const come_and_go = [&](std::string const& node) {
        for (int i = 0; i < 200; ++i) {
            if (!machine.enter(node) || machine.setting() != "1") ++failures;
            if (!machine.leave(node)) ++failures;
        }
    };
    std::vector<std::thread> nodes;
    for (auto const* node : {"a", "b", "c"}) nodes.emplace_back(come_and_go, node);
    for (auto& each : nodes) each.join();
    CHECK(failures == 0);
    CHECK(machine.setting() == "0");
    CHECK_FALSE(fs::exists(machine.run()));
}

namespace {

constexpr char const* root_variable = "RIK_TEST_MACHINE";

/// This program once more, as a node of `machine` that comes and goes; it does so when this returns.
pid_t start_node(fake_machine const& machine) {
    std::string program = "/proc/self/exe";
    std::string test = "node of the crash test";
    std::array<char*, 3> arguments{program.data(), test.data(), nullptr};
    pid_t process = 0;
    ::setenv(root_variable, machine.root().c_str(), 1);
    REQUIRE(::posix_spawn(&process, program.c_str(), nullptr, nullptr, arguments.data(), environ) == 0);
    ::unsetenv(root_variable);
    for (int i = 0; i < 10'000 && !fs::exists(machine.run()); ++i) ::usleep(1000);
    return process;
}

}  // namespace

// Does nothing unless the test below starts it.
TEST_CASE("node of the crash test", "[.]") {
    auto const* const root = std::getenv(root_variable);
    if (root == nullptr) return;
    fake_machine machine{fs::path(root)};
    while (machine.enter("a") && machine.leave("a")) {
    }
}

TEST_CASE("a node that is killed at any moment loses nothing", "[unit][network]") {
    fake_machine machine;
    for (int i = 0; i < 30; ++i) {
        auto const node = start_node(machine);
        ::usleep(static_cast<useconds_t>(37 * i));
        ::kill(node, SIGKILL);
        int status = 0;
        REQUIRE(::waitpid(node, &status, 0) == node);
        CHECK(WIFSIGNALED(status));  // it has met no error
        REQUIRE(machine.leave("a"));
        CHECK(machine.setting() == "0");
        CHECK_FALSE(fs::exists(machine.run()));
    }
    CHECK(machine.warnings() == 0);
}

}  // namespace rik

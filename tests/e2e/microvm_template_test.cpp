// Machines that go on from templates, on this machine: real QEMU, which dies in the middle of everything.
#include <rik/runtime/microvm/microvm_runtime.hpp>

#include "support/catch.hpp"
#include "support/machine.hpp"
#include "support/microvm_world.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <iterator>
#include <sstream>
#include <thread>

#include <sys/inotify.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace rik::testing {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

void with_templates(microvm_options& options) { options.has_templates = true; }

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

fs::path templates_of(microvm_world const& world) { return world.root() / "state" / "templates"; }

/// Waits until a template is there, which a first machine has led to. Empty: there is none in time.
fs::path wait_for_template(microvm_world const& world) {
    for (int tries = 0; tries < 1200; ++tries) {
        for (auto const& each : fs::directory_iterator(templates_of(world)))
            if (each.path().extension() == ".template") return each.path();
        std::this_thread::sleep_for(100ms);
    }
    return {};
}

/// Starts it. True if it went on from a template, false if it booted.
bool is_warm(microvm_world& world, microvm_runtime& by, container_request request) {
    auto const started = world.get(by.start_container(std::move(request)));
    REQUIRE(started.machine);
    auto const& steps = started.machine->steps;
    REQUIRE(steps.size() == 5);
    CHECK(std::ranges::is_sorted(steps, {}, &boot_step::after_ms));
    CHECK((steps[2].name == "restored" || steps[2].name == "kernelUp"));
    return steps[2].name == "restored";
}

bool is_warm(microvm_world& world, container_request request) {
    return is_warm(world, world.runtime(), std::move(request));
}

/// What follows `name` on its line.
std::string value_in(std::string const& log, std::string const& name) {
    auto const at = log.find(name + " ");
    if (at == std::string::npos) return {};
    auto const begin = at + name.size() + 1;
    return log.substr(begin, log.find('\n', begin) - begin);
}

std::int64_t seconds_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

/// Does that with the first process that is found, some time after it is there.
std::jthread on_first(std::function<std::vector<pid_t>()> find, std::chrono::milliseconds after,
                      std::function<void(pid_t)> then) {
    return std::jthread([find = std::move(find), after, then = std::move(then)](std::stop_token const& is_over) {
        auto found = find();
        for (; found.empty() && !is_over.stop_requested(); found = find()) std::this_thread::sleep_for(1ms);
        std::this_thread::sleep_for(after);
        if (!found.empty()) then(found.front());
    });
}

std::vector<pid_t> find_by_words(std::string const& words) {
    // The brackets keep the shell itself out.
    std::istringstream lines(
        test::shell("pgrep --full -- '[" + words.substr(0, 1) + "]" + words.substr(1) + "' || true"));
    return {std::istream_iterator<pid_t>(lines), {}};
}

/// Counts the templates that are begun.
class making_counter {
public:
    explicit making_counter(microvm_world const& world) : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
        ::inotify_add_watch(events_, templates_of(world).c_str(), IN_CREATE);
    }
    making_counter(making_counter const&) = delete;
    ~making_counter() { ::close(events_); }

    int count() {
        alignas(inotify_event) std::array<char, 4096> buffer;
        for (ssize_t got; (got = ::read(events_, buffer.data(), buffer.size())) > 0;)
            for (char const* at = buffer.data(); at < buffer.data() + got;) {
                auto const& event = *reinterpret_cast<inotify_event const*>(at);
                if (fs::path(event.name).extension() == ".plan") ++count_;
                at += sizeof event + event.len;
            }
        return count_;
    }

private:
    int events_;
    int count_ = 0;
};

}  // namespace

TEST_CASE("machines go on from a template, each as one of its own, and a damaged one is not used", "[e2e][microvm]") {
    microvm_world world(with_templates);
    world.open_network();
    auto const pod = world.make_sandbox("first");
    world.attach(pod, "10.210.3.2");
    auto const ending = [&](std::uint32_t attempt) {
        auto request = world.request(pod, {"sh", "-c", "exit 0"});
        request.key.attempt = attempt;
        return request;
    };
    auto const first = ending(0);
    CHECK_FALSE(is_warm(world, first));
    CHECK(world.wait(first.key).code == 0);
    auto const file = wait_for_template(world);
    REQUIRE_FALSE(file.empty());
    CHECK(fs::status(file.parent_path()).permissions() == fs::perms::owner_all);

    std::vector<std::string> unique;
    for (int each = 3; each < 5; ++each) {
        auto const number = std::to_string(each);
        auto const other = world.make_sandbox("name-" + number);
        auto const attached = world.attach(other, "10.210.3." + number);
        auto request = world.request(
            other,
            {"sh", "-c",
             "echo clock $(busybox date +%s); echo name $(hostname); echo uuid $(cat "
             "/proc/sys/kernel/random/uuid); echo boot $(cat /proc/sys/kernel/random/boot_id); echo bytes "
             "$(head -c 16 /dev/urandom | busybox od -An -tx1); echo mac $(cat /sys/class/net/eth0/address); "
             "echo hosts $(busybox wc -l </etc/hosts); while true; do echo 'guest' | nc -l -p 80 >/dev/null; done"});
        auto const mac = request.network->mac;
        auto const key = request.key;
        auto const before = seconds_now();
        CHECK(is_warm(world, std::move(request)));
        auto const log = world.wait_for_log(key, "hosts");
        auto const after = seconds_now();
        INFO(log);
        auto const clock = std::stoll(value_in(log, "clock"));
        CHECK(clock >= before - 1);
        CHECK(clock <= after + 1);
        CHECK(value_in(log, "name") == "name-" + number);
        CHECK(value_in(log, "mac") == mac);
        CHECK(std::stoi(value_in(log, "hosts")) > 1);
        for (auto const* name : {"uuid", "boot", "bytes"}) {
            CHECK(value_in(log, name).size() > 20);
            unique.push_back(value_in(log, name));
        }
        CHECK_FALSE(has(log, "SIZE"));
        CHECK(log.find("clock") == 0);  // nothing of the template, and nothing of what it was told
        CHECK(call_patiently({"10.210.3." + number, 80}) == "guest\n");
    }
    std::ranges::sort(unique);
    CHECK(std::ranges::adjacent_find(unique) == unique.end());

    auto larger = ending(1);
    larger.definition.limits.set(resource::memory, std::int64_t{160} << 20);
    CHECK_FALSE(is_warm(world, larger));
    CHECK(world.wait(larger.key).code == 0);

    auto failing = world.request(pod, {"/no/such/program"});
    failing.key.attempt = 2;
    CHECK(world.failure(world.runtime().start_container(std::move(failing))).code == errc::invalid);
    CHECK(fs::exists(file));  // that is not the template's fault

    test::shell("printf damaged | dd of=" + file.string() + " bs=1 seek=5000000 conv=notrunc 2>/dev/null");
    auto const booted = ending(3);
    CHECK_FALSE(is_warm(world, booted));
    CHECK(world.wait(booted.key).code == 0);
    CHECK(wait_for_template(world) != fs::path());
    world.get(world.runtime().remove_all());
    CHECK_FALSE(fs::exists(world.root() / "state"));
}

TEST_CASE("whatever dies while a machine is restored, it boots, and nothing of the attempt is left", "[e2e][microvm]") {
    microvm_world world(with_templates);
    auto const pod = world.make_sandbox();
    std::uint32_t attempt = 0;
    auto const next_request = [&] {
        auto request = world.request(pod, {"sh", "-c", "while true; do usleep 50000; done"});
        request.key.attempt = attempt++;
        return request;
    };
    auto const end = [&](microvm_runtime& of, container_key const& key) {
        CHECK(world.machines().size() == 1);
        CHECK(world.keepers().size() == 1);
        world.get(of.remove_container(key));
        CHECK(world.machines().empty());
        CHECK(world.keepers().empty());
    };
    auto const first = next_request();
    CHECK_FALSE(is_warm(world, first));
    auto const file = wait_for_template(world);
    REQUIRE_FALSE(file.empty());
    end(world.runtime(), first.key);
    auto const kept = world.root() / "kept";
    fs::copy_file(file, kept);

    auto const machines = [&] { return world.machines(); };
    auto const keepers = [&] { return world.keepers(); };
    struct strike {
        std::function<std::vector<pid_t>()> at;
        std::chrono::milliseconds after;
    };
    for (auto const& each :
         {strike{machines, 0ms}, strike{machines, 100ms}, strike{keepers, 0ms}, strike{keepers, 100ms}}) {
        fs::copy_file(kept, file, fs::copy_options::overwrite_existing);
        auto const next = world.open();  // as another process, which knows of no fault yet
        auto const request = next_request();
        {
            auto const strikes = on_first(each.at, each.after, [](pid_t found) { ::kill(found, SIGKILL); });
            CHECK_FALSE(is_warm(world, *next, request));
        }
        CHECK_FALSE(fs::exists(file));
        end(*next, request.key);
    }
    fs::copy_file(kept, file, fs::copy_options::overwrite_existing);
    auto const last = next_request();
    CHECK(is_warm(world, last));
    end(world.runtime(), last.key);
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("machines that start at once make their template once, of all their processors, and it may go under one",
          "[e2e][microvm]") {
    microvm_world world(with_templates);
    making_counter makings(world);
    auto const pod = world.make_sandbox();
    auto const request = [&](std::uint32_t attempt, std::string script) {
        auto made = world.request(pod, {"sh", "-c", std::move(script)});
        made.key.attempt = attempt;
        made.definition.limits.set(resource::cpu, 2000);
        return made;
    };
    // One of two takes so long that the template of the other one is there before it runs.
    std::vector<pid_t> slow;
    auto const late = on_first([&] { return world.machines(); }, 500ms,
                               [&](pid_t found) {
                                   ::kill(found, SIGSTOP);
                                   slow.push_back(found);
                               });
    std::jthread one([&] { world.get(world.runtime().start_container(request(0, "exit 0"))); });
    for (int tries = 0; tries < 600 && slow.empty(); ++tries) std::this_thread::sleep_for(50ms);
    REQUIRE(slow.size() == 1);
    CHECK_FALSE(is_warm(world, request(1, "exit 0")));
    auto const file = wait_for_template(world);
    CHECK_FALSE(file.empty());
    ::kill(slow.front(), SIGCONT);
    one.join();
    std::this_thread::sleep_for(500ms);
    CHECK(makings.count() == 1);

    auto third = request(2,
                         "echo processors $(nproc); for each in 0 1; do busybox taskset -c $each sh -c "
                         "'sleep 1; echo ran on '$each; done");
    auto const key = third.key;
    {
        auto const removes =
            on_first([&] { return find_by_words("qemu-system-x86_64.*defer"); }, 0ms, [&](pid_t) { fs::remove(file); });
        CHECK(is_warm(world, std::move(third)));
    }
    CHECK_FALSE(fs::exists(file));
    CHECK(world.wait(key).code == 0);
    CHECK(world.read_log(key) == "processors 2\nran on 0\nran on 1\n");
}

TEST_CASE("nothing stays of a template that is half made, and not each start tries it again", "[e2e][microvm]") {
    microvm_world world(with_templates);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);  // as rik is
    auto const pod = world.make_sandbox();
    auto const templates = templates_of(world);
    making_counter makings(world);
    auto const start = [&](std::uint32_t attempt) {
        auto request = world.request(pod, {"sh", "-c", "exit 0"});
        request.key.attempt = attempt;
        CHECK_FALSE(is_warm(world, std::move(request)));
    };
    for (std::uint32_t fault = 0; fault < 2; ++fault) {
        start(fault);
        auto const maker = "make-template " + templates.string();
        for (int tries = 0; tries < 100 && find_by_words(maker).empty(); ++tries) std::this_thread::sleep_for(20ms);
        std::string plan;
        for (auto const& each : fs::directory_iterator(templates))
            if (each.path().extension() == ".plan") plan = each.path().stem();
        REQUIRE_FALSE(plan.empty());
        auto const qemu = "template-" + plan;
        for (int tries = 0; tries < 100 && find_by_words(qemu).empty(); ++tries) std::this_thread::sleep_for(20ms);
        auto const machines = find_by_words(qemu);
        REQUIRE(machines.size() == 1);
        for (auto const each : find_by_words(maker)) ::kill(each, SIGKILL);
        for (int tries = 0; tries < 100 && !fs::is_empty(templates); ++tries) std::this_thread::sleep_for(50ms);
        CHECK(fs::is_empty(templates));
        CHECK_FALSE(fs::exists("/proc/" + std::to_string(machines.front())));  // it is reaped, too
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    CHECK(makings.count() == 2);
    start(2);  // so soon it is not tried again
    std::this_thread::sleep_for(500ms);
    CHECK(makings.count() == 2);
    test::shell("touch " + (templates / "a.new").string() + " " + (templates / "a.plan").string());
    auto const next = world.open();  // as one that begins after this one was killed
    CHECK(fs::is_empty(templates));
}

}  // namespace rik::testing

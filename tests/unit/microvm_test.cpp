// What is pure of machines: archives, disks, command lines, and what guests and QEMU say.
#include "runtime/microvm/control_reader_detail.hpp"
#include "runtime/microvm/cpio_detail.hpp"
#include "runtime/microvm/download_detail.hpp"
#include "runtime/microvm/guest_settings_detail.hpp"
#include "runtime/microvm/kernel_files_detail.hpp"
#include "runtime/microvm/kernel_image_detail.hpp"
#include "runtime/microvm/kernel_modules_detail.hpp"
#include "runtime/microvm/machine_end_detail.hpp"
#include "runtime/microvm/machine_plan_detail.hpp"
#include "runtime/microvm/machine_size_detail.hpp"
#include "runtime/microvm/machine_template_detail.hpp"
#include "runtime/microvm/qcow2_overlay_detail.hpp"
#include "runtime/microvm/qemu_command_detail.hpp"
#include "runtime/microvm/qmp_reader_detail.hpp"
#include "runtime/microvm/rootfs_files_detail.hpp"
#include "runtime/microvm/rootfs_form_detail.hpp"
#include "runtime/microvm/rootfs_name_detail.hpp"
#include "runtime/microvm/uid_pool_detail.hpp"

#include "support/catch.hpp"

#include <rik/base/entropy.hpp>

#include <algorithm>
#include <memory>

namespace rik::detail {

using namespace std::string_view_literals;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

std::vector<guest_word> words_of(std::string_view said) {
    control_reader reader;
    std::vector<guest_word> all;
    for (char const each : said) {
        reader.feed({&each, 1});
        while (auto word = reader.next()) all.push_back(*word);
    }
    return all;
}

std::optional<qmp_word> qmp_of(std::string_view line) {
    qmp_reader reader;
    reader.feed(line);
    reader.feed("\r\n");
    return reader.next();
}

machine_end end_of(std::string_view guest, std::vector<qmp_word> qemu, int code) {
    machine_story story;
    for (auto& each : words_of(guest)) story.hear(std::move(each));
    for (auto const each : qemu) story.hear(each);
    return story.end(code, "qemu: broken");
}

/// The first block of an ext4 of `blocks` blocks of 1 KiB.
std::string ext4_beginning(std::uint32_t blocks) {
    std::string made(form_bytes, '\0');
    made[0x438] = '\x53';
    made[0x439] = '\xef';
    for (std::size_t i = 0; i < 4; ++i) made[1024 + 4 + i] = static_cast<char>(blocks >> (8 * i) & 0xff);
    return made;
}

std::string with_magic(std::size_t at, std::string_view bytes) {
    std::string made(form_bytes, '\0');
    made.replace(at, bytes.size(), bytes);
    return made;
}

errc form_error(std::string_view beginning, std::int64_t size) {
    auto const form = form_of(beginning, size);
    REQUIRE_FALSE(form.has_value());
    return form.error().code;
}

}  // namespace

TEST_CASE("an archive for a kernel has a header for each file, in steps of four bytes", "[unit][microvm]") {
    cpio_archive archive;
    archive.add_directory("dev");
    archive.add_file("a", "hello");
    auto const bytes = archive.finish();
    CHECK(bytes.size() % 512 == 0);
    CHECK(
        bytes.starts_with("070701"
                          "00000001"
                          "000041ED"));
    auto const file = bytes.find("070701", 6);
    CHECK(file == 116);  // 110 and "dev" with its zero, filled up
    CHECK(bytes.substr(file + 54, 8) == "00000005");
    CHECK(bytes.substr(file + 110, 2) == "a\0"sv);
    CHECK(bytes.substr(file + 112, 8) == "hello\0\0\0"sv);
    CHECK(has(bytes, "TRAILER!!!"));
}

TEST_CASE("an overlay says how large its disk is, and names no file", "[unit][microvm]") {
    auto const made = qcow2_overlay(std::int64_t{1} << 30);
    CHECK(made.starts_with("QFI\xfb\0\0\0\3"sv));
    CHECK(made.substr(8, 12) == std::string(12, '\0'));  // where a name would be, and how long it is
    CHECK(made.substr(24, 8) == "\0\0\0\0\x40\0\0\0"sv);
    CHECK(made.size() == 4 * 65536);
    CHECK(qcow2_overlay(disk_bytes_max).size() > made.size());
}

TEST_CASE("the newest kernel for clouds is taken", "[unit][microvm]") {
    CHECK(newest_cloud_kernel({"vmlinuz-6.1.0-9-cloud-amd64", "vmlinuz-6.1.0-57-cloud-amd64", "vmlinuz-6.12.1-amd64",
                               "config"}) == "vmlinuz-6.1.0-57-cloud-amd64");
    CHECK(newest_cloud_kernel({"vmlinuz-6.12.1-amd64"}).empty());
}

TEST_CASE("a packed kernel is found and unpacked, and a damaged one is refused", "[unit][microvm]") {
    // Literals "abc", a copy of seven from three back, and the rest of the block.
    auto const block =
        "\x33"
        "abc\x03\x00\x20"
        "xy"sv;
    std::string packed("\x02\x21\x4c\x18"sv);
    packed += std::string("\x09\0\0\0"sv) + std::string(block);
    auto const plain = unpack_lz4_legacy(packed, 1000);
    REQUIRE(plain);
    CHECK(*plain == "abcabcabcaxy");
    CHECK_FALSE(unpack_lz4_legacy(packed.substr(0, packed.size() - 1), 1000));
    CHECK_FALSE(unpack_lz4_legacy(packed, 5));
    auto const far =
        "\x02\x21\x4c\x18\x07\0\0\0\x13"
        "a\x09\x00\x10z"sv;  // copies from before the beginning
    CHECK_FALSE(unpack_lz4_legacy(far, 1000));
    CHECK_FALSE(find_payload("nothing").has_value());
    CHECK_FALSE(find_payload(std::string(2000, '\0')).has_value());
}

TEST_CASE("modules come behind what they depend on", "[unit][microvm]") {
    CHECK(dependencies_of("\0license=GPL\0depends=virtio-ring,virtio,\0name=x\0"sv) ==
          std::vector<std::string>{"virtio_ring", "virtio"});
    CHECK(dependencies_of("nothing").empty());
    CHECK(module_name("/lib/modules/6.1/kernel/drivers/misc/pvpanic/pvpanic-mmio.ko") == "pvpanic_mmio");
    auto const order = in_order({"net", "block", "built_in"},
                                {{"net", {"ring", "bus"}}, {"block", {"bus"}}, {"ring", {"bus"}}, {"bus", {"net"}}});
    CHECK(order == std::vector<std::string>{"bus", "ring", "net", "block"});
}

TEST_CASE("a plan is read as it was written", "[unit][microvm]") {
    machine_plan plan{.uid = 7, .network_namespace = "/run/ns", .tap = "rt1"};
    plan.groups = {"/a/cgroup.procs", "/b/cgroup.procs"};
    plan.note = "/note";
    plan.acceleration = "tcg";
    plan.began_ms = 10'000'000'000;
    plan.program = "/usr/bin/qemu";
    plan.arguments = {"-append", "a=b c=d"};
    plan.warm_from = "/templates/one";
    plan.template_key = "0123456789abcdef";
    plan.settings = "/settings";
    plan.memory_bytes = std::uint64_t{128} << 20;
    plan.files = {{16, "/with space/base", false}, {17, "/overlay", true}};
    auto const read = parse_plan(plan_text(plan));
    REQUIRE(read.has_value());
    CHECK(*read == plan);
    CHECK_FALSE(parse_plan("uid=7").has_value());
    CHECK_FALSE(parse_plan("uid=7\0program=/q\0"sv).has_value());
    CHECK_FALSE(parse_plan("uid=7\0program=/q\0note=/n\0file=99 r /x\0"sv).has_value());
    CHECK_FALSE(parse_plan("uid=0\0program=/q\0note=/n\0"sv).has_value());
}

TEST_CASE("QEMU gets descriptors only, and an emulated machine the speed of its clock", "[unit][microvm]") {
    qemu_machine machine{.name = "one", .tsc_khz = 2000000, .memory_mib = 256, .mac = "0a:58:0a:d2:03:02"};
    auto const emulated = qemu_arguments(machine);
    auto const word = [](auto const& all, std::string_view before) {
        auto const at = std::find(all.begin(), all.end(), before);
        return at == all.end() || at + 1 == all.end() ? std::string() : *(at + 1);
    };
    CHECK(word(emulated, "-m") == "256");
    CHECK(has(word(emulated, "-append"), "tsc_early_khz=2000000"));
    CHECK(word(emulated, "-accel").starts_with("tcg"));
    CHECK(word(emulated, "-sandbox") == "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    for (auto const& each : emulated) CHECK_FALSE(has(each, "path="));
    machine.begins = beginning::become_template;
    auto const made = qemu_arguments(machine);
    CHECK(has(word(made, "-append"), "rik.template"));
    CHECK(has(word(made, "-object"), "size=256M,mem-path=/proc/self/fd/18,share=on"));
    CHECK(word(made, "-netdev").empty());
    machine.begins = beginning::restore;
    auto const restored = qemu_arguments(machine);
    CHECK(word(restored, "-object") == word(made, "-object"));
    CHECK(word(restored, "-incoming") == "defer");
    CHECK(word(restored, "-kernel").empty());
    CHECK(word(restored, "-sandbox") == word(emulated, "-sandbox"));
    auto const devices = [](auto const& all) {
        std::vector<std::string> kinds;
        for (std::size_t at = 0; at + 1 < all.size(); ++at)
            if (all[at] == "-device") kinds.push_back(all[at + 1].substr(0, all[at + 1].find(',')));
        return kinds;
    };
    CHECK(devices(restored) == devices(made));
    CHECK(devices(restored) == devices(emulated));
    machine.begins = beginning::boot;
    machine.runs_on = accelerator::kvm;
    machine.mac.clear();
    auto const native = qemu_arguments(machine);
    CHECK(word(native, "-cpu") == "host");
    CHECK_FALSE(has(word(native, "-append"), "mitigations"));
    CHECK(word(native, "-netdev").empty());
}

TEST_CASE("a machine has at least what boots, and QEMU some more", "[unit][microvm]") {
    container_definition plain;
    auto const usual = size_of(plain);
    CHECK(usual.processor_count == 1);
    CHECK(usual.memory_mib == 128);
    CHECK(usual.limits.get(resource::memory) == std::int64_t{256} << 20);
    plain.limits.set(resource::memory, 1 << 20);
    plain.limits.set(resource::cpu, 1500);
    auto const asked = size_of(plain);
    CHECK(asked.memory_mib == machine_memory_mib_min);
    CHECK(asked.processor_count == 2);
    CHECK(asked.limits.get(resource::cpu) == 1750);
}

TEST_CASE("a template is for machines on which nothing differs", "[unit][microvm]") {
    template_inputs const one{.tag = "0011aabb",
                              .qemu = "/usr/bin/qemu 1 2 3",
                              .kernel = "/vmlinux 4 5 6",
                              .initramfs = 7,
                              .node = "6.1 processor",
                              .tsc_khz = 1'999'990,
                              .arguments = {"-m", "128"}};
    auto const key = template_key(one);
    CHECK(key.size() == 16);
    auto const with = [&](auto change) {
        auto other = one;
        change(other);
        return template_key(other);
    };
    CHECK(with([](auto& of) { of.tsc_khz = 2'000'030; }) == key);  // the same processor, measured again
    CHECK(with([](auto& of) { of.tsc_khz = 2'100'000; }) != key);
    CHECK(with([](auto& of) { of.tag = "0011aabc"; }) != key);  // another rik: another one's trust
    CHECK(with([](auto& of) { of.qemu = "/usr/bin/qemu 1 2 4"; }) != key);
    CHECK(with([](auto& of) { of.kernel = "/vmlinux 4 5 7"; }) != key);
    CHECK(with([](auto& of) { of.initramfs = 8; }) != key);
    CHECK(with([](auto& of) { of.node = "6.2 processor"; }) != key);
    CHECK(with([](auto& of) { of.arguments = {"-m", "256"}; }) != key);
}

TEST_CASE("a template's file says where its parts are, and damage is seen", "[unit][microvm]") {
    std::vector<std::uint64_t> memory(5 * page_bytes / 8);
    CHECK(find_runs(memory).empty());
    memory[0] = 1;
    memory[3 * page_bytes / 8 - 1] = 2;
    memory[3 * page_bytes / 8] = 3;
    auto const runs = find_runs(memory);
    CHECK(runs == std::vector<page_run>{{0, 1}, {2, 2}});
    template_header const header{.key = "0123456789abcdef",
                                 .memory_bytes = memory.size() * 8,
                                 .state_bytes = 5000,
                                 .run_count = 2,
                                 .page_count = 3,
                                 .sum = ~std::uint64_t{0}};
    auto const text = header_text(header);
    CHECK(text.size() == page_bytes);
    auto const read = parse_template_header(text);
    REQUIRE(read.has_value());
    CHECK(*read == header);
    auto const parts = layout_of(header);
    CHECK(parts.state_at == page_bytes);
    CHECK(parts.runs_at == 3 * page_bytes);
    CHECK(parts.pages_at == 4 * page_bytes);
    CHECK(parts.file_bytes == 7 * page_bytes);
    CHECK(fit(runs, header));
    for (auto const& wrong : {std::vector<page_run>{{0, 1}}, std::vector<page_run>{{2, 2}, {0, 1}},
                              std::vector<page_run>{{0, 2}, {1, 1}}, std::vector<page_run>{{0, 1}, {4, 2}},
                              std::vector<page_run>{{0, 3}, {3, 0}}, std::vector<page_run>{{0, 1}, {~0u, 2}}})
        CHECK_FALSE(fit(wrong, header));
    for (auto const* each :
         {"", "rik-template-1", "rik-template-2 k 1000 1 1 1 1 \n", "rik-template-1 k 1001 1 1 1 1 \n",
          "rik-template-1 k 1000 1 1 2 1 \n", "rik-template-1 k 1000 1 2 1 1 \n",
          "rik-template-1 k 1000 ffffffff 1 1 1 \n", "rik-template-1 k ffffffffffff000 1 1 1 1 \n",
          "rik-template-1 k 1000 1 1 1 x \n", "rik-template-1 k 1000 1 1 1 1 more\n"})
        CHECK_FALSE(parse_template_header(each).has_value());
    auto const sum = sum_of(memory);
    for (std::size_t at = 0; at < memory.size(); at += 97) {
        memory[at] ^= std::uint64_t{1} << (at % 64);
        CHECK(sum_of(memory) != sum);
        memory[at] ^= std::uint64_t{1} << (at % 64);
    }
    std::swap(memory[0], memory[4]);  // words that are summed one behind the other
    CHECK(sum_of(memory) != sum);
    CHECK(sum_of(std::vector<std::uint64_t>(3)) != sum_of(std::vector<std::uint64_t>(4)));
}

TEST_CASE("a machine that goes on is told what time it is, and what is random", "[unit][microvm]") {
    std::vector<unsigned char> const seed{0x00, 0x7f, 0xff};
    CHECK(order_text(512, 1'700'000'000'123'456'789, seed) == "512 1700000000123456789 007fff\n");
    CHECK(qmp_restore(19) == "{\"execute\":\"migrate-incoming\",\"arguments\":{\"uri\":\"fd:19\"}}\n");
}

TEST_CASE("what a guest says counts only where it makes sense", "[unit][microvm]") {
    using what = guest_word::what;
    CHECK(words_of("up\nexit 7\n") == std::vector<guest_word>{{what::up}, {what::exited, 7}});
    CHECK(words_of("up\nexit 137 memory\n") == std::vector<guest_word>{{what::up}, {what::exited, 137, true}});
    CHECK(words_of("refused /bin/x: No such file\n") ==
          std::vector<guest_word>{{what::refused, 0, false, "/bin/x: No such file"}});
    CHECK(words_of("exit 0\n").empty());
    CHECK(words_of("up 100 250 400\n") == std::vector<guest_word>{{what::up, 0, false, "", guest_times{300, 150}}});
    for (auto const* each :
         {"up \n", "up 1 2\n", "up 3 2 4\n", "up 1 2 3 4\n", "up -1 2 3\n", "up 1 2 99999999999999999999\n"})
        CHECK(words_of(each) == std::vector<guest_word>{{what::up}});
    CHECK(words_of("upper\n").empty());
    CHECK(words_of("up\nup\nrefused x\n") == std::vector<guest_word>{{what::up}});
    CHECK(words_of("up\nexit 1\nexit 2\nstopped\n") == std::vector<guest_word>{{what::up}, {what::exited, 1}});
    CHECK(words_of("up\nexit 256\nexit -1\nexit 1 x\nexit\n") == std::vector<guest_word>{{what::up}});
    CHECK(words_of(std::string(10'000, 'x') + "up\n\nup\n") == std::vector<guest_word>{{what::up}});
    CHECK(words_of(std::string(control_reader::bytes_max, 'x') + "\nup\n").empty());
}

TEST_CASE("what QEMU says is known or nothing", "[unit][microvm]") {
    CHECK(qmp_of(R"({"QMP": {"version": {}}})") == qmp_word::greeting);
    CHECK(qmp_of(R"({"event": "GUEST_PANICKED", "data": {"action": "poweroff"}})") == qmp_word::panicked);
    CHECK(qmp_of(R"({"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}})") == qmp_word::off);
    CHECK(qmp_of(R"({"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}})") == qmp_word::reset);
    CHECK(qmp_of(R"({"return": {}})") == qmp_word::returned);
    CHECK(qmp_of(R"({"error": {"class": "GenericError", "desc": "x"}})") == qmp_word::refused);
    CHECK(qmp_of(R"({"event": "RESUME"})") == qmp_word::resumed);
    CHECK(qmp_of(R"({"event": "MIGRATION", "data": {"status": "completed"}})") == qmp_word::saved);
    CHECK(qmp_of(R"({"event": "MIGRATION", "data": {"status": "failed"}})") == qmp_word::refused);
    CHECK(qmp_of(R"({"event": "MIGRATION", "data": {"status": "active"}})") == qmp_word::other);
    for (auto const* each : {"", "[]", "{", R"({"event": 7})", R"({"event": "MIGRATION"})", R"({"event": "SHUTDOWN"})",
                             R"({"event": "SHUTDOWN", "data": 1})", "\xff"})
        CHECK(qmp_of(each) == qmp_word::other);
    CHECK(qmp_of(std::string(qmp_reader::line_bytes_max + 1, ' ')) == qmp_word::other);
    qmp_reader unfinished;
    unfinished.feed("{\"QMP\"");
    CHECK_FALSE(unfinished.next());
}

TEST_CASE("the ends of a machine are told apart", "[unit][microvm]") {
    CHECK(end_of("up\nexit 3\n", {qmp_word::off}, 0) == machine_end{end_kind::exited, 3, ""});
    CHECK(end_of("up\nexit 137 memory\n", {qmp_word::off}, 0).kind == end_kind::out_of_memory);
    CHECK(end_of("up\nstopped\n", {qmp_word::off}, 0) == machine_end{end_kind::stopped, 0, ""});
    CHECK(end_of("up\n", {qmp_word::off}, 0) == machine_end{end_kind::off, 0, ""});
    CHECK(end_of("up\n", {qmp_word::reset}, 0).kind == end_kind::reset);
    CHECK(end_of("up\n", {qmp_word::panicked}, 1) == machine_end{end_kind::panicked, 134, ""});
    CHECK(end_of("", {qmp_word::reset}, 0).kind == end_kind::panicked);
    CHECK(end_of("up\n", {}, 137) == machine_end{end_kind::killed, 137, ""});
    CHECK(end_of("", {}, 1) == machine_end{end_kind::broken, 1, "qemu: broken"});
    CHECK(end_of("refused sh: No such file\n", {qmp_word::off}, 0) ==
          machine_end{end_kind::refused, 126, "sh: No such file"});
    machine_story slow;
    slow.kill_as_stuck("nothing");
    CHECK(slow.end(137, "").kind == end_kind::stuck);
}

TEST_CASE("a note is read as it was written, and never more than that is believed", "[unit][microvm]") {
    machine_note const note{
        .was_up = true, .end = machine_end{end_kind::panicked, 134, "why"}, .console = "last\nwords"};
    CHECK(parse_note(note_text(note)) == note);
    machine_note const running{.was_up = true, .times = {1, 20, 300, 4000, 50000}};
    CHECK(parse_note(note_text(running)) == running);
    CHECK(parse_note("up\n") == machine_note{.was_up = true});  // of a keeper of an earlier version
    for (auto const* each : {"up 1\n", "up 1 2 3 4 x\n", "up 1 2 3 4 -5\n"})
        CHECK(parse_note(each) == machine_note{.was_up = true});
    CHECK(parse_note("") == machine_note{});
    for (auto const* each :
         {"up", "end", "end x 1 y\n", "end panicked\n", "end panicked 999 x\n", "end panicked -1 x\n"})
        CHECK(parse_note(each) == machine_note{});
    auto const odd = parse_note("up\nend killed 137 a\x1b[31m\nconsole\x07\n");
    REQUIRE(odd.end);
    CHECK_FALSE(has(odd.end->text, "\x1b"));
    CHECK_FALSE(has(odd.console, "\x07"));
    CHECK(describe({end_kind::exited, 1, ""}).empty());
    CHECK(has(describe({end_kind::killed, 137, ""}), "signal 9"));
}

TEST_CASE("the steps of a start are those that are known, and no machine was up before QEMU", "[unit][microvm]") {
    boot_times times{.prepared_ms = 10, .qemu_ms = 80, .up_ms = 2000};
    add_guest_times(times, {.began_ms_ago = 2500, .ready_ms_ago = 1});
    CHECK(times.kernel_ms == 0);
    CHECK(steps_of(times, boot_kind::cold) ==
          std::vector<boot_step>{{"prepared", 10}, {"qemuStarted", 80}, {"running", 2000}});
    add_guest_times(times, {.began_ms_ago = 500, .ready_ms_ago = 100});
    CHECK(steps_of(times, boot_kind::warm).at(2) == boot_step{"restored", 1500});
    CHECK(steps_of(times, boot_kind::cold) ==
          std::vector<boot_step>{
              {"prepared", 10}, {"qemuStarted", 80}, {"kernelUp", 1500}, {"initUp", 1900}, {"running", 2000}});
    CHECK(steps_of({}, boot_kind::warm).empty());
}

TEST_CASE("each machine has a user of its own", "[unit][microvm]") {
    seeded_entropy random(3);
    auto const one = instance_id::generate(random);
    uid_pool pool(1000, 2);
    container_key const first{one, "function", 0};
    container_key const second{one, "function", 1};
    container_key const third{one, "function", 2};
    CHECK(*pool.take(first) == 1000);
    CHECK(*pool.take(first) == 1000);
    CHECK(*pool.take(second) == 1001);
    REQUIRE_FALSE(pool.take(third).has_value());
    CHECK(pool.take(third).error().code == errc::exhausted);
    pool.give_back(first);
    CHECK(*pool.take(third) == 1000);
    pool.give_back(one);
    pool.keep(first, 1001);
    CHECK(*pool.take(second) == 1000);
}

TEST_CASE("a machine is told its name, its network, and what to run", "[unit][microvm]") {
    container_request request;
    auto from = std::make_shared<image>();
    from->config.env = {"A=image", "B=image", "odd"};
    request.from = from;
    guest_files const files{.hostname = "web", .hosts = "127.0.0.1 localhost\n", .resolver = "nameserver 1.2.3.4\n"};
    auto const own_init = guest_settings(request, files);
    REQUIRE(own_init);
    CHECK(has(*own_init, "hostname=web\0hosts=127.0.0.1 localhost\n\0resolver=nameserver 1.2.3.4\n\0"sv));
    CHECK_FALSE(has(*own_init, "word="));
    request.network = guest_network{.interface = "rt1",
                                    .address = "10.210.3.7",
                                    .prefix_bits = 24,
                                    .gateway = "10.210.3.1",
                                    .mac = "0a:58:0a:d2:03:07",
                                    .mtu = 1400};
    request.definition.command = {{"sh", "-c", "exit 0\necho"}};
    request.definition.env = {{.name = "A", .value = "x y"}};
    auto const told = guest_settings(request, files);
    REQUIRE(told);
    CHECK(
        has(*told, "address=10.210.3.7\0mask=255.255.255.0\0gateway=10.210.3.1\0mac=0a:58:0a:d2:03:07\0mtu=1400\0"sv));
    CHECK(has(*told, "word=sh\0word=-c\0word=exit 0\necho\0"sv));
    CHECK(has(*told, "variable=A=x y\0variable=B=image\0"sv));
    CHECK(netmask_text(20) == "255.255.240.0");
    CHECK(netmask_text(32) == "255.255.255.255");
    request.definition.args = {{std::string(600'000, 'x')}};
    CHECK_FALSE(guest_settings(request, files));
}

TEST_CASE("root file systems have URLs, paths, and names of container images", "[unit][microvm]") {
    using where = rootfs_source::where;
    CHECK(*parse_rootfs_name("https://host/a.ext4?x=1") == rootfs_source{where::server, "https://host/a.ext4?x=1"});
    CHECK(*parse_rootfs_name("file:/a/b") == rootfs_source{where::file, "/a/b"});
    CHECK(*parse_rootfs_name("file:///a/b") == rootfs_source{where::file, "/a/b"});
    CHECK(*parse_rootfs_name("/a@b") == rootfs_source{where::file, "/a@b"});
    CHECK(parse_rootfs_name("docker://alpine")->from == where::container_image);
    auto const digest = "sha256:" + std::string(64, 'a');
    CHECK(*parse_rootfs_name("/a@" + digest) == rootfs_source{where::file, "/a", digest});
    for (auto const* each : {"", "a/b", "http://", "http:///x", "/a b", "/a@sha256:12", "file:a"}) {
        INFO(each);
        REQUIRE_FALSE(parse_rootfs_name(each).has_value());
        CHECK(parse_rootfs_name(each).error().code == errc::invalid);
    }
    for (auto const* each : {"ftp://x/y", "nbd:localhost", "s3://x"})
        CHECK(parse_rootfs_name(each).error().code == errc::unsupported);
}

TEST_CASE("a file is what is in it, and disk images are refused", "[unit][microvm]") {
    CHECK(*form_of(ext4_beginning(1024), 1024 * 1024) == rootfs_form::ext4);
    CHECK(form_error(ext4_beginning(1024), 1024 * 1024 - 1) == errc::corrupt);
    CHECK(form_error(ext4_beginning(0), 1024 * 1024) == errc::corrupt);
    CHECK(*form_of(with_magic(257, "ustar"), 10240) == rootfs_form::tar);
    CHECK(*form_of(with_magic(0, "\x1f\x8b"), 100) == rootfs_form::gzip);
    CHECK(*form_of(with_magic(0, "\x28\xb5\x2f\xfd"), 100) == rootfs_form::zstd);
    CHECK(*form_of(with_magic(0,
                              "\xfd"
                              "7zXZ\0"sv),
                   100) == rootfs_form::xz);
    for (auto const each : {"QFI\xfb"sv, "KDMV"sv, "vhdxfile"sv, "hsqs"sv, "<!DOCTYPE html>"sv,
                            "\x7f"
                            "ELF"sv,
                            "plain text"sv})
        CHECK(form_error(with_magic(0, each), 100'000) == errc::unsupported);
    CHECK(has(form_of(with_magic(0, "QFI\xfb"), 100).error().message, "qcow2"));
    CHECK(form_error("", 0) == errc::corrupt);
    CHECK(form_error("x", 1) == errc::unsupported);
}

TEST_CASE("curl's answers become errors that say what to do", "[unit][microvm]") {
    download_request const of{.url = "http://h/x"};
    auto const code_of = [&](int exit_code, int status) {
        auto const answer = read_answer({exit_code, status}, "curl: what", of);
        REQUIRE_FALSE(answer.has_value());
        return answer.error().code;
    };
    CHECK(*read_answer({0, 200}, "", of) == downloaded::all);
    CHECK(*read_answer({0, 304}, "", of) == downloaded::not_changed);
    CHECK(code_of(22, 404) == errc::not_found);
    CHECK(code_of(22, 403) == errc::denied);
    CHECK(code_of(22, 500) == errc::unavailable);
    CHECK(code_of(47, 302) == errc::unavailable);
    CHECK(code_of(28, 0) == errc::timed_out);
    CHECK(code_of(63, 200) == errc::exhausted);
    CHECK(code_of(18, 200) == errc::corrupt);
    CHECK(code_of(99, 0) == errc::unavailable);
    auto const words = download_arguments({.url = "http://h/-x", .into = "/f", .part_etag = "\"a\""});
    CHECK(std::find(words.begin(), words.end(), "--continue-at") != words.end());
    CHECK(words.back() == "http://h/-x");
    auto const redirected = std::find(words.begin(), words.end(), "--proto-redir");
    REQUIRE(redirected != words.end());
    CHECK(*(redirected + 1) == "=http,https");
}

TEST_CASE("a download goes on only where it can be told to be of the same file", "[unit][microvm]") {
    CHECK(is_strong_etag("\"a\""));
    for (auto const* each : {"", "\"", "\"\"", "W/\"a\"", "a", "\"a", "\"a b\"", "\"a\nX: b\""})
        CHECK_FALSE(is_strong_etag(each));
    download_request part{.url = "http://h/x", .into = "/f", .old_etag = "/old", .part_etag = "\"a\""};
    auto const has_word = [&](std::string_view word) {
        auto const all = download_arguments(part);
        return std::find(all.begin(), all.end(), word) != all.end();
    };
    CHECK(has_word("If-Range: \"a\""));
    CHECK_FALSE(has_word("--etag-compare"));
    CHECK(*read_answer({0, 206}, "", part) == downloaded::all);
    part.part_etag.clear();
    CHECK_FALSE(has_word("--continue-at"));
    CHECK(has_word("--etag-compare"));
    CHECK_FALSE(read_answer({0, 206}, "", part).has_value());
}

TEST_CASE("what curl prints of an answer is its status and its ETag", "[unit][microvm]") {
    CHECK(parse_answer(18, "200 \"a b\"").etag == "\"a b\"");
    CHECK(parse_answer(18, "200 \"a b\"").status_code == 200);
    CHECK(parse_answer(0, "304 ").status_code == 304);
    for (auto const* each : {"", "000", "200 ", "200 \"a\nb\""}) CHECK(parse_answer(0, each).etag.empty());
    CHECK(parse_answer(0, "200 " + std::string(2'000, 'a')).etag.empty());
}

TEST_CASE("what is known of a root file system outlives the node's program", "[unit][microvm]") {
    rootfs_record const record{
        .name = "http://h/x", .digest = "sha256:ab", .version = "\"etag\"", .fetched_at = wall_time{}};
    auto const read = parse_rootfs_record(record_text(record));
    REQUIRE(read.has_value());
    CHECK(*read == record);
    CHECK_FALSE(parse_rootfs_record("a\nb\nc\nd\n").has_value());
    CHECK_FALSE(parse_rootfs_record("a\nsha256:x\n").has_value());
}

}  // namespace rik::detail

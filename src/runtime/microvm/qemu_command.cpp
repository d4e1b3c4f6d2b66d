#include "qemu_command_detail.hpp"

#include "machine_plan_detail.hpp"
#include "machine_template_detail.hpp"

#include <fmt/format.h>

namespace rik::detail {

namespace {

void add(std::vector<std::string>& to, std::initializer_list<std::string> words) { to.insert(to.end(), words); }

std::string file_of(int descriptor) { return fmt::format("/proc/self/fd/{}", descriptor); }

std::string channel(std::string_view name, int descriptor) {
    return fmt::format("socket,id={},fd={}", name, descriptor);
}

/// The image below, and what the machine writes above it. An image that is given to QEMU without saying what form it
/// has could name any file of the node; so nothing is guessed here, and nothing in a file says what is opened.
void add_disk(std::vector<std::string>& to, qemu_machine const& what) {
    if (what.begins == beginning::become_template) {
        add(to, {"-blockdev", "driver=null-co,node-name=disk,size=1048576", "-device", "virtio-blk-device,drive=disk"});
        return;
    }
    constexpr std::string_view base_set = "1";
    constexpr std::string_view overlay_set = "2";
    add(to, {"-add-fd", fmt::format("fd={},set={}", base_descriptor, base_set)});
    add(to, {"-add-fd", fmt::format("fd={},set={}", overlay_descriptor, overlay_set)});
    add(to, {"-blockdev",
             fmt::format("driver=file,node-name=base-file,filename=/dev/fdset/{},read-only=on,locking=off", base_set)});
    add(to, {"-blockdev", "driver=raw,node-name=base,file=base-file,read-only=on"});
    add(to, {"-blockdev",
             fmt::format("driver=file,node-name=overlay-file,filename=/dev/fdset/{},locking=off,cache.no-flush=on",
                         overlay_set)});
    add(to, {"-blockdev", "driver=qcow2,node-name=disk,file=overlay-file,backing=base,cache.no-flush=on"});
    add(to, {"-device", "virtio-blk-device,drive=disk"});
}

/// A machine that is restored, and its template, have their memory in a file that the keeper holds.
void add_memory(std::vector<std::string>& to, qemu_machine const& what) {
    auto const has_file = what.begins != beginning::boot;
    add(to, {"-M", has_file ? "microvm,memory-backend=memory" : "microvm"});
    add(to, {"-smp", std::to_string(what.processor_count), "-m", std::to_string(what.memory_mib)});
    if (!has_file) return;
    add(to, {"-object", fmt::format("memory-backend-file,id=memory,size={}M,mem-path={},share=on", what.memory_mib,
                                    file_of(memory_descriptor))});
}

/// One that is restored has its kernel in its memory.
void add_kernel(std::vector<std::string>& to, qemu_machine const& what) {
    if (what.begins == beginning::restore) return add(to, {"-incoming", "defer"});
    add(to, {"-kernel", file_of(kernel_descriptor), "-initrd", file_of(initramfs_descriptor)});
    add(to, {"-append", kernel_words(what)});
}

void add_network(std::vector<std::string>& to, qemu_machine const& what) {
    if (what.mac.empty()) return;
    auto const is_dummy = what.begins == beginning::become_template;
    if (!is_dummy) add(to, {"-netdev", fmt::format("tap,id=net,fd={}", tap_descriptor)});
    auto const peer = is_dummy ? "" : "netdev=net,";
    add(to, {"-device", fmt::format("virtio-net-device,{}mac={}", peer, what.mac)});
}

void add_channels(std::vector<std::string>& to) {
    add(to, {"-chardev", channel("console", console_descriptor), "-serial", "chardev:console"});
    add(to, {"-chardev", channel("monitor", monitor_descriptor), "-mon", "chardev=monitor,mode=control"});
    add(to, {"-chardev", channel("control", control_descriptor), "-device", "virtio-serial-device", "-device",
             "virtserialport,chardev=control,name=rik.control"});
}

}  // namespace

std::string kernel_words(qemu_machine const& what) {
    std::string words =
        "console=ttyS0 loglevel=3 panic=-1 8250.nr_uarts=1 cryptomgr.notests rcupdate.rcu_expedited=1 audit=0 "
        "random.trust_cpu=on";
    if (what.begins == beginning::become_template) words += fmt::format(" {}", template_word);
    if (what.runs_on == accelerator::kvm) return words;
    // What emulation makes slow, and what protects against nothing there.
    return words + fmt::format(" tsc_early_khz={} no_timer_check mitigations=off lsm=", what.tsc_khz);
}

std::vector<std::string> qemu_arguments(qemu_machine const& what) {
    std::vector<std::string> all;
    auto const is_emulated = what.runs_on == accelerator::tcg;
    add(all, {"-name", what.name, "-nodefaults", "-no-user-config", "-display", "none"});
    add(all, {"-accel", is_emulated ? "tcg,tb-size=32" : "kvm", "-cpu", is_emulated ? "max" : "host"});
    add_memory(all, what);
    add_kernel(all, what);
    add_disk(all, what);
    add_network(all, what);
    add_channels(all);
    add(all, {"-device", "pvpanic", "-no-reboot", "-action", "panic=exit-failure"});
    add(all, {"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"});
    return all;
}

}  // namespace rik::detail

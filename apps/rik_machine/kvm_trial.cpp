#include "kvm_trial.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <memory>

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace rik::machine_program {

namespace {

constexpr std::size_t memory_bytes = 4u << 20;
constexpr std::uint32_t rounds = 2'000'000;  // some milliseconds
constexpr long patience_ns = 100'000'000;
constexpr std::uint64_t code_at = 0x10000;
constexpr std::uint16_t answer_port = 0x10;
constexpr std::uint8_t answer = 'K';

kvm_run* running = nullptr;

void interrupt(int) {
    if (running != nullptr) running->immediate_exit = 1;
}

std::string failure(char const* step) { return std::string(step) + ": " + std::strerror(errno); }

template <class T>
void put(std::uint8_t* memory, std::uint64_t at, T value) {
    std::memcpy(memory + at, &value, sizeof value);
}

/// Page tables that map the first 4 MiB to themselves, and a loop that counts down and then tells.
void fill(std::uint8_t* memory) {
    constexpr std::uint64_t present_writable = 3;
    constexpr std::uint64_t large = 0x80;
    put(memory, 0x1000, std::uint64_t{0x2000} | present_writable);
    put(memory, 0x2000, std::uint64_t{0x3000} | present_writable);
    put(memory, 0x3000, std::uint64_t{0} | present_writable | large);
    put(memory, 0x3008, std::uint64_t{0x200000} | present_writable | large);
    // dec ecx; jnz back; mov al, answer; out answer_port, al; hlt
    std::uint8_t const code[] = {0xff, 0xc9, 0x75, 0xfc, 0xb0, answer, 0xe6, answer_port, 0xf4};
    std::memcpy(memory + code_at, code, sizeof code);
}

/// As a kernel of 64 bits has it.
void enter_long_mode(kvm_sregs& registers) {
    registers.cr3 = 0x1000;
    registers.cr4 = 0x20;        // physical address extension
    registers.cr0 = 0x80050033;  // paging, protection
    registers.efer = 0x500;      // long mode, active
    kvm_segment code{};
    code.limit = 0xffffffff;
    code.selector = 8;
    code.present = 1;
    code.type = 11;
    code.s = 1;
    code.l = 1;
    code.g = 1;
    auto data = code;
    data.type = 3;
    data.selector = 16;
    data.l = 0;
    data.db = 1;
    registers.cs = code;
    registers.ds = registers.es = registers.fs = registers.gs = registers.ss = data;
}

std::string prepare(int kvm, int machine, int processor) {
    auto* const memory = static_cast<std::uint8_t*>(
        ::mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    if (memory == MAP_FAILED) return failure("memory");
    fill(memory);
    kvm_userspace_memory_region region{};
    region.memory_size = memory_bytes;
    region.userspace_addr = reinterpret_cast<std::uint64_t>(memory);
    if (::ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region) != 0) return failure("its memory");
    auto const size = ::ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    auto* const shared =
        ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED, processor, 0);
    if (shared == MAP_FAILED) return failure("its processor's state");
    running = static_cast<kvm_run*>(shared);
    kvm_sregs special{};
    if (::ioctl(processor, KVM_GET_SREGS, &special) != 0) return failure("registers");
    enter_long_mode(special);
    kvm_regs plain{};
    plain.rflags = 2;
    plain.rcx = rounds;
    plain.rsp = 0x8000;
    plain.rip = code_at;
    if (::ioctl(processor, KVM_SET_SREGS, &special) != 0 || ::ioctl(processor, KVM_SET_REGS, &plain) != 0)
        return failure("registers");
    return {};
}

void set_alarm() {
    struct sigaction on_alarm {};
    on_alarm.sa_handler = interrupt;
    ::sigaction(SIGALRM, &on_alarm, nullptr);
    sigset_t alarm;
    ::sigemptyset(&alarm);
    ::sigaddset(&alarm, SIGALRM);
    ::sigprocmask(SIG_UNBLOCK, &alarm, nullptr);
    timer_t timer{};
    sigevent how{};
    how.sigev_notify = SIGEV_SIGNAL;
    how.sigev_signo = SIGALRM;
    itimerspec when{};
    when.it_value.tv_nsec = patience_ns;
    if (::timer_create(CLOCK_PROCESS_CPUTIME_ID, &how, &timer) == 0) ::timer_settime(timer, 0, &when, nullptr);
}

std::string run(int processor) {
    set_alarm();
    while (::ioctl(processor, KVM_RUN, 0) != 0) {
        if (errno != EINTR) return failure("it does not run");
        if (running->immediate_exit != 0)
            return "it runs a kernel's code too slowly (a loop of 2,000,000 rounds took over 0.1 s)";
    }
    auto const* const said = reinterpret_cast<std::uint8_t const*>(running) + running->io.data_offset;
    if (running->exit_reason == KVM_EXIT_IO && running->io.port == answer_port && *said == answer) return {};
    return "it stops at an instruction (reason " + std::to_string(running->exit_reason) + ")";
}

}  // namespace

std::string try_kvm() {
    auto const kvm = ::open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0) return failure("/dev/kvm");
    auto const machine = ::ioctl(kvm, KVM_CREATE_VM, 0);
    if (machine < 0) return failure("/dev/kvm makes no machine");
    auto const processor = ::ioctl(machine, KVM_CREATE_VCPU, 0);
    if (processor < 0) return failure("/dev/kvm makes no processor");
    auto why = prepare(kvm, machine, processor);
    return why.empty() ? run(processor) : why;
}

}  // namespace rik::machine_program

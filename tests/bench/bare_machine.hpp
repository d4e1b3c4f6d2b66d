// A machine started by hand: QEMU with the very arguments, files and rights that rik gives it, and nothing else: no
// conmon, no keeper, no network of Pods, no node.
#pragma once

#include "runtime/microvm/machine_plan_detail.hpp"

#include <filesystem>
#include <string>

#include <sys/types.h>

namespace rik::bench {

namespace fs = std::filesystem;

/// Where HTTP is asked for, and from which network namespace; an empty one is this process's own.
struct http_target {
    std::string address;
    std::uint16_t port = 0;
    std::string network_namespace = {};
};

/// Asks again and again until the answer is 200. Throws std::runtime_error if none comes, or the program is
/// interrupted.
void await_answer(http_target const& from);

/// All that QEMU needs, copied from a machine that runs, whose own network is a namespace with nothing but its tap.
/// All functions throw std::runtime_error.
class bare_machine {
public:
    /// `plan`: the file that rik has written for its keeper. `address`: of its guest, in a /24 whose first one is that
    /// of the node.
    bare_machine(fs::path const& plan, fs::path root, std::string address);
    bare_machine(bare_machine const&) = delete;
    ~bare_machine();

    /// From nothing to its first answer, in milliseconds.
    double start(std::uint16_t port);
    void stop();

private:
    void make_network() const;
    void make_files() const;
    [[noreturn]] void run() const;

    fs::path root_;
    std::string address_;
    std::string name_;  ///< of the namespace and the tap
    std::string initramfs_;
    std::int64_t disk_bytes_ = 0;
    detail::machine_plan plan_;
    pid_t process_ = -1;
};

}  // namespace rik::bench

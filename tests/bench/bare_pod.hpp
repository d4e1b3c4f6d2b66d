// One Pod of one container by hand: the kernel and tool steps that an orchestrator cannot avoid, and nothing else.
#pragma once

#include "network/linux/interfaces_detail.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace rik::bench {

namespace fs = std::filesystem;

/// How the container is started once runc has made it: by `runc start`, or by what that does (reading the fifo).
enum class start_step { runc, fifo };

struct bare_options {
    fs::path root;            ///< what lasts as long as the container is made below it
    fs::path disk = {};       ///< and here what outlives it: upper layer, log, exit code; empty: there, too
    fs::path rootfs;          ///< of the image
    std::string tag;          ///< in the names of links and cgroups
    std::string subnet = {};  ///< nobody else on this machine may have it
    start_step start = start_step::fifo;
};

/// All functions throw std::runtime_error.
class bare_pod {
public:
    bare_pod(bare_options const& options, int number);
    /// From nothing to a running container.
    void start(detail::node_interfaces& links);
    /// Takes it all away again, however far `start` came.
    void remove() noexcept;

private:
    void make_directories() const;
    void pin_namespaces() const;
    void write_files() const;
    void mount_all() const;
    pid_t create() const;
    void start_container() const;
    std::vector<std::string> conmon_arguments() const;

    bare_options const& options_;
    int number_;
    std::string id_;
    fs::path directory_;
    fs::path lasting_;
    pid_t container_ = -1;
};

/// A root file system with busybox in it.
void make_busybox_rootfs(fs::path const& where);

/// Runs a program to its end; its exit code.
int run_program(std::vector<std::string> const& arguments);

/// Address ranges 10.N.0.0/16 that no route of this machine goes into, drawn by chance.
std::vector<std::string> free_ranges(int count);

/// Removes the cgroups `name` with all below, in every hierarchy.
void remove_cgroups(std::string_view name) noexcept;

}  // namespace rik::bench

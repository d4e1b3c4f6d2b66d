// The real program `rik`, with state, socket and addresses of its own.
#pragma once

#include <rik/client/client.hpp>
#include <rik/runtime/process.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace rik::bench {

namespace fs = std::filesystem;

/// What a process takes.
struct process_figures {
    double rss_mb = 0;
    double pss_mb = 0;
    double cpu_ms = 0;  ///< since it began, without its children
};

/// Everything of it is below `root`, which it makes and removes. All functions throw std::runtime_error.
class rik_server {
public:
    rik_server(fs::path program, fs::path root, std::string cluster_cidr, std::string oci_runtime = "runc",
               std::vector<std::string> more_arguments = {});
    rik_server(rik_server const&) = delete;
    /// Stops it and removes everything that it has left on the machine.
    ~rik_server();

    /// Returns when /readyz answers 200; how long that took, in milliseconds.
    double start();
    void stop();
    void reset();

    client connect() const { return client({.path = socket()}); }
    process_figures figures() const;
    fs::path images() const { return root_ / "state" / "images"; }

private:
    std::string socket() const { return (root_ / "rik.sock").string(); }
    std::vector<std::string> own_arguments() const;
    bool is_ready() const;

    fs::path program_;
    fs::path root_;
    std::string cluster_cidr_;
    std::string oci_runtime_;
    std::vector<std::string> more_arguments_;
    asio::io_context io_;
    std::optional<child_process> process_;
};

}  // namespace rik::bench

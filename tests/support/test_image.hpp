// Images and a registry for end-to-end tests, made offline from busybox-static. Needs umoci, skopeo, docker-registry.
#pragma once

#include <rik/runtime/process.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

/// A directory of its own, removed with everything in it at the end.
class temporary_directory {
public:
    temporary_directory();
    temporary_directory(temporary_directory const&) = delete;
    ~temporary_directory();
    std::filesystem::path const& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// What an image says, and what is in it beside busybox, its links in /bin, /etc/passwd and /etc/group (root, and
/// `app` with 1000:1000), /tmp (1777), /root, /proc, /sys, /dev, /run and /var.
struct test_image {
    std::vector<std::string> entrypoint = {};
    std::vector<std::string> cmd = {};
    std::vector<std::string> env = {};
    std::string user = {};
    std::string working_dir = {};
    std::string stop_signal = {};
    std::string os = "linux";
    std::string architecture = {};                                ///< empty: this machine's
    std::vector<std::pair<std::string, std::string>> files = {};  ///< (path in the image, content), mode 0755
};

/// Adds `what` as `tag` to the OCI layout at `layout`, which is made if it is not there. Returns "oci:LAYOUT:TAG".
/// Throws std::runtime_error with the tool's message.
std::string make_busybox_layout(std::filesystem::path const& layout, std::string const& tag, test_image const& what);

/// Makes an OCI layout at `layout` with one image, "1", of one layer, which has one file, 0640, and no entry for any
/// directory, not even the root's.
void make_plain_layout(std::filesystem::path const& layout, std::string const& file);

/// Runs a program to its end on an event loop of its own and returns its stdout.
/// Throws std::runtime_error when it fails or takes longer than a minute.
std::string run_tool(std::string const& program, std::vector<std::string> arguments);

/// A port of 127.0.0.1 that nobody listened on a moment ago.
std::uint16_t free_port();

/// docker-registry on a free port of 127.0.0.1, plain http. It dies with this object, and with the test program.
class test_registry {
public:
    explicit test_registry(std::filesystem::path storage);
    test_registry(test_registry const&) = delete;
    ~test_registry();

    std::uint16_t port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// Copies `source` ("oci:LAYOUT:TAG") to `repository` ("busybox:1"); returns the name to pull it by.
    std::string push(std::string const& source, std::string const& repository);
    void stop();
    /// On the same port, with what was pushed before.
    void start();

private:
    std::filesystem::path storage_;
    std::uint16_t port_;
    asio::io_context io_;
    std::optional<child_process> process_;
};

}  // namespace rik::testing

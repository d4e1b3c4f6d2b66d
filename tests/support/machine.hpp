// A private machine for tests of the network: own network and mount namespace, in this process. All of it vanishes with
// the process, whatever a test does. Needs root.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace rik::test {

enum class transport { tcp, udp };

/// Moves the calling thread, and the threads it starts from then on, into a new network and mount namespace with its
/// loopback up. Call it before any other thread lives. Does not forward packets.
void enter_private_machine();

/// Runs `work` on a thread of its own inside the network namespace of the file `where`.
void inside(std::filesystem::path const& where, std::function<void()> const& work);

/// Runs a shell command; its output. The test fails if it does.
std::string shell(std::string const& command);
std::string shell_inside(std::filesystem::path const& where, std::string const& command);

/// A directory that is removed at the end.
class scratch_directory {
public:
    scratch_directory();
    scratch_directory(scratch_directory const&) = delete;
    scratch_directory& operator=(scratch_directory const&) = delete;
    ~scratch_directory();
    std::filesystem::path const& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// A network namespace with its loopback up, pinned on a file: what a runtime makes for a Pod.
class pinned_namespace {
public:
    explicit pinned_namespace(std::filesystem::path file);
    pinned_namespace(pinned_namespace const&) = delete;
    pinned_namespace& operator=(pinned_namespace const&) = delete;
    ~pinned_namespace();
    std::filesystem::path const& path() const { return file_; }

private:
    std::filesystem::path file_;
};

/// Answers each call with "NAME ADDRESS": its name and where the call came from.
class name_server {
public:
    struct options {
        std::string name;
        std::uint16_t port = 0;
        transport over = transport::tcp;
    };
    name_server(std::filesystem::path const& where, options what);
    name_server(name_server const&) = delete;
    name_server& operator=(name_server const&) = delete;
    ~name_server();

private:
    void serve();
    options what_;
    int socket_ = -1;
    int stop_ = -1;  ///< an eventfd
    std::function<void()> join_;
};

struct endpoint {
    std::string address;
    std::uint16_t port = 0;
    transport over = transport::tcp;
};

/// The answer of a name_server at `to`, called from the namespace `where`; nullopt if none comes: it waits
/// for longer than TCP and ARP take to try again.
std::optional<std::string> call(std::filesystem::path const& where, endpoint const& to);
/// True if no answer comes at once.
bool is_silent(std::filesystem::path const& where, endpoint const& to);

/// The file of the calling thread's own network namespace.
std::filesystem::path here();

}  // namespace rik::test

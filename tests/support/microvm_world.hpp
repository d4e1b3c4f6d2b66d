// A runtime of machines on this machine for tests: directories, tag, network and root file system of its own, and
// nothing left at the end.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/entropy.hpp>
#include <rik/network/linux/linux_network.hpp>
#include <rik/runtime/microvm/microvm_runtime.hpp>

#include "support/last_will.hpp"
#include "support/machine.hpp"
#include "support/run.hpp"
#include "support/test_image.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace rik::testing {

class microvm_world;

/// Stops a runtime before it is destroyed, also when its test has failed.
struct microvm_closer {
    microvm_world* world = nullptr;
    void operator()(microvm_runtime* which) const;
};
using opened_microvm = std::unique_ptr<microvm_runtime, microvm_closer>;

/// Without templates, unless `adjust` says otherwise: only tests that look at them need them.
///
/// Enters a network and a mount namespace of its own with the whole process.
class microvm_world {
public:
    explicit microvm_world(std::function<void(microvm_options&)> adjust = {});
    microvm_world(microvm_world const&) = delete;
    ~microvm_world();

    /// Runs `work` on the runtime's strand to its end.
    template <class T>
    T run(awaitable<T> work) {
        return run_elsewhere(io_, std::move(work));
    }

    /// Its value. Throws std::runtime_error with its error.
    template <class T>
    T get(awaitable<result<T>> work) {
        auto got = run(std::move(work));
        if (!got) throw std::runtime_error(to_string(got.error()));
        if constexpr (!std::is_void_v<T>) return std::move(*got);
    }

    /// Its error; one of code `internal` that says so if there is none.
    template <class T>
    error failure(awaitable<result<T>> work) {
        auto const got = run(std::move(work));
        return got ? error{errc::internal, "no error"} : got.error();
    }

    microvm_options options();
    /// Opens a runtime of the same directories, as another process would.
    opened_microvm open();
    microvm_runtime& runtime() { return *runtime_; }
    network& pods() { return *pods_; }
    /// 10.210.3.0/24, so that the node is 10.210.3.1.
    void open_network(std::vector<pod_attachment> present = {});

    clock& time() { return time_; }
    asio::any_io_executor executor() { return io_.get_executor(); }
    std::filesystem::path const& root() const { return directory_.path(); }
    std::string const& tag() const { return tag_; }
    /// A file system with busybox.
    std::filesystem::path const& base() const { return base_; }

    instance_id new_instance() { return instance_id::generate(random_); }
    /// A sandbox with a new uid.
    instance_id make_sandbox(std::string hostname = "machine");
    container_request request(instance_id const& instance, std::vector<std::string> command,
                              std::string name = "function");
    /// The same on the network, with an address and what the ports say.
    pod_attachment attach(instance_id const& instance, std::string address, std::vector<container_port> ports = {});

    container_key start(container_request request);
    container_exit wait(container_key key);
    std::string read_log(container_key key, container_log_options options = {});
    /// Waits until the log has `text`; returns the log. Throws std::runtime_error if it does not come.
    std::string wait_for_log(container_key key, std::string const& text);

    /// Directories of cgroups, mounts, processes, links and users' files that carry the tag or the directory.
    std::vector<std::string> leftovers() const;
    /// QEMUs of this world.
    std::vector<pid_t> machines() const { return find("qemu-system-x86_64"); }
    std::vector<pid_t> keepers() const { return find("rik-machine"); }

private:
    std::vector<pid_t> find(std::string const& program) const;

    std::function<void(microvm_options&)> adjust_;
    temporary_directory directory_;
    system_clock time_;
    system_entropy random_;
    std::string tag_;
    last_will will_{root(), tag_};
    std::filesystem::path base_;
    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    std::optional<asio::thread_pool> pool_;
    std::optional<asio::thread_pool> namespaces_;
    std::jthread strand_;
    /// When the constructor throws, too.
    struct stopper {
        asio::io_context& of;
        ~stopper() { of.stop(); }
    } stops_{io_};
    std::optional<linux_network> pods_;
    opened_microvm runtime_;
};

/// What answers there, as soon as something does: the program in a machine takes its time. Nothing if that is too long.
std::optional<std::string> call_patiently(test::endpoint const& to);

}  // namespace rik::testing

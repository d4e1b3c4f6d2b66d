// A runtime on this machine for tests: directories, tag and image of its own, and nothing left at the end.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/runtime/oci/oci_runtime.hpp>

#include "support/last_will.hpp"
#include "support/run.hpp"
#include "support/test_image.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace rik::testing {

class oci_world;

/// Stops a runtime before it is destroyed, also when its test has failed.
struct runtime_closer {
    oci_world* world = nullptr;
    void operator()(oci_runtime* which) const;
};
using opened_runtime = std::unique_ptr<oci_runtime, runtime_closer>;

class oci_world {
public:
    /// `adjust` changes the options of its runtime, and of those that `open` gives.
    explicit oci_world(std::function<void(oci_options&)> adjust = {});
    oci_world(oci_world const&) = delete;
    /// Removes what the tests left behind, whether or not they passed.
    ~oci_world();

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

    oci_options options();
    /// Opens a runtime of the same directories, as another process would.
    opened_runtime open();
    void close(opened_runtime which) { which.reset(); }

    oci_runtime& runtime() { return *runtime_; }
    clock& time() { return time_; }
    asio::any_io_executor executor() { return io_.get_executor(); }
    std::filesystem::path const& root() const { return directory_.path(); }
    std::string const& tag() const { return tag_; }

    /// busybox with passwd and group of root, app (1000:1000, also in extra 2000).
    std::shared_ptr<image> busybox() const;

    instance_id new_instance() { return instance_id::generate(random_); }
    /// A sandbox with a new uid.
    instance_id make_sandbox(std::string hostname = "pod");
    container_request request(instance_id const& instance, std::vector<std::string> command, std::string name = "main");

    /// Starts it; its key.
    container_key start(container_request request);
    container_exit wait(container_key key);
    /// All that a reader gives to the end.
    std::string read_log(container_key key, container_log_options options);

    /// Directories of cgroups, mounts and processes that carry the tag or the directory.
    std::vector<std::string> leftovers() const;

private:
    std::function<void(oci_options&)> adjust_;
    temporary_directory directory_;
    system_clock time_;
    system_entropy random_;
    std::string tag_;
    last_will will_{root(), tag_};
    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    asio::thread_pool pool_{3};
    asio::thread_pool namespaces_{1};
    std::jthread strand_{[this] { io_.run(); }};
    opened_runtime runtime_;
};

}  // namespace rik::testing

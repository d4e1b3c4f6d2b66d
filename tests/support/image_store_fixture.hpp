// An image store for end-to-end tests, what it runs on, and registries that behave badly.
#pragma once

#include <rik/async/task_group.hpp>
#include <rik/runtime/oci/image_store.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/test_image.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rik::test {

using namespace std::chrono_literals;

inline testing::test_image plain_image() {
    testing::test_image what;
    what.entrypoint = {"/bin/sh", "-c"};
    what.cmd = {"sleep 1000"};
    what.env = {"FOO=bar baz"};
    what.user = "app";
    what.working_dir = "/tmp";
    what.stop_signal = "SIGINT";
    what.files = {{"/hello", "first"}};
    return what;
}

class counting_sink final : public log_sink {
public:
    void write(log_level level, std::string_view, std::span<log_field const>) override {
        if (level == log_level::info) ++pulls;
        if (level == log_level::warning) ++warnings;
    }
    int pulls = 0;
    int warnings = 0;
};

/// The machine's clock, set forward.
class skipping_clock final : public rik::clock {
public:
    time_point now() const override { return real_.now() + skipped_; }
    wall_time wall() const override { return real_.wall(); }
    awaitable<> sleep_until(time_point when) override { return real_.sleep_until(when - skipped_); }
    void pass(duration length) { skipped_ += length; }

private:
    rik::system_clock real_;
    duration skipped_{};
};

/// A store, what it runs on, and where it keeps its files.
class image_store_fixture {
public:
    ~image_store_fixture() {
        close();
        pool.join();
    }

    void open(std::vector<std::string> insecure, std::size_t pulls_at_once_max = limits::pulls_at_once_max) {
        oci_images_options options{.state_directory = directory.path() / "state"};
        options.insecure_registries = std::move(insecure);
        options.pulls_at_once_max = pulls_at_once_max;
        options.pull_timeout = 20s;
        auto opened =
            oci_images::open(io.get_executor(), pool.get_executor(), time, std::move(options), rik::log(sink));
        if (!opened) FAIL(opened.error());
        store = std::move(*opened);
    }
    void close() {
        if (store) testing::run(io, store->stop());
        store.reset();
    }
    result<image_ptr> ensure(std::string const& name, std::optional<image_pull_policy> policy = {}) {
        return testing::run(io, store->ensure(name, policy));
    }
    std::vector<node_image> load(load_images what) {
        auto got = testing::run(io, store->load(std::move(what)));
        if (!got) FAIL(got.error());
        return std::move(*got);
    }
    std::vector<node_image> held() { return testing::run(io, store->list_all_images()).value(); }
    result<void> remove(image_removal what) { return testing::run(io, store->remove(std::move(what))); }
    image_ptr get(std::string const& name) {
        auto const got = ensure(name);
        if (!got) FAIL(got.error());
        return *got;
    }
    errc code_of(std::string const& name) {
        auto const got = ensure(name);
        REQUIRE(!got.has_value());
        INFO(got.error());
        CHECK(got.error().message.starts_with("image " + name + ": "));
        return got.error().code;
    }
    std::string layout() { return directory.path() / "layout"; }

    testing::temporary_directory directory;
    skipping_clock time;
    counting_sink sink;
    asio::io_context io;
    asio::thread_pool pool{2};
    std::unique_ptr<oci_images> store;
};

/// A registry that takes connections and never says a word.
class silent_registry {
public:
    explicit silent_registry(std::uint16_t port = 0)
        : acceptor_(io_, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port)) {}
    std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

private:
    asio::io_context io_;
    asio::ip::tcp::acceptor acceptor_;
};

inline std::string read(std::filesystem::path const& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline std::filesystem::path tree_of(image_ptr const& what) { return what->tree.parent_path(); }

inline bool machine_is_amd64() { return testing::run_tool("uname", {"-m"}) == "x86_64\n"; }

inline awaitable<> ensure_into(oci_images& store, std::string name, std::optional<result<image_ptr>>& out) {
    out.emplace(co_await store.ensure(std::move(name), std::nullopt));
}

inline awaitable<> stop_after(oci_images& store, duration pause) {
    system_clock time;
    co_await time.sleep_for(pause);
    co_await store.stop();
}

/// Cancels `victims` as soon as umoci has begun to unpack below `scratch`; true if it came to that.
inline awaitable<> cancel_while_unpacking(task_group& victims, std::filesystem::path scratch, bool& is_unpacking) {
    rik::system_clock time;
    for (int look = 0; look < 5000 && !is_unpacking; ++look) {
        co_await time.sleep_for(1ms);
        std::error_code gone;
        for (auto const& each : std::filesystem::directory_iterator(scratch, gone)) {
            is_unpacking = is_unpacking || std::filesystem::exists(each.path() / "image-1/rootfs", gone);
        }
    }
    victims.cancel();
}

inline awaitable<> cancel_after(task_group& victims, duration pause) {
    system_clock time;
    co_await time.sleep_for(pause);
    victims.cancel();
}

}  // namespace rik::test

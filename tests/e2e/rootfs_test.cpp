// Root file systems from files and from a server that behaves badly; no machine is started.
#include <rik/runtime/microvm/rootfs_store.hpp>

#include <rik/async/deadline.hpp>

#include "contract/event_loop.hpp"
#include "support/catch.hpp"
#include "support/machine.hpp"
#include "support/read_text.hpp"
#include "support/scratch_directory.hpp"

#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <csignal>

#include <unistd.h>

namespace rik::testing {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// Files, a server of them, and a store.
class store_world {
public:
    store_world() {
        test::shell(
            "mkdir -p " + files().string() + " && cd " + files().string() +
            " && mkdir -p tree/bin tree/etc && echo hello > tree/etc/motd && "
            "mke2fs -q -F -t ext4 -d tree plain.ext4 8M && mke2fs -q -F -t ext2 -O ^has_journal -d tree old.ext2 4M && "
            "head -c 5000000 plain.ext4 > short.ext4 && tar -cf tree.tar -C tree . && gzip -k -c tree.tar > "
            "tree.tar.gz && "
            "zstd -q -k tree.tar -o tree.tar.zst && gzip -c plain.ext4 > plain.ext4.gz && xz -k -c tree.tar > "
            "tree.tar.xz && "
            "cp plain.ext4 plain.ext4.new && echo bye > bye && debugfs -w -R 'write bye /bye' plain.ext4.new "
            "2>/dev/null && "
            "mknod tree/etc/null c 1 3 && tar -cf device.tar -C tree . && rm tree/etc/null && "
            "head -c 100 tree.tar.gz > cut.tar.gz && truncate -s 600M zeros && gzip -c zeros > bomb.gz && rm zeros && "
            "printf 'QFI\\373aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' > image.qcow2 && echo '<html>' > page");
        test::shell("cd " + files().string() +
                    " && mkdir up && echo evil > up/x && tar -P -cf up.tar -C tree ../up/x && rm -r up");
        auto const said = (root_.path() / "port").string();
        server_ = test::shell("python3 " RIK_TEST_ROOTFS_SERVER " " + files().string() + " >" + said +
                              " 2>/dev/null & echo $!; for i in $(seq 300); do test -s " + said +
                              " && break; sleep 0.1; done");
        port_ = test::shell("head -n 1 " + said + " | tr -d '\\n'");
        reopen();
    }
    store_world(store_world const&) = delete;
    ~store_world() {
        close();
        ::kill(std::stoi(server_), SIGKILL);
    }

    void reopen(duration stall_time_max = 2s) {
        if (store_) close();
        rootfs_store_options options{.state_directory = root_.path() / "store"};
        options.unpacked_bytes_max = std::int64_t{300} << 20;
        options.stall_time_max = stall_time_max;
        auto opened =
            rootfs_store::open(loop_.executor(), pool_.get_executor(), loop_.time(), std::move(options), log());
        REQUIRE(opened);
        store_ = std::move(*opened);
    }
    void close() {
        loop_.run(store_->stop());
        store_.reset();
    }

    result<image_ptr> ensure(std::string name, std::optional<image_pull_policy> policy = {}) {
        return loop_.run(store_->ensure(std::move(name), policy));
    }
    image_ptr get(std::string name) {
        auto got = ensure(std::move(name));
        if (!got) FAIL(got.error());
        return *got;
    }
    error failure(std::string name) {
        INFO(name);
        auto const got = ensure(std::move(name));
        REQUIRE_FALSE(got);
        return got.error();
    }
    std::string url(std::string const& path) const { return "http://127.0.0.1:" + port_ + "/" + path; }
    std::string sent_count() const { return test::shell("curl -s " + url("count")); }
    fs::path files() const { return root_.path() / "files"; }
    std::size_t work_count() const {
        auto const all = fs::directory_iterator(root_.path() / "store" / "work");
        return static_cast<std::size_t>(std::distance(all, {}));
    }
    rootfs_store& store() { return *store_; }
    real_loop& loop() { return loop_; }

private:
    scratch_directory root_;
    std::string port_;
    std::string server_;
    real_loop loop_;
    asio::thread_pool pool_{2};
    std::unique_ptr<rootfs_store> store_;
};

std::string motd_of(image_ptr const& from) {
    return test::shell("debugfs -R 'cat /etc/motd' " + from->tree.string() + " 2>&1 | tail -n 1");
}

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("file systems and archives become files that a machine can have", "[e2e][microvm]") {
    store_world world;
    for (auto const* each : {"plain.ext4", "old.ext2", "tree.tar", "tree.tar.gz", "tree.tar.zst", "tree.tar.xz",
                             "plain.ext4.gz", "device.tar"}) {
        INFO(each);
        auto const of_file = world.get((world.files() / each).string());
        CHECK(motd_of(of_file) == "hello\n");
        CHECK((fs::status(of_file->tree).permissions() & fs::perms::owner_write) == fs::perms::none);
        CHECK(world.get(world.url(each))->digest == of_file->digest);
    }
    CHECK(world.work_count() == 0);
}

TEST_CASE("a root file system is fetched once, and again when it has changed", "[e2e][microvm]") {
    store_world world;
    auto const first = world.get(world.url("tree.tar"));
    CHECK(world.sent_count() == "1");
    CHECK(world.get(world.url("tree.tar"))->digest == first->digest);
    world.reopen();
    CHECK(world.get(world.url("tree.tar"))->digest == first->digest);
    CHECK(world.sent_count() == "1");
    test::shell("cd " + world.files().string() + " && echo bye > tree/etc/motd && tar -cf tree.tar -C tree .");
    auto const second = world.get(world.url("tree.tar"));
    CHECK(motd_of(second) == "bye\n");
    CHECK(world.sent_count() == "2");

    auto const pinned = world.url("tree.tar@" + second->digest);
    CHECK(world.get(pinned)->digest == second->digest);
    auto const count = world.sent_count();
    CHECK(world.get(pinned)->digest == second->digest);
    CHECK(world.sent_count() == count);
    CHECK(world.failure(world.url("tree.tar@" + first->digest)).code == errc::corrupt);

    auto const resumed = world.get(world.url("cut/plain.ext4"));
    CHECK(resumed->digest == world.get((world.files() / "plain.ext4").string())->digest);
    image_removal which{.digest = resumed->digest};
    auto const removed = world.loop().run(world.store().remove(which));
    CHECK(removed);
    CHECK_FALSE(fs::exists(resumed->tree));
    CHECK_FALSE(world.ensure(world.url("cut/plain.ext4"), image_pull_policy::never));
}

TEST_CASE("parts of two files are never put together", "[e2e][microvm]") {
    store_world world;
    auto const wanted = world.get((world.files() / "plain.ext4.new").string())->digest;
    CHECK(world.get(world.url("swap/plain.ext4"))->digest == wanted);
    CHECK(world.get(world.url("rude/plain.ext4"))->digest == wanted);
}

TEST_CASE("the version of a file is its own, and not that of a redirect to it", "[e2e][microvm]") {
    store_world world;
    auto const name = world.url("sent-on/tree.tar");
    auto const first = world.get(name);
    world.reopen();
    auto const all = world.loop().run(world.store().list_all_images());
    REQUIRE(all.has_value());
    REQUIRE(all->size() == 1);
    CHECK(all->front().names == std::vector{name});
    test::shell("cd " + world.files().string() + " && echo bye > tree/etc/motd && tar -cf tree.tar -C tree .");
    CHECK(motd_of(world.get(name)) == "bye\n");
}

TEST_CASE("an image of two names is listed once, and removed with both", "[e2e][microvm]") {
    store_world world;
    auto const one = world.get(world.url("tree.tar"));
    CHECK(world.get((world.files() / "tree.tar").string())->digest == one->digest);
    auto const all = world.loop().run(world.store().list_all_images());
    REQUIRE(all.has_value());
    REQUIRE(all->size() == 1);
    CHECK(all->front().names.size() == 2);
    CHECK(world.loop().run(world.store().remove({.digest = one->digest})));
    auto const left = world.loop().run(world.store().list_all_images());
    CHECK(left->empty());
}

TEST_CASE("what nobody waits for any more is not fetched any further, and leaves nothing", "[e2e][microvm]") {
    store_world world;
    world.reopen(10min);  // the server would not be given up
    auto& loop = world.loop();
    auto fetching = world.store().ensure(world.url("stall/plain.ext4"), std::nullopt);
    auto const late = loop.run(with_deadline(loop.time(), loop.time().now() + 1s, std::move(fetching)));
    REQUIRE_FALSE(late);
    CHECK(late.error().code == errc::timed_out);
    for (int tries = 0; tries < 100 && world.work_count() > 0; ++tries) loop.run(loop.time().sleep_for(50ms));
    CHECK(world.work_count() == 0);
    CHECK(test::shell("pgrep --parent " + std::to_string(::getpid()) + " --exact curl || true").empty());
    CHECK(world.get(world.url("plain.ext4"))->digest == world.get((world.files() / "plain.ext4").string())->digest);
}

TEST_CASE("what is no root file system, or does not come, is an error that says so, and leaves nothing",
          "[e2e][microvm]") {
    store_world world;
    CHECK(world.failure(world.url("nothing")).code == errc::not_found);
    CHECK(world.failure((world.files() / "nothing").string()).code == errc::not_found);
    CHECK(world.failure(world.url("loop")).code == errc::unavailable);
    CHECK(world.failure("http://127.0.0.1:1/x").code == errc::unavailable);
    CHECK(world.failure(world.url("stall/plain.ext4")).code == errc::timed_out);
    CHECK(world.failure(world.url("half/plain.ext4")).code == errc::corrupt);
    CHECK(world.failure(world.url("short.ext4")).code == errc::corrupt);
    CHECK(world.failure(world.url("cut.tar.gz")).code == errc::corrupt);
    CHECK(world.failure(world.url("up.tar")).code == errc::corrupt);
    auto const image = world.failure(world.url("image.qcow2"));
    CHECK(image.code == errc::unsupported);
    CHECK(has(image.message, "qcow2"));
    CHECK(world.failure(world.url("page")).code == errc::unsupported);
    CHECK(world.failure(world.url("bomb.gz")).code == errc::exhausted);
    CHECK(world.failure("/etc").code == errc::invalid);
    CHECK(world.work_count() == 0);
    CHECK_FALSE(fs::exists(world.files().parent_path() / "store/up"));
}

}  // namespace rik::testing

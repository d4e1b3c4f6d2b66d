// Images from archives, their removal, and trees that were made by earlier releases. Needs root.
#include "support/image_store_fixture.hpp"

#include <sys/mount.h>
#include <sys/stat.h>

using namespace rik;
using namespace rik::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using fixture = image_store_fixture;

TEST_CASE("an archive of docker gives its images the names that it has", "[e2e][images]") {
    fixture f;
    auto const source = rik::testing::make_busybox_layout(f.layout(), "1", plain_image());
    auto const archive = (f.directory.path() / "x.tar").string();
    rik::testing::run_tool(
        "skopeo", {"copy", "-q", "--additional-tag", "r.io:5000/x:2", source, "docker-archive:" + archive + ":x:1"});
    f.open({});
    auto const loaded = f.load({archive});
    REQUIRE(loaded.size() == 1);
    CHECK(loaded[0].names == std::vector<std::string>{"r.io:5000/x:2", "x:1"});
    CHECK(loaded[0].size_bytes > 500'000);
    for (auto const* each : {"x:1", "docker.io/library/x:1", "docker://x:1", "r.io:5000/x:2"}) {
        CHECK(f.get(each)->digest == loaded[0].digest);
        CHECK(f.ensure(each, image_pull_policy::never).has_value());
    }
    rik::testing::run_tool("gzip", {"--keep", archive});
    auto const compressed = rik::testing::run(f.io, f.store->load({archive + ".gz"}));
    REQUIRE(compressed.has_error());
    CHECK(compressed.error().code == errc::unsupported);
    CHECK(compressed.error().message.find("compressed") != std::string::npos);
    f.close();
    f.open({});
    CHECK(f.ensure("x:1", image_pull_policy::if_not_present)->get()->digest == loaded[0].digest);
}

TEST_CASE("OCI archives and layouts are loaded, with a name where they have none", "[e2e][images]") {
    fixture f;
    auto const source = rik::testing::make_busybox_layout(f.layout(), "1", plain_image());
    auto const archive = (f.directory.path() / "x.tar").string();
    rik::testing::run_tool("skopeo", {"copy", "-q", source, "oci-archive:" + archive + ":team/app:3"});
    f.open({});
    CHECK(f.load({archive})[0].names == std::vector<std::string>{"team/app:3"});
    CHECK(f.load({f.layout(), "other:1"})[0].names == std::vector<std::string>{"other:1", "team/app:3"});
    auto const refusal = [&](load_images what) {
        auto const got = rik::testing::run(f.io, f.store->load(std::move(what)));
        REQUIRE(got.has_error());
        INFO(got.error());
        CHECK(!got.error().message.empty());
        return got.error().code;
    };
    CHECK(refusal({f.layout()}) == errc::unsupported);  // "1" alone
    CHECK(refusal({f.directory.path() / "nothing"}) == errc::not_found);
    CHECK(refusal({f.directory.path()}) == errc::unsupported);
    CHECK(refusal({f.layout() + "/index.json"}) == errc::unsupported);
    CHECK(refusal({"x.tar"}) == errc::invalid);
    CHECK(refusal({"/a:b.tar"}) == errc::invalid);
    CHECK(refusal({"/dev/null"}) == errc::unsupported);
    fs::resize_file(archive, fs::file_size(archive) / 2);
    CHECK(refusal({archive}) != errc::internal);
    CHECK(fs::is_empty(f.directory.path() / "state/images/tmp"));
}

TEST_CASE("what is removed is not there, and its room on the disk is free", "[e2e][images]") {
    fixture f;
    auto what = plain_image();
    auto const images = f.directory.path() / "state/images";
    f.open({});
    f.load({rik::testing::make_busybox_layout(f.layout(), "1", what).substr(4, f.layout().size()), "a:1"});
    f.load({f.layout(), "b:1"});
    auto const digest = f.get("a:1")->digest;
    CHECK(f.remove({.digest = digest, .only_name = "docker.io/library/a:1"}).has_value());
    CHECK(f.ensure("a:1", image_pull_policy::never).has_error());
    CHECK(f.ensure("b:1", image_pull_policy::never).has_value());
    CHECK(f.remove({.digest = digest, .only_name = "b:1"}).has_value());
    CHECK(f.ensure("b:1", image_pull_policy::never).has_error());
    CHECK(f.held().empty());
    CHECK(f.remove({.digest = digest}).error().code == errc::not_found);
    CHECK(f.remove({.digest = "sha256:../.."}).error().code == errc::not_found);
    f.close();
    CHECK(fs::is_empty(images / "blobs/sha256"));
    CHECK(fs::is_empty(images / "layouts"));
    CHECK(fs::is_empty(images / "names"));
    f.open({});
    CHECK(f.load({f.layout(), "a:1"}).size() == 1);  // and again
    CHECK(f.remove({.digest = digest}).has_value());
}

TEST_CASE("a pull that fails leaves nothing, and takes nothing from others", "[e2e][images]") {
    fixture f;
    auto what = plain_image();
    auto const images = f.directory.path() / "state/images";
    auto const good = rik::testing::make_busybox_layout(f.layout(), "1", what);
    what.files = {{"/hello", "second"}};
    auto const other = rik::testing::make_busybox_layout(f.layout(), "2", what);
    auto const broken = (f.directory.path() / "broken").string();
    rik::testing::run_tool("skopeo", {"copy", "-q", "--dest-compress", "--dest-compress-format", "zstd", other,
                                      "oci:" + broken + ":1"});  // which umoci cannot unpack
    rik::testing::test_registry registry(f.directory.path() / "registry");
    f.open({registry.address()});
    auto const is_empty = [&] {
        return fs::is_empty(images / "blobs/sha256") && fs::is_empty(images / "layouts") &&
               fs::is_empty(images / "tmp");
    };
    CHECK(f.ensure("oci:" + broken + ":1").has_error());
    CHECK(is_empty());
    CHECK(f.ensure(registry.address() + "/nothing:1").has_error());
    CHECK(is_empty());
    CHECK(rik::testing::run(f.io, f.store->load({broken, "a:1"})).has_error());
    CHECK(is_empty());
    auto const name = registry.push(good, "busybox:latest");
    auto const first = f.get(name)->digest;
    registry.push("oci:" + broken + ":1", "busybox:latest");
    CHECK(f.ensure(name).has_error());
    CHECK(f.ensure(name, image_pull_policy::never)->get()->digest == first);
    CHECK(f.remove({.digest = first}).has_value());
    CHECK(is_empty());
}

TEST_CASE("what came of a download that was cut off serves the next try, for a while", "[e2e][images]") {
    fixture f;
    auto const images = f.directory.path() / "state/images";
    rik::testing::test_registry registry(f.directory.path() / "registry");
    auto const good = rik::testing::make_busybox_layout(f.layout(), "1", plain_image());
    f.open({registry.address()});
    auto const layer = images / "blobs/sha256" / std::string(64, 'a');
    auto const cut_off = [&] { std::ofstream(layer) << "a layer"; };
    auto const fail = [&] { CHECK(f.ensure(registry.address() + "/nothing:1").has_error()); };
    auto const grow_old = [&] { fs::last_write_time(layer, fs::file_time_type::clock::now() - 2h); };
    cut_off();
    fail();
    CHECK(fs::exists(layer));
    CHECK(f.ensure(good).has_value());
    CHECK(fs::exists(layer));
    grow_old();
    f.load({f.layout(), "a:1"});  // what was left is thought of at the end of each pull
    CHECK_FALSE(fs::exists(layer));
    cut_off();
    grow_old();
    fail();
    CHECK_FALSE(fs::exists(layer));
    cut_off();
    CHECK(f.ensure("oci:" + f.layout() + ":none").has_error());  // a file can be read anew
    CHECK_FALSE(fs::exists(layer));
    cut_off();
    CHECK(f.remove({.digest = f.get(good)->digest}).has_value());  // somebody wants room
    CHECK_FALSE(fs::exists(layer));
    cut_off();
    f.close();
    f.open({registry.address()});
    CHECK_FALSE(fs::exists(layer));
}

TEST_CASE("what a killed rik has left of a pull goes at the next start", "[e2e][images]") {
    fixture f;
    auto const images = f.directory.path() / "state/images";
    auto const name = rik::testing::make_busybox_layout(f.layout(), "1", plain_image());
    f.open({});
    auto const digest = f.get(name)->digest;
    f.close();
    auto const files_in = [](fs::path const& directory) {
        return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
    };
    auto const blob_count = files_in(images / "blobs/sha256");
    // Its record was not written yet; and blobs of a download, whose index was not written yet.
    fs::copy(*fs::directory_iterator(images / "layouts"), images / "layouts/cut-off", fs::copy_options::copy_symlinks);
    std::ofstream(images / "blobs/sha256" / std::string(64, 'a')) << "of nobody";
    fs::create_directories(images / "layouts/cut-off-earlier/blobs");
    f.open({});
    CHECK(files_in(images / "layouts") == 1);
    CHECK(files_in(images / "blobs/sha256") == blob_count);
    CHECK(f.ensure(name, image_pull_policy::never)->get()->digest == digest);
}

TEST_CASE("an image that was pulled by its tag is there by its digest, in its repository", "[e2e][images]") {
    fixture f;
    rik::testing::test_registry registry(f.directory.path() / "registry");
    auto const name = registry.push(rik::testing::make_busybox_layout(f.layout(), "1", plain_image()), "busybox:1");
    auto const repository = registry.address() + "/busybox";
    f.open({registry.address()});
    auto const digest = f.get(name)->digest;
    registry.stop();
    auto const has = [&](std::string const& of, image_pull_policy policy) { return f.ensure(of, policy).has_value(); };
    for (auto const policy : {image_pull_policy::never, image_pull_policy::if_not_present}) {
        auto const got = f.ensure(repository + "@" + digest, policy);
        REQUIRE(got.has_value());
        CHECK((*got)->digest == digest);
        CHECK((*got)->name == repository + "@" + digest);
        CHECK(has(repository + ":other@" + digest, policy));
        CHECK_FALSE(has(registry.address() + "/other@" + digest, policy));
        CHECK_FALSE(has(repository + "@sha256:" + std::string(64, '0'), policy));
    }
    CHECK(f.ensure(repository + "@" + digest).has_value());
    CHECK(f.remove({.digest = digest, .only_name = name}).has_value());
    CHECK_FALSE(has(repository + "@" + digest, image_pull_policy::never));
}

TEST_CASE("an image that a container has mounted is not removed", "[e2e][images]") {
    fixture f;
    rik::testing::make_busybox_layout(f.layout(), "1", plain_image());
    f.open({});
    f.load({f.layout(), "a:1"});
    auto const held = f.get("a:1");
    auto const place = f.directory.path() / "mount";
    for (auto const* each : {"upper", "work", "root"}) fs::create_directories(place / each);
    auto const options = "lowerdir=" + held->tree.string() + ",upperdir=" + (place / "upper").string() +
                         ",workdir=" + (place / "work").string();
    REQUIRE(::mount("overlay", (place / "root").c_str(), "overlay", 0, options.c_str()) == 0);
    auto const refused = f.remove({.digest = held->digest});
    ::umount2((place / "root").c_str(), MNT_DETACH);
    CHECK(refused.error().code == errc::conflict);
    CHECK(f.remove({.digest = held->digest}).has_value());
}

TEST_CASE("a tree that an earlier rik has made is made anew, without its registry", "[e2e][images]") {
    fixture f;
    rik::testing::test_registry registry(f.directory.path() / "registry");
    auto const name = registry.push(rik::testing::make_busybox_layout(f.layout(), "1", plain_image()), "busybox:1");
    f.open({registry.address()});
    auto const first = f.get(name);
    auto const mode = fs::status(first->tree).permissions();
    f.close();
    registry.stop();
    auto const images = f.directory.path() / "state/images";
    auto const old = images / ("sha256-" + first->digest.substr(7));
    fs::rename(tree_of(first), old);
    fs::permissions(old / "rootfs", fs::perms(0710));  // as some umask had made it
    f.open({registry.address()});
    auto const again = f.ensure(name, image_pull_policy::never);
    REQUIRE(again.has_value());
    CHECK(fs::status((*again)->tree).permissions() == mode);
    CHECK(f.sink.pulls == 1);
    f.close();
    CHECK(!fs::exists(old));
    CHECK(fs::is_empty(images / "trash"));
}

TEST_CASE("whatever the umask, what no layer says is 0755", "[e2e][images]") {
    fixture f;
    auto const mask = GENERATE(::mode_t(0), ::mode_t(027), ::mode_t(077));
    rik::testing::make_plain_layout(f.layout(), "a/b/hello");
    auto const ours = ::umask(mask);
    f.open({});
    auto const got = f.ensure("oci:" + f.layout() + ":1");
    ::umask(ours);
    REQUIRE(got.has_value());
    auto const mode_of = [&](char const* path) {
        return fs::status((*got)->tree / path).permissions() & fs::perms::mask;
    };
    for (auto const* each : {".", "a", "a/b"}) CHECK(mode_of(each) == fs::perms(0755));
    CHECK(mode_of("a/b/hello") == fs::perms(0640));  // as its layer says
}

// On which file systems containers can write. Needs root.
#include <rik/runtime/oci/oci_runtime.hpp>

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

#include <filesystem>
#include <string>

#include <sys/mount.h>

namespace rik::testing {

namespace fs = std::filesystem;

namespace {

class mounted {
public:
    mounted(char const* type, fs::path where, std::string const& options) : where_(std::move(where)) {
        fs::create_directories(where_);
        REQUIRE(::mount(type, where_.c_str(), type, 0, options.c_str()) == 0);
    }
    mounted(mounted const&) = delete;
    ~mounted() { ::umount2(where_.c_str(), MNT_DETACH); }
    fs::path const& path() const { return where_; }

private:
    fs::path where_;
};

}  // namespace

TEST_CASE("a file system on which containers can write is taken, and left as it was", "[e2e][runtime]") {
    scratch_directory const place;
    CHECK(oci_runtime::check_file_system(place.path()).has_value());
    CHECK(fs::is_empty(place.path()));
    mounted const memory("tmpfs", place.path() / "tmpfs", "size=1m");
    CHECK(oci_runtime::check_file_system(memory.path()).has_value());
    CHECK(fs::is_empty(memory.path()));
}

TEST_CASE("an overlay is refused, and what to do is said", "[e2e][runtime]") {
    scratch_directory const place;
    for (auto const* each : {"lower", "upper", "work"}) fs::create_directory(place.path() / each);
    auto const path = place.path().string();
    mounted const overlay("overlay", place.path() / "root",
                          "lowerdir=" + path + "/lower,upperdir=" + path + "/upper,workdir=" + path + "/work");
    auto const checked = oci_runtime::check_file_system(overlay.path());
    REQUIRE(checked.has_error());
    INFO(checked.error());
    CHECK(checked.error().code == errc::unsupported);
    CHECK(checked.error().message.find("it is on overlay") != std::string::npos);
    CHECK(checked.error().remedy.find("--state-dir") != std::string::npos);
    CHECK(fs::is_empty(overlay.path()));
}

TEST_CASE("a directory that is not there, or full, is told apart", "[e2e][runtime]") {
    scratch_directory const place;
    CHECK(oci_runtime::check_file_system(place.path() / "none").error().code == errc::not_found);
    mounted const memory("tmpfs", place.path() / "tmpfs", "size=1m,nr_inodes=4");
    CHECK(oci_runtime::check_file_system(memory.path()).error().code == errc::exhausted);
}

}  // namespace rik::testing

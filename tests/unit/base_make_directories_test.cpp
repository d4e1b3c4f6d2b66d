#include <rik/base/make_directories.hpp>

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

#include <fstream>

#include <sys/stat.h>

namespace rik {

namespace {

::mode_t mode_of(std::filesystem::path const& path) {
    struct ::stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    return about.st_mode & 07777;
}

}  // namespace

TEST_CASE("directories that are made are 0755 whatever the umask, and others stay as they are", "[unit][base]") {
    testing::scratch_directory const place;
    auto const mask = GENERATE(::mode_t(0), ::mode_t(022), ::mode_t(027), ::mode_t(077), ::mode_t(0777));
    auto const there = place.path() / "there";
    REQUIRE(::mkdir(there.c_str(), 0700) == 0);
    auto const ours = ::umask(mask);
    auto const made = make_directories(there / "a" / "b");
    auto const again = make_directories(there / "a" / "b" / "");
    CHECK(::umask(ours) == mask);
    CHECK_FALSE(made);
    CHECK_FALSE(again);
    CHECK(mode_of(there) == 0700);
    CHECK(mode_of(there / "a") == 0755);
    CHECK(mode_of(there / "a" / "b") == 0755);
}

TEST_CASE("a file in the way of a directory is an error", "[unit][base]") {
    testing::scratch_directory const place;
    std::ofstream(place.path() / "file") << "x";
    CHECK(make_directories(place.path() / "file" / "a") == std::errc::not_a_directory);
    CHECK(make_directories(place.path() / "file") == std::errc::file_exists);
}

}  // namespace rik

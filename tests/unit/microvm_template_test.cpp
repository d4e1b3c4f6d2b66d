// Files of templates: what is written is what a machine gets, and nothing that is damaged or another one's.
#include "../../apps/rik_machine/template_files.hpp"
#include "runtime/microvm/machine_template_detail.hpp"
#include "runtime/microvm/template_faults_detail.hpp"
#include "runtime/microvm/template_store_detail.hpp"

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

#include <rik/base/entropy.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::machine_program {

namespace {

constexpr std::uint64_t memory_bytes = 64 * detail::page_bytes;

std::string all_of(int file) {
    struct stat about {};
    ::fstat(file, &about);
    std::string text(static_cast<std::size_t>(about.st_size), 'x');
    auto const size = ::pread(file, text.data(), text.size(), 0);
    return size == about.st_size ? text : std::string();
}

void put(int file, std::string const& bytes, std::uint64_t at) {
    REQUIRE(::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at)) == static_cast<ssize_t>(bytes.size()));
}

std::string random_bytes(entropy& from, std::size_t count) {
    std::string made(count, '\0');
    for (auto& each : made) each = static_cast<char>(from.below(255) + 1);
    return made;
}

}  // namespace

TEST_CASE("a machine gets the memory and the state of a whole template, and of no other", "[unit][microvm]") {
    testing::scratch_directory directory;
    seeded_entropy random(7);
    detail::machine_plan plan;
    plan.warm_from = directory.path() / "one.template";
    plan.template_key = "0123456789abcdef";
    plan.memory_bytes = memory_bytes;
    template_files from;
    REQUIRE(make_memory(memory_bytes, from).empty());
    put(from.memory, random_bytes(random, 5000), 0);
    put(from.memory, random_bytes(random, 1), 30 * detail::page_bytes - 1);
    put(from.memory, random_bytes(random, detail::page_bytes), 63 * detail::page_bytes);
    put(from.state, random_bytes(random, 9001), 0);
    auto const file = ::open(plan.warm_from.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(write_template(plan, from, file).empty());
    struct stat about {};
    REQUIRE(::fstat(file, &about) == 0);
    CHECK(about.st_size == (1 + 3 + 1 + 4) * static_cast<off_t>(detail::page_bytes));

    template_files got;
    CHECK(copy_template(plan, got).empty());
    CHECK(all_of(got.memory) == all_of(from.memory));
    CHECK(all_of(got.state) == all_of(from.state));
    // Two machines write to their own memory only.
    put(got.memory, "changed", 0);
    template_files other;
    CHECK(copy_template(plan, other).empty());
    CHECK(all_of(other.memory) == all_of(from.memory));

    auto const whole = all_of(file);
    auto const is_refused = [&](detail::machine_plan const& by) {
        template_files none;
        return !copy_template(by, none).empty() && none.memory < 0;
    };
    auto foreign = plan;
    foreign.template_key = "0123456789abcdee";
    CHECK(is_refused(foreign));
    auto larger = plan;
    larger.memory_bytes *= 2;
    CHECK(is_refused(larger));
    auto nowhere = plan;
    nowhere.warm_from += "x";
    CHECK(is_refused(nowhere));
    for (std::size_t at = 0; at < whole.size(); at += 509) {
        if (at > 200 && at < detail::page_bytes) continue;  // what follows the line of the header
        auto const bit = std::string(1, static_cast<char>(whole[at] ^ 4));
        put(file, bit, at);
        INFO(at);
        CHECK(is_refused(plan));
        put(file, whole.substr(at, 1), at);
    }
    CHECK_FALSE(is_refused(plan));
    for (auto const size : {std::size_t{0}, std::size_t{1}, detail::page_bytes, whole.size() - 1, whole.size() + 1}) {
        REQUIRE(::ftruncate(file, static_cast<off_t>(size)) == 0);
        CHECK(is_refused(plan));
        put(file, whole, 0);
        REQUIRE(::ftruncate(file, static_cast<off_t>(whole.size())) == 0);
    }
    CHECK_FALSE(is_refused(plan));
    for (auto const each : {file, from.memory, from.state, got.memory, got.state, other.memory, other.state})
        ::close(each);
}

}  // namespace rik::machine_program

namespace rik::detail {

using namespace std::chrono_literals;

TEST_CASE("four templates are kept, those that were used last and those that are in use", "[unit][microvm]") {
    testing::scratch_directory directory;
    template_store const store(directory.path());
    auto const keep = [&](std::string const& key, std::multiset<std::string> const& spared = {}) {
        std::ofstream(store.half(key)) << key;
        REQUIRE(store.keep(key, spared));
    };
    auto const age = [&](std::string const& key, std::chrono::hours by) {
        auto const file = directory.path() / (key + ".template");
        std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() - by);
    };
    auto const names = [&] {
        std::set<std::string> found;
        for (auto const& each : std::filesystem::directory_iterator(directory.path()))
            found.insert(each.path().filename().string());
        return found;
    };
    auto hours = 10h;
    for (auto const* each : {"a", "b", "c", "d"}) {
        keep(each);
        age(each, hours--);
    }
    CHECK(store.find("x").empty());
    CHECK(store.find("a") == directory.path() / "a.template");  // that is its use
    keep("e");
    CHECK(names() == std::set<std::string>{"a.template", "c.template", "d.template", "e.template"});
    for (auto const* each : {"a", "d", "e"}) age(each, 1h);
    keep("f", {"c", "c"});  // it was used the longest time ago
    CHECK(names() == std::set<std::string>{"a.template", "c.template", "d.template", "e.template", "f.template"});
    keep("g");
    CHECK(names().size() == templates_max);
    CHECK_FALSE(names().contains("c.template"));
    store.forget("g");
    CHECK(store.find("g").empty());
}

TEST_CASE("a template that fails is left alone longer each time, until it works", "[unit][microvm]") {
    template_faults faults;
    time_point now{1h};
    CHECK(faults.may_try("a", now));
    CHECK(faults.add("a", 0, now));
    CHECK(faults.may_try("a", now));       // once is by chance
    CHECK_FALSE(faults.add("a", 0, now));  // another machine of the same template
    CHECK(faults.count("a") == 1);
    CHECK(faults.add("a", 1, now));
    CHECK_FALSE(faults.may_try("a", now + 59s));
    CHECK(faults.may_try("a", now + 1min));
    CHECK(faults.may_try("b", now));
    CHECK(faults.add("a", 2, now));
    CHECK_FALSE(faults.may_try("a", now + 119s));
    CHECK(faults.may_try("a", now + 2min));
    CHECK(template_pause(7) == 32min);
    CHECK(template_pause(8) == 1h);
    CHECK(template_pause(1'000'000) == 1h);
    faults.forgive("a");
    CHECK(faults.count("a") == 0);
    CHECK(faults.may_try("a", now));
}

TEST_CASE("faults of many kinds of templates take no room without an end", "[unit][microvm]") {
    template_faults faults;
    time_point const now{1h};
    faults.add("first", 0, now);
    faults.add("first", 1, now);
    for (std::size_t each = 0; each < 2 * template_fault_records_max; ++each)
        CHECK(faults.add("other " + std::to_string(each), 0, now));
    CHECK(faults.count("first") == 2);  // the one that must wait is kept
    std::size_t known = 0;
    for (std::size_t each = 0; each < 2 * template_fault_records_max; ++each)
        known += faults.count("other " + std::to_string(each));
    CHECK(known == template_fault_records_max - 1);
}

}  // namespace rik::detail

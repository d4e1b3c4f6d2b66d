#include "runtime_check_detail.hpp"

#include <rik/runtime/microvm/microvm_runtime.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

namespace rik {

namespace {

constexpr duration version_timeout = std::chrono::seconds(5);

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

/// "/usr/bin/runc (runc version 1.1.5)"
awaitable<std::string> described(std::filesystem::path program, clock& time) {
    auto text = program.string();
    command asked{.program = std::move(program), .arguments = {"--version"}};
    auto const told = co_await run_process(std::move(asked), time.now() + version_timeout);
    auto const version = told ? first_line(told->out.empty() ? told->err : told->out) : std::string();
    co_return version.empty() ? text : fmt::format("{} ({})", text, version);
}

/// What is looked for, and the package that has it.
struct wanted_program {
    std::string name;
    std::string package;
};

void note_missing(runtime_check& into, std::vector<std::string>& packages, wanted_program const& what) {
    into.lacking.push_back(fmt::format("no {}", what.name));
    if (std::ranges::find(packages, what.package) == packages.end()) packages.push_back(what.package);
}

std::string remedy_of(std::vector<std::string> const& packages, std::size_t lacking_count) {
    if (packages.empty()) return {};
    return fmt::format("install {} with: apt-get install {}", lacking_count == 1 ? "it" : "them",
                       fmt::join(packages, " "));
}

/// The one that a start would take, as far as names tell: which of two works is tried by the start.
std::filesystem::path find_maker(std::string const& wanted) {
    if (wanted.starts_with('/')) return std::filesystem::exists(wanted) ? wanted : std::string();
    for (auto const* const each : {"crun", "runc"}) {
        if (wanted != "auto" && wanted != each) continue;
        if (auto found = find_program(each)) return *found;
    }
    return {};
}

awaitable<runtime_check> check_oci(clock& time, std::string oci_runtime) {
    runtime_check made{.name = "oci"};
    std::vector<std::string> packages;
    auto const maker = find_maker(oci_runtime);
    if (maker.empty()) {
        auto const name = oci_runtime == "auto" ? std::string("runc") : oci_runtime;
        note_missing(made, packages, {name, name});
    } else {
        auto line = co_await described(maker, time);
        made.found.push_back(fmt::format("containers are made by {}", line));
    }
    for (auto const each : detail::container_programs) {
        auto const found = find_program(each);
        if (!found) {
            note_missing(made, packages, {std::string(each), std::string(each)});
            continue;
        }
        auto line = co_await described(*found, time);
        made.found.push_back(fmt::format("{}: {}", each, line));
    }
    // Nobody installs a program at a path by its name.
    std::erase_if(packages, [](std::string const& each) { return each.starts_with('/'); });
    made.remedy = remedy_of(packages, made.lacking.size());
    co_return made;
}

}  // namespace

runtime_check detail::check_microvm() {
    auto seen = microvm_runtime::check(microvm_options());
    runtime_check made{.name = "microvm"};
    made.found = std::move(seen.found);
    std::vector<std::string> packages;
    for (auto& each : seen.lacking) {
        made.lacking.push_back(std::move(each.what));
        if (!each.package.empty() && std::ranges::find(packages, each.package) == packages.end())
            packages.push_back(std::move(each.package));
    }
    made.remedy = remedy_of(packages, made.lacking.size());
    return made;
}

std::string lack_text(runtime_check const& of) {
    if (of.is_offered()) return {};
    auto const last = of.lacking.size() - 1;
    auto const end = of.lacking.begin() + static_cast<std::ptrdiff_t>(last);
    auto text = fmt::format("{}", fmt::join(of.lacking.begin(), end, ", "));
    if (last > 0) text += " and ";
    text += of.lacking.back();
    return of.remedy.empty() ? text : fmt::format("{}; {}", text, of.remedy);
}

awaitable<std::vector<runtime_check>> check_runtimes(local_options options) {
    system_clock time;
    std::vector<runtime_check> all;
    auto machines = detail::check_microvm();
    auto containers = co_await check_oci(time, std::move(options.oci_runtime));
    all.push_back(std::move(machines));
    all.push_back(std::move(containers));
    co_return all;
}

}  // namespace rik

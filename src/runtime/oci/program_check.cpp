#include "program_check_detail.hpp"

#include "in_root_detail.hpp"
#include "unique_fd_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::size_t head_bytes_max = 256;  // as of the kernel's look at a script, BINPRM_BUF_SIZE

#if defined(__x86_64__)
/// EM_X86_64 with 32-bit pointers is the x32 form.
constexpr std::array<unsigned, 2> architectures{EM_386, EM_X86_64};
#elif defined(__aarch64__)
constexpr std::array<unsigned, 1> architectures{EM_ARM};
#else
constexpr std::array<unsigned, 0> architectures{};
#endif

/// The beginning of a regular file that can be executed; empty if it is none.
std::string head_of(unique_fd const& root, std::string const& path) {
    auto const file = open_in_root(root, path.c_str(), O_RDONLY | O_NONBLOCK);
    struct stat about {};
    if (!file || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode) || (about.st_mode & 0111) == 0) return {};
    std::string head(head_bytes_max, '\0');
    auto const size = ::read(file.get(), head.data(), head.size());
    head.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return head;
}

bool is_32_bit(std::string_view head) {
    if (head.size() < sizeof(Elf32_Ehdr) || !head.starts_with(ELFMAG) || head[EI_CLASS] != ELFCLASS32) return false;
    constexpr std::size_t architecture_at = offsetof(Elf32_Ehdr, e_machine);
    auto const architecture = static_cast<unsigned char>(head[architecture_at]) +
                              256u * static_cast<unsigned char>(head[architecture_at + 1]);
    return std::find(architectures.begin(), architectures.end(), architecture) != architectures.end();
}

/// "/bin/sh" of "#!/bin/sh -e\n".
std::optional<std::string> interpreter_of(std::string_view head) {
    if (!head.starts_with("#!")) return std::nullopt;
    auto line = head.substr(2, std::min(head.find('\n'), head.size()) - 2);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return std::string(line.substr(0, line.find_first_of(" \t")));
}

std::string_view search_path(std::vector<std::string> const& environment) {
    constexpr std::string_view variable = "PATH=";
    for (auto const& each : environment)
        if (each.starts_with(variable)) return std::string_view(each).substr(variable.size());
    return {};
}

/// Where the program may be, in the order in which it is looked for.
std::vector<std::string> places_of(program_request const& what) {
    if (what.program.starts_with('/')) return {what.program};
    if (what.program.find('/') != std::string::npos) return {fmt::format("{}/{}", what.directory, what.program)};
    std::vector<std::string> places;
    for (auto rest = search_path(what.environment); !rest.empty();) {
        auto const end = std::min(rest.find(':'), rest.size());
        places.push_back(fmt::format("{}/{}", rest.substr(0, end), what.program));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return places;
}

error runs_not(std::string const& path) {
    return error{errc::unsupported, fmt::format("{} is a 32-bit program, which rik does not run", path), "command",
                 "use an image for 64 bits; docs/compatibility.md says why"};
}

}  // namespace

result<void> check_program(std::filesystem::path const& tree, program_request const& what) {
    unique_fd const root(::open(tree.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return {};
    for (auto const& path : places_of(what)) {
        auto const head = head_of(root, path);
        if (head.empty()) continue;
        if (is_32_bit(head)) return runs_not(path);
        auto const interpreter = interpreter_of(head);
        if (interpreter && is_32_bit(head_of(root, *interpreter))) return runs_not(*interpreter);
        return {};
    }
    return {};
}

}  // namespace rik::detail

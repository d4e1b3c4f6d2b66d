#include "template_files.hpp"

#include "runtime/microvm/machine_template_detail.hpp"

#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::machine_program {

namespace {

std::string failure(std::string const& subject) { return subject + ": " + std::strerror(errno); }

/// A file as memory, to be read.
class mapping {
public:
    mapping(int file, std::uint64_t bytes) : bytes_(bytes) {
        auto* const at = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
        if (at != MAP_FAILED) at_ = static_cast<char const*>(at);
    }
    mapping(mapping const&) = delete;
    ~mapping() {
        if (at_ != nullptr) ::munmap(const_cast<char*>(at_), bytes_);
    }
    bool is_there() const { return at_ != nullptr; }
    std::string_view bytes(std::uint64_t at, std::uint64_t count) const { return {at_ + at, count}; }
    /// Precondition: `at` is that of a page, and `count` of whole words.
    std::span<std::uint64_t const> words(std::uint64_t at, std::uint64_t count) const {
        return {reinterpret_cast<std::uint64_t const*>(at_ + at), count / sizeof(std::uint64_t)};
    }
    std::span<detail::page_run const> runs(std::uint64_t at, std::uint64_t count) const {
        return {reinterpret_cast<detail::page_run const*>(at_ + at), count};
    }

private:
    char const* at_ = nullptr;
    std::uint64_t bytes_;
};

bool write_at(int file, std::string_view bytes, std::uint64_t at) {
    while (!bytes.empty()) {
        auto const written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
        at += static_cast<std::uint64_t>(written);
    }
    return true;
}

std::uint64_t size_of(int file) {
    struct stat about {};
    return ::fstat(file, &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

bool copy_runs(mapping const& from, detail::template_header const& header, int memory) {
    auto const parts = detail::layout_of(header);
    auto at = parts.pages_at;
    for (auto const& each : from.runs(parts.runs_at, header.run_count)) {
        auto const bytes = std::uint64_t{each.count} * detail::page_bytes;
        if (!write_at(memory, from.bytes(at, bytes), std::uint64_t{each.first} * detail::page_bytes)) return false;
        at += bytes;
    }
    return true;
}

std::string copy_opened(detail::machine_plan const& plan, int file, template_files& into) {
    auto const subject = "template " + plan.warm_from;
    auto const bytes = size_of(file);
    mapping const from(file, bytes);
    if (bytes < detail::page_bytes || !from.is_there()) return subject + ": it is too short, or cannot be read";
    auto const header = detail::parse_template_header(from.bytes(0, detail::page_bytes));
    if (!header || header->key != plan.template_key || header->memory_bytes != plan.memory_bytes)
        return subject + ": it is of other machines";
    auto const parts = detail::layout_of(*header);
    if (bytes != parts.file_bytes ||
        detail::sum_of(from.words(parts.state_at, bytes - parts.state_at)) != header->sum ||
        !detail::fit(from.runs(parts.runs_at, header->run_count), *header))
        return subject + ": it is damaged";
    if (auto why = make_memory(header->memory_bytes, into); !why.empty()) return why;
    auto const is_copied = write_at(into.state, from.bytes(parts.state_at, header->state_bytes), 0) &&
                           copy_runs(from, *header, into.memory);
    return is_copied ? std::string() : failure(subject + ": copy");
}

}  // namespace

std::string copy_template(detail::machine_plan const& plan, template_files& into) {
    auto const file = ::open(plan.warm_from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return failure("template " + plan.warm_from);
    auto why = copy_opened(plan, file, into);
    ::close(file);
    return why;
}

std::string make_memory(std::uint64_t memory_bytes, template_files& into) {
    into.memory = ::memfd_create("machine", MFD_CLOEXEC);
    into.state = ::memfd_create("machine-state", MFD_CLOEXEC);
    if (into.memory < 0 || into.state < 0 || ::ftruncate(into.memory, static_cast<off_t>(memory_bytes)) != 0)
        return failure("memory of a machine");
    return {};
}

std::string write_template(detail::machine_plan const& plan, template_files const& from, int file) {
    detail::template_header header{.key = plan.template_key, .memory_bytes = plan.memory_bytes};
    header.state_bytes = size_of(from.state);
    mapping const memory(from.memory, header.memory_bytes);
    mapping const state(from.state, header.state_bytes);
    if (header.state_bytes == 0 || header.state_bytes > detail::template_state_bytes_max || !memory.is_there() ||
        !state.is_there())
        return "QEMU has saved nothing of use";
    auto const runs = detail::find_runs(memory.words(0, header.memory_bytes));
    header.run_count = runs.size();
    for (auto const& each : runs) header.page_count += each.count;
    auto const parts = detail::layout_of(header);
    std::string_view const runs_text(reinterpret_cast<char const*>(runs.data()),
                                     runs.size() * sizeof(detail::page_run));
    auto is_written = ::ftruncate(file, static_cast<off_t>(parts.file_bytes)) == 0 &&
                      write_at(file, state.bytes(0, header.state_bytes), parts.state_at) &&
                      write_at(file, runs_text, parts.runs_at);
    auto at = parts.pages_at;
    for (auto const& each : runs) {
        auto const bytes = std::uint64_t{each.count} * detail::page_bytes;
        is_written =
            is_written && write_at(file, memory.bytes(std::uint64_t{each.first} * detail::page_bytes, bytes), at);
        at += bytes;
    }
    if (!is_written) return failure("template");
    mapping const made(file, parts.file_bytes);
    if (!made.is_there()) return failure("template");
    header.sum = detail::sum_of(made.words(parts.state_at, parts.file_bytes - parts.state_at));
    if (!write_at(file, detail::header_text(header), 0) || ::fsync(file) != 0) return failure("template");
    return {};
}

std::string read_small_file(std::string const& path, std::string& into) {
    auto const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return failure(path);
    into.resize(detail::told_bytes_max);
    auto const got = ::pread(file, into.data(), into.size(), 0);
    ::close(file);
    if (got < 0) return failure(path);
    into.resize(static_cast<std::size_t>(got));
    return {};
}

}  // namespace rik::machine_program

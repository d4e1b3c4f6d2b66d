#include "network/linux/sysctls_detail.hpp"

#include "network/linux/netlink_detail.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

fs::path path_of(std::string const& name) { return fs::path("/proc/sys") / name; }

error failure(fs::path const& file, int number) {
    return error{errc::internal, fmt::format("{}: {}", file.string(), std::generic_category().message(number))};
}

/// Nullopt if it cannot be read. These files are smaller than a page.
std::optional<std::string> read_small(fs::path const& file) {
    descriptor const opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text(4096, '\0');
    auto const size = opened ? ::read(opened.get(), text.data(), text.size()) : -1;
    if (size < 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(size));
    return text;
}

result<void> write_all(fs::path const& file, int flags, std::string_view text) {
    descriptor const opened(::open(file.c_str(), flags | O_WRONLY | O_CLOEXEC, 0600));
    if (!opened) return failure(file, errno);
    auto const size = ::write(opened.get(), text.data(), text.size());  // whole for small texts
    if (size != static_cast<ssize_t>(text.size())) return failure(file, size < 0 ? errno : EIO);
    if ((flags & O_CREAT) && ::fsync(opened.get()) != 0) return failure(file, errno);
    return {};
}

std::string trimmed(std::string text) {
    text.erase(text.find_last_not_of(" \t\n") + 1);
    return text;
}

}  // namespace

std::string write_former_values(std::map<std::string, std::string> const& values) {
    std::string text;
    for (auto const& [name, value] : values) text += fmt::format("{} {}\n", name, value);
    return text;
}

std::map<std::string, std::string> read_former_values(std::string_view text) {
    std::map<std::string, std::string> values;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        auto const line = text.substr(0, end);
        auto const space = line.find(' ');
        if (line.starts_with("net/") && space != std::string_view::npos && line.find("..") == std::string_view::npos) {
            values.emplace(line.substr(0, space), line.substr(space + 1));
        }
        text.remove_prefix(end + 1);
    }
    return values;
}

sysctl_ledger::sysctl_ledger(fs::path const& state_dir) : file_(state_dir / "former-sysctls") {}

result<void> sysctl_ledger::set(std::string const& name, std::string const& value) {
    auto const former = read_small(path_of(name));
    if (!former) return failure(path_of(name), errno);
    if (trimmed(*former) == value) return {};
    auto values = read_former_values(read_small(file_).value_or(""));
    if (values.emplace(name, trimmed(*former)).second) {
        auto const saved = save(values);
        if (!saved) return saved;
    }
    return set_sysctl(name, value);
}

result<void> sysctl_ledger::restore() {
    for (auto const& [name, value] : read_former_values(read_small(file_).value_or(""))) {
        if (!fs::exists(path_of(name))) continue;
        auto const put_back = set_sysctl(name, value);
        if (!put_back) return put_back;
    }
    return forget();
}

result<void> sysctl_ledger::forget() {
    if (::unlink(file_.c_str()) != 0 && errno != ENOENT) return failure(file_, errno);
    return {};
}

result<void> sysctl_ledger::save(std::map<std::string, std::string> const& values) {
    auto const draft = fs::path(file_.string() + ".new");
    auto const written = write_all(draft, O_CREAT | O_TRUNC, write_former_values(values));
    if (!written) return written;
    if (::rename(draft.c_str(), file_.c_str()) != 0) return failure(file_, errno);
    descriptor const directory(::open(file_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0) return failure(file_.parent_path(), errno);
    return {};
}

result<void> set_sysctl(std::string const& name, std::string const& value) {
    return write_all(path_of(name), 0, value);
}

}  // namespace rik::detail

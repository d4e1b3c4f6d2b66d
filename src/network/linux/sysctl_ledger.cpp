#include "network/linux/sysctl_ledger_detail.hpp"

#include <rik/base/make_directories.hpp>
#include <rik/base/shortage.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

/// So often at most somebody removes the directory between our making and our locking it, or has it locked.
constexpr int lock_tries_max = 100;
constexpr int lock_pause_ms = 10;  // who has it reads and writes some small files

error failure(fs::path const& file, int number) {
    auto problem = system_failure(file.string(), number);
    if (number == ENOENT) problem.code = errc::not_found;
    return problem;
}

/// Errors: not_found; internal.
result<std::string> read_text(fs::path const& file) {
    descriptor const opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) return failure(file, errno);
    std::string text;
    std::array<char, 4096> part;
    while (true) {
        auto const size = ::read(opened.get(), part.data(), part.size());
        if (size < 0) return failure(file, errno);
        if (size == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(size));
    }
}

/// Without the line's end.
result<std::string> read_setting(fs::path const& file) {
    auto text = read_text(file);
    if (text) text->erase(text->find_last_not_of(" \t\n") + 1);
    return text;
}

result<void> write_text(fs::path const& file, int flags, std::string_view text) {
    descriptor const opened(::open(file.c_str(), flags | O_WRONLY | O_CLOEXEC, 0644));
    if (!opened) return failure(file, errno);
    auto const size = ::write(opened.get(), text.data(), text.size());  // whole, but on a full disk
    if (size != static_cast<ssize_t>(text.size())) return failure(file, size < 0 ? errno : ENOSPC);
    return {};
}

/// Whoever can read a directory can lock it. To reach a socket in it needs no reading.
void keep_for_us(descriptor const& directory) {
    struct stat about {};
    auto const is_readable = ::fstat(directory.get(), &about) == 0 && (about.st_mode & (S_IRGRP | S_IROTH)) != 0;
    if (is_readable && about.st_uid == ::geteuid())
        (void)::fchmod(directory.get(), about.st_mode & 07777 & ~(S_IRGRP | S_IROTH));
}

/// Errors: unavailable, somebody has had the lock all the time.
result<void> lock_in_time(descriptor const& opened, fs::path const& file) {
    for (int tries = 0; ::flock(opened.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
        if (errno != EWOULDBLOCK && errno != EINTR) return failure(file, errno);
        if (tries == lock_tries_max)
            return error{errc::unavailable, fmt::format("{}: another process keeps it locked", file.string()), "",
                         fmt::format("find it with: fuser -v {}", file.string())};
        ::poll(nullptr, 0, lock_pause_ms);
    }
    return {};
}

/// False if `path` names another file by now, or none.
bool is_at(descriptor const& opened, fs::path const& path) {
    struct stat held {};
    struct stat named {};
    return ::fstat(opened.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

std::optional<sysctl_change> read_change(std::string const& line) {
    sysctl_change change;
    std::istringstream words(line);
    words >> change.scope.boot_id >> change.scope.network_namespace >> change.name >> change.former >> change.value;
    auto const has_all = !words.fail();
    std::string rest;
    if (!has_all || words >> rest) return std::nullopt;
    if (!change.name.starts_with("net/") || change.name.find("..") != std::string::npos) return std::nullopt;
    return change;
}

}  // namespace

std::string write_changes(std::span<sysctl_change const> changes) {
    std::string text;
    for (auto const& each : changes) {
        text += fmt::format("{} {} {} {} {}\n", each.scope.boot_id, each.scope.network_namespace, each.name,
                            each.former, each.value);
    }
    return text;
}

read_changes_result read_changes(std::string_view text) {
    read_changes_result read{.changes = {}, .is_damaged = !text.ends_with('\n')};
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        if (auto change = read_change(std::string(text.substr(0, end)))) {
            read.changes.push_back(std::move(*change));
        } else {
            read.is_damaged = true;
        }
        text.remove_prefix(end + 1);
    }
    return read;
}

result<void> sysctl_ledger::set(std::string const& name, std::string const& value,
                                std::vector<sysctl_setting> const& moved) {
    auto const locked = lock();
    if (!locked) return locked.error();
    auto const present = read_setting(options_.settings / name);
    if (!present) return present.error();
    if (*present == value) return {};
    auto const scope = here();
    if (!scope) return scope.error();
    auto loaded = load(*scope);
    if (!loaded) return loaded.error();
    auto& changes = *loaded;
    auto const keep = [&](sysctl_setting const& setting, std::string former) {
        std::erase_if(changes, [&](auto const& each) { return each.scope == *scope && each.name == setting.name; });
        changes.push_back({.scope = *scope, .name = setting.name, .former = std::move(former), .value = setting.value});
    };
    keep({.name = name, .value = value}, *present);
    for (auto const& each : moved) {
        auto former = read_setting(options_.settings / each.name);
        if (former) keep(each, std::move(*former));  // else it is gone since it was listed
    }
    auto const saved = save(changes);
    if (!saved) return saved;
    return write_text(options_.settings / name, 0, value);
}

result<void> sysctl_ledger::restore_unless(std::function<result<bool>()> const& is_needed) {
    auto const locked = lock();
    if (!locked) return locked.error();
    auto const needed = is_needed();
    if (!needed) return needed.error();
    if (*needed) {
        options_.logger.info("other nodes of this machine need its sysctls: they stay as they are");
        return {};
    }
    auto const scope = here();
    if (!scope) return scope.error();
    auto loaded = load(*scope);
    if (!loaded) return loaded.error();
    auto& changes = *loaded;
    auto const is_ours = [&scope](auto const& each) { return each.scope == *scope; };
    auto const foreign = std::stable_partition(changes.begin(), changes.end(), is_ours);
    auto const restored = restore({changes.begin(), foreign});
    if (!restored) return restored;
    changes.erase(changes.begin(), foreign);
    return save(changes);
}

/// Nothing if the setting is gone.
result<std::optional<std::string>> sysctl_ledger::value_after(sysctl_change const& change) const {
    auto const present = read_setting(options_.settings / change.name);
    if (!present && present.error().code == errc::not_found) return std::optional<std::string>();
    if (!present) return present.error();
    if (*present == change.value) return std::optional(change.former);
    if (*present != change.former) {
        options_.logger.info("somebody else has changed a sysctl: it stays as it is",
                             {{"sysctl", change.name}, {"value", *present}, {"former", change.former}});
    }
    return std::optional(*present);
}

result<void> sysctl_ledger::restore(std::span<sysctl_change const> changes) const {
    // All are looked at before the first is written: that one may move the others.
    std::vector<sysctl_setting> wanted;
    for (auto const& each : changes) {
        auto value = value_after(each);
        if (!value) return value.error();
        if (*value) wanted.push_back({.name = each.name, .value = std::move(**value)});
    }
    for (auto const& each : wanted) {
        auto const setting = options_.settings / each.name;
        auto const present = read_setting(setting);
        if (!present || *present == each.value) continue;
        auto const written = write_text(setting, 0, each.value);
        if (!written && written.error().code != errc::not_found) return written;
    }
    return {};
}

/// The lock is on the directory: a file of its own could not be removed without a race.
result<descriptor> sysctl_ledger::lock() const {
    auto const& directory = options_.directory;
    for (int tries = 0; tries < lock_tries_max; ++tries) {
        (void)make_directories(directory);  // opening it tells
        descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!opened && errno == ENOENT) continue;
        if (!opened) return failure(directory, errno);
        keep_for_us(opened);
        auto const locked = lock_in_time(opened, directory);
        if (!locked) return locked.error();
        if (is_at(opened, directory)) return opened;
    }
    return error{errc::internal, fmt::format("{}: is removed whenever it is made", directory.string())};
}

/// Errors: exhausted, it cannot be told now.
result<sysctl_scope> sysctl_ledger::here() const {
    auto const boot_id = read_setting(options_.settings / "kernel/random/boot_id");
    if (!boot_id && boot_id.error().code == errc::exhausted) return boot_id.error();
    struct stat own {};
    auto const is_known = ::stat("/proc/thread-self/ns/net", &own) == 0;
    return sysctl_scope{.boot_id = boot_id ? *boot_id : "unknown", .network_namespace = is_known ? own.st_ino : 0};
}

/// Without the changes of an earlier boot. Errors: exhausted, it cannot be read now: what is in it must not be lost.
result<std::vector<sysctl_change>> sysctl_ledger::load(sysctl_scope const& scope) const {
    auto const text = read_text(file());
    if (!text && text.error().code == errc::not_found) return std::vector<sysctl_change>();
    if (!text && text.error().code == errc::exhausted) return text.error();
    auto [changes, is_damaged] = read_changes(text ? *text : "");
    if (is_damaged) {
        options_.logger.warning("the record of changed sysctls is damaged: what it has lost stays changed until reboot",
                                {{"file", file().string()}});
    }
    std::erase_if(changes, [&](auto const& each) { return each.scope.boot_id != scope.boot_id; });
    return std::move(changes);
}

/// Nothing is synced: a record that a crash of the machine takes along is of no use after it.
result<void> sysctl_ledger::save(std::span<sysctl_change const> changes) const {
    if (changes.empty()) {
        ::unlink(draft().c_str());
        if (::unlink(file().c_str()) != 0 && errno != ENOENT) return failure(file(), errno);
        ::rmdir(options_.directory.c_str());  // stays if it is not empty
        return {};
    }
    auto const written = write_text(draft(), O_CREAT | O_TRUNC, write_changes(changes));
    if (!written) return written;
    if (::rename(draft().c_str(), file().c_str()) != 0) return failure(file(), errno);
    return {};
}

std::vector<sysctl_setting> moved_by_ip_forward(fs::path const& settings) {
    std::vector<sysctl_setting> moved{{.name = "net/ipv4/conf/all/accept_redirects", .value = "0"}};
    std::error_code failure;
    for (fs::directory_iterator each(settings / "net/ipv4/conf", failure), end; !failure && each != end;
         each.increment(failure)) {
        auto const link = each->path().filename().string();
        auto const name = fmt::format("net/ipv4/conf/{}/forwarding", link);
        // That of "all" is ip_forward. One that is off now will be off again.
        if (link == "all" || link.find("..") != std::string::npos) continue;
        auto const present = read_setting(settings / name);
        if (present && *present == "1") moved.push_back({.name = name, .value = "1"});
    }
    return moved;
}

result<void> set_sysctl(std::string const& name, std::string const& value) {
    return write_text(fs::path("/proc/sys") / name, 0, value);
}

result<bool> has_sysctl(std::string const& name, std::string_view value) {
    auto const present = read_setting(fs::path("/proc/sys") / name);
    if (!present && present.error().code == errc::exhausted) return present.error();
    return present && *present == value;
}

}  // namespace rik::detail

#include "rootfs_maker_detail.hpp"

#include "runtime/clean_text_detail.hpp"
#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/unique_fd_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/shield.hpp>

#include <fmt/format.h>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <cerrno>
#include <csignal>
#include <exception>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr duration look_period = 500ms;
constexpr int download_tries_max = 3;
constexpr std::size_t complaint_kept_bytes_max = 400;
constexpr std::int64_t room_of_tree_min = 16 << 20;
constexpr std::int64_t inode_bytes = 512;  // with what else a file takes

struct tree_size {
    std::int64_t bytes = 0;
    std::int64_t file_count = 0;
};

/// What it takes on a disk. Stops counting beyond `bytes_max`.
tree_size measure(fs::path const& path, std::int64_t bytes_max) {
    tree_size sum;
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0) return sum;
    sum.bytes = about.st_blocks * 512;
    sum.file_count = 1;
    if (!S_ISDIR(about.st_mode)) return sum;
    std::error_code failure;
    fs::recursive_directory_iterator each(path, failure);
    for (fs::recursive_directory_iterator end; !failure && each != end && sum.bytes <= bytes_max;
         each.increment(failure)) {
        if (::lstat(each->path().c_str(), &about) != 0) continue;
        sum.bytes += about.st_blocks * 512 + inode_bytes;
        ++sum.file_count;
    }
    return sum;
}

error too_large(std::int64_t bytes_max) {
    return error{errc::exhausted, fmt::format("it is larger than {} bytes when it is unpacked", bytes_max)};
}

result<command> command_of(std::string_view program, std::vector<std::string> arguments) {
    auto const found = find_program(program);
    if (!found) return found.error();
    return command{.program = *found, .arguments = std::move(arguments)};
}

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

std::string_view unpacker_of(rootfs_form form) {
    if (form == rootfs_form::gzip) return "gzip";
    return form == rootfs_form::zstd ? "zstd" : "xz";
}

}  // namespace

awaitable<result<rootfs_maker::ended>> rootfs_maker::run(watched what) {
    auto const executor = co_await asio::this_coro::executor;
    auto const errors_path = what.work / "errors";
    unique_fd const errors(::open(errors_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!errors) co_return system_error(errors_path, "open", errno);
    what.what.descriptors.emplace_back(errors.get(), STDERR_FILENO);
    unique_fd output;
    if (!what.output.empty()) {
        output.reset(::open(what.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (!output) co_return system_error(what.output, "open", errno);
        what.what.descriptors.emplace_back(output.get(), STDOUT_FILENO);
    }
    auto child = child_process::start(executor, what.what);
    if (!child) co_return child.error();
    result<ended> outcome;
    std::exception_ptr thrown;
    try {
        outcome = co_await watch(*child, what);
    } catch (...) {  // a cancellation; it goes on below
        thrown = std::current_exception();
    }
    if (thrown) co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    // Whatever becomes of who waits, the child ends, and leaves alone what it was at work in.
    [[maybe_unused]] auto const killed = child->signal(SIGKILL);
    [[maybe_unused]] auto const reaped = co_await child->wait();
    if (thrown) std::rethrow_exception(thrown);
    co_return outcome;
}

/// Up to its end, or to what it may not do.
awaitable<result<rootfs_maker::ended>> rootfs_maker::watch(child_process& child, watched const& what) {
    auto const give_up_at = time_.now() + what.time_max;
    while (true) {
        auto waiting = child.wait();
        auto const exit = co_await with_deadline(time_, time_.now() + look_period, std::move(waiting));
        auto measuring = [&] { return measure(what.grows, what.bytes_max).bytes; };
        auto const bytes = co_await offload(pool_, std::move(measuring));
        if (bytes > what.bytes_max) co_return too_large(what.bytes_max);
        if (exit) {
            auto const said = trimmed(try_read_file(what.work / "errors").value_or(""));
            co_return ended{exit->code, clean_text(said, complaint_kept_bytes_max)};
        }
        if (exit.error().code != errc::timed_out) co_return exit.error();
        if (time_.now() >= give_up_at)
            co_return error{errc::timed_out, fmt::format("{} took too long", what.what.program.filename().string())};
    }
}

awaitable<rootfs_maker::attempt> rootfs_maker::try_download(download_request of, fs::path work) {
    auto what = command_of("curl", download_arguments(of));
    if (!what) co_return attempt{what.error()};
    watched running{.what = std::move(*what), .grows = of.into, .output = work / "answer", .work = work};
    running.bytes_max = of.bytes_max;
    running.time_max = of.time_max;
    auto const done = co_await run(std::move(running));
    if (!done) co_return attempt{done.error()};
    auto answer = parse_answer(done->code, try_read_file(work / "answer").value_or(""));
    attempt made{read_answer(answer, done->complaint, of), std::move(answer.etag)};
    if (made.outcome && !of.part_etag.empty() && made.etag != of.part_etag)
        made.outcome =
            error{errc::corrupt, fmt::format("root file system {}: it has changed while it was fetched", of.url)};
    co_return made;
}

awaitable<result<fetched_file>> rootfs_maker::download(std::string url, std::string version, fs::path work) {
    download_request wanted{.url = std::move(url), .into = work / "file"};
    wanted.bytes_max = options_.download_bytes_max;
    wanted.time_max = options_.download_time_max;
    wanted.stall_time_max = options_.stall_time_max;
    if (!version.empty()) {
        wanted.old_etag = work / "old-etag";
        if (auto const written = write_file(wanted.old_etag, version + "\n"); !written) co_return written.error();
    }
    for (int tries = 1;; ++tries) {
        auto last = co_await try_download(wanted, work);
        if (last.outcome) {
            fetched_file found{.path = wanted.into, .version = std::move(version)};
            found.has_changed = *last.outcome == downloaded::all;
            if (found.has_changed) found.version = std::move(last.etag);
            co_return found;
        }
        auto const& why = last.outcome.error();
        auto const has_part = measure(wanted.into, 0).bytes > 0;
        auto const is_broken = why.code == errc::corrupt || (has_part && why.code == errc::unavailable);
        if (!is_broken || tries == download_tries_max) co_return why;
        // What broke off goes on where it was, if it can be told to be the same file; else it begins anew.
        auto const can_go_on = has_part && wanted.part_etag.empty() && is_strong_etag(last.etag);
        wanted.part_etag = can_go_on ? std::move(last.etag) : std::string();
        if (!can_go_on) ::unlink(wanted.into.c_str());
    }
}

awaitable<result<fetched_file>> rootfs_maker::find(fs::path file) {
    auto looking = [&]() -> result<fetched_file> {
        struct stat about {};
        if (::stat(file.c_str(), &about) != 0) return system_error(file, "root file system", errno);
        if (!S_ISREG(about.st_mode))
            return error{errc::invalid, fmt::format("root file system {}: it is no file", file.string())};
        fetched_file found{.path = file, .is_ours = false};
        found.version =
            fmt::format("{} {} {}.{:09}", about.st_ino, about.st_size, about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
        return found;
    };
    co_return co_await offload(pool_, std::move(looking));
}

awaitable<result<std::string>> rootfs_maker::digest(fs::path file) {
    constexpr std::size_t hex_count = 64;
    std::vector<std::string> arguments{"--binary", "--", file.string()};
    auto what = command_of("sha256sum", std::move(arguments));
    if (!what) co_return what.error();
    auto const done = co_await run_process_ok(std::move(*what), time_.now() + options_.build_time_max);
    if (!done) co_return done.error();
    if (done->out.size() < hex_count || done->out[0] == '\\')
        co_return error{errc::internal, fmt::format("{}: its digest cannot be found out", file.string())};
    co_return "sha256:" + done->out.substr(0, hex_count);
}

awaitable<result<rootfs_form>> rootfs_maker::look(fs::path file) {
    auto looking = [&]() -> result<rootfs_form> {
        unique_fd const opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
        struct stat about {};
        if (!opened || ::fstat(opened.get(), &about) != 0) return system_error(file, "open", errno);
        std::string beginning(form_bytes, '\0');
        auto const size = ::pread(opened.get(), beginning.data(), beginning.size(), 0);
        if (size < 0) return system_error(file, "read", errno);
        return form_of(std::string_view(beginning).substr(0, static_cast<std::size_t>(size)), about.st_size);
    };
    co_return co_await offload(pool_, std::move(looking));
}

awaitable<result<fs::path>> rootfs_maker::make(fetched_file from, fs::path work) {
    for (int layers = 0; layers < 2; ++layers) {  // a file system or an archive, and what packs it
        auto const form = co_await look(from.path);
        if (!form) co_return form.error();
        if (*form == rootfs_form::tar) co_return co_await extract(std::move(from.path), std::move(work));
        if (*form == rootfs_form::ext4 && from.is_ours) co_return std::move(from.path);
        if (*form == rootfs_form::ext4) co_return co_await copy(std::move(from.path), std::move(work));
        auto unpacked = co_await unpack(std::move(from), *form, work);
        if (!unpacked) co_return unpacked.error();
        from = fetched_file{.path = std::move(*unpacked)};
    }
    co_return error{errc::unsupported, "it is packed more than once"};
}

awaitable<result<fs::path>> rootfs_maker::copy(fs::path file, fs::path work) {
    auto made = work / "copy";
    std::vector<std::string> arguments{"--sparse=always", "--reflink=auto", "--", file.string(), made.string()};
    auto what = command_of("cp", std::move(arguments));
    if (!what) co_return what.error();
    watched running{.what = std::move(*what), .grows = made, .work = std::move(work)};
    running.bytes_max = options_.unpacked_bytes_max;
    running.time_max = options_.build_time_max;
    auto const done = co_await run(std::move(running));
    if (!done) co_return done.error();
    if (done->code != 0) co_return error{errc::internal, fmt::format("it cannot be copied: {}", done->complaint)};
    co_return made;
}

awaitable<result<fs::path>> rootfs_maker::unpack(fetched_file from, rootfs_form form, fs::path work) {
    auto made = work / "unpacked";
    std::vector<std::string> arguments{"--decompress", "--stdout", "--quiet", "--", from.path.string()};
    auto what = command_of(unpacker_of(form), std::move(arguments));
    if (!what) co_return what.error();
    watched running{.what = std::move(*what), .grows = made, .output = made, .work = std::move(work)};
    running.bytes_max = options_.unpacked_bytes_max;
    running.time_max = options_.build_time_max;
    auto const done = co_await run(std::move(running));
    if (!done) co_return done.error();
    if (done->code != 0) co_return error{errc::corrupt, fmt::format("it cannot be unpacked: {}", done->complaint)};
    if (from.is_ours) ::unlink(from.path.c_str());
    co_return made;
}

/// Into a directory that only root can enter: what is in it is never run here.
awaitable<result<fs::path>> rootfs_maker::extract(fs::path archive, fs::path work) {
    auto const tree = work / "tree";
    if (auto const made = make_directories(tree); !made) co_return made.error();
    std::vector<std::string> arguments{"--extract",
                                       "--file",
                                       archive.string(),
                                       "--directory",
                                       tree.string(),
                                       "--numeric-owner",
                                       "--same-owner",
                                       "--same-permissions",
                                       "--delay-directory-restore",
                                       "--no-wildcards"};
    auto what = command_of("tar", std::move(arguments));
    if (!what) co_return what.error();
    watched running{.what = std::move(*what), .grows = tree, .work = work};
    running.bytes_max = options_.unpacked_bytes_max;
    running.time_max = options_.build_time_max;
    auto const done = co_await run(std::move(running));
    if (!done) co_return done.error();
    if (done->code != 0)
        co_return error{errc::corrupt, fmt::format("its archive cannot be unpacked: {}", done->complaint)};
    co_return co_await make_of_tree(tree, std::move(work));
}

awaitable<result<fs::path>> rootfs_maker::make_of_tree(fs::path tree, fs::path work) {
    auto measuring = [&] { return measure(tree, options_.unpacked_bytes_max); };
    auto const size = co_await offload(pool_, std::move(measuring));
    if (size.bytes > options_.unpacked_bytes_max) co_return too_large(options_.unpacked_bytes_max);
    auto made = work / "made";
    auto const kibibytes = (size.bytes + size.bytes / 8 + size.file_count * inode_bytes + room_of_tree_min) / 1024;
    // The machine makes it larger when it starts.
    std::vector<std::string> arguments{"-q", "-F",          "-t",          "ext4",
                                       "-m", "0",           "-N",          std::to_string(size.file_count + 4096),
                                       "-d", tree.string(), made.string(), fmt::format("{}k", kibibytes)};
    auto what = command_of("mke2fs", std::move(arguments));
    if (!what) co_return what.error();
    watched running{.what = std::move(*what), .grows = made, .work = work};
    running.bytes_max = 2 * options_.unpacked_bytes_max;
    running.time_max = options_.build_time_max;
    auto const done = co_await run(std::move(running));
    if (!done) co_return done.error();
    if (done->code != 0)
        co_return error{errc::internal, fmt::format("no file system can be made of it: {}", done->complaint)};
    co_return made;
}

}  // namespace rik::detail

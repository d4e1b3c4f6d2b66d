#include "kernel_files_detail.hpp"

#include "cpio_detail.hpp"
#include "guest_init_detail.hpp"
#include "kernel_image_detail.hpp"
#include "kernel_modules_detail.hpp"

#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/unique_fd_detail.hpp"

#include <rik/base/hash.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

constexpr std::array roots{"/", "/usr/local/lib/rik/guest"};  // the second is filled by scripts/setup
constexpr std::string_view image_prefix = "vmlinuz-";
constexpr std::string_view cloud_suffix = "-cloud-amd64";
constexpr std::size_t image_bytes_max = 64u << 20;
constexpr std::size_t kernel_bytes_max = 512u << 20;
constexpr std::size_t module_bytes_max = 16u << 20;
constexpr std::size_t initramfs_bytes_max = 64u << 20;

std::vector<std::string> names_in(fs::path const& directory) {
    std::vector<std::string> names;
    std::error_code failure;
    for (fs::directory_iterator each(directory, failure), end; !failure && each != end; each.increment(failure))
        names.push_back(each->path().filename().string());
    return names;
}

error no_kernel() {
    return error{errc::not_found,
                 "there is no kernel for machines: no /boot/vmlinuz-*-cloud-amd64 with its modules",
                 {},
                 "apt-get install linux-image-cloud-amd64, or scripts/setup machine, which installs nothing else"};
}

/// The files of modules by their names.
std::map<std::string, fs::path> modules_in(fs::path const& directory) {
    std::map<std::string, fs::path> found;
    std::error_code failure;
    fs::recursive_directory_iterator each(directory / "kernel", failure);
    for (fs::recursive_directory_iterator end; !failure && each != end; each.increment(failure)) {
        auto const& path = each->path();
        auto const name = path.filename().native();
        if (name.ends_with(".ko") || name.ends_with(".ko.xz") || name.ends_with(".ko.zst"))
            found.emplace(module_name(path.native()), path);
    }
    return found;
}

/// The modules that machines need and their bytes, in order.
class module_reader {
public:
    explicit module_reader(fs::path const& directory) : files_(modules_in(directory)) {}

    result<void> read(std::string const& name) {
        auto const file = files_.find(name);
        if (file == files_.end() || bytes_.contains(name)) return {};  // the first: built into the kernel
        if (file->second.extension() != ".ko")
            return error{errc::unsupported,
                         fmt::format("{}: modules that are compressed are not read", file->second.string())};
        auto text = read_file(file->second, module_bytes_max);
        if (!text) return text.error();
        auto const needed = dependencies_of(*text);
        dependencies_[name] = needed;
        bytes_[name] = std::move(*text);
        for (auto const& each : needed)
            if (auto const done = read(each); !done) return done;
        return {};
    }
    std::vector<std::string> order(std::vector<std::string> const& wanted) const {
        return in_order(wanted, dependencies_);
    }
    std::string const& bytes(std::string const& name) const { return bytes_.at(name); }

private:
    std::map<std::string, fs::path> files_;
    std::map<std::string, std::vector<std::string>> dependencies_;
    std::map<std::string, std::string> bytes_;
};

result<std::string> make_initramfs(fs::path const& modules) {
    cpio_archive made;
    for (auto const* each : {"dev", "modules", "rik"}) made.add_directory(each);
    made.add_character_device("dev/console", {5, 1});
    made.add_program("init", guest_init());
    module_reader reader(modules);
    auto const wanted = needed_modules();
    for (auto const& each : wanted)
        if (auto const done = reader.read(each); !done) return done.error();
    std::size_t number = 10;  // names of two digits stay in order
    for (auto const& each : reader.order(wanted))
        made.add_file(fmt::format("modules/{}-{}.ko", number++, each), reader.bytes(each));
    return made.finish();
}

/// The kernel without its packing, if that is known here; else as it is, which QEMU starts, too.
result<std::string> make_kernel(fs::path const& image) {
    auto packed = read_file(image, image_bytes_max);
    if (!packed) return packed.error();
    auto const payload = find_payload(*packed);
    if (!payload && payload.error().code == errc::corrupt) {
        auto why = payload.error();
        why.message.insert(0, fmt::format("{}: ", image.string()));
        return why;
    }
    if (!payload || payload->form != payload_form::lz4) return std::move(*packed);
    auto plain = unpack_lz4_legacy(payload->bytes, kernel_bytes_max);
    if (!plain) return plain.error();
    return is_direct_kernel(*plain) ? std::move(*plain) : std::move(*packed);
}

/// Changes with all that the files are made of.
std::string cache_name(found_kernel const& from) {
    struct stat about {};
    if (::stat(from.image.c_str(), &about) != 0) about.st_size = 0;
    auto const made_of = fmt::format("{} {} {} {:x} {}", from.image.string(), about.st_size, about.st_mtim.tv_sec,
                                     fnv1a(guest_init()), fmt::join(needed_modules(), " "));
    return fmt::format("{}-{:016x}", from.release, fnv1a(made_of));
}

void remove_others(fs::path const& cache, std::string const& kept) {
    for (auto const& each : names_in(cache))
        if (each != kept) [[maybe_unused]]
            auto const removed = remove_tree(cache / each);
}

result<void> sync_file(fs::path const& path) {
    unique_fd const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file || ::fsync(file.get()) != 0) return system_error(path, "sync", errno);
    return {};
}

result<void> make_files(found_kernel const& from, fs::path const& directory) {
    auto const half = fs::path(directory.native() + ".new");
    if (auto const removed = remove_tree(half); !removed) return removed;
    if (auto const made = make_directories(half); !made) return made;
    auto const initramfs = make_initramfs(from.modules);
    if (!initramfs) return initramfs.error();
    auto const kernel = make_kernel(from.image);
    if (!kernel) return kernel.error();
    if (auto const written = write_file(half / "initramfs", *initramfs); !written) return written;
    if (auto const written = write_file(half / "vmlinux", *kernel); !written) return written;
    // A half-written kernel after a power failure would be taken for a whole one.
    for (auto const* each : {"initramfs", "vmlinux"}) {
        ::chmod((half / each).c_str(), 0444);
        if (auto const synced = sync_file(half / each); !synced) return synced;
    }
    if (::rename(half.c_str(), directory.c_str()) != 0) return system_error(directory, "rename", errno);
    return {};
}

}  // namespace

std::string newest_cloud_kernel(std::vector<std::string> const& names) {
    std::string newest;
    for (auto const& each : names) {
        if (!each.starts_with(image_prefix) || !each.ends_with(cloud_suffix)) continue;
        if (newest.empty() || ::strverscmp(each.c_str(), newest.c_str()) > 0) newest = each;
    }
    return newest;
}

result<found_kernel> find_kernel(fs::path const& wanted) {
    auto const modules_of = [](fs::path const& image) {
        auto const release = image.filename().string().substr(image_prefix.size());
        return found_kernel{image, image.parent_path().parent_path() / "lib" / "modules" / release, release};
    };
    if (!wanted.empty()) {
        if (!wanted.is_absolute() || !wanted.filename().native().starts_with(image_prefix))
            return error{errc::invalid,
                         fmt::format("kernel {}: is not named DIRECTORY/boot/vmlinuz-RELEASE", wanted.string())};
        auto found = modules_of(wanted);
        if (::access(found.image.c_str(), R_OK) == 0 && ::access(found.modules.c_str(), R_OK) == 0) return found;
        return error{errc::not_found,
                     fmt::format("kernel {}: it, or {}, is not there", wanted.string(), found.modules.string())};
    }
    for (fs::path const root : roots) {
        auto const name = newest_cloud_kernel(names_in(root / "boot"));
        if (name.empty()) continue;
        auto found = modules_of(root / "boot" / name);
        if (::access(found.modules.c_str(), R_OK) == 0) return found;
    }
    return no_kernel();
}

result<boot_files> prepare_boot_files(found_kernel const& from, fs::path const& cache) {
    auto const name = cache_name(from);
    auto const directory = cache / name;
    if (auto const made = make_directories(cache); !made) return made.error();
    if (::access(directory.c_str(), F_OK) != 0)
        if (auto const made = make_files(from, directory); !made) return made.error();
    remove_others(cache, name);
    auto initramfs = read_file(directory / "initramfs", initramfs_bytes_max);
    if (!initramfs) return initramfs.error();
    return boot_files{directory / "vmlinux", directory / "initramfs", std::move(*initramfs)};
}

}  // namespace rik::detail

// What an archive or a layout has in it, by the tools that can open one.
#include "runtime/oci/image_errors_detail.hpp"
#include "runtime/oci/image_pull_detail.hpp"

#include <rik/async/shield.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <sys/stat.h>

namespace rik::detail {

namespace fs = std::filesystem;

namespace {

/// What can be given to tar and skopeo, and shown.
result<void> check_path(fs::path const& path) {
    auto const is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
    auto const& text = path.native();
    if (std::ranges::any_of(text, is_control))
        return error{errc::invalid, "its path has a control character", "load", "rename it"};
    if (!path.is_absolute()) return error{errc::invalid, fmt::format("{}: it is not an absolute path", text), "load"};
    if (text.find(':') == text.npos) return {};
    return error{errc::invalid, fmt::format("{}: its path has a ':', which the image tools cannot open", text), "load",
                 "rename it, or make a link to it"};
}

/// skopeo reads parts of an archive by their places in it.
bool is_compressed(fs::path const& file) {
    std::ifstream in(file, std::ios::binary);
    std::string head(4, '\0');
    in.read(head.data(), static_cast<std::streamsize>(head.size()));
    constexpr std::array<std::string_view, 4> marks{"\x1f\x8b", "\x28\xb5\x2f\xfd",
                                                    "\xfd"
                                                    "7zX",
                                                    "BZh"};  // gz, zst, xz, bz2
    return std::ranges::any_of(marks, [&](std::string_view mark) { return head.starts_with(mark); });
}

struct file_kind {
    bool is_directory = false;
};

result<file_kind> kind_of(fs::path const& path) {
    struct ::stat about {};
    if (::stat(path.c_str(), &about) != 0)
        return error{errno == ENOENT || errno == ENOTDIR ? errc::not_found : errc::internal,
                     fmt::format("{}: {} (on the node's machine)", path.string(), std::strerror(errno)), "load"};
    if (S_ISREG(about.st_mode) && is_compressed(path))
        return error{errc::unsupported, fmt::format("{}: it is compressed", path.string()), "load",
                     "decompress it first, as with gunzip or unzstd"};
    if (S_ISDIR(about.st_mode) || S_ISREG(about.st_mode)) return file_kind{S_ISDIR(about.st_mode)};
    return error{errc::unsupported, fmt::format("{}: it is neither a file nor a directory", path.string()), "load"};
}

error no_archive(fs::path const& path, std::string_view said) {
    auto const why = said.empty() ? std::string() : fmt::format(" ({})", tool_message(said));
    return error{errc::unsupported, fmt::format("{}: it is no archive of images{}", path.string(), why), "load",
                 "make one with docker save, or skopeo copy ... oci-archive:PATH"};
}

}  // namespace

/// The content of the first of `members` that is there; of the error of tar only a text stays.
awaitable<result<process_output>> image_puller::read_member(fs::path archive, std::vector<std::string> members) {
    auto tar = find_program("tar");
    if (!tar) co_return tar.error();
    std::vector<std::string> arguments{"--force-local", "--occurrence=1", "--extract", "--to-stdout",
                                       fmt::format("--file={}", archive.string())};
    arguments.insert(arguments.end(), members.begin(), members.end());
    auto what = tool(std::move(*tar), std::move(arguments), files_.scratch());
    what.output_bytes_max = image_document_bytes_max;
    co_return co_await run_tool(std::move(what));
}

awaitable<result<std::vector<archived_image>>> image_puller::look_into_file(fs::path archive) {
    std::vector<std::string> of_docker{"manifest.json"};
    auto const manifest = co_await read_member(archive, std::move(of_docker));
    if (!manifest) co_return manifest.error();
    if (!manifest->out.empty()) co_return read_docker_archive(archive, manifest->out);
    std::vector<std::string> of_oci{"index.json", "./index.json"};
    auto const index = co_await read_member(archive, std::move(of_oci));
    if (!index) co_return index.error();
    if (!index->out.empty()) co_return read_oci_index("oci-archive", archive, index->out);
    co_return no_archive(archive, index->err);
}

awaitable<result<std::vector<archived_image>>> image_puller::look_into(fs::path archive) {
    if (auto const checked = check_path(archive); !checked) co_return checked.error();
    auto look = [archive] { return kind_of(archive); };
    auto const kind = co_await offload(pool_, std::move(look));
    if (!kind) co_return kind.error();
    if (!kind->is_directory) co_return co_await look_into_file(archive);
    auto read = [archive] { return read_small_file(archive / "index.json", image_document_bytes_max); };
    auto const index = co_await offload(pool_, std::move(read));
    if (!index) co_return no_archive(archive, index.error().message);
    co_return read_oci_index("oci", archive, *index);
}

}  // namespace rik::detail

// Where the root file systems of a node are, and what is known of them: found from the paths alone.
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

struct rootfs_record {
    std::string name;
    std::string digest;   ///< "sha256:HEX" of what was fetched
    std::string version;  ///< as its source tells versions apart: an ETag, or a file's size and times; may be empty
    wall_time fetched_at = {};
    friend bool operator==(rootfs_record const&, rootfs_record const&) = default;
};

std::string record_text(rootfs_record const& record);
/// Errors: corrupt.
result<rootfs_record> parse_rootfs_record(std::string_view text);

class rootfs_files {
public:
    explicit rootfs_files(std::filesystem::path root) : root_(std::move(root)) {}

    std::filesystem::path base(std::string_view digest) const;  ///< the file of a file system
    std::filesystem::path record(std::string_view name) const;
    std::filesystem::path bases() const { return root_ / "bases"; }
    std::filesystem::path records() const { return root_ / "records"; }
    std::filesystem::path work() const { return root_ / "work"; }  ///< of this process; emptied at its start
    std::filesystem::path const& root() const { return root_; }

    /// Makes the directories, private, and empties `work`. Blocks.
    result<void> prepare() const;
    /// Blocks. Those without their file are left out.
    std::map<std::string, rootfs_record> read_records() const;
    /// Blocks. The file is on the disk before its name is.
    result<void> keep(std::filesystem::path const& made, std::string_view digest) const;
    result<void> write(rootfs_record const& record) const;

private:
    std::filesystem::path root_;
};

}  // namespace rik::detail

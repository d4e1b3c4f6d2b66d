// Fetches a root file system and makes a file of it that a machine can have: with child processes, each bounded in what
// it may write and how long it may take.
#pragma once

#include "download_detail.hpp"
#include "rootfs_form_detail.hpp"
#include "rootfs_name_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/runtime/microvm/rootfs_store.hpp>
#include <rik/runtime/process.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace rik::detail {

struct fetched_file {
    std::filesystem::path path;
    std::string version = {};
    bool is_ours = true;      ///< false: a file of the machine, which is only read
    bool has_changed = true;  ///< false: it is as `version` says, and nothing was fetched
};

class rootfs_maker {
public:
    rootfs_maker(asio::any_io_executor pool, clock& time, rootfs_store_options const& options)
        : pool_(std::move(pool)), time_(time), options_(options) {}

    /// From a server, into `work`, a directory; `version`: of what is here. Errors: those of read_answer.
    awaitable<result<fetched_file>> download(std::string url, std::string version, std::filesystem::path work);
    /// Looks at a file of this machine. Errors: not_found; invalid, it is no file.
    awaitable<result<fetched_file>> find(std::filesystem::path file);
    /// "sha256:HEX"
    awaitable<result<std::string>> digest(std::filesystem::path file);
    /// A file of a file system, in `work`. Errors: unsupported, corrupt, exhausted, timed_out: see rootfs_form.
    awaitable<result<std::filesystem::path>> make(fetched_file from, std::filesystem::path work);
    /// The same, of a tree.
    awaitable<result<std::filesystem::path>> make_of_tree(std::filesystem::path tree, std::filesystem::path work);

private:
    struct watched {
        command what;
        std::filesystem::path grows = {};   ///< a file or a directory
        std::filesystem::path output = {};  ///< a file for its standard output
        std::filesystem::path work;
        std::int64_t bytes_max = 0;
        duration time_max = {};
    };
    struct ended {
        int code = 0;
        std::string complaint = {};
    };
    awaitable<result<ended>> run(watched what);
    awaitable<result<ended>> watch(child_process& child, watched const& what);
    struct attempt {
        result<downloaded> outcome;
        std::string etag = {};  ///< of what has come, also if it broke off
    };
    awaitable<attempt> try_download(download_request of, std::filesystem::path work);
    awaitable<result<rootfs_form>> look(std::filesystem::path file);
    awaitable<result<std::filesystem::path>> copy(std::filesystem::path file, std::filesystem::path work);
    awaitable<result<std::filesystem::path>> unpack(fetched_file from, rootfs_form form, std::filesystem::path work);
    awaitable<result<std::filesystem::path>> extract(std::filesystem::path archive, std::filesystem::path work);

    asio::any_io_executor pool_;
    clock& time_;
    rootfs_store_options const& options_;
};

}  // namespace rik::detail

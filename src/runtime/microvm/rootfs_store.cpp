#include <rik/runtime/microvm/rootfs_store.hpp>

#include "rootfs_files_detail.hpp"
#include "rootfs_maker_detail.hpp"

#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/image_flight_detail.hpp"
#include "runtime/oci/users_detail.hpp"

#include <rik/async/limiter.hpp>
#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>
#include <rik/async/unless.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace rik {

namespace {

constexpr std::size_t fetches_at_once_max = 4;

enum class asking : std::uint8_t { each_time, if_it_answers, if_missing, never };

asking asking_of(detail::rootfs_source const& source, std::optional<image_pull_policy> policy) {
    if (policy == image_pull_policy::always) return asking::each_time;
    if (policy == image_pull_policy::never) return asking::never;
    if (policy == image_pull_policy::if_not_present || !source.digest.empty()) return asking::if_missing;
    return asking::if_it_answers;
}

bool is_away(error const& problem, detail::rootfs_source const& source) {
    auto const is_file = source.from == detail::rootfs_source::where::file;
    return problem.code == errc::unavailable || problem.code == errc::timed_out ||
           (is_file && problem.code == errc::not_found);
}

/// Its user by numbers, as a machine's first program cannot look names up. Blocks. Errors: invalid, there is no such
/// user in it.
result<image_config> config_for_machine(image const& from) {
    auto config = from.config;
    if (config.user.empty()) return config;
    container_rights const nothing_said{};
    std::vector<std::int64_t> const no_groups;
    auto const user = detail::resolve_user_in(from.tree, {config.user, nothing_said, no_groups});
    if (!user) return user.error();
    config.user = fmt::format("{}:{}", user->uid, user->gid);
    auto const is_home = [](std::string const& each) { return each.starts_with("HOME="); };
    if (std::ranges::none_of(config.env, is_home)) config.env.push_back("HOME=" + user->home);
    return config;
}

error about(std::string const& name, error why) {
    if (why.message.find(name) == why.message.npos)
        why.message = fmt::format("root file system {}: {}", name, why.message);
    return why;
}

}  // namespace

struct rootfs_store::impl {
    impl(asio::any_io_executor on_strand, asio::any_io_executor work_pool, clock& clock_of, rootfs_store_options wanted,
         log logs)
        : strand(std::move(on_strand)),
          pool(work_pool),
          time(clock_of),
          options(std::move(wanted)),
          out(std::move(logs)),
          files(options.state_directory),
          maker(std::move(work_pool), time, options),
          fetches(strand, fetches_at_once_max),
          tasks(strand) {}

    /// Whoever waits is told, also if this is cancelled.
    class landing {
    public:
        landing(impl& on, std::string key, std::shared_ptr<detail::flight> which)
            : on_(on), key_(std::move(key)), flight_(std::move(which)) {}
        landing(landing const&) = delete;
        ~landing() {
            on_.flights.erase(key_);
            if (!flight_->outcome) flight_->land(error{errc::unavailable, "the node is stopping"});
        }
        void land(result<image_ptr> how) { flight_->land(std::move(how)); }

    private:
        impl& on_;
        std::string key_;
        std::shared_ptr<detail::flight> flight_;
    };

    /// A directory of one piece of work, however that ends.
    class work_place {
    public:
        explicit work_place(impl& on) : on_(on), path_(on.files.work() / std::to_string(++on.work_count)) {}
        work_place(work_place const&) = delete;
        ~work_place() { on_.done_with.push_back(path_); }
        std::filesystem::path const& path() const { return path_; }

    private:
        impl& on_;
        std::filesystem::path path_;
    };

    awaitable<> fly(std::string name, std::optional<image_pull_policy> policy, std::string key,
                    std::shared_ptr<detail::flight> which);
    awaitable<result<image_ptr>> get(std::string name, std::optional<image_pull_policy> policy);
    awaitable<result<image_ptr>> fetch(std::string name, detail::rootfs_source source);
    awaitable<result<image_ptr>> fetch_into(std::string name, detail::rootfs_source source, std::filesystem::path work);
    awaitable<result<image_ptr>> of_container_image(std::string name, std::string image_name,
                                                    std::optional<image_pull_policy> policy);
    awaitable<result<void>> add(detail::fetched_file from, std::string digest, std::filesystem::path work);
    awaitable<> sweep();
    image_ptr image_of(detail::rootfs_record const& record) const;
    std::optional<detail::rootfs_record> find_record(std::string const& name) const {
        auto const found = records.find(name);
        return found == records.end() ? std::nullopt : std::optional(found->second);
    }
    node_image describe(detail::rootfs_record const& record) const;

    asio::any_io_executor strand;
    asio::any_io_executor pool;
    clock& time;
    rootfs_store_options options;
    log out;
    detail::rootfs_files files;
    detail::rootfs_maker maker;
    std::map<std::string, detail::rootfs_record> records;
    std::map<std::string, std::shared_ptr<detail::flight>> flights;
    std::uint64_t work_count = 0;
    std::vector<std::filesystem::path> done_with;  ///< directories that `sweep` removes
    limiter fetches;
    task_group tasks;
};

image_ptr rootfs_store::impl::image_of(detail::rootfs_record const& record) const {
    return std::make_shared<image>(
        image{.name = record.name, .digest = record.digest, .tree = files.base(record.digest), .config = {}});
}

node_image rootfs_store::impl::describe(detail::rootfs_record const& record) const {
    node_image made{.digest = record.digest, .names = {record.name}};
    struct stat about {};
    if (::stat(files.base(record.digest).c_str(), &about) == 0) made.size_bytes = about.st_blocks * 512;
    made.pulled_at = record.fetched_at;
    return made;
}

awaitable<> rootfs_store::impl::fly(std::string name, std::optional<image_pull_policy> policy, std::string key,
                                    std::shared_ptr<detail::flight> which) {
    landing end(*this, std::move(key), which);
    std::optional<result<image_ptr>> got;
    while (!got) {
        auto getting = get(name, policy);
        got = co_await unless(which->deserted(), std::move(getting));
        co_await sweep();
        // Somebody may have come while it was being cancelled.
        if (!got && which->waiters.empty()) co_return;
    }
    end.land(*got ? std::move(*got) : result<image_ptr>(about(name, got->error())));
}

/// Removes the work of what has ended, also of what was cancelled.
awaitable<> rootfs_store::impl::sweep() {
    auto const all = std::exchange(done_with, {});
    for (auto const& each : all) {
        auto removing = [&] { return detail::remove_tree(each); };
        auto const removed = co_await offload(pool, std::move(removing));
        if (removed) continue;
        done_with.push_back(each);  // a child that was killed may still have been at work in it
        out.warning("what was fetched is left", {{"directory", each.string()}, {"why", to_string(removed.error())}});
    }
}

awaitable<result<image_ptr>> rootfs_store::impl::get(std::string name, std::optional<image_pull_policy> policy) {
    auto const source = detail::parse_rootfs_name(name);
    if (!source) co_return source.error();
    if (source->from == detail::rootfs_source::where::container_image)
        co_return co_await of_container_image(name, source->location, policy);
    auto const known = find_record(name);
    auto const is_here = known && ::access(files.base(known->digest).c_str(), F_OK) == 0;
    auto const asks = asking_of(*source, policy);
    if (is_here && (asks == asking::never || asks == asking::if_missing)) co_return image_of(*known);
    if (asks == asking::never)
        co_return error{errc::not_found, "it is not on this node, and its imagePullPolicy is Never"};
    auto got = co_await fetch(name, *source);
    if (got || !is_here || asks == asking::each_time || !is_away(got.error(), *source)) co_return got;
    auto old = std::make_shared<image>(*image_of(*known));
    old->warning = fmt::format("an older copy is used: {}", to_string(got.error()));
    co_return old;
}

awaitable<result<image_ptr>> rootfs_store::impl::fetch(std::string name, detail::rootfs_source source) {
    auto const turn = co_await fetches.acquire();
    work_place const work(*this);
    if (auto const made = detail::make_directories(work.path()); !made) co_return made.error();
    co_return co_await fetch_into(std::move(name), std::move(source), work.path());
}

awaitable<result<image_ptr>> rootfs_store::impl::fetch_into(std::string name, detail::rootfs_source source,
                                                            std::filesystem::path work) {
    auto const known = find_record(name);  // a copy: it may be removed meanwhile
    auto const is_here = known && ::access(files.base(known->digest).c_str(), F_OK) == 0;
    auto const version = is_here ? known->version : std::string();
    auto fetching = source.from == detail::rootfs_source::where::server ? maker.download(source.location, version, work)
                                                                        : maker.find(source.location);
    auto found = co_await std::move(fetching);
    if (!found) co_return found.error();
    auto const is_same = !version.empty() && found->version == version;
    if (known && (!found->has_changed || is_same)) co_return image_of(*known);
    auto const digest = co_await maker.digest(found->path);
    if (!digest) co_return digest.error();
    if (!source.digest.empty() && *digest != source.digest)
        co_return error{errc::corrupt, fmt::format("it is another file than it should be: its digest is {}", *digest)};
    detail::rootfs_record record{.name = name, .digest = *digest, .version = found->version, .fetched_at = time.wall()};
    auto const added = co_await add(std::move(*found), *digest, std::move(work));
    if (!added) co_return added.error();
    if (auto const written = files.write(record); !written) co_return written.error();
    records[name] = record;
    co_return image_of(record);
}

awaitable<result<void>> rootfs_store::impl::add(detail::fetched_file from, std::string digest,
                                                std::filesystem::path work) {
    if (::access(files.base(digest).c_str(), F_OK) == 0) co_return result<void>{};
    auto const made = co_await maker.make(std::move(from), std::move(work));
    if (!made) co_return made.error();
    auto keeping = [&] { return files.keep(*made, digest); };
    co_return co_await offload(pool, std::move(keeping));
}

/// Its tree is the other store's, and may go: what a machine has is a file of its own.
awaitable<result<image_ptr>> rootfs_store::impl::of_container_image(std::string name, std::string image_name,
                                                                    std::optional<image_pull_policy> policy) {
    if (options.containers == nullptr)
        co_return error{errc::unsupported, "images of containers cannot be root file systems here"};
    auto const got = co_await options.containers->ensure(std::move(image_name), policy);
    if (!got) co_return got.error();
    auto const& from = **got;
    if (::access(files.base(from.digest).c_str(), F_OK) != 0) {
        auto const turn = co_await fetches.acquire();
        work_place const work(*this);
        if (auto const made = detail::make_directories(work.path()); !made) co_return made.error();
        auto const made = co_await maker.make_of_tree(from.tree, work.path());
        if (!made) co_return made.error();
        auto keeping = [&] { return files.keep(*made, from.digest); };
        auto const kept = co_await offload(pool, std::move(keeping));
        if (!kept) co_return kept.error();
    }
    detail::rootfs_record record{.name = name, .digest = from.digest, .version = {}, .fetched_at = time.wall()};
    if (auto const written = files.write(record); !written) co_return written.error();
    records[name] = record;
    auto made = std::make_shared<image>(*image_of(record));
    made->warning = from.warning;
    auto reading = [&] { return config_for_machine(from); };
    auto config = co_await offload(pool, std::move(reading));
    if (!config) co_return config.error();
    made->config = std::move(*config);
    co_return made;
}

rootfs_store::rootfs_store(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
rootfs_store::~rootfs_store() = default;

result<std::unique_ptr<rootfs_store>> rootfs_store::open(asio::any_io_executor strand, asio::any_io_executor pool,
                                                         clock& time, rootfs_store_options options, log logs) {
    for (auto const* each : {"curl", "mke2fs", "tar", "sha256sum"})
        if (auto const found = find_program(each); !found) return found.error();
    auto inner = std::make_unique<impl>(std::move(strand), std::move(pool), time, std::move(options), std::move(logs));
    if (auto const prepared = inner->files.prepare(); !prepared) return prepared.error();
    inner->records = inner->files.read_records();
    return std::unique_ptr<rootfs_store>(new rootfs_store(std::move(inner)));
}

awaitable<result<image_ptr>> rootfs_store::ensure(std::string name, std::optional<image_pull_policy> policy) {
    auto key = fmt::format("{} {}", policy ? static_cast<int>(*policy) : -1, name);
    auto& flying = impl_->flights[key];
    if (!flying) flying = std::make_shared<detail::flight>(impl_->strand);
    auto const mine = flying;
    detail::seat seat(mine, impl_->strand);
    if (!std::exchange(mine->is_under_way, true))
        impl_->tasks.spawn(impl_->fly(std::move(name), policy, std::move(key), mine));
    co_await seat.landed();
    co_return *mine->outcome;
}

awaitable<result<std::vector<node_image>>> rootfs_store::list_all_images() {
    std::map<std::string, node_image> by_digest;
    for (auto const& [name, record] : impl_->records) {
        auto const [each, is_new] = by_digest.try_emplace(record.digest, impl_->describe(record));
        if (!is_new) each->second.names.push_back(name);  // in their order
    }
    std::vector<node_image> all;
    for (auto& [digest, each] : by_digest) all.push_back(std::move(each));
    co_return all;
}

awaitable<result<std::vector<node_image>>> rootfs_store::load(load_images what) {
    auto const got = co_await ensure(what.path, image_pull_policy::always);
    if (!got) co_return got.error();
    auto const found = impl_->records.find(what.path);
    if (found == impl_->records.end())
        co_return error{errc::conflict, fmt::format("root file system {}: it was removed meanwhile", what.path)};
    std::vector<node_image> loaded{impl_->describe(found->second)};
    co_return loaded;
}

awaitable<result<void>> rootfs_store::remove(image_removal what) {
    bool is_used_otherwise = false;
    std::vector<std::string> gone;
    for (auto const& [name, record] : impl_->records) {
        if (record.digest != what.digest) continue;
        if (what.only_name.empty() || name == what.only_name)
            gone.push_back(name);
        else
            is_used_otherwise = true;
    }
    if (gone.empty())
        co_return error{errc::not_found, fmt::format("root file system {}: it is not on this node", what.digest)};
    for (auto const& each : gone) {
        ::unlink(impl_->files.record(each).c_str());
        impl_->records.erase(each);
    }
    // Machines that have it open keep it until they end.
    if (!is_used_otherwise) ::unlink(impl_->files.base(what.digest).c_str());
    co_return result<void>{};
}

awaitable<> rootfs_store::stop() { return impl_->tasks.stop(); }

result<void> rootfs_store::remove_all(std::filesystem::path const& state_directory) {
    return detail::remove_tree(state_directory);
}

}  // namespace rik

#include "runtime/oci/image_pull_detail.hpp"

#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/image_errors_detail.hpp"
#include "runtime/oci/tool_tries_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/base/hash.hpp>

#include <fmt/format.h>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <utility>

namespace rik::detail {

namespace {

/// So long the layers that came before a download was cut off are kept for the next try.
constexpr auto cut_off_kept_for = std::chrono::hours(1);
constexpr std::size_t names_at_once_max = 100'000;  // those who really work are limited by what follows

/// What skopeo takes from its surroundings: proxies, certificates, logins.
constexpr std::array passed_on{"HTTP_PROXY",      "HTTPS_PROXY", "NO_PROXY",      "http_proxy",
                               "https_proxy",     "no_proxy",    "SSL_CERT_FILE", "SSL_CERT_DIR",
                               "XDG_RUNTIME_DIR", "HOME",        "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"};

std::vector<std::string> tool_environment(std::filesystem::path const& scratch) {
    std::vector<std::string> environment{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                         fmt::format("TMPDIR={}", scratch.string())};
    for (auto const* name : passed_on) {
        if (auto const* value = std::getenv(name)) environment.push_back(fmt::format("{}={}", name, value));
    }
    if (std::getenv("HOME") == nullptr) environment.emplace_back("HOME=/root");
    return environment;
}

/// 0 would let nothing through for ever.
keyed_limiter::bounds at_least_one(keyed_limiter::bounds wanted) {
    return {.per_key_max = std::max<std::size_t>(wanted.per_key_max, 1),
            .in_all_max = std::max<std::size_t>(wanted.in_all_max, 1)};
}

keyed_limiter::bounds bounds_of_questions(oci_images_options const& options) {
    return at_least_one({options.questions_per_registry_max, options.pulls_at_once_max});
}

keyed_limiter::bounds bounds_of_downloads(oci_images_options const& options) {
    return at_least_one({options.pulls_per_registry_max, options.pulls_at_once_max});
}

}  // namespace

/// One pull or unpacking that is under way, from its first byte until its image has a record. It leaves garbage unless
/// it succeeds, even when it is cancelled.
class image_puller::work_mark {
public:
    explicit work_mark(image_puller& whose) : whose_(&whose) { ++whose_->work_count_; }
    work_mark(work_mark&& other) noexcept
        : whose_(std::exchange(other.whose_, nullptr)), has_succeeded_(other.has_succeeded_) {}
    work_mark& operator=(work_mark&&) = delete;
    ~work_mark() {
        if (whose_ == nullptr) return;
        --whose_->work_count_;
        if (!has_succeeded_) whose_->has_garbage_ = true;
    }
    void succeed() { has_succeeded_ = true; }

private:
    image_puller* whose_;
    bool has_succeeded_ = false;
};

image_puller::image_puller(asio::any_io_executor strand, asio::any_io_executor pool, clock& time, image_files files,
                           image_tools tools, oci_images_options options)
    : pool_(std::move(pool)),
      time_(&time),
      files_(std::move(files)),
      tools_(std::move(tools)),
      options_(std::move(options)),
      names_(std::make_unique<keyed_limiter>(strand, keyed_limiter::bounds{1, names_at_once_max})),
      questions_(std::make_unique<keyed_limiter>(strand, bounds_of_questions(options_))),
      downloads_(std::make_unique<keyed_limiter>(strand, bounds_of_downloads(options_))),
      looks_(std::make_unique<limiter>(strand, std::max<std::size_t>(options_.pulls_per_registry_max, 1))),
      unpackings_(std::make_unique<limiter>(strand, std::max<std::size_t>(options_.unpacks_at_once_max, 1))),
      beginnings_(std::make_unique<limiter>(strand, 1)) {}

awaitable<std::string> image_puller::stamp(image_source source) {
    if (source.file.empty()) co_return std::string();
    auto const place = co_await looks_->acquire();
    auto look = [file = source.file] { return file_stamp(file); };
    co_return co_await offload(pool_, std::move(look));
}

awaitable<result<std::optional<known_image>>> image_puller::recall(std::string name, image_source source) {
    auto look = [files = files_, name, source] { return files.recall(source, name); };
    auto found = co_await offload(pool_, std::move(look));
    if (found.known || !found.packed) co_return std::move(found.known);
    auto restored = co_await restore(std::move(name), std::move(source), std::move(*found.packed));
    co_await collect_garbage();
    if (!restored && restored.error().code == errc::exhausted) co_return restored.error();
    if (!restored) co_return std::optional<known_image>();  // its blobs are damaged: as good as not here
    co_return std::optional(std::move(*restored));
}

awaitable<result<std::string>> image_puller::ask(image_source source, std::function<void()> begins) {
    auto const alone = co_await names_->acquire(source.key);
    auto const place = co_await questions_->acquire(source.registry);
    begins();
    std::vector<std::string> arguments{"inspect", "--raw"};
    if (is_insecure(source)) arguments.emplace_back("--tls-verify=false");
    arguments.push_back(source.location);
    auto what = tool(tools_.skopeo, std::move(arguments), files_.scratch());
    auto const output = co_await run_tool(std::move(what));
    if (!output) co_return output.error();
    if (!output->exit.known || output->exit.code != 0) co_return pull_error(output->err, source);
    co_return fmt::format("{:016x}", fnv1a(output->out));  // the registry has no need to deceive us with a collision
}

/// Two pulls of one name would write the same layout; the second may find what it was to fetch.
awaitable<result<known_image>> image_puller::pull(std::string name, image_source source, std::string stamp) {
    auto const alone = co_await names_->acquire(source.key);
    if (!stamp.empty()) {
        auto look = [files = files_, name, source] { return files.recall(source, name); };
        auto found = co_await offload(pool_, std::move(look));
        if (found.known && found.known->stamp == stamp) co_return std::move(*found.known);
    }
    auto fetched = co_await fetch(std::move(name), std::move(source), std::move(stamp));
    co_await collect_garbage();
    co_return std::move(fetched);
}

awaitable<result<known_image>> image_puller::fetch(std::string name, image_source source, std::string stamp) {
    auto mark = co_await begin_work();
    auto const can_go_on = source.file.empty();
    auto fetched = co_await fetch_anew(std::move(name), std::move(source), std::move(stamp));
    if (fetched) mark.succeed();
    keeps_cut_off_ = keeps_cut_off_ && (fetched || can_go_on);
    co_return fetched;
}

awaitable<result<known_image>> image_puller::fetch_anew(std::string name, image_source source, std::string stamp) {
    auto copied = co_await copy_and_unpack(source);
    if (!copied && copied.error().code == errc::corrupt) {
        // A blob that an earlier pull left may be damaged: skopeo looks at its size only. Once more, with fresh ones.
        auto drop = [files = files_, key = source.key]() -> result<void> {
            files.drop_layout(key);
            return {};
        };
        auto const dropped = co_await offload(pool_, std::move(drop));
        if (!dropped) co_return dropped.error();
        copied = co_await copy_and_unpack(source);
    }
    if (!copied) co_return copied.error();
    known_digest found{copied->digest, std::move(stamp)};
    co_return co_await remember(std::move(name), std::move(source), std::move(found));
}

awaitable<result<known_image>> image_puller::remember(std::string name, image_source source, known_digest what) {
    auto work = [files = files_, source, name, what]() -> result<known_image> {
        if (auto const done = files.remember(source.key, name, what.digest, what.stamp); !done) return done.error();
        if (source.old_key != source.key) files.drop_record(source.old_key);
        auto loaded = files.load(name, what.digest);
        if (!loaded) return loaded.error();
        return known_image{std::move(*loaded), what.stamp};
    };
    co_return co_await offload(pool_, std::move(work));
}

/// Its blobs are here: no registry is needed.
awaitable<result<known_image>> image_puller::restore(std::string name, image_source source, packed_image from) {
    auto const alone = co_await names_->acquire(from.key);
    auto mark = co_await begin_work();
    auto const unpacked = co_await unpack_packed(from);
    if (!unpacked) co_return unpacked.error();
    mark.succeed();
    // By its old key: the layout stays where it is.
    source.key = from.key;
    known_digest found{from.what.digest, from.stamp};
    co_return co_await remember(std::move(name), std::move(source), std::move(found));
}

awaitable<std::vector<node_image>> image_puller::list() {
    auto look = [files = files_] { return files.list(); };
    co_return co_await offload(pool_, std::move(look));
}

awaitable<result<void>> image_puller::forget(image_removal what) {
    auto work = [files = files_, what = std::move(what)] { return files.forget(what); };
    auto const forgotten = co_await offload(pool_, std::move(work));
    has_garbage_ = has_garbage_ || forgotten.has_value();
    keeps_cut_off_ = keeps_cut_off_ && !forgotten;
    co_await collect_garbage();
    co_return forgotten;
}

awaitable<image_puller::work_mark> image_puller::begin_work() {
    auto const turn = co_await beginnings_->acquire();
    co_return work_mark(*this);
}

awaitable<> image_puller::collect_garbage() {
    if (has_garbage_ && work_count_ == 0) co_await shield(collect_now());
}

awaitable<> image_puller::collect_now() {
    auto const turn = co_await beginnings_->acquire();
    if (!has_garbage_ || work_count_ > 0) co_return;  // something began meanwhile, and collects at its end
    auto const since = keeps_cut_off_ ? time_->wall() - cut_off_kept_for : wall_time::max();
    auto work = [files = files_, since] { return files.collect_garbage(since); };
    has_garbage_ = false;
    keeps_cut_off_ = true;
    auto const is_left = co_await offload(pool_, std::move(work));
    has_garbage_ = has_garbage_ || is_left;
}

awaitable<> image_puller::empty_trash(std::stop_token stop) {
    auto work = [files = files_, stop] { files.empty_trash(stop); };
    co_await offload(pool_, std::move(work));
}

/// Whatever its end, nothing of it but the result stays.
awaitable<result<layout_image>> image_puller::copy_and_unpack(image_source source) {
    auto place = co_await downloads_->acquire(source.registry);
    auto make = [files = files_] { return files.make_scratch(); };
    auto const scratch = co_await offload(pool_, std::move(make));
    if (!scratch) co_return scratch.error();
    auto working = copy_and_unpack_in(*scratch, source, std::move(place));
    co_return co_await cleaned_up(*scratch, source.key, std::move(working));
}

awaitable<result<layout_image>> image_puller::unpack_packed(packed_image from) {
    auto make = [files = files_] { return files.make_scratch(); };
    auto const scratch = co_await offload(pool_, std::move(make));
    if (!scratch) co_return scratch.error();
    auto working = unpack(*scratch, from.key, from.what);
    co_return co_await cleaned_up(*scratch, from.key, std::move(working));
}

awaitable<result<layout_image>> image_puller::cleaned_up(std::filesystem::path scratch, std::string key,
                                                         awaitable<result<layout_image>> work) {
    result<layout_image> done;
    std::exception_ptr failure;
    try {
        done = co_await std::move(work);
    } catch (...) {  // it was cancelled: nothing can be awaited here
        failure = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    auto clean = [files = files_, scratch, key] { files.clean_up(scratch, key); };
    co_await offload(pool_, std::move(clean));
    if (failure) std::rethrow_exception(failure);
    co_return done;
}

awaitable<result<layout_image>> image_puller::copy_and_unpack_in(std::filesystem::path scratch, image_source source,
                                                                 keyed_limiter::ticket place) {
    auto copied = co_await copy(scratch, source, std::move(place));
    if (!copied) co_return copied.error();
    auto look = [files = files_, digest = copied->digest] { return files.is_complete(digest); };
    if (co_await offload(pool_, std::move(look))) co_return copied;
    co_return co_await unpack(scratch, source.key, *copied);
}

bool image_puller::is_insecure(image_source const& source) const {
    auto const registry = parse_registry(source.registry);
    return registry && std::ranges::find(options_.insecure_registries, *registry) != options_.insecure_registries.end();
}

command image_puller::tool(std::filesystem::path program, std::vector<std::string> arguments,
                           std::filesystem::path const& scratch) const {
    return {.program = std::move(program), .arguments = std::move(arguments), .environment = tool_environment(scratch)};
}

awaitable<result<process_output>> image_puller::run_tool_once(command what) {
    auto const deadline = time_->now() + options_.pull_timeout;
    co_return co_await run_process(std::move(what), deadline);
}

awaitable<result<process_output>> image_puller::run_tool(command what) {
    for (unsigned tries = 1;; ++tries) {
        auto ran = co_await run_tool_once(what);
        auto const signal = ran ? signal_of(ran->exit) : std::nullopt;
        if (!signal) co_return ran;
        if (tries == tool_tries_max) co_return ended_by_signal(what.program.filename().native(), *signal);
        co_await time_->sleep_for(tool_pause);
    }
}

awaitable<result<layout_image>> image_puller::copy(std::filesystem::path scratch, image_source source,
                                                   [[maybe_unused]] keyed_limiter::ticket place) {
    auto prepare = [files = files_, key = source.key] { return files.prepare_layout(key); };
    if (auto const prepared = co_await offload(pool_, std::move(prepare)); !prepared) co_return prepared.error();
    auto const layout = files_.layout(source.key);
    std::vector<std::string> arguments{"copy", "--quiet", "--dest-shared-blob-dir", files_.blobs()};
    if (is_insecure(source)) arguments.emplace_back("--src-tls-verify=false");
    arguments.push_back(source.location);
    arguments.push_back(fmt::format("oci:{}:{}", layout.string(), layout_tag));
    auto what = tool(tools_.skopeo, std::move(arguments), scratch);
    auto const output = co_await run_tool(std::move(what));
    if (!output && output.error().code == errc::timed_out) {
        auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(options_.pull_timeout).count();
        co_return error{errc::unavailable, fmt::format("it did not arrive within {} s", seconds)};
    }
    if (!output) co_return output.error();
    if (!output->exit.known || output->exit.code != 0) co_return pull_error(output->err, source);
    auto read = [files = files_, layout]() -> result<layout_image> {
        auto found = read_image_layout(layout, files.blobs());
        if (!found) return found;
        // Before anything is unpacked: an image for another machine is refused.
        auto const config = parse_image_config(found->config_text, machine_architecture());
        if (!config) return config.error();
        return found;
    };
    co_return co_await offload(pool_, std::move(read));
}

awaitable<result<layout_image>> image_puller::unpack(std::filesystem::path scratch, std::string key,
                                                     layout_image what) {
    auto const turn = co_await unpackings_->acquire();
    auto const image = fmt::format("{}:{}", files_.layout(key).string(), layout_tag);
    std::filesystem::path place;
    for (unsigned tries = 1;; ++tries) {
        place = scratch / fmt::format("image-{}", tries);  // what one that was killed has left would be in the way
        auto make = [place] { return make_directories(place); };
        if (auto const made = co_await offload(pool_, std::move(make)); !made) co_return made.error();
        std::vector<std::string> arguments{"raw", "unpack", "--image", image, place / "rootfs"};
        auto unpacking = tool(tools_.umoci, std::move(arguments), scratch);
        auto const output = co_await run_tool_once(std::move(unpacking));
        if (!output) co_return output.error();
        auto const signal = signal_of(output->exit);
        if (!signal && (!output->exit.known || output->exit.code != 0)) co_return unpack_error(output->err);
        if (!signal) break;
        if (tries == tool_tries_max) co_return ended_by_signal("umoci", *signal);
        co_await time_->sleep_for(tool_pause);
    }
    auto publish = [files = files_, place, what] { return files.publish(place, what); };
    auto const published = co_await offload(pool_, std::move(publish));
    if (!published) co_return published.error();
    co_return what;
}

}  // namespace rik::detail

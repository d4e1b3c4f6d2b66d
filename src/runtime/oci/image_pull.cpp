#include "runtime/oci/image_pull_detail.hpp"

#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/image_errors_detail.hpp"

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

image_puller::image_puller(asio::any_io_executor strand, asio::any_io_executor pool, clock& time, image_files files,
                           image_tools tools, oci_images_options options)
    : pool_(std::move(pool)),
      time_(&time),
      files_(std::move(files)),
      tools_(std::move(tools)),
      options_(std::move(options)),
      questions_(std::make_unique<keyed_limiter>(strand, bounds_of_questions(options_))),
      downloads_(std::make_unique<keyed_limiter>(strand, bounds_of_downloads(options_))),
      looks_(std::make_unique<limiter>(strand, std::max<std::size_t>(options_.pulls_per_registry_max, 1))),
      unpackings_(std::make_unique<limiter>(strand, std::max<std::size_t>(options_.unpacks_at_once_max, 1))) {}

awaitable<std::string> image_puller::stamp(image_source source) {
    if (source.file.empty()) co_return std::string();
    auto const place = co_await looks_->acquire();
    auto look = [file = source.file] { return file_stamp(file); };
    co_return co_await offload(pool_, std::move(look));
}

awaitable<recalled_image> image_puller::recall(std::string name, image_source source) {
    auto stamp_now = co_await stamp(source);
    auto look = [files = files_, name, key = source.key] { return files.recall(key, name); };
    auto known = co_await offload(pool_, std::move(look));
    recalled_image recalled{std::move(known), std::move(stamp_now)};
    co_return recalled;
}

awaitable<result<std::string>> image_puller::ask(image_source source) {
    auto const place = co_await questions_->acquire(source.registry);
    std::vector<std::string> arguments{"inspect", "--raw"};
    if (is_insecure(source)) arguments.emplace_back("--tls-verify=false");
    arguments.push_back(source.location);
    auto what = tool(tools_.skopeo, std::move(arguments), files_.scratch());
    auto const output = co_await run_tool(std::move(what));
    if (!output) co_return output.error();
    if (!output->exit.known || output->exit.code != 0) co_return pull_error(output->err, source);
    co_return fmt::format("{:016x}", fnv1a(output->out));  // the registry has no need to deceive us with a collision
}

awaitable<result<known_image>> image_puller::pull(std::string name, image_source source, std::string stamp) {
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
    auto remember = [files = files_, key = source.key, digest = copied->digest, name, stamp]() -> result<known_image> {
        if (auto const done = files.remember(key, name, digest, stamp); !done) return done.error();
        auto loaded = files.load(name, digest);
        if (!loaded) return loaded.error();
        return known_image{std::move(*loaded), stamp};
    };
    co_return co_await offload(pool_, std::move(remember));
}

/// Whatever its end, nothing of it but the result stays.
awaitable<result<layout_image>> image_puller::copy_and_unpack(image_source source) {
    auto place = co_await downloads_->acquire(source.registry);
    auto make = [files = files_] { return files.make_scratch(); };
    auto const scratch = co_await offload(pool_, std::move(make));
    if (!scratch) co_return scratch.error();
    result<layout_image> done;
    std::exception_ptr failure;
    try {
        done = co_await copy_and_unpack_in(*scratch, source, std::move(place));
    } catch (...) {  // it was cancelled: nothing can be awaited here
        failure = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    auto clean = [files = files_, path = *scratch, key = source.key] { files.clean_up(path, key); };
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
    auto const unpacked = co_await unpack(scratch, source.key, *copied);
    if (!unpacked) co_return unpacked.error();
    co_return copied;
}

bool image_puller::is_insecure(image_source const& source) const {
    auto const registry = parse_registry(source.registry);
    return registry && std::ranges::find(options_.insecure_registries, *registry) != options_.insecure_registries.end();
}

command image_puller::tool(std::filesystem::path program, std::vector<std::string> arguments,
                           std::filesystem::path const& scratch) const {
    return {.program = std::move(program), .arguments = std::move(arguments), .environment = tool_environment(scratch)};
}

awaitable<result<process_output>> image_puller::run_tool(command what) {
    auto const deadline = time_->now() + options_.pull_timeout;
    co_return co_await run_process(std::move(what), deadline);
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

awaitable<result<void>> image_puller::unpack(std::filesystem::path scratch, std::string key, layout_image what) {
    auto const turn = co_await unpackings_->acquire();
    auto const image = fmt::format("{}:{}", files_.layout(key).string(), layout_tag);
    auto const place = scratch / "image";
    auto make = [place] { return make_directories(place); };
    if (auto const made = co_await offload(pool_, std::move(make)); !made) co_return made;
    std::vector<std::string> arguments{"raw", "unpack", "--image", image, place / "rootfs"};
    auto unpacking = tool(tools_.umoci, std::move(arguments), scratch);
    auto const output = co_await run_tool(std::move(unpacking));
    if (!output) co_return output.error();
    if (!output->exit.known || output->exit.code != 0) co_return unpack_error(output->err);
    auto publish = [files = files_, place, what = std::move(what)] { return files.publish(place, what); };
    co_return co_await offload(pool_, std::move(publish));
}

}  // namespace rik::detail

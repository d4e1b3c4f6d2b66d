#include <rik/runtime/oci/image_store.hpp>

#include "runtime/oci/image_pull_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/task_group.hpp>
#include <rik/async/unless.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>

#include <list>
#include <map>
#include <optional>
#include <utility>

namespace rik {

namespace {

constexpr std::size_t cached_count_max = 10'000;
/// So long a copy of a floating name, or of a registry that was away, serves before the registry is asked again.
/// Kubernetes asks at every start; this spares those of a large workload, and a registry that counts requests.
constexpr duration ask_pause = std::chrono::minutes(1);
/// So long a start waits for the answer when there is a copy.
constexpr duration answer_time_max = std::chrono::seconds(5);

/// One resolution of a name that any number of callers wait for.
struct flight {
    explicit flight(asio::any_io_executor strand) : emptied(std::move(strand)) {}

    bool is_under_way = false;
    std::optional<result<image_ptr>> outcome;
    std::list<notifier> waiters;
    notifier emptied;  ///< the last waiter left

    void land(result<image_ptr> how) {
        outcome.emplace(std::move(how));
        for (auto& each : waiters) each.notify();
    }
    /// Completes when all who waited have left.
    awaitable<> deserted() {
        do {
            co_await emptied.wait();
        } while (!waiters.empty());
    }
};

struct cached_image {
    image_ptr what;
    std::filesystem::path file;             ///< of a local image
    std::string stamp;                      ///< of `file`
    std::optional<time_point> ask_at = {};  ///< set: a copy that serves until then
};

/// A caller's place among the waiters of a flight; it leaves when the caller does.
class seat {
public:
    seat(std::shared_ptr<flight> where, asio::any_io_executor strand)
        : flight_(std::move(where)), place_(flight_->waiters.emplace(flight_->waiters.end(), std::move(strand))) {}
    seat(seat const&) = delete;
    ~seat() {
        flight_->waiters.erase(place_);
        if (flight_->waiters.empty()) flight_->emptied.notify();
    }
    awaitable<> landed() {
        while (!flight_->outcome) co_await place_->wait();
    }

private:
    std::shared_ptr<flight> flight_;
    std::list<notifier>::iterator place_;
};

std::filesystem::path images_root(std::filesystem::path const& state_directory) { return state_directory / "images"; }

error stopping_error(std::string const& name) {
    return error{errc::unavailable, fmt::format("image {}: the image store is stopping", name)};
}

}  // namespace

struct oci_images::impl {
    impl(asio::any_io_executor on, clock& clocks, log sink, detail::image_puller with)
        : strand(on), time(clocks), logs(sink), puller(std::move(with)), tasks(on) {}

    image_ptr find_warm(std::string const& name) const;
    awaitable<std::optional<cached_image>> find_unchanged(std::string name, detail::image_source source);
    std::shared_ptr<flight> flight_of(std::string const& name);
    awaitable<> run(std::string name, detail::image_source source, std::shared_ptr<flight> which);
    awaitable<result<cached_image>> resolve(std::string name, detail::image_source source);
    result<cached_image> fall_back(std::string const& name, detail::image_source const& source,
                                   std::optional<detail::known_image> known, error problem) const;
    void keep(std::string const& name, cached_image found);

    asio::any_io_executor strand;
    clock& time;
    log logs;
    detail::image_puller puller;
    std::map<std::string, cached_image> cache;
    std::map<std::string, std::shared_ptr<flight>> flights;
    bool is_stopping = false;
    task_group tasks;
};

image_ptr oci_images::impl::find_warm(std::string const& name) const {
    auto const found = cache.find(name);
    if (found == cache.end()) return nullptr;
    auto const& [what, file, stamp, ask_at] = found->second;
    if (ask_at && time.now() >= *ask_at) return nullptr;
    // A file is looked at first, and not on the strand: it may be on a file system that hangs, and all roles with it.
    if (!ask_at && !file.empty()) return nullptr;
    // This look is at our own directory, costs microseconds and notices an administrator's changes.
    return puller.files().is_complete(what->digest) ? what : nullptr;
}

/// A local image that was asked for before, if its file is as it was then.
awaitable<std::optional<cached_image>> oci_images::impl::find_unchanged(std::string name, detail::image_source source) {
    if (source.file.empty() || !cache.contains(name)) co_return std::nullopt;
    auto const stamp_now = co_await puller.stamp(source);
    auto const found = cache.find(name);
    if (found == cache.end() || found->second.ask_at || found->second.stamp != stamp_now) co_return std::nullopt;
    if (!puller.files().is_complete(found->second.what->digest)) co_return std::nullopt;
    co_return found->second;
}

std::shared_ptr<flight> oci_images::impl::flight_of(std::string const& name) {
    auto& found = flights[name];
    if (!found) found = std::make_shared<flight>(strand);
    return found;
}

/// A pull that nobody waits for any more is cancelled: its registry may never answer, and others wait for its slot.
awaitable<> oci_images::impl::run(std::string name, detail::image_source source, std::shared_ptr<flight> which) {
    std::optional<result<cached_image>> ended;
    while (!ended) {
        auto resolving = resolve(name, source);
        ended = co_await unless(which->deserted(), std::move(resolving));
        if (ended || !which->waiters.empty()) continue;  // somebody may have come while the pull was being cancelled
        flights.erase(name);
        co_return;
    }
    auto& found = *ended;
    flights.erase(name);
    if (!found) {
        auto problem = found.error();
        problem.message = fmt::format("image {}: {}", name, problem.message);
        which->land(std::move(problem));
        co_return;
    }
    auto what = found->what;
    keep(name, std::move(*found));
    which->land(std::move(what));
}

void oci_images::impl::keep(std::string const& name, cached_image found) {
    if (cache.size() >= cached_count_max) cache.clear();  // what is forgotten costs one look at the disk
    cache.insert_or_assign(name, std::move(found));
}

/// A copy serves without a question if the name cannot have changed its meaning.
awaitable<result<cached_image>> oci_images::impl::resolve(std::string name, detail::image_source source) {
    if (auto unchanged = co_await find_unchanged(name, source)) co_return std::move(*unchanged);
    auto [known, stamp] = co_await puller.recall(name, source);
    if (known && source.is_floating) {
        auto asking = puller.ask(source);
        auto answer = co_await with_deadline(time, time.now() + answer_time_max, std::move(asking));
        if (!answer && answer.error().code == errc::timed_out) {
            answer = error{errc::unavailable, "the registry does not answer"};
        }
        if (!answer) co_return fall_back(name, source, std::move(known), answer.error());
        stamp = std::move(*answer);
    }
    std::optional<time_point> ask_at;
    if (source.is_floating) ask_at = time.now() + ask_pause;
    if (known && known->stamp == stamp) co_return cached_image{known->what, source.file, known->stamp, ask_at};
    auto pulled = co_await puller.pull(name, source, std::move(stamp));
    if (!pulled) co_return fall_back(name, source, std::move(known), pulled.error());
    logs.info("image pulled", {{"image", name}, {"digest", pulled->what->digest}});
    co_return cached_image{pulled->what, source.file, pulled->stamp, ask_at};
}

result<cached_image> oci_images::impl::fall_back(std::string const& name, detail::image_source const& source,
                                                 std::optional<detail::known_image> known, error problem) const {
    auto const is_away = problem.code == errc::unavailable || (problem.code == errc::not_found && !source.file.empty());
    if (!known || !is_away) return problem;
    logs.warning("image could not be asked for, its older copy is used",
                 {{"image", name}, {"digest", known->what->digest}, {"problem", to_string(problem)}});
    return cached_image{known->what, source.file, known->stamp, time.now() + ask_pause};
}

result<std::unique_ptr<oci_images>> oci_images::open(asio::any_io_executor strand, asio::any_io_executor pool,
                                                     clock& time, oci_images_options options, log logs) {
    auto const& state = options.state_directory.native();
    if (!options.state_directory.is_absolute() || state.find_first_of(":,") != state.npos) {
        return error{errc::invalid,
                     fmt::format("state directory {}: it must be absolute and without ':' and ','", state)};
    }
    auto skopeo = find_program("skopeo");
    if (!skopeo) return skopeo.error();
    auto umoci = find_program("umoci");
    if (!umoci) return umoci.error();
    detail::image_files files(images_root(options.state_directory));
    if (auto const opened = files.open(); !opened) return opened.error();
    detail::image_tools tools{std::move(*skopeo), std::move(*umoci)};
    detail::image_puller puller(strand, std::move(pool), time, std::move(files), std::move(tools), std::move(options));
    return std::unique_ptr<oci_images>(
        new oci_images(std::make_unique<impl>(std::move(strand), time, logs, std::move(puller))));
}

oci_images::oci_images(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
oci_images::~oci_images() = default;

awaitable<result<image_ptr>> oci_images::ensure(std::string name) {
    if (impl_->is_stopping) co_return stopping_error(name);
    if (auto warm = impl_->find_warm(name)) co_return warm;
    auto source = detail::parse_image_source(name);
    if (!source) co_return source.error();
    auto const joined = impl_->flight_of(name);
    seat mine(joined, impl_->strand);
    if (!std::exchange(joined->is_under_way, true)) {
        auto work = impl_->run(name, std::move(*source), joined);
        impl_->tasks.spawn(std::move(work));
    }
    co_await mine.landed();
    co_return *joined->outcome;
}

awaitable<> oci_images::stop() {
    impl_->is_stopping = true;
    co_await impl_->tasks.stop();
    for (auto const& [name, which] : impl_->flights) which->land(stopping_error(name));
    impl_->flights.clear();
}

result<void> oci_images::remove_all(std::filesystem::path const& state_directory) {
    return detail::image_files(images_root(state_directory)).remove();
}

}  // namespace rik

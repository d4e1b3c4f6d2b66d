#include <rik/runtime/oci/image_store.hpp>

#include "runtime/oci/image_flight_detail.hpp"
#include "runtime/oci/image_policy_detail.hpp"
#include "runtime/oci/image_pull_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>
#include <rik/async/unless.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <utility>

namespace rik {

using detail::asking;
using detail::flight;
using detail::known_image;

namespace {

constexpr std::size_t cached_count_max = 10'000;
/// So long a start waits for the answer when there is a copy that may serve.
constexpr duration answer_time_max = std::chrono::seconds(5);
/// A registry that has let somebody wait for that long is not asked again for so long, if there is such a copy.
constexpr duration silence_pause = std::chrono::seconds(10);

std::filesystem::path images_root(std::filesystem::path const& state_directory) { return state_directory / "images"; }

error stopping_error() { return error{errc::unavailable, "the image store is stopping"}; }

error named(std::string const& name, error problem) {
    problem.message = fmt::format("image {}: {}", name, problem.message);
    return problem;
}

/// What is wanted; the flights of the same image and the same manner can be shared.
struct request {
    std::string name;
    detail::image_source source;
    asking when;
    std::pair<std::string, asking> key() const { return {source.key, when}; }
};

}  // namespace

struct oci_images::impl {
    impl(asio::any_io_executor on, clock& clocks, log sink, detail::image_puller with)
        : strand(on), time(clocks), logs(sink), puller(std::move(with)), removed(on), tasks(on) {}

    std::optional<known_image> find_cached(request const& what) const;
    std::shared_ptr<flight> flight_of(request const& what);
    void close_to_others(request const& what, std::shared_ptr<flight> const& which);
    awaitable<> run(request what, std::shared_ptr<flight> which);
    awaitable<result<std::optional<known_image>>> recall(request what);
    awaitable<result<known_image>> resolve(request what, std::shared_ptr<flight> which);
    awaitable<result<known_image>> ask_and_pull(request what, std::optional<known_image> known,
                                                std::shared_ptr<flight> which);
    awaitable<result<std::string>> stamp_now(request what, bool has_copy, std::shared_ptr<flight> which);
    awaitable<result<known_image>> pull(request what, std::optional<known_image> known, std::string stamp);
    result<known_image> fall_back(request const& what, std::optional<known_image> const& known, error problem);
    void keep(request const& what, known_image found);
    awaitable<result<std::string>> take(detail::load_step step, std::filesystem::path archive);
    awaitable<> empty_trash();

    asio::any_io_executor strand;
    clock& time;
    log logs;
    detail::image_puller puller;
    std::map<std::string, known_image> cache;                                   ///< by key
    std::uint64_t change_count = 0;                                             ///< of what names mean
    std::map<std::string, time_point> silent_until;                             ///< registries, by name
    std::map<std::pair<std::string, asking>, std::shared_ptr<flight>> flights;  ///< that can be joined
    std::set<std::shared_ptr<flight>> closed_flights;                           ///< that have asked
    std::multiset<std::string> leaving;                                         ///< digests that are being removed
    notifier removed;
    std::stop_source emptying_stops;
    bool is_stopping = false;
    task_group tasks;
};

/// The look is at our own directory, costs microseconds and notices an administrator's changes.
std::optional<known_image> oci_images::impl::find_cached(request const& what) const {
    auto const found = cache.find(what.source.key);
    if (found == cache.end() || !puller.files().is_complete(found->second.what->digest)) return std::nullopt;
    return found->second;
}

std::shared_ptr<flight> oci_images::impl::flight_of(request const& what) {
    auto& found = flights[what.key()];
    if (!found) found = std::make_shared<flight>(strand);
    return found;
}

/// Whoever comes from now on may want a later answer.
void oci_images::impl::close_to_others(request const& what, std::shared_ptr<flight> const& which) {
    auto const found = flights.find(what.key());
    if (found == flights.end() || found->second != which) return;
    closed_flights.insert(which);
    flights.erase(found);
}

/// A pull that nobody waits for any more is cancelled: its registry may never answer, and others wait for its slot.
awaitable<> oci_images::impl::run(request what, std::shared_ptr<flight> which) {
    std::optional<result<known_image>> ended;
    while (!ended) {
        auto resolving = resolve(what, which);
        ended = co_await unless(which->deserted(), std::move(resolving));
        // Somebody may have come while the pull was being cancelled.
        if (!ended && which->waiters.empty()) break;
        // What it is, is being removed: then it is not here.
        auto const is_leaving = ended && *ended && leaving.contains((*ended)->what->digest);
        if (is_leaving) co_await removed.wait();
        if (is_leaving) ended.reset();
    }
    close_to_others(what, which);
    closed_flights.erase(which);
    if (!ended) co_return co_await puller.collect_garbage();
    if (!*ended) co_return which->land((*ended).error());
    which->land(std::move((*ended)->what));
}

void oci_images::impl::keep(request const& what, known_image found) {
    if (cache.size() >= cached_count_max) cache.clear();  // what is forgotten costs one look at the disk
    cache.insert_or_assign(what.source.key, std::move(found));
}

awaitable<result<std::optional<known_image>>> oci_images::impl::recall(request what) {
    if (auto cached = find_cached(what)) co_return cached;
    auto const before = change_count;
    auto found = co_await puller.recall(what.name, what.source);
    // What was read may be older than what a pull has kept meanwhile.
    if (found && *found && change_count == before) keep(what, **found);
    co_return found;
}

awaitable<result<known_image>> oci_images::impl::resolve(request what, std::shared_ptr<flight> which) {
    auto recalled = co_await recall(what);
    if (!recalled) co_return recalled.error();
    auto& known = *recalled;
    if (known && !detail::asks_each_time(what.when)) co_return std::move(*known);
    if (what.when == asking::never) co_return detail::not_here(what.name);
    if (!detail::asks_each_time(what.when)) co_return co_await pull(std::move(what), std::nullopt, std::string());
    co_return co_await ask_and_pull(std::move(what), std::move(known), std::move(which));
}

awaitable<result<known_image>> oci_images::impl::ask_and_pull(request what, std::optional<known_image> known,
                                                              std::shared_ptr<flight> which) {
    std::string stamp;
    // What is not here is pulled without a question.
    if (known || !what.source.file.empty()) {
        auto answer = co_await stamp_now(what, known.has_value(), which);
        if (!answer) co_return fall_back(what, known, answer.error());
        stamp = std::move(*answer);
    }
    close_to_others(what, which);
    if (known && known->stamp == stamp) co_return std::move(*known);
    co_return co_await pull(std::move(what), std::move(known), std::move(stamp));
}

/// What the name means now. A copy that may serve is not waited with for long.
awaitable<result<std::string>> oci_images::impl::stamp_now(request what, bool has_copy, std::shared_ptr<flight> which) {
    auto const& registry = what.source.registry;
    auto const may_serve = has_copy && what.when == asking::if_it_answers;
    auto const silent = silent_until.find(registry);
    error const silence{errc::unavailable, "the registry does not answer"};
    if (may_serve && silent != silent_until.end() && time.now() < silent->second) co_return silence;
    if (!what.source.file.empty()) {
        auto stamp = co_await puller.stamp(what.source);
        if (stamp.empty() && has_copy) co_return error{errc::not_found, "there is no such file"};
        co_return stamp;
    }
    co_await asio::post(strand, asio::use_awaitable);  // those who start at the same time shall be of one question
    std::function<void()> begins = [&] { close_to_others(what, which); };
    auto asking_now = puller.ask(what.source, std::move(begins));
    auto const patience = may_serve ? answer_time_max : limits::registry_answer_timeout;
    auto answer = co_await with_deadline(time, time.now() + patience, std::move(asking_now));
    silent_until.erase(registry);
    if (answer || answer.error().code != errc::timed_out) co_return answer;
    if (silent_until.size() >= cached_count_max) silent_until.clear();
    silent_until[registry] = time.now() + silence_pause;
    co_return silence;
}

awaitable<result<known_image>> oci_images::impl::pull(request what, std::optional<known_image> known,
                                                      std::string stamp) {
    auto pulled = co_await puller.pull(what.name, what.source, std::move(stamp));
    if (!pulled) co_return fall_back(what, known, pulled.error());
    auto const is_new = !known || known->what->digest != pulled->what->digest;
    ++change_count;
    keep(what, *pulled);
    if (is_new) logs.info("image pulled", {{"image", what.name}, {"digest", pulled->what->digest}});
    co_return std::move(*pulled);
}

result<known_image> oci_images::impl::fall_back(request const& what, std::optional<known_image> const& known,
                                                error problem) {
    if (!known || !detail::is_away(problem, what.source)) return problem;
    if (what.when != asking::if_it_answers) return detail::told_of_copy(std::move(problem));
    logs.warning("image could not be asked for, its older copy is used",
                 {{"image", what.name}, {"digest", known->what->digest}, {"problem", to_string(problem)}});
    auto copy = std::make_shared<image>(*known->what);
    copy->warning =
        fmt::format("image {}: the copy on this node is used, which may be old: {}", what.name, problem.message);
    return known_image{std::move(copy), known->stamp};
}

/// While it lives, nobody gets the image.
class oci_images::departure {
public:
    departure(impl& from, std::string const& digest) : from_(from), place_(from.leaving.insert(digest)) {
        ++from.change_count;
        std::erase_if(from.cache, [&](auto const& each) { return each.second.what->digest == digest; });
    }
    departure(departure const&) = delete;
    ~departure() {
        from_.leaving.erase(place_);
        from_.removed.notify();
    }

private:
    impl& from_;
    std::multiset<std::string>::iterator place_;
};

awaitable<> oci_images::impl::empty_trash() { return puller.empty_trash(emptying_stops.get_token()); }

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
    auto inner = std::make_unique<impl>(std::move(strand), time, logs, std::move(puller));
    inner->tasks.spawn(inner->empty_trash());
    return std::unique_ptr<oci_images>(new oci_images(std::move(inner)));
}

oci_images::oci_images(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
oci_images::~oci_images() = default;

awaitable<result<image_ptr>> oci_images::ensure(std::string name, std::optional<image_pull_policy> policy) {
    if (impl_->is_stopping) co_return named(name, stopping_error());
    auto source = detail::parse_image_source(name);
    if (!source) co_return source.error();
    auto const when = detail::asking_of(*source, policy);
    request what{name, std::move(*source), when};
    if (!detail::asks_each_time(when))
        if (auto const known = impl_->find_cached(what)) co_return known->what;
    auto const joined = impl_->flight_of(what);
    detail::seat mine(joined, impl_->strand);
    if (!std::exchange(joined->is_under_way, true)) {
        auto work = impl_->run(std::move(what), joined);
        impl_->tasks.spawn(std::move(work));
    }
    co_await mine.landed();
    if (!*joined->outcome) co_return named(name, joined->outcome->error());
    co_return *joined->outcome;
}

awaitable<result<std::vector<node_image>>> oci_images::list_all_images() { co_return co_await impl_->puller.list(); }

/// By each name as if it had been pulled.
awaitable<result<std::string>> oci_images::impl::take(detail::load_step step, std::filesystem::path archive) {
    auto source = detail::parse_image_source(step.name);
    if (!source) co_return source.error();
    auto const key = source->key;
    source->location = std::move(step.location);
    source->registry.clear();
    source->file = std::move(archive);
    auto const taken = co_await puller.pull(step.name, std::move(*source), std::string());
    if (!taken) co_return taken.error();
    ++change_count;
    cache.erase(key);
    logs.info("image loaded", {{"image", step.name}, {"digest", taken->what->digest}});
    co_return taken->what->digest;
}

awaitable<result<std::vector<node_image>>> oci_images::load(load_images what) {
    if (impl_->is_stopping) co_return stopping_error();
    std::filesystem::path const archive(what.path);
    auto const found = co_await impl_->puller.look_into(archive);
    if (!found) co_return found.error();
    auto const steps = detail::plan_load(*found, what);
    if (!steps) co_return named(what.path, steps.error());
    std::set<std::string> digests;
    for (auto const& step : *steps) {
        auto const digest = co_await impl_->take(step, archive);
        if (!digest) co_return named(step.name, digest.error());
        digests.insert(*digest);
    }
    auto all = co_await impl_->puller.list();
    std::erase_if(all, [&](node_image const& each) { return !digests.contains(each.digest); });
    co_return all;
}

awaitable<result<void>> oci_images::remove(image_removal what) {
    if (impl_->is_stopping) co_return stopping_error();
    departure const leaves(*impl_, what.digest);
    auto forgetting = impl_->puller.forget(std::move(what));
    auto const forgotten = co_await shield(std::move(forgetting));
    if (forgotten) impl_->tasks.spawn(impl_->empty_trash());
    co_return forgotten;
}

awaitable<> oci_images::stop() {
    impl_->is_stopping = true;
    impl_->emptying_stops.request_stop();
    co_await impl_->tasks.stop();
    auto const land = [](auto const& which) { which->land(stopping_error()); };
    for (auto const& [name, which] : impl_->flights) land(which);
    for (auto const& which : impl_->closed_flights) land(which);
    impl_->flights.clear();
    impl_->closed_flights.clear();
}

result<void> oci_images::remove_all(std::filesystem::path const& state_directory) {
    return detail::image_files(images_root(state_directory)).remove();
}

}  // namespace rik

// How fast RIK starts Pods, and what it takes while it has nothing to do: the real program over its socket, and beside
// it, in turns, the bare loop (bare_pod.hpp) on the same tree of the same image.
//
//   rik_start_bench RIK [--samples N] [--batch N] [--rounds N] [--starts N] [--idle-s N] [--root DIR]
//
// Needs root, umoci, skopeo, runc, conmon and busybox-static.
#include "bare_pod.hpp"
#include "measure.hpp"
#include "rik_server.hpp"

#include <rik/base/hash.hpp>

#include "support/test_image.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <sys/mount.h>
#include <unistd.h>

namespace rik::bench {

namespace {

namespace json = boost::json;

constexpr auto pod_patience = std::chrono::minutes(2);
constexpr auto look_period = std::chrono::milliseconds(200);  // whether somebody wants to end the program
constexpr char const* workload_name = "bench";

volatile std::sig_atomic_t interrupted = 0;

struct arguments {
    fs::path program;
    fs::path root = "/var/lib";
    int samples = 100;
    int batch = 50;
    int rounds = 3;
    int starts = 10;
    int idle_s = 60;
};

template <class T>
T must(result<T> given) {
    if (!given) throw std::runtime_error(to_string(given.error()));
    if constexpr (!std::is_void_v<T>) return std::move(*given);
}

std::string load_average() {
    std::string line;
    std::getline(std::ifstream("/proc/loadavg") >> std::ws, line);
    return line;
}

double own_cpu_ms() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

/// The same container as the bare loop's; it asks for little, so that a small machine has room for all.
std::string definition(std::string const& image) {
    json::object resources{{"requests", {{"cpu", "10m"}}}, {"limits", {{"memory", "64Mi"}}}};
    json::object container{
        {"name", "main"}, {"image", image}, {"command", {"sleep", "100000"}}, {"resources", std::move(resources)}};
    json::object spec{{"terminationGracePeriodSeconds", 0}, {"containers", json::array{std::move(container)}}};
    return json::serialize(
        json::object{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", workload_name}, {"spec", std::move(spec)}});
}

/// Pods by way of RIK.
class rik_pods {
public:
    explicit rik_pods(rik_server& server)
        : client_(server.connect()), watch_(must(client_.watch(resource_kind::instance))) {
        while (next().type != watch_event_type::synced) {
        }
    }

    void create_workload(std::string const& image) { must(client_.create_workload(definition(image))); }

    /// From before the call until the watch has said of all that they run.
    double start(int count) {
        instances_wanted wanted{.workload = workload_name};
        wanted.replicas = static_cast<std::uint32_t>(count);
        auto const begin = steady::now();
        must(client_.create_instances(wanted));
        await("running", watch_event_type::modified, count);
        return milliseconds(steady::now() - begin);
    }

    /// Removes all; returns when none is left.
    double remove() {
        auto const begin = steady::now();
        auto const all = json::parse(must(client_.list(resource_kind::instance)));
        auto const& items = all.at("items").as_array();
        for (auto const& each : items) must(client_.remove(resource_kind::instance, each.at("id").as_string()));
        await({}, watch_event_type::deleted, static_cast<int>(items.size()));
        return milliseconds(steady::now() - begin);
    }

private:
    watch_event next() {
        for (auto const begin = steady::now(); interrupted == 0;) {
            auto event = watch_.next(steady::now() + look_period);
            if (event) return std::move(*event);
            if (event.error().code != errc::timed_out || steady::now() - begin > pod_patience) must(std::move(event));
        }
        throw std::runtime_error("interrupted");
    }

    void await(std::string_view state, watch_event_type type, int count) {
        while (count > 0) {
            auto const event = next();
            if (event.type == watch_event_type::synced || event.object.empty()) continue;
            auto const object = json::parse(event.object);
            auto const& seen = object.at("state").as_string();
            auto const& reason = object.at("reason").as_string();
            if (seen == "failed" || reason == "Unschedulable" || reason == "NetworkNotReady")
                throw std::runtime_error(event.object);
            if (event.type == type && (state.empty() || seen == state)) --count;
        }
    }

    client client_;
    watch_stream watch_;
};

/// Pods by hand.
class bare_pods {
public:
    /// As rik does it: what need not outlive a boot is in memory.
    bare_pods(fs::path root, fs::path tree, std::string subnet)
        : options_{.root = root / "run", .disk = root / "disk", .rootfs = std::move(tree)} {
        fs::create_directories(options_.root);
        fs::create_directories(options_.disk);
        if (::mount("bare", options_.root.c_str(), "tmpfs", 0, "mode=0755") != 0)
            throw std::runtime_error("mount tmpfs");
        options_.tag = short_tag(options_.root.string());
        options_.subnet = std::move(subnet);
    }
    ~bare_pods() {
        remove();
        remove_cgroups("rik-bare-" + options_.tag);
        ::umount2(options_.root.c_str(), MNT_DETACH);
    }

    double start(int count, int threads) {
        std::vector<std::unique_ptr<detail::node_interfaces>> links;
        for (int thread = 0; thread < threads; ++thread) {
            auto& made = links.emplace_back(std::make_unique<detail::node_interfaces>(options_.tag));
            must(made->open_bridge(ipv4_subnet::parse(options_.subnet).value()));
        }
        for (int number = 0; number < count; ++number) pods_.emplace_back(options_, number);
        auto const begin = steady::now();
        for_each_on(threads, count, [&](int thread, int number) {
            pods_[static_cast<std::size_t>(number)].start(*links[static_cast<std::size_t>(thread)]);
        });
        return milliseconds(steady::now() - begin);
    }

    void remove() {
        for_each_on(2, static_cast<int>(pods_.size()),
                    [&](int, int number) { pods_[static_cast<std::size_t>(number)].remove(); });
        pods_.clear();
        detail::node_interfaces links(options_.tag);
        must(links.remove_all());
    }

private:
    bare_options options_;
    std::vector<bare_pod> pods_;
};

/// The one tree that RIK has unpacked.
fs::path find_tree(fs::path const& images) {
    for (auto const& each : fs::directory_iterator(images)) {
        if (fs::exists(each.path() / "rootfs" / "bin" / "busybox")) return each.path() / "rootfs";
    }
    throw std::runtime_error(images.string() + ": there is no unpacked image");
}

void print_pair(std::string_view what, double ours, double bare, std::string_view wanted) {
    fmt::print("{:<34} {:>9.1f} {:>9.1f} {:>7.2f}   {}\n", what, ours, bare, ours / bare, wanted);
    std::fflush(stdout);
}

void print_one(std::string_view what, double ours, std::string_view wanted) {
    fmt::print("{:<34} {:>9.2f} {:>9} {:>7}   {}\n", what, ours, "", "", wanted);
    std::fflush(stdout);
}

/// A rik that makes its containers by one OCI runtime, and what was measured of it.
struct side {
    side(arguments const& what, fs::path const& root, std::string range, std::string oci_runtime)
        : by(oci_runtime), server(what.program, root / ("rik-" + oci_runtime), std::move(range), oci_runtime) {}

    std::string by;
    rik_server server;
    std::optional<rik_pods> pods = {};
    std::vector<double> one = {};
    std::vector<double> one_removed = {};
    double one_cpu = 0;
    std::vector<double> many = {};
    std::vector<double> many_removed = {};
    double many_cpu = 0;
    process_figures full = {};
};

class bench {
public:
    bench(arguments what, fs::path root) : what_(std::move(what)), root_(std::move(root)) {}

    void run() {
        fmt::print("load {}\n{:<34} {:>9} {:>9} {:>7}   {}\n", load_average(), "", "RIK", "bare loop", "ratio", "aim");
        measure_starts();
        image_ = testing::make_busybox_layout(root_ / "layout", "bench", {});
        sides_.push_back(std::make_unique<side>(what_, root_, ranges_[1], "runc"));
        if (find_program("crun")) sides_.push_back(std::make_unique<side>(what_, root_, ranges_[2], "crun"));
        sides_.front()->server.start();
        measure_idle(sides_.front()->server);
        for (auto& each : sides_) prepare(*each);
        bare_pods bare(root_ / "bare", find_tree(sides_.front()->server.images()), ranges_[0]);
        measure_one(bare);
        measure_batch(bare);
        fmt::print("load {}\n", load_average());
    }

private:
    void prepare(side& of) {
        if (&of != sides_.front().get()) of.server.start();
        of.pods.emplace(of.server);
        of.pods->create_workload(image_);
        of.pods->start(1);
        of.pods->remove();
    }

    void measure_starts() {
        std::vector<double> first;
        std::vector<double> again;
        for (int i = 0; i < what_.starts; ++i) {
            rik_server server(what_.program, root_ / "start", ranges_[0]);
            first.push_back(server.start());
            server.stop();
            again.push_back(server.start());
        }
        if (first.empty()) return;
        print_one("first start to ready, p50 ms", percentile(first, 0.5), "<= 100");
        print_one("later start to ready, p50 ms", percentile(again, 0.5), "<= 100");
    }

    void measure_idle(rik_server& server) {
        std::this_thread::sleep_for(std::chrono::seconds(2));
        auto const before = server.figures();
        std::this_thread::sleep_for(std::chrono::seconds(what_.idle_s));
        auto const after = server.figures();
        print_one("idle RSS, MB", after.rss_mb, "< 30");
        print_one("idle PSS, MB", after.pss_mb, "");
        if (what_.idle_s > 0)
            print_one("idle CPU, % of a core", (after.cpu_ms - before.cpu_ms) / (what_.idle_s * 10.0), "< 0.1");
    }

    static void start_one(side& of) {
        auto const before = of.server.figures().cpu_ms;
        of.one.push_back(of.pods->start(1));
        of.one_cpu += of.server.figures().cpu_ms - before;
        of.one_removed.push_back(of.pods->remove());
    }

    void measure_one(bare_pods& bare) {
        std::vector<double> theirs;
        double bare_cpu = 0;
        for (int i = 0; i < what_.samples; ++i) {
            for (auto& each : sides_) start_one(*each);
            auto const bare_before = own_cpu_ms();
            theirs.push_back(bare.start(1, 1));
            bare_cpu += own_cpu_ms() - bare_before;
            bare.remove();
        }
        if (theirs.empty()) return;
        for (auto const& each : sides_) {
            auto const* const aim = each->by == "runc" ? "<= 1.1" : "<= 0.9";
            print_pair(each->by + ": one Pod, p50 ms", percentile(each->one, 0.5), percentile(theirs, 0.5), aim);
            print_pair("  p99 ms", percentile(each->one, 0.99), percentile(theirs, 0.99), "");
            print_pair("  own CPU for it, ms", each->one_cpu / what_.samples, bare_cpu / what_.samples, "<= 2");
            print_one("  removed, p50 ms", percentile(each->one_removed, 0.5), "");
        }
    }

    void start_batch(side& of) const {
        auto const before = of.server.figures().cpu_ms;
        of.many.push_back(of.pods->start(what_.batch));
        of.full = of.server.figures();
        of.many_cpu += of.full.cpu_ms - before;
        of.many_removed.push_back(of.pods->remove());
    }

    void measure_batch(bare_pods& bare) {
        std::vector<double> with_two;
        std::vector<double> with_three;
        for (int i = 0; i < what_.rounds; ++i) {
            for (auto& each : sides_) start_batch(*each);
            with_two.push_back(bare.start(what_.batch, 2));
            bare.remove();
            with_three.push_back(bare.start(what_.batch, 3));
            bare.remove();
        }
        if (with_two.empty()) return;
        auto const best = std::min(percentile(with_two, 0.5), percentile(with_three, 0.5));
        for (auto const& each : sides_) print_batch(*each, best);
    }

    void print_batch(side const& of, double best) const {
        auto const* const aim = of.by == "runc" ? "<= 1.1" : "<= 0.8";
        print_pair(fmt::format("{}: {} Pods at once, p50 ms", of.by, what_.batch), percentile(of.many, 0.5), best, aim);
        print_one("  own CPU for each, ms", of.many_cpu / what_.rounds / what_.batch, "");
        print_one("  all removed, p50 ms", percentile(of.many_removed, 0.5), "");
        print_one("  RSS, MB", of.full.rss_mb, "");
        print_one("  PSS, MB", of.full.pss_mb, "");
    }

    arguments what_;
    fs::path root_;
    std::string image_;
    std::vector<std::string> ranges_ = free_ranges(3);
    std::vector<std::unique_ptr<side>> sides_;
};

arguments parse(std::vector<std::string> const& given) {
    arguments parsed;
    for (std::size_t i = 0; i < given.size(); ++i) {
        auto const value = [&] { return i + 1 < given.size() ? given[++i] : throw std::runtime_error("no value"); };
        if (given[i] == "--samples") {
            parsed.samples = std::stoi(value());
        } else if (given[i] == "--batch") {
            parsed.batch = std::stoi(value());
        } else if (given[i] == "--rounds") {
            parsed.rounds = std::stoi(value());
        } else if (given[i] == "--starts") {
            parsed.starts = std::stoi(value());
        } else if (given[i] == "--idle-s") {
            parsed.idle_s = std::stoi(value());
        } else if (given[i] == "--root") {
            parsed.root = value();
        } else {
            parsed.program = given[i];
        }
    }
    if (parsed.program.empty()) throw std::runtime_error("give the path of rik");
    return parsed;
}

void run_all(arguments what) {
    auto pattern = (what.root / "rik-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    std::exception_ptr thrown;
    try {
        bench(std::move(what), pattern).run();
    } catch (...) {
        thrown = std::current_exception();
    }
    fs::remove_all(pattern);
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

}  // namespace rik::bench

int main(int count, char** given) try {
    for (auto const each : {SIGINT, SIGTERM}) std::signal(each, [](int) { rik::bench::interrupted = 1; });
    rik::bench::run_all(rik::bench::parse({given + 1, given + count}));
} catch (std::exception const& failure) {
    fmt::print(stderr, "rik_start_bench: {}\n", failure.what());
    return 1;
}

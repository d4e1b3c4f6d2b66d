// How fast a Function is there, from cold and from a template, and what its machine takes: through rik, and beside it,
// in turns, QEMU by hand with the arguments of a cold one (bare_machine.hpp). The time is that to the first HTTP
// answer.
//
//   rik_function_bench RIK [--samples N] [--at-once N] [--root DIR]
//
// Needs root, and what scripts/setup machine installs.
#include "bare_machine.hpp"
#include "interruption.hpp"
#include "measure.hpp"
#include "rik_server.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <unistd.h>

namespace rik::bench {

namespace {

namespace json = boost::json;

constexpr auto patience = std::chrono::minutes(5);
constexpr std::uint16_t inside_port = 8080;
constexpr double guest_mib = 128;

struct arguments {
    fs::path program;
    fs::path root = "/var/lib";
    int samples = 10;
    int at_once = 6;
};

template <class T>
T must(result<T> given) {
    if (!given) throw std::runtime_error(to_string(given.error()));
    if constexpr (!std::is_void_v<T>) return std::move(*given);
}

void shell(std::string const& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
}

std::string load_average() {
    std::string line;
    std::getline(std::ifstream("/proc/loadavg") >> std::ws, line);
    return line;
}

/// Of all processes whose command line names this instance: QEMU, its keeper, conmon.
struct machine_memory {
    double qemu_mib = 0;
    double others_mib = 0;
    double all() const { return qemu_mib + others_mib; }
};

double pss_mib(fs::path const& process) {
    std::ifstream lines(process / "smaps_rollup");
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("Pss:")) return std::stod(line.substr(4)) / 1024;
    return 0;
}

machine_memory memory_of(std::string const& instance) {
    machine_memory sum;
    for (auto const& each : fs::directory_iterator("/proc")) {
        if (each.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream from(each.path() / "cmdline");
        std::string const words{std::istreambuf_iterator<char>(from), {}};
        if (words.find(instance) == std::string::npos) continue;
        auto& part = words.find("qemu-system") != std::string::npos ? sum.qemu_mib : sum.others_mib;
        part += pss_mib(each.path());
    }
    return sum;
}

/// The only file of that name below it.
fs::path find_below(fs::path const& root, std::string_view name) {
    for (auto const& each : fs::recursive_directory_iterator(root))
        if (each.path().filename() == name && each.is_regular_file()) return each.path();
    throw std::runtime_error(fmt::format("{}: there is no file {}", root.string(), name));
}

/// A rik of its own, with the Functions of this bench.
class side {
public:
    side(fs::path const& program, fs::path root, std::string addresses, std::string templates)
        : root_(std::move(root)),
          server_(program, root_, std::move(addresses), "runc", {"--function-templates", std::move(templates)}) {
        server_.start();
        client_.emplace(server_.connect());
        await_rik([&] { return items(resource_kind::node).at(0).at("runtimes").as_array().size() == 2; });
    }

    void create(std::string const& name, fs::path const& root_file_system, std::string const& script) {
        json::object execution{{"rootfs", root_file_system.string()}, {"command", {"/bin/sh", "-c", script}}};
        json::object function{{"execution", std::move(execution)}, {"exposure", {{"targetPort", inside_port}}}};
        json::object spec{{"terminationGracePeriodSeconds", 0}, {"function", std::move(function)}};
        must(client_->create_workload(json::serialize(
            json::object{{"apiVersion", "v1"}, {"kind", "Function"}, {"name", name}, {"spec", std::move(spec)}})));
    }

    json::array items(resource_kind kind) { return json::parse(must(client_->list(kind))).at("items").as_array(); }
    json::value first() { return items(resource_kind::instance).at(0); }

    template <class Condition>
    void await_rik(Condition is_true) {
        for (auto const begin = steady::now(); !is_true();) {
            check_interruption();
            if (steady::now() - begin > patience) throw std::runtime_error("rik does not come to that in time");
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    /// From before the call until each of them has answered.
    double start(std::string const& workload, int count) {
        auto const begin = steady::now();
        instances_wanted wanted{.workload = workload};
        wanted.replicas = static_cast<std::uint32_t>(count);
        must(client_->create_instances(wanted));
        auto const all = ports();
        for_each_on(count, count, [&](int, int item) { await_answer(all[static_cast<std::size_t>(item)]); });
        return milliseconds(steady::now() - begin);
    }

    void remove() {
        for (auto const& each : items(resource_kind::instance))
            must(client_->remove(resource_kind::instance, each.at("id").as_string()));
        await_rik([&] { return items(resource_kind::instance).empty(); });
    }

    /// True if the only instance went on from a template. It has answered.
    bool is_warm() {
        json::array steps;
        await_rik([&] {
            auto const container = first().at("containers").at(0);
            auto const* const machine = container.as_object().if_contains("machine");
            if (machine != nullptr) steps = machine->at("boot").as_array();
            return !steps.empty();
        });
        return std::ranges::any_of(steps, [](auto const& each) { return each.at("step") == "restored"; });
    }

    fs::path const& root() const { return root_; }

private:
    /// Of each instance there is. They have their ports from the moment at which they are made.
    std::vector<http_target> ports() {
        std::vector<http_target> all;
        for (auto const& each : items(resource_kind::instance))
            all.push_back({"127.0.0.1", json::value_to<std::uint16_t>(each.at("exposure").at("port"))});
        return all;
    }

    fs::path root_;
    rik_server server_;
    std::optional<client> client_;
};

bool has_template(fs::path const& root) {
    for (auto const& each : fs::recursive_directory_iterator(root / "state" / "microvm"))
        if (each.path().extension() == ".template") return true;
    return false;
}

class bench {
public:
    bench(arguments what, fs::path root) : what_(std::move(what)), root_(std::move(root)) {
        fs::create_directories(root_);
    }
    ~bench() {
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }

    void run() {
        fmt::print("load {}\n", load_average());
        make_root_file_system();
        side cold(what_.program, root_ / "cold", "10.97.0.0/16", "off");
        side warm(what_.program, root_ / "warm", "10.98.0.0/16", "on");
        for (auto* const each : {&cold, &warm}) {
            each->create("one", image(), serving());
            each->create("full", image(), "dd if=/dev/vda of=/dev/null bs=65536 count=2200 2>/dev/null; " + serving());
        }
        measure_starts(cold, warm);
        measure_memory("cold", cold);
        measure_memory("warm", warm);
        measure_at_once("cold", cold);
        measure_at_once("warm", warm);
        fmt::print("load {}\n", load_average());
    }

private:
    static std::string serving() { return fmt::format("exec /bin/httpd -f -p {} -h /www", inside_port); }
    fs::path image() const { return root_ / "bench.ext4"; }

    void make_root_file_system() const {
        auto const tree = (root_ / "tree").string();
        shell(fmt::format(
            "mkdir -p {0}/bin {0}/dev {0}/proc {0}/sys {0}/tmp {0}/www && cp $(command -v busybox) {0}/bin/ && "
            "for each in sh httpd dd; do ln -s busybox {0}/bin/$each; done && echo hello >{0}/www/index.html "
            "&& PATH=$PATH:/sbin mke2fs -q -t ext4 -O ^has_journal -m 0 -d {0} {1} 16M",
            tree, image().string()));
    }

    /// The first machine of each prepares what all of them share.
    void measure_starts(side& cold, side& warm) {
        warm.start("one", 1);
        warm.await_rik([&] { return has_template(warm.root()); });
        warm.remove();
        cold.start("one", 1);
        bare_machine bare(find_below(cold.root() / "run", "machine"), root_ / "bare",
                          std::string(cold.first().at("addresses").at(0).as_string()));
        cold.remove();
        std::vector<double> from_cold;
        std::vector<double> from_warm;
        std::vector<double> by_hand;
        for (int i = 0; i < what_.samples; ++i) {
            from_cold.push_back(cold.start("one", 1));
            if (cold.is_warm()) throw std::runtime_error("a machine that should boot was restored");
            cold.remove();
            by_hand.push_back(bare.start(inside_port));
            bare.stop();
            from_warm.push_back(warm.start("one", 1));
            if (!warm.is_warm()) throw std::runtime_error("a machine that should be restored has booted");
            warm.remove();
        }
        auto const median = [](auto& of) { return percentile(of, 0.5); };
        fmt::print("{:<44} {:>9} {:>9} {:>9} {:>10} {:>10}\n", "start to the first answer, ms", "by hand", "cold",
                   "warm", "cold/hand", "warm/cold");
        fmt::print("{:<44} {:>9.0f} {:>9.0f} {:>9.0f} {:>10.2f} {:>10.2f}\n",
                   fmt::format("  median of {}", what_.samples), median(by_hand), median(from_cold), median(from_warm),
                   median(from_cold) / median(by_hand), median(from_warm) / median(from_cold));
        fmt::print("{:<44} {:>9.0f} {:>9.0f} {:>9.0f} {:>10.2f} {:>10.2f}\n", "  the quickest", percentile(by_hand, 0),
                   percentile(from_cold, 0), percentile(from_warm, 0),
                   percentile(from_cold, 0) / percentile(by_hand, 0),
                   percentile(from_warm, 0) / percentile(from_cold, 0));
        fmt::print("{:<44} {:>9} {:>9} {:>9} {:>10} {:>10}\n", "  aim", "", "", "", "<= 1.2", "<= 0.4");
        std::fflush(stdout);
    }

    /// Of a guest that has used all of its memory.
    static void measure_memory(std::string_view kind, side& of) {
        of.start("full", 1);
        auto const used = memory_of(std::string(of.first().at("id").as_string()));
        fmt::print("{:<44} {:>9.0f}\n", fmt::format("{}: PSS of a machine whose guest is full, MiB", kind), used.all());
        fmt::print("{:<44} {:>9.0f}\n", "  over its guest's 128", used.all() - guest_mib);
        fmt::print("{:<44} {:>9.1f}\n", "  of that keeper and conmon", used.others_mib);
        std::fflush(stdout);
        of.remove();
    }

    void measure_at_once(std::string_view kind, side& of) const {
        auto const took = of.start("one", what_.at_once);
        double sum = 0;
        for (auto const& each : of.items(resource_kind::instance))
            sum += memory_of(std::string(each.at("id").as_string())).all();
        fmt::print("{:<44} {:>9.0f}\n", fmt::format("{}: {} at once until all have answered, ms", kind, what_.at_once),
                   took);
        fmt::print("{:<44} {:>9.0f}\n", "  PSS of each, MiB", sum / what_.at_once);
        std::fflush(stdout);
        of.remove();
    }

    arguments what_;
    fs::path root_;
};

arguments read_arguments(int count, char** words) {
    arguments read;
    for (int at = 1; at < count; ++at) {
        std::string_view const word = words[at];
        auto const has_value = at + 1 < count;
        if (word == "--samples" && has_value)
            read.samples = std::max(std::atoi(words[++at]), 1);
        else if (word == "--at-once" && has_value)
            read.at_once = std::max(std::atoi(words[++at]), 1);
        else if (word == "--root" && has_value)
            read.root = words[++at];
        else if (read.program.empty() && !word.starts_with("--"))
            read.program = word;
        else
            throw std::runtime_error("usage: rik_function_bench RIK [--samples N] [--at-once N] [--root DIR]");
    }
    if (read.program.empty()) throw std::runtime_error("which rik? give its path");
    return read;
}

}  // namespace

}  // namespace rik::bench

int main(int count, char** words) {
    try {
        auto what = rik::bench::read_arguments(count, words);
        rik::bench::heed_interruption();
        auto const root = what.root / ("rik-function-bench-" + std::to_string(::getpid()));
        rik::bench::bench(std::move(what), root).run();
        return 0;
    } catch (std::exception const& failure) {
        fmt::print(stderr, "{}\n", failure.what());
        return 1;
    }
}

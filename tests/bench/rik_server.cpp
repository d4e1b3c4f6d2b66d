#include "rik_server.hpp"

#include "bare_pod.hpp"
#include "measure.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rik::bench {

namespace {

constexpr auto start_patience = std::chrono::seconds(30);
constexpr ::useconds_t ask_pause_us = 500;

double kilobytes_of(fs::path const& file, std::string_view name) {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(name)) return std::stod(line.substr(name.size()));
    }
    return 0;
}

}  // namespace

rik_server::rik_server(fs::path program, fs::path root, std::string cluster_cidr, std::string oci_runtime,
                       std::vector<std::string> more_arguments)
    : program_(fs::absolute(std::move(program))),
      root_(std::move(root)),
      cluster_cidr_(std::move(cluster_cidr)),
      oci_runtime_(std::move(oci_runtime)),
      more_arguments_(std::move(more_arguments)) {
    fs::create_directories(root_);
}

rik_server::~rik_server() {
    try {
        stop();
        reset();
    } catch (std::exception const& failure) {
        fmt::print(stderr, "{}: {}\n", root_.string(), failure.what());
    }
    std::error_code ignored;
    fs::remove_all(root_, ignored);
}

std::vector<std::string> rik_server::own_arguments() const {
    return {"--state-dir", root_ / "state", "--run-dir", root_ / "run"};
}

double rik_server::start() {
    command what{.program = program_, .arguments = own_arguments()};
    what.arguments.insert(what.arguments.end(), {"--socket", socket(), "--cluster-cidr", cluster_cidr_, "--oci-runtime",
                                                 oci_runtime_, "--log-level", "warning"});
    what.arguments.insert(what.arguments.end(), more_arguments_.begin(), more_arguments_.end());
    detail::descriptor const log(::open((root_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    what.descriptors.emplace_back(log.get(), STDERR_FILENO);
    auto const begin = steady::now();
    auto started = child_process::start(io_.get_executor(), what);
    if (!started) throw std::runtime_error(to_string(started.error()));
    process_.emplace(std::move(*started));
    while (!is_ready()) {
        if (steady::now() - begin > start_patience) throw std::runtime_error("rik does not become ready");
        ::usleep(ask_pause_us);
    }
    return milliseconds(steady::now() - begin);
}

void rik_server::stop() {
    if (!process_) return;
    (void)process_->signal(SIGTERM);  // has it ended by itself, the wait below says so
    while (::waitpid(process_->pid(), nullptr, 0) < 0 && errno == EINTR) {
    }
    process_.reset();
}

void rik_server::reset() {
    std::vector<std::string> arguments{program_};
    for (auto& each : own_arguments()) arguments.push_back(std::move(each));
    arguments.emplace_back("reset");
    if (run_program(arguments) != 0) throw std::runtime_error("rik reset failed: see " + (root_ / "log").string());
}

/// By hand: a client with its parsers would add to the time that is measured.
bool rik_server::is_ready() const {
    detail::descriptor const socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    auto const path = this->socket();
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error(path + ": too long for a socket");
    std::memcpy(address.sun_path, path.data(), path.size());
    if (::connect(socket.get(), reinterpret_cast<::sockaddr const*>(&address), sizeof address) != 0) return false;
    constexpr std::string_view question = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    constexpr std::string_view wanted = "HTTP/1.1 200";
    std::array<char, 256> answer{};
    if (::write(socket.get(), question.data(), question.size()) < 0) return false;
    auto const size = ::read(socket.get(), answer.data(), answer.size());
    return size > 0 && std::string_view(answer.data(), static_cast<std::size_t>(size)).starts_with(wanted);
}

process_figures rik_server::figures() const {
    auto const proc = fs::path("/proc") / std::to_string(process_->pid());
    process_figures found;
    found.rss_mb = kilobytes_of(proc / "smaps_rollup", "Rss:") / 1024;
    found.pss_mb = kilobytes_of(proc / "smaps_rollup", "Pss:") / 1024;
    clockid_t clock{};
    timespec used{};
    if (::clock_getcpuclockid(process_->pid(), &clock) == 0 && ::clock_gettime(clock, &used) == 0)
        found.cpu_ms = static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
    return found;
}

}  // namespace rik::bench

#include "template_maker.hpp"

#include "template_files.hpp"

#include "runtime/microvm/machine_template_detail.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rik::machine_program {

namespace {

constexpr std::size_t said_bytes_max = 16u << 10;

std::int64_t now_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

/// Whatever is there. False at the end.
bool read_into(int from, std::string& kept) {
    std::array<char, 4096> buffer;
    auto const size = ::read(from, buffer.data(), buffer.size());
    if (size > 0) kept.append(buffer.data(), static_cast<std::size_t>(size));
    if (kept.size() > said_bytes_max) kept.erase(0, kept.size() - said_bytes_max);
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

}  // namespace

std::string template_maker::make() {
    until_ms_ = now_ms() + std::int64_t{plan_.boot_seconds} * 1000;
    auto why = await_readiness();
    if (why.empty()) why = save();
    end_qemu();
    if (why.empty()) return write_template(plan_, {ends_.memory, ends_.state}, ends_.note);
    return complaints_.empty() ? why : why + ": " + complaints_;
}

/// False once QEMU is gone, or whoever wants the template, or it is too late.
bool template_maker::poll_once() {
    std::array<pollfd, 4> sources{pollfd{ends_.console, POLLIN, 0}, pollfd{ends_.monitor, POLLIN, 0},
                                  pollfd{ends_.complaints, POLLIN, 0}, pollfd{STDOUT_FILENO, 0, 0}};
    auto const left = until_ms_ - now_ms();
    if (left <= 0 || ::poll(sources.data(), sources.size(), static_cast<int>(left)) < 0) return false;
    if (sources[3].revents != 0) return false;
    if (sources[2].revents != 0 && !read_into(ends_.complaints, complaints_)) return false;
    if (sources[0].revents != 0 && !read_into(ends_.console, console_)) return false;
    std::string said;
    if (sources[1].revents != 0 && !read_into(ends_.monitor, said)) return false;
    qmp_.feed(said);
    return true;
}

std::string template_maker::await_readiness() {
    if (!await(detail::qmp_word::greeting) || !say(detail::qmp_begin) || !await(detail::qmp_word::returned))
        return "QEMU does not answer";
    while (console_.find(detail::template_ready) == console_.npos)
        if (!poll_once()) return "it was never ready to be a template";
    return {};
}

std::string template_maker::save() {
    auto const is_done = [&](std::string_view words, int descriptor = -1) {
        return say(words, descriptor) && await(detail::qmp_word::returned);
    };
    if (!is_done(detail::qmp_stop) || !is_done(detail::qmp_ignore_shared) ||
        !is_done(detail::qmp_get_descriptor, ends_.state) || !say(detail::qmp_save) || !await(detail::qmp_word::saved))
        return "QEMU does not save it";
    return {};
}

/// A descriptor goes with its first byte.
bool template_maker::say(std::string_view words, int descriptor) const {
    iovec part{const_cast<char*>(words.data()), words.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptor)> room{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
        message.msg_control = room.data();
        message.msg_controllen = room.size();
        auto* const with = CMSG_FIRSTHDR(&message);
        with->cmsg_level = SOL_SOCKET;
        with->cmsg_type = SCM_RIGHTS;
        with->cmsg_len = CMSG_LEN(sizeof descriptor);
        std::memcpy(CMSG_DATA(with), &descriptor, sizeof descriptor);
    }
    return ::sendmsg(ends_.monitor, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(words.size());
}

/// False if something else is the answer, or none comes.
bool template_maker::await(detail::qmp_word word) {
    while (true) {
        while (auto const said = qmp_.next()) {
            if (*said == word) return true;
            if (*said == detail::qmp_word::refused) return false;
        }
        if (!poll_once()) return false;
    }
}

void template_maker::end_qemu() {
    ::kill(qemu_, SIGKILL);
    while (::waitpid(qemu_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

}  // namespace rik::machine_program

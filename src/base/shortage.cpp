#include <rik/base/shortage.hpp>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

namespace rik {

bool is_shortage(int number) {
    switch (number) {
        case EMFILE:
        case ENFILE:
        case EAGAIN:
        case ENOMEM:
        case ENOBUFS:
        case EUSERS:
        case ENOSPC:
        case EDQUOT: return true;
        default: return false;
    }
}

namespace {

std::string_view remedy_for(int shortage) {
    switch (shortage) {
        case EMFILE: return "raise its limit of open files: LimitNOFILE of a service, ulimit -n";
        case ENFILE: return "raise the limit of open files of the machine: sysctl fs.file-max";
        case EAGAIN: return "raise its limit of processes: TasksMax of a service, ulimit -u";
        case ENOMEM: return "free some of the machine's memory";
        default: return "";
    }
}

}  // namespace

error system_failure(std::string message, int number) {
    message += ": " + std::generic_category().message(number);
    if (!is_shortage(number)) return error{errc::internal, std::move(message)};
    return error{errc::exhausted, std::move(message), {}, std::string(remedy_for(number))};
}

}  // namespace rik

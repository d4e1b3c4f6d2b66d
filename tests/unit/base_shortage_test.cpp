#include "support/catch.hpp"

#include <rik/base/shortage.hpp>

#include <cerrno>

using namespace rik;

TEST_CASE("what passes when the machine has more is told from what is broken", "[unit][base]") {
    for (int const number : {EMFILE, ENFILE, EAGAIN, ENOMEM, ENOBUFS, ENOSPC, EDQUOT}) {
        CHECK(is_shortage(number));
        CHECK(system_failure("x", number).code == errc::exhausted);
    }
    for (int const number : {EPERM, EACCES, EINVAL, ENOENT, EIO, EROFS}) {
        CHECK(!is_shortage(number));
        CHECK(system_failure("x", number).code == errc::internal);
    }
    CHECK(to_string(system_failure("program runc: cannot be started", EMFILE)) ==
          "program runc: cannot be started: Too many open files (raise its limit of open files: LimitNOFILE of a "
          "service, ulimit -n)");
}

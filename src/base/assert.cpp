#include <rik/base/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace rik::detail {

void assertion_failed(char const* condition, char const* file, int line) {
    std::fprintf(stderr, "rik: defect: %s:%d: %s does not hold; stopping before data is lost\n", file, line, condition);
    std::abort();
}

}  // namespace rik::detail

// What a call of rikctl comes to.
#pragma once

#include <string>

namespace test {

struct outcome {
    int code = -1;
    std::string out;
    std::string err;
};

}  // namespace test

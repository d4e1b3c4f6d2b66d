// A file descriptor that is closed with its owner.
#pragma once

#include <utility>

#include <unistd.h>

namespace rik::detail {

class unique_fd {
public:
    unique_fd() = default;
    explicit unique_fd(int number) : number_(number) {}
    unique_fd(unique_fd&& other) noexcept : number_(other.release()) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~unique_fd() { reset(); }

    int get() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }
    int release() { return std::exchange(number_, -1); }
    void reset(int number = -1) {
        if (number_ >= 0) ::close(number_);
        number_ = number;
    }

private:
    int number_ = -1;
};

}  // namespace rik::detail

// Files of the kernel that are read by the hundred: without memory of their own.
#pragma once

#include "unique_fd_detail.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace rik::detail {

/// The beginning of a file that fits into a page or two; empty if it cannot be read.
class small_file {
public:
    explicit small_file(std::string const& path) {
        unique_fd const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        auto const got = file ? ::read(file.get(), bytes_.data(), bytes_.size()) : 0;
        size_ = got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    std::string_view text() const { return {bytes_.data(), size_}; }
    /// 0 if it does not begin with one.
    std::int64_t number() const {
        std::int64_t found = 0;
        std::from_chars(bytes_.data(), bytes_.data() + size_, found);
        return found;
    }

private:
    std::array<char, 8192> bytes_;
    std::size_t size_ = 0;
};

}  // namespace rik::detail

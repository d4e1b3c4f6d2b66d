// Files of the kernel that are read by the hundred: without memory of their own.
#pragma once

#include "unique_fd_detail.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace rik::detail {

/// The beginning of a file that fits into a page or two; empty if it cannot be read.
class small_file {
public:
    explicit small_file(std::string const& path) : small_file(unique_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))) {}
    explicit small_file(unique_fd const& file) {
        auto const got = file ? ::pread(file.get(), bytes_.data(), bytes_.size(), 0) : 0;
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

/// One that is read again and again: to find and to open it takes ten times as long as to have the kernel count. It
/// is opened when it is first read, and again after it could not be read. That it is open keeps nothing alive: a
/// control group can be removed.
class kept_file {
public:
    kept_file() = default;
    explicit kept_file(std::string path) : path_(std::move(path)) {}
    small_file read() {
        if (!file_) file_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
        small_file now(file_);
        if (now.text().empty()) file_.reset();
        return now;
    }
    void close() { file_.reset(); }

private:
    std::string path_;
    unique_fd file_;
};

}  // namespace rik::detail

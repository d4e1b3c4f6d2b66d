#include <rik/client/text_file.hpp>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace rik {

namespace {

struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

errc code_of(int why) {
    switch (why) {
        case ENOENT:
        case ENOTDIR:
        case ELOOP:
        case ENAMETOOLONG: return errc::not_found;
        case EACCES:
        case EPERM: return errc::denied;
        default: return errc::invalid;
    }
}

error cannot_read(std::string const& path, int why) {
    return error{code_of(why), fmt::format("cannot read {}: {}", path, std::generic_category().message(why))};
}

}  // namespace

result<std::string> read_text_file(std::string const& path, std::size_t bytes_max) {
    std::unique_ptr<std::FILE, closer> const file(std::fopen(path.c_str(), "re"));
    if (!file) return cannot_read(path, errno);
    std::string text;
    std::array<char, 16384> part;
    for (;;) {
        auto const count = std::fread(part.data(), 1, part.size(), file.get());
        text.append(part.data(), count);
        if (text.size() > bytes_max)
            return error{errc::exhausted, fmt::format("{} is longer than {} bytes", path, bytes_max)};
        if (count == part.size()) continue;
        if (std::ferror(file.get()) != 0) return cannot_read(path, errno);  // a directory can be opened
        return text;
    }
}

}  // namespace rik

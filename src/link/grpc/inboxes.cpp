#include "inboxes_detail.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik::detail {

void inboxes::grow(std::size_t bytes) {
    bytes_ += bytes;
    while (bytes_ > bytes_max_)
        fullest()->cut_off({errc::exhausted,
                            fmt::format("the peers have sent more than {} bytes that were not taken yet, and this one "
                                        "most of them",
                                        bytes_max_)});
}

void inboxes::tell(std::string const& peer, error const& why) const {
    to_.error("a peer of the links is cut off", {{"peer", peer}, {"why", why.message}});
}

/// Equal ones are chosen by their places in memory: they are equally guilty.
inbox* inboxes::fullest() const {
    return *std::ranges::max_element(all_, {}, [](inbox const* each) { return each->waiting_bytes(); });
}

}  // namespace rik::detail

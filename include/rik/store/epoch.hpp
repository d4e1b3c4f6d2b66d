// Which life of a store a revision is of. Who puts an older copy of a journal back makes revisions that were made
// before.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace rik {

using epoch_id = uid<struct epoch_tag>;

/// From one opening of a journal to the next. Its first commit changes no row of a user.
struct store_epoch {
    epoch_id id;
    revision first = 0;
    friend bool operator==(store_epoch const&, store_epoch const&) = default;
};

/// Where a reader of a store is. The epoch tells this store from one that was put back from an older copy and has
/// made the same revisions anew, so a position that leaves the process and comes back is never taken for another.
struct store_position {
    epoch_id epoch = {};
    revision reached = 0;
    friend bool operator==(store_position const&, store_position const&) = default;
};

/// "EPOCH-REVISION".
std::string to_string(store_position const& position);

/// A bare revision, as earlier builds gave it, is one of no epoch: no store goes on after it.
/// Errors: invalid, it is neither.
result<store_position> parse_store_position(std::string_view text);

namespace detail {

/// What a journal keeps of its epochs, oldest first; the newest limits::store_epochs_max of them.
std::string epochs_text(std::vector<store_epoch> const& epochs);
/// Nothing if it is damaged, or of a release that kept one number: then no reader goes on where it was.
std::vector<store_epoch> parse_epochs(std::string_view text);

/// The earliest revision since which no row has changed, for a store that has reached `last`: openings change none.
revision quiet_since(std::vector<store_epoch> const& epochs, revision last);

/// Has this journal, which has reached `last`, ever been at `position`? What it was before an older copy of it was put
/// back does not count.
bool was_at(std::vector<store_epoch> const& epochs, store_position const& position, revision last);

}  // namespace detail

}  // namespace rik

// Tells from which life of a store a revision is. When an older copy of a journal is put back, its store makes
// revisions that were made before.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace rik {

using epoch_id = uid<struct epoch_tag>;

/// The time from one opening of a journal to the next. Its first commit changes no row of a user.
struct store_epoch {
    epoch_id id;
    revision first = 0;
    friend bool operator==(store_epoch const&, store_epoch const&) = default;
};

/// The place up to which a reader has read a store. A store that was put back from an older copy makes the same
/// revisions anew; the epoch tells the two apart, so that a position that leaves the process and comes back is never
/// mistaken.
struct store_position {
    epoch_id epoch = {};
    revision reached = 0;
    friend bool operator==(store_position const&, store_position const&) = default;
};

/// "EPOCH-REVISION".
std::string to_string(store_position const& position);

/// Parses that. A bare revision, as earlier builds gave it, is of no epoch, so no store goes on after it.
/// Errors: invalid, it is neither.
result<store_position> parse_store_position(std::string_view text);

namespace detail {

/// Writes what a journal keeps of its epochs: the newest limits::store_epochs_max of them, oldest first.
std::string epochs_text(std::vector<store_epoch> const& epochs);
/// Returns nothing if the text is damaged, or of a version that kept one number. Then no reader can go on where it was.
std::vector<store_epoch> parse_epochs(std::string_view text);

/// Returns the earliest revision since which no row has changed, for a store that has reached `last`. Openings change
/// no row.
revision quiet_since(std::vector<store_epoch> const& epochs, revision last);

/// Returns true if this journal, which has reached `last`, has ever been at `position`. What it was before an older
/// copy of it was put back does not count.
bool was_at(std::vector<store_epoch> const& epochs, store_position const& position, revision last);

}  // namespace detail

}  // namespace rik

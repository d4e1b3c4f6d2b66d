#include <rik/store/history.hpp>

#include <rik/base/limits.hpp>

#include <utility>

namespace rik {

void change_history::restart(revision floor) {
    changes_.clear();
    bytes_ = 0;
    floor_ = floor;
}

void change_history::add(change done, std::size_t bytes) {
    changes_.push_back(kept_change{std::move(done), bytes});
    bytes_ += bytes;
    while (changes_.size() > limits::history_count_max || bytes_ > limits::history_bytes_max) drop_oldest();
}

void change_history::drop_oldest() {
    // Others of the same commit may stay: they are below the new floor, so nobody is served half a commit.
    floor_ = changes_.front().done.changed_at;
    bytes_ -= changes_.front().bytes;
    changes_.pop_front();
}

}  // namespace rik

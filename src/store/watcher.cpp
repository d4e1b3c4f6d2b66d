#include <rik/base/limits.hpp>
#include <rik/store/store.hpp>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

error too_old() { return error{errc::exhausted, "too old", {}, "read the rows anew and watch again"}; }

bool concerns(change const& done, subscription const& what) {
    if (table_of(done) != what.table) return false;
    if (what.index_key.empty()) return true;
    auto const keys = index_keys(done);
    return std::find(keys.begin(), keys.end(), what.index_key) != keys.end();
}

}  // namespace

watcher::watcher(store& owner, subscription what) : owner_(&owner), what_(std::move(what)), changed_(owner.executor_) {}

watcher::~watcher() {
    if (owner_ != nullptr) owner_->unsubscribe(*this);
}

awaitable<result<std::vector<change>>> watcher::next() {
    while (queue_.empty() && !closed_) co_await changed_.wait();
    if (queue_.empty()) co_return *closed_;
    auto all = std::exchange(queue_, std::vector<change>());
    co_return std::move(all);
}

void watcher::offer(change const& done) {
    if (closed_) return;
    if (queue_.size() >= limits::watch_queue_count_max) {
        // What it has not fetched is worth nothing without what it misses.
        queue_ = std::vector<change>();
        return close(too_old());
    }
    queue_.push_back(done);
    if (queue_.size() == 1) changed_.notify();
}

void watcher::close(error why) {
    if (closed_) return;
    closed_ = std::move(why);
    changed_.notify();
}

std::unique_ptr<watcher> store::watch(subscription what) {
    std::unique_ptr<watcher> made(new watcher(*this, std::move(what)));
    auto& list = list_for(made->what_);
    made->place_ = list.insert(list.end(), made.get());
    if (auto const after = made->what_.after) {
        if (*after < history_.floor() || *after > durable_.at()) {
            made->close(too_old());
            return made;
        }
        history_.for_each_after(*after, [&made](change const& done) {
            if (concerns(done, made->what_)) made->offer(done);
            return !made->closed_;
        });
    }
    if (failed_) made->close(stopped_error());
    return made;
}

std::list<watcher*>& store::list_for(subscription const& what) {
    auto& of_table = subscribers_[static_cast<std::size_t>(what.table)];
    return what.index_key.empty() ? of_table.to_all : of_table.by_index[what.index_key];
}

void store::unsubscribe(watcher& gone) {
    auto& list = list_for(gone.what_);
    list.erase(gone.place_);
    auto& by_index = subscribers_[static_cast<std::size_t>(gone.what_.table)].by_index;
    if (list.empty() && !gone.what_.index_key.empty()) by_index.erase(gone.what_.index_key);
}

void store::tell_watchers(change const& done) {
    auto const& of_table = subscribers_[static_cast<std::size_t>(table_of(done))];
    for (auto* each : of_table.to_all) each->offer(done);
    if (of_table.by_index.empty()) return;
    for (auto const& key : index_keys(done)) {
        auto const found = of_table.by_index.find(key);
        if (found == of_table.by_index.end()) continue;
        for (auto* each : found->second) each->offer(done);
    }
}

}  // namespace rik

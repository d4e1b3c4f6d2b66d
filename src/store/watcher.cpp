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
    if (owner_ == nullptr) return;
    forget(queue_.size());
    owner_->unsubscribe(*this);
}

awaitable<result<std::vector<change>>> watcher::next() {
    while (queue_.empty() && !closed_) co_await changed_.wait();
    if (queue_.empty()) co_return *closed_;
    co_return pop_batch();
}

/// Whole commits: who goes on after a revision has seen all of it.
std::vector<change> watcher::pop_batch() {
    std::vector<change> batch;
    std::size_t bytes = 0;
    std::size_t count = 0;
    while (count < queue_.size()) {
        auto const begin = count;
        auto const at = queue_[begin].done.changed_at;
        for (; count < queue_.size() && queue_[count].done.changed_at == at; ++count) bytes += queue_[count].bytes;
        if (begin > 0 && bytes > limits::watch_batch_bytes_max) {
            count = begin;
            break;
        }
    }
    batch.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        batch.push_back(std::move(queue_.front().done));
        queue_.pop_front();
    }
    forget(count);
    return batch;
}

void watcher::offer(change const& done, std::size_t bytes) {
    if (closed_) return;
    if (queue_.size() >= limits::watch_queue_count_max) return lose_place();
    queue_.push_back({done, bytes});
    ++owner_->queued_count_;
    if (queue_.size() == 1) changed_.notify();
    if (owner_->queued_count_ > limits::watch_queues_count_max) owner_->end_longest_queue();
}

/// What it has not fetched is worth nothing without what it misses.
void watcher::lose_place() {
    forget(queue_.size());
    queue_ = std::deque<queued>();
    close(too_old());
}

/// So many changes have left the queue.
void watcher::forget(std::size_t count) {
    if (owner_ != nullptr) owner_->queued_count_ -= count;
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
        if (!may_resume(*after)) {
            made->close(too_old());
            return made;
        }
        history_.for_each_after(after->reached, [&made](change const& done, std::size_t bytes) {
            if (concerns(done, made->what_)) made->offer(done, bytes);
            return !made->closed_;
        });
    }
    if (failed_) made->close(stopped_error());
    return made;
}

bool store::may_resume(store_position const& after) const {
    return after.reached >= history_.floor() && detail::was_at(epochs_, after, durable_.at());
}

/// What a watcher has not fetched must not outlive the history, which is what bounds the memory of both.
void store::end_laggards() {
    auto const floor = history_.floor();
    for_each_watcher([floor](watcher& each) {
        if (!each.queue_.empty() && each.queue_.front().done.changed_at <= floor) each.lose_place();
    });
}

void store::end_longest_queue() {
    watcher* longest = nullptr;
    for_each_watcher([&longest](watcher& each) {
        if (longest == nullptr || each.queue_.size() > longest->queue_.size()) longest = &each;
    });
    if (longest != nullptr) longest->lose_place();
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

void store::tell_watchers(change const& done, std::size_t bytes) {
    auto const& of_table = subscribers_[static_cast<std::size_t>(table_of(done))];
    for (auto* each : of_table.to_all) each->offer(done, bytes);
    if (of_table.by_index.empty()) return;
    for (auto const& key : index_keys(done)) {
        auto const found = of_table.by_index.find(key);
        if (found == of_table.by_index.end()) continue;
        for (auto* each : found->second) each->offer(done, bytes);
    }
}

}  // namespace rik

// What is true, or counts, for as long as a scope lasts, however a coroutine leaves it.
#pragma once

#include <rik/async/notifier.hpp>

namespace rik::detail {

/// True while it lives.
class raised {
public:
    explicit raised(bool& flag) : flag_(flag) { flag_ = true; }
    raised(raised const&) = delete;
    raised& operator=(raised const&) = delete;
    ~raised() { flag_ = false; }

private:
    bool& flag_;
};

/// Counts while it lives, and says when it no longer does.
class counted {
public:
    counted(int& count, notifier& ended) : count_(count), ended_(ended) { ++count_; }
    counted(counted const&) = delete;
    counted& operator=(counted const&) = delete;
    ~counted() {
        --count_;
        ended_.notify();
    }

private:
    int& count_;
    notifier& ended_;
};

}  // namespace rik::detail

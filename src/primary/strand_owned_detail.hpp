// What lives on the primary's strand, in the hands of somebody on any thread.
#pragma once

#include <rik/async/shield.hpp>

#include <boost/asio/post.hpp>

#include <memory>
#include <utility>

namespace rik::detail {

/// Its end belongs to the strand, where a call may be under way.
template <class T>
class strand_owned {
public:
    strand_owned(asio::any_io_executor strand, std::shared_ptr<T> under)
        : strand_(std::move(strand)), under_(std::move(under)) {}
    strand_owned(strand_owned const&) = delete;
    strand_owned& operator=(strand_owned const&) = delete;
    ~strand_owned() {
        asio::post(strand_, [under = std::move(under_)] {});
    }

    /// Runs `call` on the strand. It keeps what it is called for alive.
    template <class Result>
    awaitable<Result> run(awaitable<Result> (*call)(std::shared_ptr<T>)) const {
        return on_strand(strand_, call(under_));
    }

private:
    asio::any_io_executor strand_;
    std::shared_ptr<T> under_;
};

}  // namespace rik::detail

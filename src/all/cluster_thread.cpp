#include <rik/all.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

namespace rik {

result<void> cluster_thread::start() {
    if (!thread_.joinable())  // else it is there from an attempt that failed
        thread_ = std::thread([this] {
            auto const busy = asio::make_work_guard(context_);
            context_.run();
        });
    auto opened = call(local_cluster::open(context_.get_executor(), options_));
    if (!opened) return opened.error();
    cluster_ = std::move(*opened);
    watching_ = asio::co_spawn(context_, watch_failure(),
                               asio::bind_cancellation_slot(stop_watching_.slot(), asio::use_future));
    return {};
}

cluster_thread::~cluster_thread() {
    if (cluster_) {
        asio::post(context_, [this] { stop_watching_.emit(asio::cancellation_type::terminal); });
        watching_.wait();
        call(cluster_->stop());
    }
    context_.stop();
    if (thread_.joinable()) thread_.join();
}

operations& cluster_thread::api() {
    RIK_ASSERT(cluster_ != nullptr);
    return cluster_->api();
}

std::optional<error> cluster_thread::failure() const {
    std::lock_guard const lock(failure_mutex_);
    return failure_;
}

void cluster_thread::call(awaitable<> work) {
    RIK_ASSERT(thread_.joinable());
    asio::co_spawn(context_, std::move(work), asio::use_future).get();
}

awaitable<> cluster_thread::watch_failure() {
    auto why = co_await cluster_->failure();
    std::lock_guard const lock(failure_mutex_);
    failure_ = std::move(why);
}

}  // namespace rik

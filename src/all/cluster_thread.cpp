#include <rik/all.hpp>

#include <boost/asio/executor_work_guard.hpp>

namespace rik {

result<void> cluster_thread::start() {
    thread_ = std::thread([this] {
        auto const busy = asio::make_work_guard(context_);
        context_.run();
    });
    auto opened = call(local_cluster::open(context_.get_executor(), options_));
    if (!opened) return opened.error();
    cluster_ = std::move(*opened);
    return {};
}

cluster_thread::~cluster_thread() {
    if (cluster_) asio::co_spawn(context_, cluster_->stop(), asio::use_future).get();
    context_.stop();
    if (thread_.joinable()) thread_.join();
}

}  // namespace rik

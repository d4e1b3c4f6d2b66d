#include <rik/link/grpc_health.hpp>

#include "callback_threads_detail.hpp"
#include "carriers_detail.hpp"
#include "open_calls_detail.hpp"

#include "grpc_health_v1.grpc.pb.h"

#include <rik/async/notifier.hpp>

#include <fmt/format.h>
#include <grpc/support/time.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <boost/asio/post.hpp>

#include <optional>
#include <utility>

namespace rik {

namespace detail {

namespace {

namespace health = grpc::health::v1;

constexpr int answer_bytes_max = 4'096;

/// What is asked is asked once, and nothing of it stays.
grpc::ChannelArguments arguments_of_question() {
    grpc::ChannelArguments made;
    made.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    made.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    made.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    made.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    made.SetMaxReceiveMessageSize(answer_bytes_max);
    made.SetUserAgentPrefix("rik-probe/0.1");
    return made;
}

/// One question. gRPC may drop it on a thread of its own, so what belongs to the strand is gone by then: see `leave`.
class health_call final : public open_call {
public:
    health_call(asio::any_io_executor strand, std::string const& address, std::string const& service)
        : strand_(strand),
          stub_(health::Health::NewStub(
              grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments_of_question()))),
          ended_(std::in_place, std::move(strand)) {
        question_.set_service(service);
    }

    void start(std::shared_ptr<health_call> self, open_calls& among, duration at_most) {
        context_.set_deadline(gpr_time_from_millis(milliseconds(at_most), GPR_TIMESPAN));  // from now
        auto told = [self = std::move(self), &among](grpc::Status status) mutable {
            auto* const key = self.get();
            auto const strand = self->strand_;
            auto ending = [self = std::move(self), kept = among.take(key), status = std::move(status)] {
                self->end(status);
            };
            asio::post(strand, std::move(ending));
            among.remove(key);
        };
        stub_->async()->Check(&context_, &question_, &answer_, std::move(told));
    }
    void cancel() override { context_.TryCancel(); }
    /// Nobody waits any more.
    void leave() {
        cancel();
        ended_.reset();
    }

    /// On the strand, as the rest.
    awaitable<> wait() {
        while (!is_over_) co_await ended_->wait();
    }
    grpc::Status const& status() const { return status_; }
    health::HealthCheckResponse const& answer() const { return answer_; }

private:
    void end(grpc::Status const& status) {
        status_ = status;
        is_over_ = true;
        if (ended_) ended_->notify();
    }

    asio::any_io_executor strand_;
    std::unique_ptr<health::Health::Stub> stub_;
    grpc::ClientContext context_;
    health::HealthCheckRequest question_;
    health::HealthCheckResponse answer_;
    grpc::Status status_;
    std::optional<notifier> ended_;
    bool is_over_ = false;
};

class leave_at_end {
public:
    explicit leave_at_end(health_call& what) : what_(what) {}
    leave_at_end(leave_at_end const&) = delete;
    ~leave_at_end() { what_.leave(); }

private:
    health_call& what_;
};

std::string called(std::string const& service) {
    return service.empty() ? std::string("the server") : fmt::format("the service {}", service);
}

result<std::string> answer_of(health::HealthCheckResponse const& said, std::string const& service) {
    using status = health::HealthCheckResponse;
    if (said.status() == status::SERVING) return fmt::format("{} is SERVING", called(service));
    if (said.status() == status::NOT_SERVING)
        return error{errc::unavailable, fmt::format("{} is NOT_SERVING", called(service))};
    if (said.status() == status::SERVICE_UNKNOWN)
        return error{errc::corrupt, fmt::format("{} is not known to the server", called(service))};
    return error{errc::unavailable, fmt::format("{} does not know how it is", called(service))};
}

error failure_of(grpc::Status const& status, std::string const& service) {
    switch (status.error_code()) {
        case grpc::StatusCode::DEADLINE_EXCEEDED: return error{errc::timed_out, "there was no answer in time"};
        case grpc::StatusCode::UNIMPLEMENTED:
            return error{errc::corrupt, "the server does not have the health service of gRPC (grpc.health.v1.Health)"};
        case grpc::StatusCode::NOT_FOUND:
            return error{errc::corrupt, fmt::format("{} is not known to the server", called(service))};
        case grpc::StatusCode::UNAVAILABLE:
            return error{errc::unavailable, fmt::format("nothing there answers by gRPC: {}", status.error_message())};
        default: return error{errc::corrupt, fmt::format("the answer is an error: {}", status.error_message())};
    }
}

}  // namespace

}  // namespace detail

class grpc_health_client::impl {
public:
    explicit impl(asio::any_io_executor strand) : strand_(std::move(strand)) {}
    ~impl() { calls_.end_all(); }

    awaitable<result<std::string>> ask(std::string address, std::string service, duration at_most) {
        detail::keep_callback_threads();
        auto const call = std::make_shared<detail::health_call>(strand_, address, service);
        if (auto const why = calls_.add(call)) co_return *why;
        call->start(call, calls_, at_most);
        detail::leave_at_end const ends(*call);
        co_await call->wait();
        if (!call->status().ok()) co_return detail::failure_of(call->status(), service);
        co_return detail::answer_of(call->answer(), service);
    }

private:
    asio::any_io_executor strand_;
    detail::open_calls calls_;
};

grpc_health_client::grpc_health_client(asio::any_io_executor strand)
    : impl_(std::make_unique<impl>(std::move(strand))) {}
grpc_health_client::~grpc_health_client() = default;
awaitable<result<std::string>> grpc_health_client::ask(std::string address, std::string service, duration at_most) {
    return impl_->ask(std::move(address), std::move(service), at_most);
}

}  // namespace rik

#include "health_asker_detail.hpp"

#include <rik/link/grpc_health.hpp>

#include <utility>

namespace rik::detail {

namespace {

class grpc_health_asker final : public health_asker {
public:
    explicit grpc_health_asker(asio::any_io_executor strand) : client_(std::move(strand)) {}
    awaitable<result<std::string>> ask(std::string address, std::string service, duration at_most) override {
        return client_.ask(std::move(address), std::move(service), at_most);
    }

private:
    grpc_health_client client_;
};

}  // namespace

std::unique_ptr<health_asker> make_health_asker(asio::any_io_executor strand) {
    return std::make_unique<grpc_health_asker>(std::move(strand));
}

}  // namespace rik::detail

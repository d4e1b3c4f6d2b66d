// Probes by gRPC, against gRPC's own server.
#include "support/catch.hpp"
#include "support/prober_fixture.hpp"

#include "grpc_health_v1.grpc.pb.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

using namespace rik;
using namespace rik::testing;

namespace {

namespace health = grpc::health::v1;

class health_service final : public health::Health::Service {
public:
    grpc::Status Check(grpc::ServerContext* call, health::HealthCheckRequest const* asked,
                       health::HealthCheckResponse* answer) override {
        if (asked->service() == "slow")
            while (!call->IsCancelled()) std::this_thread::sleep_for(1ms);
        if (asked->service() == "nothing") return {grpc::StatusCode::UNIMPLEMENTED, ""};
        if (asked->service() == "nobody") return {grpc::StatusCode::NOT_FOUND, "unknown service"};
        auto const is_ill = asked->service() == "ill";
        answer->set_status(is_ill ? health::HealthCheckResponse::NOT_SERVING : health::HealthCheckResponse::SERVING);
        return grpc::Status::OK;
    }
};

class health_server {
public:
    health_server() {
        grpc::ServerBuilder builder;
        builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
        builder.RegisterService(&service_);
        server_ = builder.BuildAndStart();
    }
    ~health_server() { server_->Shutdown(std::chrono::system_clock::now() + 1s); }
    grpc_action action(std::string service = {}) const {
        return {static_cast<std::uint16_t>(port_), std::move(service)};
    }

private:
    health_service service_;
    int port_ = 0;
    std::unique_ptr<grpc::Server> server_;
};

}  // namespace

TEST_CASE_METHOD(prober_fixture, "a probe by gRPC asks the health service", "[prober]") {
    health_server const server;
    auto const well = ask(server.action());
    REQUIRE(well.has_value());
    CHECK(*well == probe_answer{true, "the server is SERVING"});
    auto const ill = ask(server.action("ill"));
    REQUIRE(ill.has_value());
    CHECK(*ill == probe_answer{false, "the service ill is NOT_SERVING"});
    auto const unknown = ask(server.action("nobody"));
    REQUIRE(unknown.has_value());
    CHECK(*unknown == probe_answer{false, "the service nobody is not known to the server"});
}

TEST_CASE_METHOD(prober_fixture, "what does not serve by gRPC has failed", "[prober]") {
    health_server const bare;
    auto const no_service = ask(bare.action("nothing"));
    REQUIRE(no_service.has_value());
    CHECK_FALSE(no_service->success);
    CHECK(no_service->message.find("health service") != std::string::npos);
    probed_server other(context, [](asio::ip::tcp::socket& over) -> awaitable<> {
        co_await send(over, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    auto const no_grpc = ask(grpc_action{.port = other.port()});
    REQUIRE(no_grpc.has_value());
    CHECK_FALSE(no_grpc->success);
    testing::run(context, other.stop());
    auto const refused = ask(grpc_action{.port = 1});
    REQUIRE(refused.has_value());
    CHECK_FALSE(refused->success);
    CHECK_FALSE(refused->message.empty());
}

TEST_CASE_METHOD(prober_fixture, "a probe by gRPC ends at its deadline or when it is cancelled", "[prober]") {
    health_server const server;
    REQUIRE(ask(server.action())->success);
    auto const before = descriptor_count();
    auto const late = ask(server.action("slow"), 50ms);
    REQUIRE(late.has_value());
    CHECK(*late == probe_answer{false, "there was no answer in time"});
    std::vector<result<probe_answer>> answers;
    task_group asking(context.get_executor());
    for (int i = 0; i < 5; ++i) asking.spawn(ask_into(server.action("slow"), long_time, answers));
    testing::run(context, time.sleep_for(50ms));
    testing::run(context, asking.stop());
    CHECK(answers.empty());
    for (int i = 0; i < 200 && descriptor_count() > before; ++i) testing::run(context, time.sleep_for(10ms));
    CHECK(descriptor_count() <= before);
}

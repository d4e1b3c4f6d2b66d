// The simulated network. The real one is in e2e/network_test.cpp.
#include "contract/network_contract.hpp"

#include "support/catch.hpp"

#include <rik/sim/machine.hpp>

namespace rik::testing {

namespace {

class simulated_maker final : public network_maker {
public:
    event_loop& loop() override { return loop_; }
    rik::network& tested() override { return machine_; }
    void reopen() override {}  // a simulated machine is not the agent's
    pod_attachment make_pod(int number, std::vector<container_port> host_ports) override {
        return {.instance = instance_id::generate(loop_.world.random()),
                .network_namespace = "/simulated",
                .address = "10.210.3." + std::to_string(number),
                .host_ports = std::move(host_ports)};
    }
    void cut_off(pod_attachment const& pod) override { machine_.cut_off(pod.instance); }

private:
    virtual_loop loop_;
    sim::machine machine_{loop_.executor(), loop_.time(), {.name = "node", .boot_id = {}, .version = "sim"}};
};

}  // namespace

TEST_CASE("a simulated machine is a network", "[contract]") {
    simulated_maker machine;
    check_network(machine);
}

}  // namespace rik::testing

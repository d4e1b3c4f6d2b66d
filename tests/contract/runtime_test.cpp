// The simulated runtime. The real one is in e2e/runtime_test.cpp.
#include "contract/runtime_contract.hpp"

#include "support/catch.hpp"

#include <rik/sim/machine.hpp>

namespace rik::testing {

namespace {

using namespace std::chrono_literals;

class simulated_maker final : public runtime_maker {
public:
    event_loop& loop() override { return loop_; }
    rik::runtime& tested() override { return machine_; }
    void reopen() override {}  // a simulated machine is not the agent's

    container_request request(container_key key, container_program what) override {
        sim::image_behaviour how;
        how.output.clear();
        for (std::size_t i = 0; i < what.line_count; ++i) how.output += what.line + "\n";
        if (what.exit_code) how.runs_for = 5ms;
        how.exit_code = what.exit_code.value_or(0);
        how.exec_output = what.exec.output;
        how.exec_exit_code = what.exec.exit_code;
        if (what.exec.lasts) how.exec_time = 1h;
        return request_of(std::move(key), std::move(how));
    }
    container_request impossible_request(container_key key) override {
        sim::image_behaviour how;
        how.start_error = error{errc::invalid, "there is no such program"};
        return request_of(std::move(key), std::move(how));
    }
    std::vector<std::string> exec_command(exec_program) override { return {"program"}; }
    std::vector<std::string> leftovers() override {
        std::vector<std::string> found;
        for (auto const& each : machine_.occupied()) found.push_back(each.text());
        return found;
    }

private:
    container_request request_of(container_key key, sim::image_behaviour how) {
        container_request made{.key = std::move(key), .definition = {}};
        made.definition.name = made.key.name;
        made.definition.image = "image-" + std::to_string(++image_count_);
        machine_.set_behaviour(made.definition.image, std::move(how));
        return made;
    }

    virtual_loop loop_;
    sim::machine machine_{loop_.executor(), loop_.time(), {.name = "node", .boot_id = {}, .version = "sim"}};
    int image_count_ = 0;
};

}  // namespace

TEST_CASE("a simulated machine is a runtime", "[contract]") {
    simulated_maker machine;
    check_runtime(machine);
}

}  // namespace rik::testing

// The images of a simulated machine. The real ones are in e2e/image_policy_test.cpp.
#include "contract/images_contract.hpp"

#include "support/catch.hpp"

#include <rik/sim/machine.hpp>

namespace rik::testing {

namespace {

class simulated_maker final : public images_maker {
public:
    event_loop& loop() override { return loop_; }
    rik::images& tested() override { return machine_; }
    void reopen() override {}  // a simulated machine is not the agent's
    std::string push(std::string const& repository, std::string const& tag) override {
        auto name = "registry.local/" + repository + ":" + tag;
        machine_.push(name, "sha256:" + std::to_string(++pushed_count_));
        return name;
    }
    std::string name_of_nothing() override {
        sim::image_behaviour how;
        how.pull_error = error{errc::not_found, "the registry does not have it"};
        machine_.set_behaviour("registry.local/nothing:1", std::move(how));
        return "registry.local/nothing:1";
    }
    void stop_registry() override { machine_.faults.pull_error = error{errc::unavailable, "the registry is away"}; }
    std::string path_to_load() override { return "/layout"; }

private:
    virtual_loop loop_;
    sim::machine machine_{loop_.executor(), loop_.time(), {.name = "node", .boot_id = {}, .version = "sim"}};
    int pushed_count_ = 0;
};

}  // namespace

TEST_CASE("a simulated machine has images", "[contract]") {
    simulated_maker machine;
    check_images(machine);
}

}  // namespace rik::testing

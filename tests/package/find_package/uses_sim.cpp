// An hour in virtual time.
#include <rik/sim/world.hpp>

#include <chrono>

int main() {
    using namespace std::chrono_literals;
    rik::sim::world world(1);
    auto const before = world.time().now();
    world.run(world.time().sleep_for(1h));
    return world.time().now() - before == 1h ? 0 : 1;
}

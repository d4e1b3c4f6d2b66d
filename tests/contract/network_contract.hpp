// What every adapter of the port `network` promises, as a test.
#pragma once

#include "contract/event_loop.hpp"

#include <rik/network/network.hpp>

#include <vector>

namespace rik::testing {

/// A machine with the network of one node, whose Pods are in 10.210.3.0/24: all that the test of an adapter has to
/// write.
class network_maker {
public:
    virtual ~network_maker() = default;
    virtual event_loop& loop() = 0;
    virtual rik::network& tested() = 0;
    /// From now on `tested` is another object, as after a start of the program.
    virtual void reopen() = 0;
    /// A new Pod with the address 10.210.3.NUMBER. Its namespace is there, nothing else.
    virtual pod_attachment make_pod(int number, std::vector<container_port> host_ports) = 0;
    /// Takes the Pod off the network behind the adapter's back.
    virtual void cut_off(pod_attachment const& pod) = 0;
};

/// Call it from a test case, with a new `machine` each time: it consists of sections.
void check_network(network_maker& machine);

}  // namespace rik::testing

// The name that the kernel objects of a state directory carry, and a cluster that this user may not start in /proc.
#include <rik/all.hpp>

int main() {
    if (rik::state_tag("/var/lib/rik").size() != 8) return 1;
    rik::cluster_thread cluster({.state_dir = "/proc/none", .cluster_cidr = "10.99.0.0/16"});
    return cluster.start() ? 1 : 0;
}

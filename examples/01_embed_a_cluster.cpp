// Embeds a whole RIK: runs one Pod on this machine and prints its address. As root:
//     example_01_embed_a_cluster STATE_DIRECTORY IMAGE CLUSTER_CIDR
#include <rik/all.hpp>
#include <rik/model/definition.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

int main(int argc, char** argv) {
    if (argc != 4)
        return std::fputs("usage: example_01_embed_a_cluster STATE_DIRECTORY IMAGE CLUSTER_CIDR\n", stderr), 2;
    auto const fail = [](rik::error const& why) { return std::fprintf(stderr, "%s\n", to_string(why).c_str()), 1; };

    rik::cluster_thread cluster({.state_dir = argv[1], .cluster_cidr = argv[3]});
    if (auto const started = cluster.start(); !started) return fail(started.error());

    auto parsed = rik::parse_definition(R"({"apiVersion": "v1", "kind": "Pod", "name": "hello", "spec": {"containers": [
        {"name": "hello", "image": ")" + std::string(argv[2]) +
                                        R"(", "command": ["sleep", "1000"]}]}})");
    if (!parsed.found.empty()) return fail(summarize(parsed.found));
    auto const workload = cluster.call(cluster.api().workloads().create(rik::caller(), parsed.definition));
    if (!workload) return fail(workload.error());
    auto const made = cluster.call(cluster.api().instances().create(rik::caller(), {.workload = workload->row->id}));
    if (!made) return fail(made.error());

    for (;;) {
        auto const seen = cluster.call(cluster.api().instances().get(rik::caller(), {made->front()->name()}));
        if (!seen) return fail(seen.error());
        auto const& status = (*seen)->status();
        if (status.state == rik::instance_state::failed) return fail({rik::errc::internal, status.message});
        if (status.state == rik::instance_state::running)
            return std::printf("%s runs at %s\n", made->front()->name().c_str(), status.addresses.front().c_str()), 0;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

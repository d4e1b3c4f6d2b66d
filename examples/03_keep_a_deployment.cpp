// Embeds a whole RIK and keeps a Deployment with it: makes it, waits for it, rolls a new template out, and goes back to
// the one before. As root:
//     example_03_keep_a_deployment STATE_DIRECTORY IMAGE CLUSTER_CIDR
#include <rik/all.hpp>
#include <rik/model/definition.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

template <class T>
T expect(rik::result<T> found) {
    if (!found) throw std::runtime_error(to_string(found.error()));
    return std::move(*found);
}

rik::workload_definition web(std::string const& image, std::string const& seconds) {
    auto parsed = rik::parse_definition(R"({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
                 "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
                     {"name": "web", "image": ")" +
                                        image + R"(", "command": ["sleep", ")" + seconds + R"("]}]}}}})");
    if (!parsed.found.empty()) throw std::runtime_error(to_string(summarize(parsed.found)));
    return std::move(parsed.definition);
}

/// What was written is rolled out when the progress is that of its generation, and complete.
rik::workload_story wait_until_rolled_out(rik::cluster_thread& cluster) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (;;) {
        auto story = expect(cluster.call(cluster.api().workloads().story(rik::caller(), {"web"})));
        auto const& is = story.progress;
        if (is && is->generation == story.row->generation && is->is_complete) return story;
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("web is not rolled out: " + (is ? is->held_up : std::string("nobody has looked")));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

void tell(rik::workload_story const& story) {
    std::printf("release %llu: %u of %u available\n",
                static_cast<unsigned long long>(story.releases.back()->number),  // the current one is the newest
                static_cast<unsigned>(story.progress->available), static_cast<unsigned>(story.progress->wanted));
}

void keep_a_deployment(char** arguments) {
    rik::cluster_thread cluster({.state_dir = arguments[1], .cluster_cidr = arguments[3]});
    if (auto const started = cluster.start(); !started) throw std::runtime_error(to_string(started.error()));
    auto& workloads = cluster.api().workloads();

    expect(cluster.call(workloads.apply(rik::caller(), web(arguments[2], "1000"), {})));
    tell(wait_until_rolled_out(cluster));

    expect(cluster.call(workloads.apply(rik::caller(), web(arguments[2], "2000"), {})));
    auto const rolled_out = wait_until_rolled_out(cluster);
    tell(rolled_out);

    // A release has the whole definition that it was made from. What comes of it is the release of before, as a new
    // one.
    auto const& first = *rolled_out.releases.front()->definition;
    expect(cluster.call(workloads.replace(rik::caller(), {"web"}, first, {})));
    tell(wait_until_rolled_out(cluster));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4)
        return std::fputs("usage: example_03_keep_a_deployment STATE_DIRECTORY IMAGE CLUSTER_CIDR\n", stderr), 2;
    try {
        keep_a_deployment(argv);
    } catch (std::runtime_error const& why) {
        return std::fprintf(stderr, "%s\n", why.what()), 1;
    }
}

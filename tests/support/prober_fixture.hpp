// What the tests of probes share.
#pragma once

#include "all/network_prober_detail.hpp"
#include "support/async_fixture.hpp"
#include "support/probed_server.hpp"

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <utility>
#include <vector>

namespace rik::testing {

inline std::size_t descriptor_count() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

struct prober_fixture : async_fixture {
    detail::network_prober probes{context.get_executor(), time};

    result<probe_answer> ask(network_probe what, duration at_most = 2s) {
        return testing::run(context, probes.ask("127.0.0.1", std::move(what), time.now() + at_most));
    }
    result<probe_answer> ask_http(probed_server& server, duration at_most = 2s) {
        return ask(http_action{.port = server.port()}, at_most);
    }
    /// The answer of a server that does `what`, to a probe by HTTP.
    result<probe_answer> http_answer_of(probed_server::behaviour what, duration at_most = 2s) {
        probed_server server(context, std::move(what));
        auto answer = ask_http(server, at_most);
        testing::run(context, server.stop());
        return answer;
    }
    awaitable<> ask_into(network_probe what, duration at_most, std::vector<result<probe_answer>>& into) {
        auto const deadline = time.now() + at_most;
        into.push_back(co_await probes.ask("127.0.0.1", std::move(what), deadline));
    }
};

}  // namespace rik::testing

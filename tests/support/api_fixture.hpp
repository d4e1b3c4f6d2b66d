// The API on a server over loopback, with a primary behind it whose scheduler and nodes the test plays.
#pragma once

#include "support/catch.hpp"
#include "support/counted_watches.hpp"
#include "support/http_client.hpp"
#include "support/http_fixture.hpp"
#include "support/played_primary.hpp"

#include <rik/api/api.hpp>

#include <boost/json.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace rik::test {

/// Runs `speed` times as fast as the machine's clock.
class fast_clock final : public rik::clock {
public:
    explicit fast_clock(int speed) : speed_(speed), begin_(real_.now()) {}
    time_point now() const override;
    wall_time wall() const override;
    awaitable<> sleep_until(time_point when) override;

private:
    system_clock real_;
    int speed_;
    time_point begin_;
};

/// Takes the caller's word: a request is of the tenant and the role that its headers say, else of the local admin.
class claimed_callers final : public authenticate {
public:
    awaitable<result<caller>> identify(http_request const& request) override;
};

struct api_fixture {
    explicit api_fixture(int speed = 1);
    ~api_fixture();

    http_client connect();
    /// Over the unix socket, where the server sees at once when the client closes.
    http_client connect_locally();
    http_reply get(std::string_view target, std::string_view headers = "");
    http_reply post(std::string_view target, std::string_view body, std::string_view headers = "");
    boost::json::value json_at(std::string_view target);

    /// Waits until nothing is there any more: what goes with the last of something goes a moment later.
    bool is_gone(std::string_view target);

    /// The id of a new workload with one container.
    std::string add_workload(std::string const& name);
    static std::string definition(std::string const& name);
    /// Without a name it gets one that nobody else has.
    stored<instance> add_instance(std::string const& workload, std::string name = "");
    /// One that its node has last seen in `state`, or that it has still to destroy.
    stored<instance> add_instance_on(node_id node, std::string const& workload, instance_state state);

    threads on{2};
    system_clock real;  ///< of the server; `time` is the API's
    fast_clock time;
    std::string path = fresh_path("api.sock");
    played_primary primary{on};
    counted_watches watches{primary.role};
    claimed_callers callers;
    api face{watches, callers, time, "1.2.3", {}};
    std::unique_ptr<running_server> server;

private:
    std::unique_ptr<running_server> start();
};

}  // namespace rik::test

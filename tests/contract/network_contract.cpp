#include "contract/network_contract.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <utility>

namespace rik::testing {

namespace {

using pods = std::vector<pod_attachment>;

std::vector<container_port> host_port(std::uint16_t number, port_protocol protocol = port_protocol::tcp) {
    return {{.port = 80, .host_port = number, .protocol = protocol}};
}

class fixture {
public:
    explicit fixture(network_maker& machine) : machine_(machine) {}

    pod_attachment make_pod(int number, std::vector<container_port> ports = {}) {
        return machine_.make_pod(number, std::move(ports));
    }
    void reopen() { machine_.reopen(); }
    void cut_off(pod_attachment const& pod) { machine_.cut_off(pod); }

    /// Returns those that are lost.
    std::vector<lost_pod> open(pods present = {}) {
        node_network const what{.pod_subnet = "10.210.3.0/24", .cluster_cidr = "10.210.0.0/16"};
        return get(machine_.tested().open(what, std::move(present)));
    }
    void attach(pod_attachment const& pod) { get(machine_.tested().attach(pod)); }
    errc attach_failure(pod_attachment const& pod) {
        auto const attached = machine_.loop().run(machine_.tested().attach(pod));
        REQUIRE_FALSE(attached);
        return attached.error().code;
    }
    void detach(pod_attachment const& pod) { get(machine_.tested().detach(pod.instance)); }
    std::vector<lost_pod> repair() { return get(machine_.tested().repair()); }
    void remove_all() { get(machine_.tested().remove_all()); }

    bool are_joined(pods const& which) { return list_cut_off(which).empty(); }
    bool are_cut_off(pods const& which) { return list_cut_off(which) == ids_of(which); }

private:
    static std::vector<instance_id> ids_of(pods const& which) {
        std::vector<instance_id> ids;
        for (auto const& each : which) ids.push_back(each.instance);
        std::sort(ids.begin(), ids.end());
        return ids;
    }
    std::vector<instance_id> list_cut_off(pods const& which) {
        auto ids = machine_.loop().run(machine_.tested().list_cut_off(ids_of(which)));
        std::sort(ids.begin(), ids.end());
        return ids;
    }
    template <class T>
    T get(awaitable<result<T>> work) {
        auto got = machine_.loop().run(std::move(work));
        if (!got) FAIL(got.error());
        if constexpr (!std::is_void_v<T>) return std::move(*got);
    }

    network_maker& machine_;
};

void pods_come_and_go(fixture& on) {
    on.open();
    auto const one = on.make_pod(2, host_port(8080));
    auto const other = on.make_pod(3);
    CHECK(on.are_cut_off({one, other}));
    on.attach(one);
    CHECK(on.are_joined({one}));
    CHECK(on.are_cut_off({other}));
    on.attach(other);
    on.attach(one);  // again
    CHECK(on.are_joined({one, other}));
    on.detach(one);
    CHECK(on.are_cut_off({one}));
    CHECK(on.are_joined({other}));
    on.detach(one);
    on.detach(on.make_pod(4));
    CHECK(on.are_joined({other}));
    on.attach(one);
    CHECK(on.are_joined({one, other}));
}

void host_port_is_one_pods(fixture& on) {
    on.open();
    auto const first = on.make_pod(2, host_port(8080));
    auto const second = on.make_pod(3, host_port(8080));
    auto const beside = on.make_pod(4, host_port(8080, port_protocol::udp));
    on.attach(first);
    CHECK(on.attach_failure(second) == errc::conflict);
    CHECK(on.are_cut_off({second}));
    CHECK(on.are_joined({first}));
    on.attach(beside);
    on.detach(first);
    on.attach(second);
    CHECK(on.are_joined({second, beside}));
    CHECK(on.attach_failure(first) == errc::conflict);
}

void opening_leaves_those_that_are_named(fixture& on) {
    on.open();
    auto const stays = on.make_pod(2, host_port(8080));
    auto const goes = on.make_pod(3, host_port(8081));
    auto const comes = on.make_pod(4, host_port(8082));
    on.attach(stays);
    on.attach(goes);
    SECTION("of the same object") {}
    SECTION("of one that has just been started") { on.reopen(); }
    CHECK(on.open({stays, comes}).empty());
    CHECK(on.are_joined({stays, comes}));
    CHECK(on.are_cut_off({goes}));
    CHECK(on.attach_failure(on.make_pod(5, host_port(8080))) == errc::conflict);
    CHECK(on.attach_failure(on.make_pod(6, host_port(8082))) == errc::conflict);
    on.attach(on.make_pod(7, host_port(8081)));
    CHECK(on.open({}).empty());
    CHECK(on.are_cut_off({stays, goes, comes}));
}

void what_was_cut_off_is_repaired(fixture& on) {
    on.open();
    auto const one = on.make_pod(2, host_port(8080));
    auto const other = on.make_pod(3);
    on.attach(one);
    on.attach(other);
    CHECK(on.repair().empty());
    CHECK(on.are_joined({one, other}));
    on.cut_off(one);
    CHECK(on.are_cut_off({one}));
    CHECK(on.are_cut_off({one}));  // to look has changed nothing
    CHECK(on.are_joined({other}));
    CHECK(on.attach_failure(on.make_pod(4, host_port(8080))) == errc::conflict);  // it is the Pod's all the same
    SECTION("by `repair`") { CHECK(on.repair().empty()); }
    SECTION("by `open`") { CHECK(on.open({one, other}).empty()); }
    CHECK(on.are_joined({one, other}));
}

void nothing_is_left(fixture& on) {
    on.open();
    auto const one = on.make_pod(2, host_port(8080));
    auto const other = on.make_pod(3);
    on.attach(one);
    on.attach(other);
    SECTION("by the same object") {}
    SECTION("by one that has just been started") { on.reopen(); }
    on.remove_all();
    CHECK(on.are_cut_off({one, other}));
    on.remove_all();
    on.open();
    CHECK(on.are_cut_off({one, other}));
    auto const heir = on.make_pod(4, host_port(8080));
    on.attach(heir);
    CHECK(on.are_joined({heir}));
}

}  // namespace

void check_network(network_maker& machine) {
    fixture on(machine);
    SECTION("Pods are attached and detached, also twice") { pods_come_and_go(on); }
    SECTION("a host port is one Pod's until that is detached") { host_port_is_one_pods(on); }
    SECTION("opening leaves exactly the Pods that are named") { opening_leaves_those_that_are_named(on); }
    SECTION("a Pod that was cut off is known and put back") { what_was_cut_off_is_repaired(on); }
    SECTION("nothing is left after remove_all") { nothing_is_left(on); }
    SECTION("before it is opened there is nothing to repair") { CHECK(on.repair().empty()); }
}

}  // namespace rik::testing

// The network of a simulated machine: who has which address and which host ports.
#include <rik/sim/machine.hpp>

#include <fmt/format.h>

#include <utility>

namespace rik::sim {

namespace {

/// What two Pods cannot both have. Empty: nothing.
std::string shared_by(pod_attachment const& one, pod_attachment const& other) {
    if (one.address == other.address) return fmt::format("address {} is another Pod's", one.address);
    for (auto const& mine : one.host_ports)
        for (auto const& theirs : other.host_ports)
            if (mine.host_port == theirs.host_port && mine.protocol == theirs.protocol)
                return fmt::format("host port {}/{} is another Pod's", mine.host_port, to_string(mine.protocol));
    return {};
}

}  // namespace

std::optional<error> machine::clashes(pod_attachment const& asked) const {
    for (auto const* const there : {&attached_, &cut_off_})
        for (auto const& [id, other] : *there) {
            auto shared = id == asked.instance ? std::string() : shared_by(asked, other);
            if (!shared.empty()) return error{errc::conflict, std::move(shared)};
        }
    return std::nullopt;
}

awaitable<result<std::vector<lost_pod>>> machine::open(node_network, std::vector<pod_attachment> present) {
    if (faults.open_error) co_return inject(*faults.open_error);
    auto const before = std::exchange(attached_, {});
    cut_off_.clear();
    std::vector<lost_pod> lost;
    for (auto& each : present) {
        auto why = clashes(each);
        if (why)
            why = refuse(each.instance, std::move(*why));
        else if (faults.attach_error && !before.contains(each.instance))
            why = inject(*faults.attach_error);
        if (why)
            lost.push_back({.instance = each.instance, .why = std::move(*why)});
        else
            attached_[each.instance] = std::move(each);
    }
    co_return lost;
}

std::optional<guest_network> machine::describe(instance_id instance) const {
    auto const found = attached_.find(instance);
    if (found == attached_.end() || found->second.link != pod_link::tap) return std::nullopt;
    return guest_network{.interface = "tap", .address = found->second.address, .prefix_bits = 24};
}

void machine::cut_off(instance_id instance) {
    auto node = attached_.extract(instance);
    if (!node.empty()) cut_off_.insert(std::move(node));
}

awaitable<result<std::vector<lost_pod>>> machine::repair() {
    if (faults.repair_error) co_return inject(*faults.repair_error);
    std::vector<lost_pod> lost;
    auto cut = std::exchange(cut_off_, {});
    for (auto& [instance, pod] : cut) {
        if (faults.attach_error)
            lost.push_back({.instance = instance, .why = inject(*faults.attach_error)});
        else
            attached_[instance] = std::move(pod);
    }
    co_return lost;
}

awaitable<std::vector<instance_id>> machine::list_cut_off(std::vector<instance_id> attached) {
    std::erase_if(attached, [&](auto const& each) { return attached_.contains(each); });
    co_return std::move(attached);
}

awaitable<result<void>> machine::attach(pod_attachment pod) {
    if (faults.attach_time > duration{}) co_await time_.sleep_for(faults.attach_time);
    if (faults.attach_error) co_return inject(*faults.attach_error);
    if (auto why = clashes(pod)) co_return refuse(pod.instance, std::move(*why));
    attached_[pod.instance] = std::move(pod);
    co_return result<void>{};
}

awaitable<result<void>> machine::detach(instance_id instance) {
    if (faults.detach_error) co_return inject(*faults.detach_error);
    attached_.erase(instance);
    cut_off_.erase(instance);
    witness_.ended(instance);
    co_return result<void>{};
}

awaitable<result<void>> machine::remove_all() {
    attached_.clear();
    cut_off_.clear();
    co_return result<void>{};
}

}  // namespace rik::sim

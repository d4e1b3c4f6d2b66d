#include "pod_core_detail.hpp"

#include <algorithm>
#include <utility>

namespace rik::detail {

awaitable<result<void>> change_of(notifier& changed) {
    co_await changed.wait();
    co_return result<void>{};
}

node_runtime const* find_runtime(std::vector<node_runtime> const& all, std::string_view name) {
    auto const found = std::ranges::find(all, name, [](node_runtime const& each) { return each.containers.name(); });
    return found == all.end() ? nullptr : &*found;
}

pod_core::pod_core(node_instance_ptr which, pod_context const& node)
    : mine(std::move(which)), on(node), rules(pod_rules_of(mine->spec(), node.restart_delay_max)) {
    auto const* const under = find_runtime(on.runtimes, runtime_name(spec().form));
    if (under == nullptr) return;
    containers = &under->containers;
    pulled = &under->pulled;
}

container_key pod_core::key_of(std::size_t unit, std::uint32_t attempt) const {
    return {mine->id(), definition_of(unit).name, attempt};
}

void pod_core::fail(instance_end how) {
    if (!mine->end && !mine->is_condemned()) on.records.keep_end(*mine, std::move(how));
    end();
    look_again();
}

}  // namespace rik::detail

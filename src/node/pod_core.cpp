#include "pod_core_detail.hpp"

#include "admission_detail.hpp"

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

std::optional<std::string> pod_core::lacks_permit() const {
    auto const has_identity = has_identities(mine->fields.made_from->definition->kind);
    return detail::lacks_permit({has_identity, mine->is_permitted, mine->boot_id, on.facts.boot_id});
}

void pod_core::fail(instance_end how) {
    if (!mine->end && !mine->is_condemned()) on.records.keep_end(*mine, std::move(how));
    end();
    look_again();
}

void pod_core::fail_at_once(instance_end how) {
    fail(std::move(how));
    machine->end(duration(), on.time.now());
}

}  // namespace rik::detail

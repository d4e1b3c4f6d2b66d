// What its instances use, for whoever asks the node.
#include "impl_detail.hpp"

#include <utility>

namespace rik {

std::vector<detail::measured_instance> node_agent::impl::running_instances() const {
    std::vector<detail::measured_instance> all;
    for (auto const& [id, mine] : instances_) {
        if (mine->fields.status.state != instance_state::running) continue;
        all.push_back({id, mine->fields.made_from->definition->tenant, mine->fields.name, &ports_.containers});
    }
    return all;
}

awaitable<std::optional<error>> node_agent::impl::send_usage(dialled_stream_ptr stream) {
    co_await usage_.send(*stream->to);
    co_return std::nullopt;
}

}  // namespace rik

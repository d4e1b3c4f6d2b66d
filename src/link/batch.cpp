#include <rik/link/batch.hpp>

#include <string>
#include <vector>

namespace rik {

namespace {

constexpr std::size_t uid_bytes = 18;    // with its tag and length
constexpr std::size_t head_bytes = 24;   // of a part: tags, lengths, small numbers
constexpr std::size_t field_bytes = 6;   // tag and length of a text
constexpr std::size_t times_bytes = 24;  // of two points in time

std::size_t bytes_of(std::string const& text) { return text.size() + field_bytes; }

std::size_t bytes_of(std::vector<std::string> const& texts) {
    std::size_t sum = 0;
    for (auto const& each : texts) sum += bytes_of(each);
    return sum;
}

std::size_t bytes_of(container_end const& part) {
    return head_bytes + times_bytes + bytes_of(part.reason) + bytes_of(part.message);
}

std::size_t bytes_of(machine_boot const& part) {
    auto sum = head_bytes + bytes_of(part.acceleration);
    for (auto const& each : part.steps) sum += head_bytes + bytes_of(each.name);
    return sum;
}

std::size_t bytes_of(container_status const& part) {
    return head_bytes + 2 * times_bytes + bytes_of(part.name) + bytes_of(part.reason) + bytes_of(part.message) +
           bytes_of(part.image_digest) + (part.last ? bytes_of(*part.last) : 0) +
           (part.machine ? bytes_of(*part.machine) : 0);
}

std::size_t bytes_of(instance_status const& part) {
    auto sum = head_bytes + 2 * times_bytes + bytes_of(part.reason) + bytes_of(part.message) + bytes_of(part.addresses);
    for (auto const& each : part.containers) sum += bytes_of(each);
    return sum;
}

std::size_t bytes_of(string_map const& map) {
    std::size_t sum = 0;
    for (auto const& [name, value] : map) sum += head_bytes + bytes_of(name) + bytes_of(value);
    return sum;
}

std::size_t bytes_of(std::vector<taint> const& taints) {
    std::size_t sum = 0;
    for (auto const& each : taints) sum += head_bytes + bytes_of(each.key) + bytes_of(each.value);
    return sum;
}

std::size_t bytes_of(node_facts const& part) {
    auto sum = bytes_of(part.name) + bytes_of(part.boot_id) + bytes_of(part.version) + bytes_of(part.runtimes) +
               bytes_of(part.addresses);
    for (auto const& [name, amount] : part.capacity.entries()) sum += head_bytes + bytes_of(name);
    sum += bytes_of(part.labels) + bytes_of(part.taints) + bytes_of(part.pod_subnet) + bytes_of(part.missing_runtimes);
    for (auto const& each : part.troubles) sum += head_bytes + bytes_of(each.reason) + bytes_of(each.message);
    return sum;
}

std::size_t bytes_of(release const& part) {
    return head_bytes + 2 * uid_bytes + bytes_of(part.definition->text) + bytes_of(part.definition->tenant);
}

std::size_t bytes_of(container_log_call const& call) { return uid_bytes + times_bytes + bytes_of(call.container); }

/// The names and paths of a call are short.
std::size_t bytes_of(image_call const&) { return limits::path_bytes_max; }

std::size_t bytes_of(usage_call const&) { return head_bytes; }

}  // namespace

std::size_t approximate_bytes(item const& part) {
    return head_bytes + 3 * uid_bytes + bytes_of(part.name) + bytes_of(part.workload) + bytes_of(part.permitted_boot);
}
std::size_t approximate_bytes(instance_id const&) { return uid_bytes; }
std::size_t approximate_bytes(registered_node const& part) {
    auto sum = head_bytes + uid_bytes + bytes_of(part.pod_subnet) + bytes_of(part.name) + bytes_of(part.labels) +
               bytes_of(part.standing.taints);
    for (std::size_t i = 0; i < part.remnants.size(); ++i) sum += head_bytes + uid_bytes;
    return sum;
}
std::size_t approximate_bytes(proposal const&) { return head_bytes + 2 * uid_bytes; }
std::size_t approximate_bytes(no_place const& part) {
    return head_bytes + part.instances.size() * uid_bytes + bytes_of(part.reason);
}
std::size_t approximate_bytes(node_report const& part) {
    return head_bytes + uid_bytes + (part.facts ? bytes_of(*part.facts) : 0);
}
std::size_t approximate_bytes(load_report const& part) {
    auto sum = 2 * head_bytes + uid_bytes;
    for (auto const& each : part.metrics.disks) sum += head_bytes + bytes_of(each.name);
    return sum;
}
std::size_t approximate_bytes(status_report const& part) { return head_bytes + uid_bytes + bytes_of(part.status); }
std::size_t approximate_bytes(gone_report const&) { return head_bytes + 2 * uid_bytes; }
std::size_t approximate_bytes(held_instance const& part) { return head_bytes + uid_bytes + bytes_of(part.status); }
std::size_t approximate_bytes(gone_instance const&) { return head_bytes + uid_bytes; }
std::size_t approximate_bytes(order const& part) {
    return head_bytes + 2 * uid_bytes + bytes_of(part.name) + bytes_of(part.permitted_boot);
}
std::size_t approximate_bytes(stream_request const& part) {
    return head_bytes + 2 * uid_bytes + std::visit([](auto const& call) { return bytes_of(call); }, part.what);
}

bool batch_room::take(std::size_t bytes, std::size_t count, release_ptr const& named) {
    auto const is_new = named != nullptr && !releases_.contains(named->id);
    if (is_new) bytes += bytes_of(*named);
    is_full_ = is_full() || (count_ > 0 && bytes_ + bytes > most_.bytes_max);
    if (is_full_) return false;
    if (is_new) releases_.insert(named->id);
    bytes_ += bytes;
    count_ += count;
    return true;
}

}  // namespace rik

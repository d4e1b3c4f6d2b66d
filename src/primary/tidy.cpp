#include "tidy_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/base/utf8.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace rik::detail {

namespace {

/// A node has one for each of its parts that fails.
constexpr std::size_t node_troubles_max = 8;
constexpr std::size_t disks_per_node_max = 256;

void tidy(std::string& text, std::size_t bytes_max) {
    if (text.size() > bytes_max || !is_utf8(text)) text = to_utf8(text, bytes_max);
}

void tidy_message(std::string& text) { tidy(text, limits::message_bytes_max); }
void tidy_word(std::string& text) { tidy(text, limits::name_bytes_max); }

/// Of the names that a node gives; there are two.
constexpr std::size_t runtimes_max = 16;

string_map tidied_runtimes(string_map said) {
    string_map kept;
    for (auto& [name, why] : said) {
        if (kept.size() == runtimes_max) break;
        tidy_message(why);
        kept.emplace(to_utf8(name, limits::name_bytes_max), std::move(why));
    }
    return kept;
}

void tidy_words(std::vector<std::string>& texts) {
    for (auto& each : texts) tidy_word(each);
}

}  // namespace

instance_status tidied(instance_status said) {
    tidy_word(said.reason);
    tidy_message(said.message);
    tidy_words(said.addresses);
    said.containers.resize(std::min(said.containers.size(), limits::containers_per_pod_max));
    for (auto& each : said.containers) {
        tidy_word(each.name);
        tidy_word(each.reason);
        tidy_message(each.message);
        if (!each.last) continue;
        tidy_word(each.last->reason);
        tidy_message(each.last->message);
    }
    return said;
}

node_facts tidied(node_facts said) {
    tidy_word(said.name);
    tidy_word(said.boot_id);
    tidy_word(said.version);
    tidy_word(said.pod_subnet);
    tidy_words(said.runtimes);
    said.missing_runtimes = tidied_runtimes(std::move(said.missing_runtimes));
    tidy_words(said.addresses);
    said.troubles.resize(std::min(said.troubles.size(), node_troubles_max));
    for (auto& each : said.troubles) {
        tidy_word(each.reason);
        tidy_message(each.message);
    }
    said.taints.resize(std::min(said.taints.size(), limits::taints_per_node_max));
    for (auto& each : said.taints) {
        tidy_word(each.key);
        tidy_word(each.value);
    }
    string_map labels;
    for (auto& [name, value] : said.labels)
        labels.emplace(to_utf8(name, limits::message_bytes_max), to_utf8(value, limits::message_bytes_max));
    said.labels = std::move(labels);
    return said;
}

/// Numbers that JSON has, too, and that can be.
node_metrics tidied(node_metrics said) {
    auto const at_least_zero = [](std::int64_t& number) { number = std::max(number, std::int64_t{0}); };
    if (!std::isfinite(said.cpu_free_percent)) said.cpu_free_percent = 0;
    said.cpu_free_percent = std::clamp(said.cpu_free_percent, 0.0, 100.0);
    at_least_zero(said.cpu_total);
    at_least_zero(said.memory_total_bytes);
    at_least_zero(said.memory_free_bytes);
    said.disks.resize(std::min(said.disks.size(), disks_per_node_max));
    for (auto& each : said.disks) {
        tidy(each.name, limits::path_bytes_max);
        at_least_zero(each.total_bytes);
        at_least_zero(each.free_bytes);
    }
    return said;
}

event tidied(event happened) {
    tidy_word(happened.reason);
    tidy_message(happened.message);
    tidy_message(happened.source);
    return happened;
}

}  // namespace rik::detail

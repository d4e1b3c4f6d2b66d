#include "next_attempt.hpp"

#include <rik/client/print.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <chrono>
#include <ostream>
#include <utility>

#include "parse_json.hpp"
#include "patient_server.hpp"
#include "rollout_reasons.hpp"

namespace rikctl {

namespace {

namespace json = boost::json;

constexpr auto attempt_period = std::chrono::milliseconds(200);
/// A log may end a moment before its node has said that the container has, and what becomes of it.
constexpr auto news_patience = std::chrono::seconds(3);

/// null if it is not there.
json::value const* find_container(json::value const& instance, std::string const& name) {
    for (auto const& each : array_at(instance, "/containers")) {
        auto const is_meant = name.empty() ? string_at(each, "/role") == "main" : string_at(each, "/name") == name;
        if (is_meant) return &each;
    }
    return nullptr;
}

/// nullopt: it has not run yet.
std::optional<std::int64_t> newest_attempt(json::value const& container) {
    auto const count = number_at(container, "/restartCount");
    if (string_at(container, "/state") != "waiting") return count;
    return count > 0 ? std::optional(count - 1) : std::nullopt;
}

bool is_at_end(json::value const& instance) {
    auto const state = string_at(instance, "/state");
    return is_leaving(instance) || state == "succeeded" || state == "failed" || state == "terminated";
}

}  // namespace

container_attempts::container_attempts(session& with, rik::client& server, std::string const& instance,
                                       std::string container)
    : with_(with), server_(server), container_(std::move(container)) {
    auto const found = server_.get(rik::resource_kind::instance, instance);
    if (!found) return;
    auto const seen = parse_json(*found);
    auto const* const mine = find_container(seen, container_);
    if (mine == nullptr) return;
    id_ = string_at(seen, "/id");
    container_ = string_at(*mine, "/name");
    newest_ = newest_attempt(*mine).value_or(0);
}

container_attempts::outlook container_attempts::look(std::string const& instance) {
    auto const seen = parse_json(instance);
    auto const* const mine = find_container(seen, container_);
    if (mine == nullptr || is_at_end(seen)) return outlook::none;
    auto const newest = newest_attempt(*mine);
    auto const is_there = newest && *newest > *newest_;
    if (!is_there && string_at(*mine, "/state") != "waiting") return outlook::soon;
    if (!std::exchange(is_told_, true)) {
        auto const how = string_at(*mine, "/lastState/message");
        with_.err() << fmt::format("container {}: {}; the log of its next attempt follows\n", container_,
                                   how.empty() ? "it has ended" : rik::printable(how))
                    << std::flush;
    }
    if (!is_there) return outlook::later;
    newest_ = newest;
    is_told_ = false;
    return outlook::there;
}

rik::result<bool> container_attempts::wait_for_next() {
    if (!newest_ || id_.empty()) return false;
    auto const known_until = with_.now() + news_patience;
    while (!with_.is_interrupted() && with_.out().good()) {
        auto const found = server_.get(rik::resource_kind::instance, id_);
        if (!found && found.error().code == rik::errc::not_found) return false;
        if (!found) return found.error();
        auto const what = look(*found);
        if (what == outlook::there) return true;
        if (what == outlook::none || (what == outlook::soon && with_.now() >= known_until)) return false;
        sleep_to(with_.now() + attempt_period);
    }
    return false;
}

}  // namespace rikctl

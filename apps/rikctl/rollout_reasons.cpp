#include "rollout_reasons.hpp"

#include <rik/client/print.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <ostream>
#include <utility>

#include "parse_json.hpp"

namespace rikctl {

namespace {

namespace json = boost::json;

constexpr std::uint64_t told_log_lines = 5;
constexpr auto log_patience = std::chrono::seconds(5);

/// "waiting (CrashLoopBackOff), restarted 3 times: it has failed", without what is empty.
std::string story(json::value const& of) {
    auto text = string_at(of, "/state");
    if (auto const reason = string_at(of, "/reason"); !reason.empty()) text += fmt::format(" ({})", reason);
    if (auto const count = number_at(of, "/restartCount"); count > 0)
        text += fmt::format(", restarted {} time{}", count, count == 1 ? "" : "s");
    if (auto const message = string_at(of, "/message"); !message.empty()) text += ": " + message;
    return text;
}

/// Init containers that have done their part are not ready, and nothing is wrong with them.
bool is_in_trouble(json::value const& container) {
    auto const is_done = string_at(container, "/state") == "exited" && number_at(container, "/exitCode") == 0 &&
                         string_at(container, "/role") == "init";
    return !is_done && !bool_at(container, "/ready");
}

/// One that has never run has written nothing.
bool has_run(json::value const& container) {
    auto const state = string_at(container, "/state");
    return state == "running" || state == "exited" || number_at(container, "/restartCount") > 0;
}

}  // namespace

bool is_leaving(json::value const& object) {
    return string_at(object, "/state") == "destroying" || !string_at(object, "/deletingSince").empty();
}

struct rollout_reasons::culprit {
    json::value instance = nullptr;
    std::string key = {};  ///< what makes it another one, or its trouble another
};

rollout_reasons::culprit rollout_reasons::find(json::value const& rollout) {
    rik::list_filter filter;
    filter.workload = string_at(rollout, "/id");
    filter.is_of_all_tenants = true;
    auto const listed = server_.list(rik::resource_kind::instance, filter);
    auto const all = listed ? parse_json(*listed) : json::value();
    for (auto const& each : array_at(all, "/items")) {
        if (bool_at(each, "/ready") || is_leaving(each)) continue;
        culprit found{each, fmt::format("{} {} {}", string_at(each, "/id"), string_at(each, "/state"),
                                        string_at(each, "/reason"))};
        for (auto const& container : array_at(each, "/containers"))
            if (is_in_trouble(container)) found.key += ' ' + string_at(container, "/reason");
        return found;
    }
    return {};
}

void rollout_reasons::tell_news(json::value const& rollout) {
    auto const who = find(rollout);
    auto key = string_at(rollout, "/progress/heldUp") + who.key;
    if (std::exchange(told_, key) != key) tell_one(rollout, who);
}

void rollout_reasons::tell_one(json::value const& rollout, culprit const& who) {
    if (auto const why = string_at(rollout, "/progress/heldUp"); !why.empty())
        with_.err() << fmt::format("held up: {}\n", rik::printable(why));
    auto const name = string_at(who.instance, "/name");
    if (!name.empty()) with_.err() << fmt::format("instance {} is {}\n", name, rik::printable(story(who.instance)));
    for (auto const& container : array_at(who.instance, "/containers"))
        if (is_in_trouble(container)) tell_container(string_at(who.instance, "/id"), container);
    with_.err() << std::flush;
}

void rollout_reasons::tell_container(std::string const& instance, json::value const& container) {
    auto const name = string_at(container, "/name");
    with_.err() << fmt::format("container {}: {}\n", name, rik::printable(story(container)));
    if (!has_run(container)) return;
    rik::container_log_wanted wanted{.instance = instance, .container = name};
    wanted.how.tail_lines = told_log_lines;
    wanted.how.is_of_previous = number_at(container, "/restartCount") > 0;
    auto log = server_.open_container_log(wanted);
    auto const deadline = with_.now() + log_patience;
    auto ends_line = true;
    while (log) {
        auto const piece = log->read(deadline);
        if (!piece || piece->bytes.empty()) break;
        with_.err() << piece->bytes;
        ends_line = piece->bytes.back() == '\n';
    }
    if (!ends_line) with_.err() << '\n';
}

}  // namespace rikctl

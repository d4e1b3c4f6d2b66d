#include "usages_detail.hpp"

#include "lookup_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/limiter.hpp>
#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace rik::detail {

namespace {

constexpr duration answer_timeout = std::chrono::seconds(5);
constexpr std::size_t nodes_at_once_max = 64;

/// Of these instances, those that may be measured, by their nodes.
std::map<node_id, std::map<instance_id, stored<instance>>> by_node(std::vector<stored<instance>> rows) {
    std::map<node_id, std::map<instance_id, stored<instance>>> made;
    for (auto& each : rows) {
        if (!each->binding() || each->status().state != instance_state::running) continue;
        auto const id = each->id();
        auto const of = each->binding()->node;
        made[of].emplace(id, std::move(each));
    }
    return made;
}

}  // namespace

/// What is asked for one caller. The tasks use all of it.
struct primary_usages::questions {
    questions(asio::any_io_executor strand, std::vector<stored<instance>> rows)
        : wanted(by_node(std::move(rows))), turns(strand, nodes_at_once_max), asking(strand) {}

    std::map<node_id, std::map<instance_id, stored<instance>>> wanted;
    usage_report answer;
    limiter turns;
    task_group asking;
};

awaitable<result<usage_report>> primary_usages::read(caller who, instance_filter which) {
    auto rows = co_await instances_.list(std::move(who), std::move(which), page());
    if (!rows) co_return rows.error();
    // Its tasks must be gone when it ends, also if the caller leaves: it takes no longer than answer_timeout.
    auto asking = shield(ask_nodes(std::move(rows->rows)));
    auto const answer = co_await gate_.enter(std::nullopt, std::move(asking));
    co_return answer;
}

awaitable<result<usage_report>> primary_usages::ask_nodes(std::vector<stored<instance>> rows) {
    questions all(strand_, std::move(rows));
    auto const deadline = time_.now() + answer_timeout;
    for (auto const& [of, wanted] : all.wanted) all.asking.spawn(ask_into(of, deadline, all));
    co_await all.asking.join();
    co_return std::move(all.answer);
}

awaitable<> primary_usages::ask_into(node_id of, time_point deadline, questions& all) {
    auto const turn = co_await all.turns.acquire();
    auto working = ask(of);
    auto answer = co_await with_deadline(time_, deadline, std::move(working));
    if (!answer) {
        auto const is_late = answer.error().code == errc::timed_out;
        all.answer.missing.push_back({name_of(of), is_late ? "it did not answer in time" : answer.error().message});
        co_return;
    }
    auto const& wanted = all.wanted.at(of);
    for (auto& each : *answer)
        if (auto const row = wanted.find(each.instance); row != wanted.end())
            all.answer.rows.push_back({row->second, std::move(each)});
}

std::string primary_usages::name_of(node_id of) const {
    auto const row = find_node(state_.durable(), object_ref(of));
    return row ? (*row)->facts.name : of.text();
}

awaitable<result<std::vector<usage_row>>> primary_usages::ask(node_id of) {
    auto const row = find_node(state_.durable(), object_ref(of));
    if (!row) co_return row.error();
    if ((*row)->state != node_state::ready || !dispatcher_.is_connected())
        co_return error{errc::unavailable, "it is not heard"};
    auto const stream = co_await streams_.open(*row, usage_call());
    if (!stream) co_return stream.error();
    auto reading = read_answer(**stream);
    auto const text = co_await gate_.while_open(std::move(reading));
    if (!text) co_return text.error();
    co_return decode_usage_rows(*text);
}

}  // namespace rik::detail

#include "measured_primary.hpp"

#include <chrono>
#include <map>

namespace rik::bench {

namespace {

using namespace std::chrono_literals;
constexpr std::size_t reports_per_message = 100;
constexpr auto a_while = 5s;
constexpr auto a_moment = 1ms;

class release_map final : public release_source {
public:
    explicit release_map(journal_contents const& from) {
        for (auto const& each : from.rows) {
            if (each.table != to_string(table_id::release)) continue;
            auto row = decode_release(*each.value);
            if (!row) give_up(to_string(row.error()));
            all_.emplace(row->id, std::make_shared<release const>(std::move(*row)));
        }
    }
    release_ptr find_release(release_id const& id) const override { return all_.at(id); }

private:
    std::map<release_id, release_ptr> all_;
};

}  // namespace

std::vector<instance> decoded_instances(journal_contents const& contents) {
    release_map const releases(contents);
    std::vector<instance> rows;
    for (auto const& each : contents.rows) {
        if (each.table != to_string(table_id::instance)) continue;
        auto row = decode_instance(*each.value, releases);
        if (!row) give_up(to_string(row.error()));
        rows.push_back(std::move(*row));
    }
    return rows;
}

std::vector<instance_id> spread_over(std::vector<instance_id> const& all, std::size_t count) {
    auto const step = std::max<std::size_t>(all.size() / std::max<std::size_t>(count, 1), 1);
    std::vector<instance_id> some;
    for (std::size_t i = 0; i < all.size() && some.size() < count; i += step) some.push_back(all[i]);
    return some;
}

awaitable<> measured_primary::start() {
    tasks_.spawn(scheduler_.run());
    auto const started = co_await role_.start();
    if (!started) give_up(to_string(started.error()));
    while (!scheduler_.session) co_await world_.time().sleep_for(a_moment);
    co_await world_.time().sleep_for(a_while);
}

awaitable<> measured_primary::report(std::vector<instance_id> which, duration pause) {
    for (std::size_t next = 0; next < which.size();) {
        reports news;
        auto const end = std::min(which.size(), next + reports_per_message);
        for (; next < end; ++next) {
            status_report said{.instance = which[next], .fence = filled_fence};
            said.status = running_status(9, world_.time().wall());
            news.states.push_back(std::move(said));
        }
        auto const sent = co_await scheduler_.session->send(std::move(news));
        if (!sent) give_up(to_string(sent.error()));
        if (pause > duration()) co_await world_.time().sleep_for(pause);
    }
    co_await world_.time().sleep_for(a_moment);
}

}  // namespace rik::bench

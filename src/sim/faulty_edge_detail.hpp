// An edge whose wires take time, can be cut, and can fall silent.
#pragma once

#include <rik/async/task_group.hpp>
#include <rik/link/local_link.hpp>
#include <rik/sim/world.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace rik::sim {

/// How a line fails. Whoever waited across an await compares `break_count`: a line that was cut and mended is another.
struct line {
    enum class condition : std::uint8_t { up, cut, silent };
    condition now = condition::up;
    std::uint64_t break_count = 0;

    bool is_up() const { return now == condition::up; }
    void become(condition next) {
        now = next;
        ++break_count;
    }
    static error broken() { return error{errc::unavailable, "the line is broken"}; }
};

/// Makes everything wait for up to `max`, by the world's seed.
struct delay {
    world& in;
    duration max;

    awaitable<> pass() const {
        if (max <= duration::zero()) co_return;
        auto const length = in.random().below(static_cast<std::uint64_t>(max.count()) + 1);
        co_await in.time().sleep_for(duration(static_cast<duration::rep>(length)));
    }
};

/// Dials through to another edge. Between the two ends of each session lies a wire, which carries message by message
/// and keeps their order. Cutting tells both ends. On a silent line whatever is sent is lost, and an end that closes
/// is not noticed at the other; a session that was silent once never carries again: when the line is mended the dialler
/// is told, the other end only if it sends.
template <class Out, class In>
class faulty_edge final : public connector<session<Out, In>> {
public:
    faulty_edge(world& in, connector<session<Out, In>>& under, line const& on, duration delay_max)
        : world_(in), under_(under), line_(on), delay_{in, delay_max}, tasks_(in.executor()) {}

    awaitable<result<std::unique_ptr<session<Out, In>>>> connect() override {
        auto const breaks = line_.break_count;
        if (!line_.is_up()) co_return line::broken();
        co_await delay_.pass();
        auto far = co_await under_.connect();
        if (!far) co_return far.error();
        co_await delay_.pass();
        if (line_.break_count != breaks) co_return line::broken();
        auto ends =
            detail::make_local_sessions<Out, In>(world_.executor(), world_.executor(), limits::link_queue_count_max);
        auto const made = std::make_shared<wire>();
        made->near = std::move(ends.second);
        made->far = std::move(*far);
        std::erase_if(wires_, [](auto const& each) { return each.expired(); });
        wires_.push_back(made);
        tasks_.spawn(carry_out(made));
        tasks_.spawn(carry_in(made));
        co_return std::move(ends.first);
    }

    /// Each message that arrives at either end is shown.
    void watch(std::function<void(Out const&)> out, std::function<void(In const&)> in) {
        show_out_ = std::move(out);
        show_in_ = std::move(in);
    }

    /// Call them after the line has become what they say.
    void cut() {
        for (auto const& each : open_wires()) close(*each);
    }
    void silence() {
        for (auto const& each : open_wires()) each->is_silent = true;
    }
    void mend() {
        for (auto const& each : open_wires())
            if (each->is_silent) each->near->close();
    }
    /// Ends what still waits for an end of a silent session.
    awaitable<> stop() {
        cut();
        co_await tasks_.stop();
    }

private:
    struct wire {
        std::unique_ptr<session<In, Out>> near;  ///< the dialler's peer
        std::unique_ptr<session<Out, In>> far;   ///< the listener's peer
        bool is_silent = false;
    };
    using wire_ptr = std::shared_ptr<wire>;

    static void close(wire& which) {
        which.near->close();
        which.far->close();
    }

    awaitable<> carry_out(wire_ptr on) {
        for (;;) {
            auto message = co_await on->near->receive();
            if (!message) break;
            co_await delay_.pass();
            if (on->is_silent) continue;
            if (show_out_) show_out_(*message);
            auto const sent = co_await on->far->send(std::move(*message));
            if (!sent) break;
        }
        if (!on->is_silent) close(*on);
    }

    awaitable<> carry_in(wire_ptr on) {
        for (;;) {
            auto message = co_await on->far->receive();
            if (!message) break;
            co_await delay_.pass();
            if (on->is_silent && !line_.is_up()) continue;
            if (on->is_silent) co_return on->far->close();
            if (show_in_) show_in_(*message);
            auto const sent = co_await on->near->send(std::move(*message));
            if (!sent) break;
        }
        if (!on->is_silent) close(*on);
    }

    std::vector<wire_ptr> open_wires() const {
        std::vector<wire_ptr> open;
        for (auto const& each : wires_)
            if (auto one = each.lock()) open.push_back(std::move(one));
        return open;
    }

    world& world_;
    connector<session<Out, In>>& under_;
    line const& line_;
    delay delay_;
    std::function<void(Out const&)> show_out_;
    std::function<void(In const&)> show_in_;
    std::vector<std::weak_ptr<wire>> wires_;
    task_group tasks_;  // last member: the tasks use everything above
};

}  // namespace rik::sim

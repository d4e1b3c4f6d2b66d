// A node's way to dial streams, over its line: what it dialled ends or falls silent with the line.
#pragma once

#include "faulty_edge_detail.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rik::sim {

class faulty_dialer final : public stream_dialer {
public:
    faulty_dialer(world& in, stream_dialer& under, line const& on, duration delay_max)
        : under_(under), line_(on), delay_{in, delay_max} {}

    awaitable<result<std::unique_ptr<byte_stream>>> dial(stream_id stream) override {
        auto const breaks = line_.break_count;
        if (!line_.is_up()) co_return line::broken();
        co_await delay_.pass();
        auto dialled = co_await under_.dial(stream);
        if (!dialled) co_return dialled.error();
        co_await delay_.pass();
        if (line_.break_count != breaks) co_return line::broken();
        auto const held = std::make_shared<wire>();
        held->far = std::move(*dialled);
        std::erase_if(wires_, [](auto const& each) { return each.expired(); });
        wires_.push_back(held);
        co_return std::make_unique<stream_end>(held, delay_);
    }

    /// Call them after the line has become what they say.
    void cut() {
        for (auto const& each : wires_)
            if (auto const one = each.lock()) one->far.reset();
    }
    void silence() {
        for (auto const& each : wires_)
            if (auto const one = each.lock()) one->is_silent = true;
    }
    void mend() {
        for (auto const& each : wires_)
            if (auto const one = each.lock(); one && one->is_silent) one->far.reset();
    }

private:
    struct wire {
        std::shared_ptr<byte_stream> far;  ///< nullptr: cut. Shared with calls that are under way
        bool is_silent = false;
    };

    class stream_end final : public byte_stream {
    public:
        stream_end(std::shared_ptr<wire> on, delay const& takes) : wire_(std::move(on)), delay_(takes) {}

        awaitable<result<void>> write(std::string chunk) override {
            co_await delay_.pass();
            auto const far = wire_->far;
            if (!far) co_return line::broken();
            if (wire_->is_silent) co_return result<void>{};
            co_return co_await far->write(std::move(chunk));
        }
        awaitable<result<std::string>> read() override {
            auto const far = wire_->far;
            if (!far) co_return line::broken();
            co_return co_await far->read();
        }
        awaitable<result<void>> finish(std::optional<error> why) override {
            co_await delay_.pass();
            auto const far = wire_->far;
            if (!far) co_return line::broken();
            if (wire_->is_silent) co_return result<void>{};
            co_return co_await far->finish(std::move(why));
        }

    private:
        std::shared_ptr<wire> wire_;
        delay delay_;
    };

    stream_dialer& under_;
    line const& line_;
    delay delay_;
    std::vector<std::weak_ptr<wire>> wires_;
};

}  // namespace rik::sim

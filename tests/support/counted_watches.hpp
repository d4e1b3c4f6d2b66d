// Operations that count which watches are open, where it cannot be seen from outside.
#pragma once

#include <rik/primary/operations.hpp>

#include <atomic>
#include <memory>
#include <utility>

namespace rik::test {

/// Counts what a watch of instances opens. All else goes to `under` as it is.
class counted_watches final : public operations {
public:
    explicit counted_watches(operations& under) : under_(under) {}

    int open_count() const { return open_count_; }

    workload_operations& workloads() override { return under_.workloads(); }
    upkeep_operations& upkeep() override { return under_.upkeep(); }
    instance_operations& instances() override { return instances_; }
    node_operations& nodes() override { return nodes_; }
    image_operations& images() override { return under_.images(); }
    usage_operations& usages() override { return under_.usages(); }
    event_operations& events() override { return under_.events(); }
    tenant_operations& tenants() override { return under_.tenants(); }
    stream_operations& streams() override { return under_.streams(); }
    awaitable<result<void>> ready() override { return under_.ready(); }

private:
    using opened_watch = result<std::unique_ptr<watch_source>>;

    class counted_watch final : public watch_source {
    public:
        counted_watch(std::unique_ptr<watch_source> under, std::atomic<int>& count)
            : under_(std::move(under)), count_(count) {
            ++count_;
        }
        ~counted_watch() override { --count_; }
        awaitable<result<batch>> next() override { return under_->next(); }

    private:
        std::unique_ptr<watch_source> under_;
        std::atomic<int>& count_;
    };

    class instances_of final : public instance_operations {
    public:
        explicit instances_of(counted_watches& whole) : whole_(whole), under_(whole.under_.instances()) {}
        awaitable<result<std::vector<stored<instance>>>> create(caller who, create_instances_request what) override {
            return under_.create(std::move(who), std::move(what));
        }
        awaitable<result<void>> remove(caller who, object_ref which, expected_revision expected) override {
            return under_.remove(std::move(who), std::move(which), expected);
        }
        awaitable<result<stored<instance>>> restart(caller who, object_ref which, expected_revision expected) override {
            return under_.restart(std::move(who), std::move(which), expected);
        }
        awaitable<result<stored<instance>>> relabel(caller who, object_ref which, label_changes what,
                                                    expected_revision expected) override {
            return under_.relabel(std::move(who), std::move(which), std::move(what), expected);
        }
        awaitable<result<stored<instance>>> get(caller who, object_ref which) override {
            return under_.get(std::move(who), std::move(which));
        }
        awaitable<result<listing<instance>>> list(caller who, instance_filter which, page part) override {
            return under_.list(std::move(who), std::move(which), std::move(part));
        }
        awaitable<opened_watch> watch(caller who, instance_filter which, watch_after after) override {
            return whole_.count(under_.watch(std::move(who), std::move(which), after));
        }

    private:
        counted_watches& whole_;
        instance_operations& under_;
    };

    class nodes_of final : public node_operations {
    public:
        explicit nodes_of(counted_watches& whole) : whole_(whole), under_(whole.under_.nodes()) {}
        awaitable<result<stored<node>>> update(caller who, object_ref which, node_change what,
                                               expected_revision expected) override {
            return under_.update(std::move(who), std::move(which), std::move(what), expected);
        }
        awaitable<result<drain_report>> drain(caller who, object_ref which, drain_options how) override {
            return under_.drain(std::move(who), std::move(which), how);
        }
        awaitable<result<void>> remove(caller who, object_ref which, expected_revision expected) override {
            return under_.remove(std::move(who), std::move(which), expected);
        }
        awaitable<result<std::vector<stored<instance>>>> declare_dead(caller who, object_ref which,
                                                                      std::string confirmation) override {
            return under_.declare_dead(std::move(who), std::move(which), std::move(confirmation));
        }
        awaitable<result<stored<node>>> get(caller who, object_ref which) override {
            return under_.get(std::move(who), std::move(which));
        }
        awaitable<result<listing<node>>> list(caller who, node_filter which, page part) override {
            return under_.list(std::move(who), std::move(which), std::move(part));
        }
        awaitable<result<std::vector<node_usage>>> usage(caller who, std::vector<node_id> which) override {
            return under_.usage(std::move(who), std::move(which));
        }
        awaitable<opened_watch> watch(caller who, watch_after after) override {
            return whole_.count(under_.watch(std::move(who), after));
        }

    private:
        counted_watches& whole_;
        node_operations& under_;
    };

    awaitable<opened_watch> count(awaitable<opened_watch> opening) {
        auto opened = co_await std::move(opening);
        if (!opened) co_return opened.error();
        co_return std::make_unique<counted_watch>(std::move(*opened), open_count_);
    }

    operations& under_;
    std::atomic<int> open_count_ = 0;
    instances_of instances_{*this};
    nodes_of nodes_{*this};
};

}  // namespace rik::test

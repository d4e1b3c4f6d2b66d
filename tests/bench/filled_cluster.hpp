// The journal of a cluster that has many instances, without having made them.
#pragma once

#include <rik/base/entropy.hpp>
#include <rik/model/codec.hpp>
#include <rik/store/journal.hpp>

#include <cstddef>
#include <vector>

namespace rik::bench {

inline constexpr revision filled_fence = 7;  ///< of every binding

struct filling {
    std::size_t instances = 10'000;
    std::size_t workloads = 1;  ///< Deployments, each with as many of the instances
    std::size_t nodes = 1'000;
    instance_state state = instance_state::running;  ///< of all: `pending` has no node, `creating` no container yet
};

/// The rows of it, as a store has written them. Repeatable.
class filled_cluster {
public:
    explicit filled_cluster(filling const& how);

    journal_contents const& contents() const { return contents_; }
    /// Gives the rows away.
    journal_contents take_contents() { return std::move(contents_); }
    std::vector<workload_id> const& workloads() const { return workloads_; }
    std::vector<instance_id> const& instances() const { return instances_; }
    /// The text of all instances.
    std::size_t text_bytes() const { return text_bytes_; }

private:
    template <class Row>
    void put(Row const& row, std::string key);
    void put_nodes();
    void put_workload(std::size_t number);
    void put_instance(workload const& owner, release_ptr const& from, std::size_t index);

    filling how_;
    seeded_entropy random_{1};
    journal_contents contents_;
    std::vector<node_id> nodes_;
    std::vector<workload_id> workloads_;
    std::vector<instance_id> instances_;
    std::size_t text_bytes_ = 0;
};

/// What an instance that was being created says when it runs.
instance_status running_status(std::uint64_t seq, wall_time now);

/// Has these rows, and takes whatever is written, as fast as can be.
class filled_journal final : public journal {
public:
    explicit filled_journal(journal_contents contents) : contents_(std::move(contents)) {}
    awaitable<result<journal_contents>> lead() override;
    awaitable<result<void>> append(std::vector<journal_entry> batch) override;

private:
    journal_contents contents_;
};

}  // namespace rik::bench

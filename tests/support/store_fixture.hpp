// A store on a journal with its flusher running, and rows to put into it.
#pragma once

#include "definitions.hpp"
#include "gated_journal.hpp"
#include "run.hpp"

#include <rik/async/task_group.hpp>
#include <rik/store/store.hpp>

#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

/// Opened, and flushed until it is destroyed.
class running_store {
public:
    explicit running_store(std::shared_ptr<memory_disk> disk = std::make_shared<memory_disk>())
        : gate(io.get_executor(), std::move(disk)), rows(io.get_executor(), gate, random), tasks_(io.get_executor()) {
        opened = run(io, rows.open());
        tasks_.spawn(flush());
    }
    ~running_store() { stop(); }

    result<revision> commit(transaction changes) { return run(io, rows.commit(std::move(changes))); }
    void spawn(awaitable<> work) { tasks_.spawn(std::move(work)); }
    void stop() { run(io, tasks_.stop()); }

    asio::io_context io;
    seeded_entropy random{next_seed()};
    gated_journal gate;
    store rows;
    result<void> opened;
    std::optional<error> flush_failure;

private:
    /// No two stores name their epochs alike.
    static std::uint64_t next_seed() {
        static std::uint64_t seed = 1'000;
        return ++seed;
    }
    awaitable<> flush() { flush_failure = co_await rows.run(); }
    task_group tasks_;
};

/// Rows with ids that are the same in every run.
class row_maker {
public:
    workload make_workload(std::string name) {
        workload made;
        made.id = workload_id::generate(random);
        made.name = std::move(name);
        made.definition = written_pod(made.name);
        return made;
    }
    release make_release(workload_id const& of) {
        return rik::make_release(release_id::generate(random), of, written_pod("web"));
    }
    instance make_instance(std::string name, release_ptr from) {
        instance_fields fields;
        fields.id = instance_id::generate(random);
        fields.name = std::move(name);
        fields.owner = from->workload;
        fields.made_from = std::move(from);
        return instance(std::move(fields));
    }
    node make_node(std::string name) {
        node made;
        made.id = node_id::generate(random);
        made.facts.name = std::move(name);
        return made;
    }
    document make_document(std::string name, std::string json = "{}") {
        document made;
        made.key = document_key{"event", "default", std::move(name)};
        made.json = std::move(json);
        return made;
    }

    seeded_entropy random{1};
};

template <class Row>
transaction put_one(Row row, revision expected = 0) {
    transaction changes;
    changes.put(std::move(row), expected);
    return changes;
}

}  // namespace rik::testing

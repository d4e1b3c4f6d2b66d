// A primary that only keeps what it is told, in a real store in memory. Tests play the scheduler and the nodes.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/async/notifier.hpp>
#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>
#include <rik/primary/operations.hpp>
#include <rik/store/memory_journal.hpp>
#include <rik/store/store.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rik::test {

class fake_operations final : public operations {
public:
    explicit fake_operations(asio::any_io_executor executor)
        : strand_(asio::make_strand(executor)),
          store_(strand_, journal_, random_),
          log_grew_(strand_),
          tasks_(strand_) {}

    awaitable<> start() { return on_strand(strand_, start_here()); }
    awaitable<> stop() { return on_strand(strand_, tasks_.stop()); }

    // --- what a test does to it, from its own thread through `threads::run`

    awaitable<node_id> add_node(std::string name) { return on_strand(strand_, add_node_here(std::move(name))); }
    awaitable<bool> set_node_state(node_id id, node_state state) {
        return change<node>(id, [state](node& row) { row.state = state; });
    }
    awaitable<bool> bind(instance_id id, node_id on) {
        return change_fields(id, [on, this](instance_fields& row) {
            row.binding.emplace();
            row.binding->node = on;
            row.binding->fence = store_.next_revision();
        });
    }
    awaitable<bool> report(instance_id id, instance_status status) {
        return change_fields(id, [status](instance_fields& row) { row.status = status; });
    }
    /// `count` changes of one instance, each with a message of 2 kB.
    awaitable<bool> report_often(instance_id id, int count) { return on_strand(strand_, report_often_here(id, count)); }
    awaitable<bool> remove_instance(instance_id id) { return on_strand(strand_, remove_here<instance>(id)); }
    awaitable<bool> note(event happened) { return on_strand(strand_, note_here(std::move(happened))); }
    awaitable<bool> write_log(std::string text, bool ends) {
        return on_strand(strand_, write_here(std::move(text), ends));
    }

    std::atomic<int> open_log_count = 0;
    std::atomic<int> open_watch_count = 0;
    std::optional<error> failure = {};      ///< if set, every call fails with it
    std::optional<error> log_failure = {};  ///< if set, how a log that is being read ends
    duration delay = {};                    ///< before a workload is created

    // --- operations

    awaitable<result<stored<workload>>> create_workload(caller, workload_definition definition) override {
        return on_strand(strand_, create_here(std::move(definition)));
    }
    awaitable<result<void>> delete_workload(caller, workload_id which) override {
        return on_strand(strand_, delete_here<workload>(which));
    }
    awaitable<result<std::vector<stored<instance>>>> create_instances(caller, create_instances_request what) override {
        return on_strand(strand_, create_instances_here(std::move(what)));
    }
    awaitable<result<void>> delete_instance(caller, instance_id which) override {
        return on_strand(strand_, delete_here<instance>(which));
    }
    awaitable<result<stored<workload>>> get_workload(caller, object_ref which) override {
        return find<workload>(std::move(which), [](workload const& row, object_ref const& ref) {
            return row.name == ref.id_or_name && (!ref.kind || row.kind == *ref.kind);
        });
    }
    awaitable<result<stored<instance>>> get_instance(caller, object_ref which) override {
        return find<instance>(std::move(which),
                              [](instance const& row, object_ref const& ref) { return row.name() == ref.id_or_name; });
    }
    awaitable<result<stored<node>>> get_node(caller, object_ref which) override {
        return find<node>(std::move(which),
                          [](node const& row, object_ref const& ref) { return row.facts.name == ref.id_or_name; });
    }
    awaitable<result<listing<workload>>> list_workloads(caller) override { return list<workload>({}); }
    awaitable<result<listing<instance>>> list_instances(caller, instance_filter which) override {
        std::string index;
        if (which.node) index = node_index(*which.node);
        if (which.workload) index = owner_index(*which.workload);
        return list<instance>(std::move(index));
    }
    awaitable<result<listing<node>>> list_nodes(caller) override { return list<node>({}); }
    awaitable<result<listing<document>>> list_events(caller, event_filter which) override {
        return list<document>(which.object_id.empty() ? kind_index(event_kind) : about_index(which.object_id));
    }
    awaitable<result<listing<document>>> list_documents(caller, std::string kind) override {
        return list<document>(kind_index(kind));
    }
    awaitable<result<void>> put_document(caller, document what) override {
        return on_strand(strand_, put_here(std::move(what)));
    }
    awaitable<result<void>> delete_document(caller, document_key which) override {
        return on_strand(strand_, delete_here<document>(std::move(which)));
    }
    awaitable<result<std::unique_ptr<watch_source>>> watch(caller, watch_request what) override {
        return on_strand(strand_, watch_here(std::move(what)));
    }
    awaitable<result<std::unique_ptr<log_source>>> open_log(caller, log_request what) override {
        return on_strand(strand_, open_log_here(std::move(what)));
    }
    awaitable<result<std::vector<held_image>>> call_images(caller, node_id, image_call what) override {
        if (failure) co_return *failure;
        image_calls.push_back(std::move(what));
        co_return held;
    }
    std::vector<held_image> held = {};         ///< the answer to every call about images
    std::vector<image_call> image_calls = {};  ///< that were made
    awaitable<result<void>> ready() override {
        if (failure) co_return *failure;
        co_return result<void>{};
    }

private:
    template <class Id>
    static error no_such(Id const&) {
        return error{errc::not_found, "there is no such object"};
    }

    awaitable<> start_here() {
        auto const opened = co_await store_.open();
        if (!opened) throw std::runtime_error(to_string(opened.error()));
        tasks_.spawn(flush());
    }
    awaitable<> flush() {
        auto const why = co_await store_.run();
        throw std::runtime_error(to_string(why));
    }

    template <class Row>
    awaitable<bool> put_row(Row row, revision expected) {
        transaction changes;
        changes.put(std::move(row), expected);
        auto const done = co_await store_.commit(std::move(changes));
        co_return done.has_value();
    }

    awaitable<node_id> add_node_here(std::string name) {
        node made;
        made.id = node_id::generate(random_);
        made.facts.name = std::move(name);
        made.facts.capacity.set(resource::cpu, 2000);
        made.facts.capacity.set(resource::memory, std::int64_t(24) << 30);
        made.created_at = made.state_since = time_.wall();
        auto const id = made.id;
        co_await put_row(std::move(made), 0);
        co_return id;
    }

    template <class Row, class Id, class Edit>
    awaitable<bool> change(Id id, Edit edit) {
        return on_strand(strand_, change_here<Row>(std::move(id), std::move(edit)));
    }
    template <class Row, class Id, class Edit>
    awaitable<bool> change_here(Id id, Edit edit) {
        auto const old = store_.head().find<Row>(id);
        if (!old) co_return false;
        Row next = *old;
        edit(next);
        co_return co_await put_row(std::move(next), old.changed_at);
    }
    template <class Edit>
    awaitable<bool> change_fields(instance_id id, Edit edit) {
        return on_strand(strand_, change_fields_here(id, std::move(edit)));
    }
    template <class Edit>
    awaitable<bool> change_fields_here(instance_id id, Edit edit) {
        auto const old = store_.head().find<instance>(id);
        if (!old) co_return false;
        auto fields = old->fields();
        edit(fields);
        instance next(std::move(fields));
        co_return co_await put_row(std::move(next), old.changed_at);
    }
    template <class Row>
    awaitable<bool> remove_here(typename table<Row>::key key) {
        auto const gone = co_await delete_here<Row>(std::move(key));
        co_return gone.has_value();
    }
    awaitable<bool> report_often_here(instance_id id, int count) {
        for (int i = 0; i < count; ++i) {
            auto const old = store_.head().find<instance>(id);
            auto fields = old->fields();
            fields.status.message.assign(2000, static_cast<char>('a' + i % 26));
            transaction changes;
            changes.put(instance(std::move(fields)), old.changed_at);
            if (!store_.apply(std::move(changes))) co_return false;
        }
        auto const done = co_await store_.wait_durable(store_.head().at());
        co_return done.has_value();
    }
    awaitable<bool> note_here(event happened) {
        auto made = to_document(happened, ++event_count_);
        co_return co_await put_row(std::move(made), 0);
    }
    awaitable<bool> write_here(std::string text, bool ends) {
        log_text_ += text;
        log_has_ended_ = ends;
        log_grew_.notify();
        co_return true;
    }

    awaitable<result<stored<workload>>> create_here(workload_definition definition) {
        if (delay > duration()) co_await time_.sleep_for(delay);
        if (failure) co_return *failure;
        auto const name = workload_name(definition.tenant, definition.kind, definition.name);
        if (store_.head().find_named<workload>(name)) co_return error{errc::conflict, "the name is taken"};
        workload made;
        made.id = workload_id::generate(random_);
        made.name = definition.name;
        made.tenant = definition.tenant;
        made.kind = definition.kind;
        made.labels = definition.labels;
        made.replicas = definition.replicas;
        made.definition = definition.text;
        made.created_at = time_.wall();
        release first;
        first.id = made.current_release = release_id::generate(random_);
        first.workload = made.id;
        first.pod = definition.pod;
        first.requests = effective_requests(definition.pod);
        auto const id = made.id;
        transaction changes;
        changes.put(std::move(first), 0);
        changes.put(std::move(made), 0);
        auto const done = co_await store_.commit(std::move(changes));
        if (!done) co_return done.error();
        co_return store_.durable().find<workload>(id);
    }

    awaitable<result<std::vector<stored<instance>>>> create_instances_here(create_instances_request what) {
        if (failure) co_return *failure;
        auto const owner = store_.head().find<workload>(what.workload);
        if (!owner) co_return no_such(what.workload);
        transaction changes;
        std::vector<instance_id> ids;
        for (std::uint32_t i = 0; i < what.replicas; ++i) {
            instance_fields fields;
            fields.id = instance_id::generate(random_);
            fields.name = what.name.empty() ? "jolly-cat-" + std::to_string(1000 + ++name_count_) : what.name;
            if (store_.head().find_named<instance>(instance_name("default", fields.name)))
                co_return error{errc::conflict, "the name is taken"};
            fields.owner = owner->id;
            fields.pod_release = store_.head().find<release>(owner->current_release).row;
            fields.created_at = fields.status.since = time_.wall();
            ids.push_back(fields.id);
            changes.put(instance(std::move(fields)), 0);
        }
        auto const done = co_await store_.commit(std::move(changes));
        if (!done) co_return done.error();
        std::vector<stored<instance>> made;
        for (auto const& id : ids) made.push_back(store_.durable().find<instance>(id));
        co_return made;
    }

    template <class Row>
    awaitable<result<void>> delete_here(typename table<Row>::key key) {
        if (failure) co_return *failure;
        auto const old = store_.head().find<Row>(key);
        if (!old) co_return no_such(key);
        transaction changes;
        changes.template remove<Row>(key, old.changed_at);
        auto const done = co_await store_.commit(std::move(changes));
        if (!done) co_return done.error();
        co_return result<void>{};
    }

    awaitable<result<void>> put_here(document what) {
        auto const old = store_.head().find<document>(what.key);
        auto const put = co_await put_row(std::move(what), old.changed_at);
        if (!put) co_return error{errc::conflict, "it changed"};
        co_return result<void>{};
    }

    template <class Row, class Matches>
    awaitable<result<stored<Row>>> find(object_ref which, Matches matches) {
        return on_strand(strand_, find_here<Row>(std::move(which), std::move(matches)));
    }
    template <class Row, class Matches>
    awaitable<result<stored<Row>>> find_here(object_ref which, Matches matches) {
        if (failure) co_return *failure;
        if (auto const id = table<Row>::key::parse(which.id_or_name))
            if (auto row = store_.durable().find<Row>(*id)) co_return row;
        for (auto const& row : store_.durable().list<Row>())
            if (matches(*row, which)) co_return row;
        co_return no_such(which);
    }

    template <class Row>
    awaitable<result<listing<Row>>> list(std::string index) {
        return on_strand(strand_, list_here<Row>(std::move(index)));
    }
    template <class Row>
    awaitable<result<listing<Row>>> list_here(std::string index) {
        if (failure) co_return *failure;
        listing<Row> made;
        made.at = store_.position();
        made.rows = index.empty() ? store_.durable().list<Row>() : store_.durable().list<Row>(index);
        co_return made;
    }

    // --- watches

    class watch_of final : public watch_source {
    public:
        watch_of(fake_operations& owner, std::shared_ptr<watcher> from, std::optional<batch> first)
            : owner_(owner), from_(std::move(from)), first_(std::move(first)) {
            ++owner_.open_watch_count;
        }
        ~watch_of() override {
            asio::post(owner_.strand_, [dying = std::move(from_), &count = owner_.open_watch_count]() mutable {
                dying.reset();
                --count;
            });
        }
        awaitable<result<batch>> next() override { return on_strand(owner_.strand_, next_here()); }

    private:
        awaitable<result<batch>> next_here() {
            if (first_) co_return *std::exchange(first_, std::nullopt);
            auto changes = co_await from_->next();
            if (!changes) co_return changes.error();
            batch made;
            made.changes = std::move(*changes);
            made.at = {owner_.store_.position().epoch, made.changes.back().changed_at};
            co_return made;
        }

        fake_operations& owner_;
        std::shared_ptr<watcher> from_;
        std::optional<batch> first_;
    };

    template <class Row>
    void add_rows(watch_source::batch& into, std::string const& index) {
        auto const rows = index.empty() ? store_.durable().list<Row>() : store_.durable().list<Row>(index);
        for (auto const& row : rows) {
            rik::change each;
            each.changed_at = row.changed_at;
            each.row = row_change<Row>{nullptr, row.row};
            into.changes.push_back(std::move(each));
        }
    }

    awaitable<result<std::unique_ptr<watch_source>>> watch_here(watch_request what) {
        if (failure) co_return *failure;
        subscription wanted;
        wanted.table = what.table;
        wanted.index_key = what.index_key;
        wanted.after = what.after;
        std::optional<watch_source::batch> first;
        if (!what.after) {
            first.emplace();
            first->at = store_.position();
            first->is_initial = true;
            if (what.table == table_id::workload) add_rows<workload>(*first, what.index_key);
            if (what.table == table_id::instance) add_rows<instance>(*first, what.index_key);
            if (what.table == table_id::node) add_rows<node>(*first, what.index_key);
            if (what.table == table_id::document) add_rows<document>(*first, what.index_key);
        }
        std::shared_ptr<watcher> from = store_.watch(std::move(wanted));
        co_return std::unique_ptr<watch_source>(new watch_of(*this, std::move(from), std::move(first)));
    }

    // --- logs: one text, whatever the instance

    class log_of final : public log_source {
    public:
        log_of(fake_operations& owner, log_options how) : owner_(owner), how_(how) { ++owner_.open_log_count; }
        ~log_of() override { --owner_.open_log_count; }
        awaitable<result<std::string>> read() override { return on_strand(owner_.strand_, read_here()); }

    private:
        awaitable<result<std::string>> read_here() {
            while (how_.follow && !owner_.log_has_ended_ && read_ == owner_.log_text_.size())
                co_await owner_.log_grew_.wait();
            auto text = owner_.log_text_.substr(read_);
            if (text.empty() && owner_.log_failure) co_return *owner_.log_failure;
            read_ += text.size();
            if (!how_.is_framed || text.empty()) co_return text;
            std::string framed;
            append_log_frame(framed, log_origin::standard_output, text);
            co_return framed;
        }
        fake_operations& owner_;
        log_options how_;
        std::size_t read_ = 0;
    };

    awaitable<result<std::unique_ptr<log_source>>> open_log_here(log_request what) {
        if (failure) co_return *failure;
        if (what.container == "unknown") co_return error{errc::invalid, "there is no such container", "container"};
        co_return std::unique_ptr<log_source>(new log_of(*this, what.how));
    }

    asio::any_io_executor strand_;
    system_clock time_;
    seeded_entropy random_{1};
    memory_journal journal_;
    store store_;
    std::uint64_t event_count_ = 0;
    int name_count_ = 0;
    std::string log_text_;
    bool log_has_ended_ = false;
    notifier log_grew_;
    task_group tasks_;
};

}  // namespace rik::test

// A blocking client of /rik/v1, over a unix socket or TCP.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/limits.hpp>
#include <rik/base/result.hpp>
#include <rik/base/string_map.hpp>
#include <rik/client/address.hpp>
#include <rik/client/event_stream.hpp>
#include <rik/client/resource_kind.hpp>
#include <rik/model/container_log.hpp>
#include <rik/model/node.hpp>
#include <rik/model/node_image.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rik {

namespace detail {
class http_exchange;
struct exchange_request;
}  // namespace detail

struct client_options {
    duration connect_timeout = std::chrono::seconds(5);
    duration reply_timeout = limits::operation_timeout + std::chrono::seconds(5);
    duration head_timeout = std::chrono::seconds(15);   ///< until the answer to a call that only reads begins
    duration silence_max = std::chrono::seconds(40);    ///< a watch that hears nothing for so long connects again
    duration reconnect_for = std::chrono::seconds(60);  ///< how long a watch tries before it gives up
    time_point deadline = time_point::max();            ///< no call waits longer than until then
    std::string tenant = {};  ///< in which names are looked for and things are made; empty: the server's choice
};

/// Says which objects of a kind are wanted. Empty members do not filter.
struct list_filter {
    std::string workload = {};
    std::string instance = {};         ///< for events
    std::string node = {};             ///< for instances and events
    std::string definition_kind = {};  ///< "Deployment", where workloads of several kinds have the name
    bool is_of_all_tenants = false;    ///< else of client_options::tenant
    std::string labels = {};           ///< a label selector; for workloads, instances and nodes
    std::string fields = {};           ///< a field selector; not for tenants
};

/// A part of a list, and where the next part begins.
struct list_part {
    std::string text;       ///< JSON, as that of a whole list
    std::string next = {};  ///< empty: this was the last
};

struct instances_wanted {
    std::string workload;  ///< name or id
    std::string name = {};
    std::uint32_t replicas = 1;
    std::string kind = {};  ///< "Deployment", where workloads of several kinds have the name
};

struct container_log_wanted {
    std::string instance;
    std::string container = {};
    container_log_options how = {};  ///< `is_framed`, `since` and `after` are ignored
    std::string since = {};          ///< "90s" before now, or a time in RFC 3339; empty: from the beginning
    std::string after = {};          ///< what a container_log_mark has said; empty: from where `how` says
};

/// What is not given stays.
struct node_changes_wanted {
    std::optional<bool> is_cordoned = {};
    label_changes labels = {};
    std::vector<std::string> taints = {};  ///< as of parse_taint_change
};

/// How a workload is changed.
struct change_wanted {
    bool is_dry_run = false;                     ///< all is checked and said, and nothing is done
    std::optional<std::uint64_t> revision = {};  ///< that it must still be at
};

/// An open log. Destroying it ends the stream.
class container_log_stream {
public:
    explicit container_log_stream(std::unique_ptr<detail::http_exchange> from);
    container_log_stream(container_log_stream&&) noexcept;
    container_log_stream& operator=(container_log_stream&&) noexcept;
    ~container_log_stream();

    /// Waits until `deadline` and returns the next bytes of one stream; empty at the end. If the server does not tell
    /// streams apart, everything is standard output. If marks were asked for, a piece may be of origin `mark`; its
    /// bytes are a container_log_mark. Errors: timed_out, nothing came yet, nothing is lost, and it can be called
    /// again; unavailable, the connection broke; else the reason why the server cannot go on with the log.
    result<container_log_piece> read(time_point deadline);
    /// Returns true if marks were asked for and the server gives them.
    bool has_marks() const { return has_marks_; }

private:
    result<std::optional<container_log_piece>> read_frame();

    std::unique_ptr<detail::http_exchange> from_;
    bool has_marks_;
    bool is_framed_;
    container_log_frame_parser frames_;
};

/// Three of these come from the client itself. `disconnected` and `reconnected` tell of its connection. `restarted`
/// says that changes were lost for good: the watch begins again with what is there, as `added`, and what does not come
/// again is gone. `restarted` comes instead of `reconnected`.
enum class watch_event_type : std::uint8_t { added, modified, deleted, synced, restarted, disconnected, reconnected };

struct watch_event {
    watch_event_type type;
    std::string object = {};  ///< its JSON; the reason for `disconnected`
};

/// The changes of one list, one by one. When the connection breaks, it says `disconnected` once, connects again by
/// itself, and goes on where it was. Destroying it ends the watch.
class watch_stream {
public:
    watch_stream(server_address to, std::string target, client_options options);
    watch_stream(watch_stream&&) noexcept;
    watch_stream& operator=(watch_stream&&) noexcept;
    ~watch_stream();

    /// Errors: timed_out, nothing happened until `deadline`, and it can be called again; unavailable, the server could
    /// not be reached for options.reconnect_for; corrupt, what answers is not rik's API; others, as the server answers.
    result<watch_event> next(time_point deadline);

    /// Returns when the server was heard last. It sends something every limits::watch_heartbeat_period.
    time_point heard_at() const { return heard_; }
    /// Returns true if the connection is lost and not made again yet.
    bool is_lost() const { return is_lost_; }

private:
    friend class client;
    result<void> connect(time_point deadline);
    result<std::optional<watch_event>> read_some(time_point deadline);
    result<std::optional<watch_event>> reconnect(time_point deadline);
    result<std::optional<watch_event>> take(stream_event event);
    std::optional<watch_event> lose(error why);
    void forget();

    server_address to_;
    std::string target_;
    client_options options_;
    system_clock clock_;
    std::unique_ptr<detail::http_exchange> from_;
    event_stream_parser parser_;
    std::string last_id_;
    time_point heard_{};    ///< the last bytes, or the connection
    bool is_lost_ = false;  ///< there is no connection
    bool is_rik_ = false;   ///< an event of rik's has come
    error lost_because_;
    std::optional<time_point> lost_at_ = {};  ///< until bytes come again
    time_point next_try_{};
    duration pause_{};
};

/// Every call makes its own connection and ends it. Replies are JSON texts as the server sent them. Do not use it from
/// several threads at once.
/// Errors of all calls: unavailable, the server cannot be reached; timed_out; corrupt, what answers is not rik's API;
/// else the error with which the server answers. Several problems with a definition are one error that names them all.
class client {
public:
    explicit client(server_address to, client_options options = {});

    result<std::string> list(resource_kind kind, list_filter const& filter = {});
    /// Returns at most `count_max` objects that come after `after`, the `next` of the part before; empty: from the
    /// beginning. Events come whole.
    result<list_part> list_some(resource_kind kind, list_filter const& filter, std::size_t count_max,
                                std::string const& after);
    /// `name` is a name or an id. `definition_kind` ("Pod", "Deployment") tells workloads of one name apart.
    result<std::string> get(resource_kind kind, std::string_view name, std::string_view definition_kind = {});
    /// `cascade`: what becomes of the instances of a workload, "background", "foreground" or "orphan"; empty: they go.
    result<void> remove(resource_kind kind, std::string_view name, std::string_view definition_kind = {},
                        std::string_view cascade = {});
    /// Returns the new tenant, with these labels and annotations.
    result<std::string> create_tenant(std::string_view name, string_map const& labels,
                                      string_map const& annotations = {});
    /// What is not named stays. Returns the tenant.
    result<std::string> change_tenant(std::string_view name_or_id, label_changes const& labels,
                                      label_changes const& annotations, std::optional<std::uint64_t> expected = {});
    /// Returns how much goes with it: {"workloads":N,"instances":N}.
    result<std::string> remove_tenant(std::string_view name_or_id);
    /// `definition` is JSON or YAML.
    result<std::string> create_workload(std::string_view definition, bool is_dry_run = false);
    /// Each returns what was done, or would be: {"outcome":..,"changes":[..],"warnings":[..],"workload":{..}}.
    /// `definition_kind` as of `get`.
    result<std::string> apply_workload(std::string_view definition, change_wanted const& how = {});
    result<std::string> replace_workload(std::string_view name, std::string_view definition_kind,
                                         std::string_view definition, change_wanted const& how = {});
    /// `patch` is a JSON merge patch.
    result<std::string> patch_workload(std::string_view name, std::string_view definition_kind, std::string_view patch,
                                       change_wanted const& how = {});
    /// How far a workload is, what was done about it, and its releases.
    result<std::string> get_rollout(std::string_view name, std::string_view definition_kind = {});
    /// What is asked of a workload that keeps its instances itself. Each returns it as it is then.
    /// `expected`: the revision that it must still be at, else conflict.
    result<std::string> scale_workload(std::string_view name, std::string_view definition_kind, std::uint32_t replicas,
                                       std::optional<std::uint64_t> expected = {});
    result<std::string> pause_workload(std::string_view name, std::string_view definition_kind);
    result<std::string> resume_workload(std::string_view name, std::string_view definition_kind);
    /// Makes a Job of a CronJob, now; `job` empty: its name is made up. Returns the Job.
    result<std::string> start_job(std::string_view cron_job, std::string_view definition_kind, std::string_view job);
    result<std::string> restart_workload(std::string_view name, std::string_view definition_kind, bool is_at_once);
    /// What was on nodes that are gone is replaced, although they are so many. Returns what was stopped.
    result<std::string> resume_replacement();
    /// Gives an instance labels of its own. Returns it.
    result<std::string> relabel_instance(std::string_view name_or_id, label_changes const& labels,
                                         std::optional<std::uint64_t> expected = {});
    result<std::string> create_instances(instances_wanted const& what);
    /// Asks for a restart in place. Returns the instance; its `restartsDone` reaches its `restarts` when it is obeyed.
    result<std::string> restart_instance(std::string_view name_or_id);
    result<container_log_stream> open_container_log(container_log_wanted const& what);
    result<watch_stream> watch(resource_kind kind, list_filter const& filter = {});
    /// What operators do with a node; each takes its name or id. Returns the node.
    result<std::string> change_node(std::string_view node, node_changes_wanted const& what);
    /// Returns what leaves and what stays: {"leaving":[..],"kept":[..]}.
    result<std::string> drain_node(std::string_view node, bool forces);
    /// `confirmation` is the node's name; with another one the server refuses, and says what is at stake (invalid).
    /// Returns what was given up: {"givenUp":[..]}.
    result<std::string> declare_node_dead(std::string_view node, std::string_view confirmation);
    /// The calls about images take the name or id of a node. Each returns the images that it was about.
    result<std::string> list_images(std::string_view node);
    /// Waits for as long as the server does, limits::image_call_timeout.
    result<std::string> pull_image(std::string_view node, std::string_view image);
    /// `what.path` is on the node's machine. Without `what.name` the images get the names that they have in it.
    result<std::string> load_images(std::string_view node, rik::load_images const& what);
    result<std::string> remove_image(std::string_view node, std::string_view name_or_digest);
    /// What instances use: `workload`, `node`, `labels` and `fields` of the filter, and its tenants.
    result<std::string> usage(list_filter const& filter = {});
    /// Returns the server's version, as text.
    result<std::string> version();

    /// The same server, asked about another tenant; empty: the server's choice.
    client in_tenant(std::string tenant) const;

    server_address const& address() const { return to_; }
    client_options const& options() const { return options_; }

private:
    result<std::string> call(std::string method, std::string target, std::string body = {},
                             std::string content_type = {});
    result<std::string> ask_workload(std::string_view name, std::string_view definition_kind, std::string_view verb,
                                     std::string body = "{}", std::optional<std::uint64_t> expected = {});
    result<std::string> call_within(duration patience, detail::exchange_request request);
    /// The same, for an object that has `member`.
    result<std::string> call_for(std::string_view member, std::string method, std::string target, std::string body = {},
                                 std::string content_type = {});
    /// The same, for images.
    result<std::string> call_for_images(duration patience, detail::exchange_request request);

    server_address to_;
    client_options options_;
    system_clock clock_;
};

}  // namespace rik

// The limits of everything that could grow, in one place. Past a limit the caller gets a clear error, or the oldest
// entry is dropped.
#pragma once

#include <rik/base/time.hpp>

#include <cstddef>
#include <cstdint>

namespace rik::limits {

using namespace std::chrono_literals;

// Definitions
inline constexpr std::size_t definition_bytes_max = 1u << 20;
inline constexpr std::size_t definition_depth_max = 32;
inline constexpr std::size_t definition_nodes_max = 20'000;
/// Checking stops then, and the last problem says so: a longer list helps nobody and costs the server time.
inline constexpr std::size_t definition_problems_max = 100;
inline constexpr std::size_t definition_file_bytes_max = 64u << 20;  ///< of all definitions in one file, for a client
inline constexpr std::size_t definitions_per_file_max = 10'000;
inline constexpr std::size_t name_bytes_max = 253;  ///< DNS-1123 subdomain
inline constexpr std::size_t label_bytes_max = 63;  ///< DNS-1123 label
inline constexpr std::size_t containers_per_pod_max = 64;
inline constexpr std::size_t volumes_per_pod_max = 64;
inline constexpr std::size_t mounts_per_container_max = 64;
inline constexpr std::size_t selector_requirements_max = 100;
inline constexpr std::size_t host_aliases_max = 256;
/// Source: Kubernetes, ValidatePodDNSConfig; resolv.conf(5) of the C libraries that programs are linked with.
inline constexpr std::size_t name_servers_max = 3;
inline constexpr std::size_t search_domains_max = 32;
inline constexpr std::size_t search_bytes_max = 2'048;
inline constexpr std::size_t expanded_bytes_max = 1u << 20;  ///< of a container's texts, references expanded
/// Of one argument or "NAME=value", with the zero byte at its end.   Source: Linux, MAX_ARG_STRLEN; man 2 execve
inline constexpr std::size_t argument_bytes_max = 131'072;
inline constexpr std::size_t path_bytes_max = 4'096;     ///< with the zero byte at its end.   Source: Linux, PATH_MAX
inline constexpr std::size_t path_part_bytes_max = 255;  ///< between two slashes.   Source: Linux, NAME_MAX
/// runc itself needs 2 to 3 MiB, before it becomes the program (measured, 1.1): with 2 Mi one start of five succeeds.
inline constexpr std::int64_t memory_limit_bytes_min = 4 << 20;
/// More than any machine has; the kernel refuses more than 175 million cores.   Source: Linux, max_cfs_runtime
inline constexpr std::int64_t cpu_limit_milli_max = 1'000'000'000;
/// The kernel gives no less than 1 ms of each 100 ms.   Source: Linux, min_cfs_quota_period
inline constexpr std::int64_t cpu_limit_milli_min = 10;
/// Of a Function's guest. Debian's kernel does not boot with 64 MiB, and boots with 80 (measured: docs/functions.md).
inline constexpr std::int64_t function_memory_bytes_min = 80 << 20;
inline constexpr std::int64_t function_memory_bytes_default = 128 << 20;
/// Ports of nodes that are chosen for Functions whose definitions name none.   Source: RIK's controller
inline constexpr std::uint16_t chosen_port_first = 45'000;
inline constexpr std::uint16_t chosen_port_last = 49'999;
inline constexpr std::size_t replicas_per_request_max = 10'000;
inline constexpr std::size_t replicas_per_workload_max = 1'000'000;

// Store
inline constexpr std::size_t history_count_max = 100'000;
inline constexpr std::size_t history_bytes_max = 32u << 20;       ///< includes what watchers have not fetched
inline constexpr std::size_t watch_queue_count_max = 40'000;      ///< more than one commit can change
inline constexpr std::size_t watch_queues_count_max = 1'000'000;  ///< of all watchers; the longest is closed first
inline constexpr std::size_t watch_batch_bytes_max = 32u << 10;   ///< that a watcher fetches at once, or one commit
inline constexpr std::size_t store_epochs_max = 64;               ///< openings that a journal remembers
inline constexpr std::size_t events_count_max = 10'000;           ///< past it the largest group loses its oldest
inline constexpr std::size_t events_per_object_max = 32;          ///< past it the object loses its oldest
inline constexpr std::size_t events_per_owner_max = 1'000;        ///< of all instances of a workload; likewise
inline constexpr std::size_t rollout_steps_max = 50;              ///< that are kept of what was done about a workload
inline constexpr std::size_t job_failures_max = 10;               ///< the newest, whose story a Job keeps
inline constexpr std::size_t indexed_parallelism_max = 100'000;   ///< of a Job with indexes
inline constexpr std::size_t failure_rules_max = 20;
inline constexpr std::size_t failure_codes_max = 255;
inline constexpr std::size_t success_rules_max = 20;
inline constexpr std::size_t finished_instances_count_max = 10'000;  ///< past it those finished longest ago go
inline constexpr std::size_t finished_instances_per_owner_max = 1'000;
/// How many reports, creations or deletions the primary's strand handles in one turn.
inline constexpr std::size_t instances_per_slice_max = 100;
inline constexpr std::size_t append_entries_max = 32'768;      ///< of one journal append, and so of one transaction
inline constexpr std::size_t message_bytes_max = 4'096;        ///< of what a node or a tool says; the rest is cut off
inline constexpr std::size_t unflushed_count_max = 100'000;    ///< changes that wait for the journal
inline constexpr std::size_t unflushed_bytes_max = 64u << 20;  ///< past it no further transaction is taken

// Tenants
inline constexpr std::size_t tenants_max = 1'000;
inline constexpr std::size_t tenant_texts_bytes_max = 256u << 10;  ///< of the labels and annotations of one

// Nodes, as operators see them
inline constexpr std::size_t labels_per_instance_max = 256;
inline constexpr std::size_t labels_per_node_max = 256;  ///< that operators have set
inline constexpr std::size_t taints_per_node_max = 64;

// Links
inline constexpr std::size_t batch_items_max = 10'000;
inline constexpr std::size_t batch_bytes_max = 1u << 20;   ///< of a message; what is larger by itself travels alone
inline constexpr std::size_t places_per_turn_max = 1'000;  ///< then the scheduler looks at what has arrived
inline constexpr std::size_t link_queue_count_max = 64;
/// That both ends of a session remember as told; then they begin anew.
inline constexpr std::size_t releases_per_session_max = 10'000;
inline constexpr std::size_t stream_queue_count_max = 4;  ///< chunks of a log on their way
inline constexpr duration unheard_after = 10s;            ///< of silence
inline constexpr int beats_per_unheard_min = 3;    ///< a node beats so often that two lost beats do not make it unheard
inline constexpr duration heartbeat_period = 3s;   ///< until its scheduler says otherwise
inline constexpr duration refusal_pause_max = 5s;  ///< then instances whose proposal was refused are proposed again
inline constexpr unsigned unequal_beats_min = 2;   ///< of a node that says nothing new; then its inventory is wanted
inline constexpr unsigned unequal_beats_max = 64;  ///< between two inventories of a node, whatever it says
inline constexpr duration load_period = 5s;        ///< between two looks at what is in use on a machine
inline constexpr duration load_report_period = 60s;               ///< after which it is told even if little has changed
inline constexpr std::int64_t pressure_memory_bytes = 100 << 20;  ///< Source: Kubernetes, memory.available
inline constexpr std::int64_t pressure_disk_bytes = 128 << 20;
inline constexpr duration reconnect_pause_min = 100ms;
inline constexpr duration reconnect_pause_max = 5s;
inline constexpr duration stream_dial_timeout = 10s;
/// For the primary's end of a stream, which may come after the node's: they travel on different connections.
inline constexpr duration stream_join_patience = 1s;
/// Of one message between processes: a batch, and one definition of the largest size.
inline constexpr std::size_t link_message_bytes_max = 8u << 20;
inline constexpr duration link_keepalive_period = 3s;
inline constexpr duration link_keepalive_timeout = 3s;
inline constexpr duration link_channel_pause_max = 1s;  ///< of gRPC itself, between two tries to connect
/// Between two tries to accept a connection while the process is out of descriptors.
inline constexpr duration accept_pause = 100ms;
inline constexpr std::size_t link_calls_max = 65'536;  ///< sessions and streams of all peers; one too many is refused
inline constexpr std::size_t link_ahead_bytes_max = 8u << 20;      ///< that a session sends before the peer takes some
inline constexpr std::size_t link_inbox_bytes_max = 32u << 20;     ///< of one session; past it the peer is cut off
inline constexpr std::size_t stream_inbox_bytes_max = 1u << 20;    ///< likewise, of one stream
inline constexpr std::size_t link_inboxes_bytes_max = 256u << 20;  ///< of all; past it whoever has sent most is cut off
inline constexpr std::size_t link_transport_bytes_max = 512u << 20;  ///< of gRPC's own buffers
/// Of the definitions that both ends of a session remember; then they begin anew.
inline constexpr std::size_t releases_bytes_per_session_max = 64u << 20;
/// Of facts that are not complete: some four million instances. Past it the primary is cut off.
inline constexpr std::size_t facts_bytes_max = 512u << 20;
inline constexpr std::size_t inventory_count_max = 100'000;  ///< instances of one node; past it the node is cut off
/// Words of nodes about instances that the scheduler does not know, until the primary takes them; likewise.
inline constexpr std::size_t unknown_reports_count_max = 100'000;
inline constexpr std::size_t streams_expected_max = 1'024;  ///< that wait for their nodes

// Node
inline constexpr std::size_t starts_at_once_max = 3;  ///< more gain nothing on two cores (measured)
inline constexpr duration start_place_max = 2s;       ///< then a start no longer counts among them
/// Downloads at once of one registry. Bounded for each, so that one that hangs holds up only its own images.
inline constexpr std::size_t pulls_per_registry_max = 2;
/// A question is answered soon or never; after a boot there may be one for each instance.
inline constexpr std::size_t questions_per_registry_max = 8;
inline constexpr std::size_t pulls_at_once_max = 16;   ///< of all registries; a waiting skopeo costs memory only
inline constexpr std::size_t unpacks_at_once_max = 2;  ///< umoci is bound by the processor
/// Log readers at once: each has an inotify instance, of which the kernel gives 128 to a user by default.
inline constexpr std::size_t streams_per_node_max = 64;
inline constexpr duration start_pause_max = 1min;  ///< between tries while the machine is short of something
inline constexpr duration kill_timeout = 10s;      ///< until a killed container must have ended; then again
inline constexpr duration pull_timeout = 10min;
inline constexpr duration registry_answer_timeout = 1min;  ///< has a tag moved? Less where a copy would do
inline constexpr duration runtime_call_timeout = 2min;     ///< of one runc or conmon call
inline constexpr std::int64_t pods_per_node_default = 110;
inline constexpr std::size_t container_log_file_bytes_max = 10u << 20;  ///< then it is rotated
inline constexpr std::size_t container_log_files_max = 3;
inline constexpr std::size_t container_log_chunk_bytes_max = 64u << 10;
inline constexpr duration grace_period_default = 30s;

// API
inline constexpr std::size_t http_header_bytes_max = 32u << 10;
inline constexpr std::size_t http_body_bytes_max = definition_bytes_max + 4096;
inline constexpr std::size_t http_connections_max = 1'000;
inline constexpr std::size_t answer_error_bytes_max = 64u << 10;  ///< of each text of an error; the rest is cut off
/// Of all connections together: bodies of requests that are arriving or being answered, and replies that clients have
/// not read.
inline constexpr std::size_t http_requests_bytes_max = 64u << 20;
inline constexpr std::size_t http_replies_bytes_max = 64u << 20;
inline constexpr duration http_header_timeout = 15s;
inline constexpr duration http_body_timeout = 30s;
inline constexpr duration http_write_timeout = 30s;
inline constexpr duration http_idle_timeout = 120s;
inline constexpr duration http_stop_grace = 5s;
inline constexpr duration http_check_period = 500ms;  ///< how often time-outs are checked
inline constexpr std::size_t http_header_count_max = 128;
inline constexpr duration watch_heartbeat_period = 15s;
inline constexpr duration operation_timeout = 60s;
inline constexpr duration image_call_timeout = 15min;  ///< of a pull that a user asked for, with its wait

// The program
inline constexpr std::size_t log_queue_bytes_max = 256u << 10;  ///< of lines that wait for standard error

}  // namespace rik::limits

#include <rik/client/client.hpp>

#include <rik/client/problems.hpp>

#include "client/http_exchange.hpp"
#include "client/json_view.hpp"
#include "client/replies.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

constexpr std::string_view root = "/rik/v1/";
constexpr std::size_t list_bytes_max = 512u << 20;
constexpr std::size_t object_bytes_max = 32u << 20;  ///< an object has a definition, escaped at worst

/// Source: RFC 3986, 2.3: all but the unreserved characters.
std::string percent_encode(std::string_view text) {
    constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string encoded;
    for (auto const byte : text) {
        if (unreserved.find(byte) != std::string_view::npos)
            encoded += byte;
        else
            encoded += fmt::format("%{:02X}", static_cast<unsigned char>(byte));
    }
    return encoded;
}

/// A target with a query, of which only the parameters that have a value are written.
class target_writer {
public:
    explicit target_writer(std::string path) : text_(std::move(path)) {}
    target_writer& with(std::string_view name, std::string_view value) {
        if (value.empty()) return *this;
        text_ += fmt::format("{}{}={}", has_query_ ? '&' : '?', name, percent_encode(value));
        has_query_ = true;
        return *this;
    }
    std::string text() const { return text_; }

private:
    std::string text_;
    bool has_query_ = false;
};

std::string object_target(resource_kind kind, std::string_view name) {
    return fmt::format("{}{}/{}", root, plural(kind), percent_encode(name));
}

target_writer list_target(resource_kind kind, list_filter const& filter) {
    target_writer target(fmt::format("{}{}", root, plural(kind)));
    target.with("workload", filter.workload).with("node", filter.node).with("instance", filter.instance);
    target.with("kind", filter.definition_kind);
    target.with("labelSelector", filter.labels).with("fieldSelector", filter.fields);
    return target;
}

/// `target`, with how a change is to be made.
target_writer change_target(std::string path, change_wanted const& how, std::string const& tenant) {
    target_writer target(std::move(path));
    target.with("dryRun", how.is_dry_run ? "true" : "");
    if (how.revision) target.with("revision", std::to_string(*how.revision));
    return target.with("tenant", tenant);
}

boost::json::object changes_object(label_changes const& changes) {
    boost::json::object made;
    for (auto const& [key, value] : changes)
        made[key] = value ? boost::json::value(*value) : boost::json::value(nullptr);
    return made;
}

boost::json::object texts_object(string_map const& texts) {
    boost::json::object made;
    for (auto const& [key, value] : texts) made[key] = value;
    return made;
}

/// `target`, of what is in `tenant` or, as `filter` says, in all.
std::string in_tenants(target_writer target, resource_kind kind, list_filter const& filter, std::string const& tenant) {
    if (!belongs_to_tenant(kind)) return target.text();
    if (filter.is_of_all_tenants) return target.with("allTenants", "true").text();
    return target.with("tenant", tenant).text();
}

std::string images_target(std::string_view node) { return object_target(resource_kind::node, node) + "/images"; }

detail::exchange_request image_request(std::string_view node, boost::json::object const& body) {
    detail::exchange_request request{.method = "POST", .target = images_target(node)};
    request.content_type = "application/json";
    request.body = boost::json::serialize(body);
    return request;
}

/// The server's patience ends first.
duration image_patience(client_options const& options) {
    return options.reply_timeout - limits::operation_timeout + limits::image_call_timeout;
}

/// As the server tells them apart.
std::string content_type_of(std::string_view definition) {
    auto const start = definition.find_first_not_of(" \t\r\n");
    return start != std::string_view::npos && definition[start] == '{' ? "application/json" : "application/yaml";
}

}  // namespace

container_log_stream::container_log_stream(std::unique_ptr<detail::http_exchange> from)
    : from_(std::move(from)),
      has_marks_(from_->content_type() == marked_container_log_type),
      is_framed_(has_marks_ || from_->content_type() == framed_container_log_type) {}
container_log_stream::container_log_stream(container_log_stream&&) noexcept = default;
container_log_stream& container_log_stream::operator=(container_log_stream&&) noexcept = default;
container_log_stream::~container_log_stream() = default;

/// An error if the frame is one.
result<std::optional<container_log_piece>> container_log_stream::read_frame() {
    auto frame = frames_.next();
    constexpr unsigned internal_error = 500;  // if the frame does not say which
    if (frame && *frame && (*frame)->from == container_log_origin::problem)
        return summarize(parse_problems(internal_error, (*frame)->bytes));
    return frame;
}

result<container_log_piece> container_log_stream::read(time_point deadline) {
    for (;;) {
        auto frame = read_frame();
        if (!frame) return frame.error();
        if (*frame) return std::move(**frame);
        auto bytes = from_->read(deadline);
        if (!bytes) return bytes.error();
        if (!is_framed_ || (bytes->empty() && !frames_.is_inside()))
            return container_log_piece{container_log_origin::standard_output, std::move(*bytes)};
        if (bytes->empty()) return error{errc::corrupt, "the log ends within a frame"};
        frames_.feed(*bytes);
    }
}

client::client(server_address to, client_options options) : to_(std::move(to)), options_(std::move(options)) {}

client client::in_tenant(std::string tenant) const {
    auto options = options_;
    options.tenant = std::move(tenant);
    return client(to_, std::move(options));
}

result<std::string> client::call(std::string method, std::string target, std::string body, std::string content_type) {
    detail::exchange_request request{.method = std::move(method), .target = std::move(target)};
    request.body = std::move(body);
    request.content_type = std::move(content_type);
    return call_within(options_.reply_timeout, std::move(request));
}

result<std::string> client::call_within(duration patience, detail::exchange_request request) {
    auto const deadline = std::min(clock_.now() + patience, options_.deadline);
    // What only reads waits for no disk: a server that does not begin to answer hangs.
    auto const is_read = request.method == "GET" && !request.may_wait;
    auto const head_deadline = is_read ? std::min(deadline, clock_.now() + options_.head_timeout) : deadline;
    auto const connect_deadline = std::min(deadline, clock_.now() + options_.connect_timeout);
    auto reply = detail::http_exchange::open(to_, request, connect_deadline, head_deadline);
    if (!reply) return reply.error();
    if (!(*reply)->is_success()) return detail::refusal_of(to_, **reply, deadline);
    if (auto const fits = detail::check_type(to_, **reply, {"application/json"}); !fits) return fits.error();
    auto const is_change = request.method != "GET";
    auto text = (*reply)->read_all(deadline, is_change ? object_bytes_max : list_bytes_max);
    // Anything may say 200 to a request that it does not know.
    auto const is_deletion = text && request.method == "DELETE" && (*reply)->status() != 202;
    if (is_deletion && !detail::check_list(to_, *text))
        return detail::not_rik(to_, fmt::format("it answers {} to a deletion", (*reply)->status()));
    return text;
}

result<std::string> client::call_for(std::string_view member, std::string method, std::string target, std::string body,
                                     std::string content_type) {
    auto text = call(std::move(method), std::move(target), std::move(body), std::move(content_type));
    if (!text) return text;
    if (auto const fits = detail::check_member(to_, *text, member); !fits) return fits.error();
    return text;
}

result<std::string> client::call_for_images(duration patience, detail::exchange_request request) {
    auto text = call_within(patience, std::move(request));
    if (!text) return text;
    if (auto const fits = detail::check_list(to_, *text); !fits) return fits.error();
    return text;
}

result<std::string> client::usage(list_filter const& filter) {
    target_writer target("/rik/v1/usage");
    target.with("workload", filter.workload).with("node", filter.node).with("kind", filter.definition_kind);
    target.with("labelSelector", filter.labels).with("fieldSelector", filter.fields);
    auto text = call("GET", in_tenants(std::move(target), resource_kind::instance, filter, options_.tenant));
    if (!text) return text;
    if (auto const fits = detail::check_list(to_, *text); !fits) return fits.error();
    return text;
}

result<std::string> client::list(resource_kind kind, list_filter const& filter) {
    auto text = call("GET", in_tenants(list_target(kind, filter), kind, filter, options_.tenant));
    if (!text) return text;
    if (auto const fits = detail::check_list(to_, *text); !fits) return fits.error();
    return text;
}

result<list_part> client::list_some(resource_kind kind, list_filter const& filter, std::size_t count_max,
                                    std::string const& after) {
    auto target = list_target(kind, filter);
    if (kind != resource_kind::event) target.with("limit", std::to_string(count_max)).with("continue", after);
    auto text = call("GET", in_tenants(std::move(target), kind, filter, options_.tenant));
    if (!text) return text.error();
    if (auto const fits = detail::check_list(to_, *text); !fits) return fits.error();
    auto const list = detail::parse_object(*text);
    if (!list) return detail::not_rik(to_, "its answer is no JSON object");
    auto next = detail::text_at(*list, "continue");
    return list_part{std::move(*text), std::move(next)};
}

result<std::string> client::get(resource_kind kind, std::string_view name, std::string_view definition_kind) {
    target_writer target(object_target(kind, name));
    target.with("kind", definition_kind);
    return call_for("name", "GET", in_tenants(std::move(target), kind, list_filter(), options_.tenant));
}

result<void> client::remove(resource_kind kind, std::string_view name, std::string_view definition_kind,
                            std::string_view cascade) {
    target_writer target(object_target(kind, name));
    target.with("kind", definition_kind).with("cascade", cascade);
    auto const reply = call_for("", "DELETE", in_tenants(std::move(target), kind, list_filter(), options_.tenant));
    if (!reply) return reply.error();
    return {};
}

result<std::string> client::create_tenant(std::string_view name, string_map const& labels,
                                          string_map const& annotations) {
    boost::json::object body;
    body["name"] = name;
    body["labels"] = texts_object(labels);
    if (!annotations.empty()) body["annotations"] = texts_object(annotations);
    return call_for("name", "POST", fmt::format("{}tenants", root), boost::json::serialize(body), "application/json");
}

result<std::string> client::change_tenant(std::string_view name_or_id, label_changes const& labels,
                                          label_changes const& annotations, std::optional<std::uint64_t> expected) {
    boost::json::object body;
    if (!labels.empty()) body["labels"] = changes_object(labels);
    if (!annotations.empty()) body["annotations"] = changes_object(annotations);
    target_writer target(object_target(resource_kind::tenant, name_or_id));
    if (expected) target.with("revision", std::to_string(*expected));
    return call_for("name", "PATCH", target.text(), boost::json::serialize(body), "application/json");
}

result<std::string> client::remove_tenant(std::string_view name_or_id) {
    return call_for("workloads", "DELETE", object_target(resource_kind::tenant, name_or_id));
}

result<std::string> client::create_workload(std::string_view definition, bool is_dry_run) {
    auto const target = change_target(fmt::format("{}workloads", root), {.is_dry_run = is_dry_run}, options_.tenant);
    return call_for("name", "POST", target.text(), std::string(definition), content_type_of(definition));
}

result<std::string> client::apply_workload(std::string_view definition, change_wanted const& how) {
    auto const target = change_target(fmt::format("{}workloads", root), how, options_.tenant);
    return call_for("outcome", "PUT", target.text(), std::string(definition), content_type_of(definition));
}

result<std::string> client::replace_workload(std::string_view name, std::string_view definition_kind,
                                             std::string_view definition, change_wanted const& how) {
    auto target = change_target(object_target(resource_kind::workload, name), how, options_.tenant);
    target.with("kind", definition_kind);
    return call_for("outcome", "PUT", target.text(), std::string(definition), content_type_of(definition));
}

result<std::string> client::patch_workload(std::string_view name, std::string_view definition_kind,
                                           std::string_view patch, change_wanted const& how) {
    auto target = change_target(object_target(resource_kind::workload, name), how, options_.tenant);
    target.with("kind", definition_kind);
    return call_for("outcome", "PATCH", target.text(), std::string(patch), "application/merge-patch+json");
}

result<std::string> client::get_rollout(std::string_view name, std::string_view definition_kind) {
    target_writer target(object_target(resource_kind::workload, name) + "/rollout");
    target.with("kind", definition_kind);
    target.with("tenant", options_.tenant);
    return call_for("releases", "GET", target.text());
}

result<std::string> client::ask_workload(std::string_view name, std::string_view definition_kind, std::string_view verb,
                                         std::string body, std::optional<std::uint64_t> expected) {
    target_writer target(fmt::format("{}/{}", object_target(resource_kind::workload, name), verb));
    target.with("kind", definition_kind).with("tenant", options_.tenant);
    target.with("revision", expected ? std::to_string(*expected) : std::string());
    return call_for("state", "POST", target.text(), std::move(body), "application/json");
}

result<std::string> client::scale_workload(std::string_view name, std::string_view definition_kind,
                                           std::uint32_t replicas, std::optional<std::uint64_t> expected) {
    return ask_workload(name, definition_kind, "scale", fmt::format(R"({{"replicas":{}}})", replicas), expected);
}

result<std::string> client::pause_workload(std::string_view name, std::string_view definition_kind) {
    return ask_workload(name, definition_kind, "pause");
}

result<std::string> client::resume_workload(std::string_view name, std::string_view definition_kind) {
    return ask_workload(name, definition_kind, "resume");
}

result<std::string> client::start_job(std::string_view cron_job, std::string_view definition_kind,
                                      std::string_view job) {
    boost::json::object body;
    if (!job.empty()) body["name"] = job;
    return ask_workload(cron_job, definition_kind, "jobs", boost::json::serialize(body));
}

result<std::string> client::restart_workload(std::string_view name, std::string_view definition_kind, bool is_at_once) {
    return ask_workload(name, definition_kind, "restart", fmt::format(R"({{"atOnce":{}}})", is_at_once));
}

result<std::string> client::resume_replacement() {
    return call_for("stopped", "POST", fmt::format("{}replacement/resume", root), "{}", "application/json");
}

result<std::string> client::relabel_instance(std::string_view name_or_id, label_changes const& labels,
                                             std::optional<std::uint64_t> expected) {
    boost::json::object body;
    body["labels"] = changes_object(labels);
    target_writer target(object_target(resource_kind::instance, name_or_id));
    target.with("tenant", options_.tenant).with("revision", expected ? std::to_string(*expected) : std::string());
    return call_for("name", "PATCH", target.text(), boost::json::serialize(body), "application/json");
}

result<std::string> client::create_instances(instances_wanted const& what) {
    boost::json::object body;
    body["workload"] = what.workload;
    if (!what.name.empty()) body["name"] = what.name;
    if (!what.kind.empty()) body["kind"] = what.kind;
    body["replicas"] = what.replicas;
    target_writer target(fmt::format("{}instances", root));
    target.with("tenant", options_.tenant);
    return call_for("items", "POST", target.text(), boost::json::serialize(body), "application/json");
}

result<std::string> client::restart_instance(std::string_view name_or_id) {
    target_writer target(object_target(resource_kind::instance, name_or_id) + "/restart");
    target.with("tenant", options_.tenant);
    return call_for("restarts", "POST", target.text(), "{}", "application/json");
}

result<container_log_stream> client::open_container_log(container_log_wanted const& what) {
    target_writer target(object_target(resource_kind::instance, what.instance) + "/logs");
    target.with("container", what.container).with("follow", what.how.follow ? "true" : "");
    target.with("timestamps", what.how.timestamps ? "true" : "");
    target.with("previous", what.how.is_of_previous ? "true" : "");
    if (what.how.tail_lines) target.with("tail", std::to_string(*what.how.tail_lines));
    if (what.how.only)
        target.with("stream", *what.how.only == container_log_origin::standard_error ? "stderr" : "stdout");
    target.with("whole", what.how.must_be_whole ? "true" : "").with("since", what.since).with("after", what.after);
    target.with("tenant", options_.tenant);
    detail::exchange_request request{.target = target.text()};
    request.accept =
        fmt::format("{}{}, text/plain", what.how.has_marks ? fmt::format("{}, ", marked_container_log_type) : "",
                    framed_container_log_type);
    auto const deadline = std::min(clock_.now() + options_.reply_timeout, options_.deadline);
    auto const head_deadline = std::min(deadline, clock_.now() + options_.head_timeout);
    auto const connect_deadline = std::min(deadline, clock_.now() + options_.connect_timeout);
    auto reply = detail::http_exchange::open(to_, request, connect_deadline, head_deadline);
    if (!reply) return reply.error();
    if (!(*reply)->is_success()) return detail::refusal_of(to_, **reply, deadline);
    if (auto const fits =
            detail::check_type(to_, **reply, {marked_container_log_type, framed_container_log_type, "text/plain"});
        !fits)
        return fits.error();
    if ((*reply)->header("X-Content-Type-Options") != "nosniff")
        return detail::not_rik(to_, "it answers with a text that is no log");
    return container_log_stream(std::move(*reply));
}

result<watch_stream> client::watch(resource_kind kind, list_filter const& filter) {
    auto target = list_target(kind, filter);
    target.with("watch", "true");
    watch_stream stream(to_, in_tenants(std::move(target), kind, filter, options_.tenant), options_);
    // The first connection is made here, so that a wrong address or name shows at once instead of after retries.
    auto done = stream.connect(clock_.now() + std::min(options_.head_timeout, options_.reply_timeout));
    if (!done) return done.error();
    return stream;
}

result<std::string> client::change_node(std::string_view node, node_changes_wanted const& what) {
    boost::json::object body;
    if (what.is_cordoned) body["unschedulable"] = *what.is_cordoned;
    if (!what.labels.empty()) body["labels"] = changes_object(what.labels);
    if (!what.taints.empty()) body["taints"] = boost::json::array(what.taints.begin(), what.taints.end());
    return call_for("name", "PATCH", object_target(resource_kind::node, node), boost::json::serialize(body),
                    "application/json");
}

result<std::string> client::drain_node(std::string_view node, bool forces) {
    boost::json::object body;
    body["force"] = forces;
    return call_for("leaving", "POST", object_target(resource_kind::node, node) + "/drain",
                    boost::json::serialize(body), "application/json");
}

result<std::string> client::declare_node_dead(std::string_view node, std::string_view confirmation) {
    boost::json::object body;
    body["confirm"] = confirmation;
    return call_for("givenUp", "POST", object_target(resource_kind::node, node) + "/declare-dead",
                    boost::json::serialize(body), "application/json");
}

result<std::string> client::list_images(std::string_view node) {
    detail::exchange_request request{.target = images_target(node)};
    request.may_wait = true;
    return call_for_images(options_.reply_timeout, std::move(request));
}

result<std::string> client::pull_image(std::string_view node, std::string_view image) {
    boost::json::object body;
    body["pull"] = image;
    return call_for_images(image_patience(options_), image_request(node, body));
}

result<std::string> client::load_images(std::string_view node, rik::load_images const& what) {
    boost::json::object body;
    body["load"] = what.path;
    if (!what.name.empty()) body["name"] = what.name;
    return call_for_images(image_patience(options_), image_request(node, body));
}

result<std::string> client::remove_image(std::string_view node, std::string_view name_or_digest) {
    return call("DELETE", target_writer(images_target(node)).with("image", name_or_digest).text());
}

result<std::string> client::version() {
    auto const reply = call_for("version", "GET", fmt::format("{}version", root));
    if (!reply) return reply.error();
    auto const object = detail::parse_object(*reply);
    if (!object) return object.error();
    return detail::text_at(*object, "version");
}

}  // namespace rik

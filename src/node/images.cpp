// What is asked of the node's images, beside the starts of instances.
#include "stream_server_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/model/image_name.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

std::string short_name_of(std::string const& name) {
    auto const parsed = parse_image_name(name);
    return parsed ? short_name(*parsed) : name;
}

bool has_name(node_image const& image, std::string const& name) {
    auto const wanted = short_name_of(name);
    return std::ranges::any_of(image.names, [&](auto const& each) { return short_name_of(each) == wanted; });
}

/// An instance whose image is not known yet will have what its name means.
bool uses(instance_fields const& who, node_image const& image) {
    if (is_finished(who.status.state)) return false;
    for (auto const& container : who.made_from->spec().containers) {
        auto const& seen = who.status.containers;
        auto const status = std::ranges::find(seen, container.name, &container_status::name);
        auto const is_known = status != seen.end() && !status->image_digest.empty();
        if (is_known ? status->image_digest == image.digest : has_name(image, container.image)) return true;
    }
    return false;
}

/// Errors: not_found; invalid, the beginning of a digest that fits several.
result<node_image> find_image(std::vector<node_image> const& all, std::string const& name_or_digest) {
    auto const is_digest = is_image_digest(name_or_digest);
    for (auto const& each : all)
        if (is_digest ? each.digest == name_or_digest : has_name(each, name_or_digest)) return each;
    return error{errc::not_found, fmt::format("image {}: it is not on this node", name_or_digest), "",
                 "rikctl images says which are"};
}

error in_use(std::string const& name, std::vector<std::string> const& users) {
    return error{errc::conflict, fmt::format("image {}: it is used by {}", name, fmt::join(users, ", ")), "",
                 "delete these instances first"};
}

std::vector<node_image> only(node_image one) {
    std::vector<node_image> made;
    made.push_back(std::move(one));
    return made;
}

}  // namespace

void stream_server::note_users(std::vector<node_image>& all) const {
    for (auto& image : all) {
        for (auto const& [id, mine] : on_.records.all())
            if (uses(mine->fields, image)) image.used_by.push_back(mine->fields.name);
        std::ranges::sort(image.used_by);
    }
}

awaitable<result<std::vector<node_image>>> stream_server::node_images() {
    auto all = co_await pulled().list_all_images();
    if (all) note_users(*all);
    co_return all;
}

awaitable<result<std::vector<node_image>>> stream_server::pull_image(std::string name) {
    auto const image = co_await pulled().ensure(name, image_pull_policy::always);
    if (!image) co_return image.error();
    auto const all = co_await node_images();
    if (!all) co_return all.error();
    auto found = find_image(*all, (*image)->digest);
    if (!found) co_return found.error();
    co_return only(std::move(*found));
}

awaitable<result<std::vector<node_image>>> stream_server::remove_image(std::string name_or_digest) {
    auto all = co_await node_images();
    if (!all) co_return all.error();
    auto found = find_image(*all, name_or_digest);
    if (!found) co_return found.error();
    if (!found->used_by.empty()) co_return in_use(name_or_digest, found->used_by);
    image_removal what{.digest = found->digest};
    if (!is_image_digest(name_or_digest)) what.only_name = std::move(name_or_digest);
    // Nothing is awaited between the look at the instances and this: one that begins now is told that it is not here.
    auto const removed = co_await pulled().remove(std::move(what));
    if (!removed) co_return removed.error();
    co_return only(std::move(*found));
}

awaitable<result<std::vector<node_image>>> stream_server::answer_call(image_call asked) {
    if (auto* const pull = std::get_if<rik::pull_image>(&asked)) return pull_image(std::move(pull->name));
    if (auto* const gone = std::get_if<rik::remove_image>(&asked)) return remove_image(std::move(gone->name_or_digest));
    if (auto* const load = std::get_if<load_images>(&asked)) return pulled().load(std::move(*load));
    return node_images();
}

awaitable<std::optional<error>> stream_server::send_images(dialled_stream_ptr stream, image_call asked) {
    auto answering = answer_call(std::move(asked));
    auto const answer = co_await std::move(answering);
    if (!answer) co_return answer.error();
    auto const text = encode(*answer);
    for (std::size_t at = 0; at < text.size(); at += limits::container_log_chunk_bytes_max) {
        auto const written = co_await stream->to->write(text.substr(at, limits::container_log_chunk_bytes_max));
        if (!written) co_return std::nullopt;  // nobody reads any more
    }
    co_return std::nullopt;
}

}  // namespace rik::detail

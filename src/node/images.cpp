// What is asked of the node's images, beside the starts of instances.
#include "pod_core_detail.hpp"
#include "stream_server_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/model/image_name.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
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

/// What Functions are made from beside container images: no name of an image looks so.
bool is_root_file_system(std::string_view name) {
    constexpr std::array beginnings{"/", "file:", "http://", "https://"};
    return std::ranges::any_of(beginnings, [&](std::string_view each) { return name.starts_with(each); });
}

/// Two runtimes may have the same one. Errors: not_found.
result<std::vector<node_image>> find_images(std::vector<node_image> const& all, std::string const& name_or_digest) {
    auto const is_digest = is_image_digest(name_or_digest);
    std::vector<node_image> found;
    for (auto const& each : all)
        if (is_digest ? each.digest == name_or_digest : has_name(each, name_or_digest)) found.push_back(each);
    if (!found.empty()) return found;
    return error{errc::not_found, fmt::format("image {}: it is not on this node", name_or_digest), "",
                 "rikctl images says which are"};
}

/// All of `image`, or the name of it that is meant.
image_removal removal_of(node_image const& image, std::string const& name_or_digest) {
    image_removal made{.digest = image.digest};
    if (is_image_digest(name_or_digest)) return made;
    auto const wanted = short_name_of(name_or_digest);
    auto const name = std::ranges::find(image.names, wanted, short_name_of);
    made.only_name = name == image.names.end() ? name_or_digest : *name;
    return made;
}

error in_use(std::string const& name, std::vector<std::string> const& users) {
    return error{errc::conflict, fmt::format("image {}: it is used by {}", name, fmt::join(users, ", ")), "",
                 "delete these instances first"};
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
    std::vector<node_image> all;
    std::set<images const*> seen;  // runtimes may share theirs
    for (auto const& each : on_.runtimes) {
        if (!seen.insert(&each.pulled).second) continue;
        auto here = co_await each.pulled.list_all_images();
        if (!here) co_return here.error();
        for (auto& image : *here) {
            image.runtime = each.containers.name();
            all.push_back(std::move(image));
        }
    }
    note_users(all);
    co_return all;
}

awaitable<result<std::vector<node_image>>> stream_server::pull_image(std::string name) {
    auto const form = is_root_file_system(name) ? instance_form::function : instance_form::pod;
    auto const* const under = find_runtime(on_.runtimes, runtime_name(form));
    if (under == nullptr)
        co_return error{errc::unsupported,
                        fmt::format("image {}: this node has no runtime {}", name, runtime_name(form))};
    auto const image = co_await under->pulled.ensure(name, image_pull_policy::always);
    if (!image) co_return image.error();
    auto const all = co_await node_images();
    if (!all) co_return all.error();
    auto found = find_images(*all, (*image)->digest);
    if (found) std::erase_if(*found, [&](node_image const& each) { return !has_name(each, name); });
    co_return found;
}

awaitable<result<std::vector<node_image>>> stream_server::remove_image(std::string name_or_digest) {
    auto all = co_await node_images();
    if (!all) co_return all.error();
    auto found = find_images(*all, name_or_digest);
    if (!found) co_return found.error();
    for (auto const& each : *found)
        if (!each.used_by.empty()) co_return in_use(name_or_digest, each.used_by);
    // Nothing is awaited between the look at the instances and this: one that begins now is told that it is not here.
    for (auto const& each : *found) {
        auto what = removal_of(each, name_or_digest);
        auto const removed = co_await find_runtime(on_.runtimes, each.runtime)->pulled.remove(std::move(what));
        if (!removed) co_return removed.error();
    }
    co_return found;
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

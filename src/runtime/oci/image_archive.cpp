#include "runtime/oci/image_archive_detail.hpp"

#include <rik/model/image_name.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/parse.hpp>

#include <algorithm>

namespace rik::detail {

namespace json = boost::json;

namespace {

constexpr std::string_view named_by_containerd = "io.containerd.image.name";       // a whole name
constexpr std::string_view named_by_layout = "org.opencontainers.image.ref.name";  // often a tag alone

error corrupt(std::string_view what) { return error{errc::corrupt, fmt::format("its {} cannot be read", what)}; }

error no_image() { return error{errc::unsupported, "there is no image in it"}; }

std::string text_in(json::object const& object, std::string_view name) {
    auto const* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

json::array const* list_in(json::value const& value, std::string_view name) {
    auto const* object = value.if_object();
    auto const* member = object == nullptr ? nullptr : object->if_contains(name);
    return member == nullptr ? nullptr : member->if_array();
}

std::vector<std::string> tags_of(json::value const& image) {
    std::vector<std::string> tags;
    auto const* list = list_in(image, "RepoTags");
    if (list == nullptr) return tags;
    for (auto const& each : *list)
        if (each.is_string()) tags.emplace_back(each.get_string());
    return tags;
}

archived_image of_docker(std::filesystem::path const& archive, json::value const& image, std::size_t index) {
    auto tags = tags_of(image);
    // An image without a name is known by its place.   Source: containers-transports(5), docker-archive
    auto reference = tags.empty() ? fmt::format("@{}", index) : tags.front();
    return {fmt::format("docker-archive:{}:{}", archive.string(), reference), std::move(tags), std::move(reference)};
}

/// "1.2" alone is a tag of nobody knows what.
bool is_whole_name(std::string const& text) {
    return text.find_first_of(":/") != std::string::npos && parse_image_name(text).has_value();
}

std::optional<archived_image> of_layout(std::string_view transport, std::filesystem::path const& path,
                                        json::value const& manifest) {
    auto const* object = manifest.if_object();
    auto const* annotations = object == nullptr ? nullptr : object->if_contains("annotations");
    auto const* given = annotations == nullptr ? nullptr : annotations->if_object();
    if (object == nullptr) return std::nullopt;
    auto const reference = given == nullptr ? std::string() : text_in(*given, named_by_layout);
    auto const whole = given == nullptr ? std::string() : text_in(*given, named_by_containerd);
    archived_image image{
        .location = fmt::format("{}:{}", transport, path.string()), .names = {}, .reference = reference};
    if (!reference.empty()) image.location += ":" + reference;
    if (!whole.empty())
        image.names.push_back(whole);
    else if (is_whole_name(reference))
        image.names.push_back(reference);
    return image;
}

error nameless(archived_image const& image) {
    return error{errc::unsupported,
                 image.reference.empty() ? "the image in it has no name"
                                         : fmt::format("'{}' in it says not what the image is called", image.reference),
                 "name", "give it one: --name NAME"};
}

result<load_step> step_of(archived_image const& image, std::string const& name) {
    auto const parsed = parse_image_name(name);
    if (parsed && parsed->transport == image_transport::registry && parsed->digest.empty())
        return load_step{image.location, name};
    return error{errc::invalid,
                 parsed ? fmt::format("'{}' is no name with a tag", name)
                        : fmt::format("'{}': {}", name, parsed.error().message),
                 "name", "give it another: --name [registry/]name[:tag]"};
}

error ambiguous(std::vector<archived_image> const& found) {
    std::vector<std::string> references;
    for (auto const& each : found) references.push_back(each.reference);
    return error{errc::invalid,
                 fmt::format("there are {} images in it ({}): one name cannot stand for all", found.size(),
                             fmt::join(references, ", ")),
                 "name", "leave the name out, or make an archive of one"};
}

}  // namespace

result<std::vector<archived_image>> read_docker_archive(std::filesystem::path const& archive,
                                                        std::string_view manifest) {
    boost::system::error_code failure;
    auto const value = json::parse(manifest, failure);
    auto const* images = failure ? nullptr : value.if_array();
    if (images == nullptr) return corrupt("manifest.json");
    std::vector<archived_image> found;
    for (std::size_t i = 0; i < images->size(); ++i) found.push_back(of_docker(archive, (*images)[i], i));
    return found.empty() ? result<std::vector<archived_image>>(no_image()) : std::move(found);
}

result<std::vector<archived_image>> read_oci_index(std::string_view transport, std::filesystem::path const& path,
                                                   std::string_view index) {
    boost::system::error_code failure;
    auto const value = json::parse(index, failure);
    auto const* manifests = failure ? nullptr : list_in(value, "manifests");
    if (manifests == nullptr) return corrupt("index.json");
    std::vector<archived_image> found;
    for (auto const& each : *manifests)
        if (auto image = of_layout(transport, path, each)) found.push_back(std::move(*image));
    return found.empty() ? result<std::vector<archived_image>>(no_image()) : std::move(found);
}

result<std::vector<load_step>> plan_load(std::vector<archived_image> const& found, load_images const& what) {
    if (!what.name.empty() && found.size() > 1) return ambiguous(found);
    std::vector<load_step> steps;
    for (auto const& image : found) {
        auto const names = what.name.empty() ? image.names : std::vector<std::string>{what.name};
        if (names.empty()) return nameless(image);
        for (auto const& name : names) {
            auto step = step_of(image, name);
            if (!step) return step.error();
            steps.push_back(std::move(*step));
        }
    }
    return steps;
}

}  // namespace rik::detail

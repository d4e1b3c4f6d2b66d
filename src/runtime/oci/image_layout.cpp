#include "runtime/oci/image_layout_detail.hpp"

#include "runtime/oci/image_source_detail.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace rik::detail {

namespace json = boost::json;

namespace {

constexpr std::size_t layers_count_max = 512;
constexpr std::size_t volumes_count_max = 1000;

error damaged(std::string_view what) { return error{errc::corrupt, std::string(what)}; }

result<json::object> parse_object(std::string_view text, std::string_view what) {
    if (text.size() > image_document_bytes_max) return damaged(fmt::format("its {} is too large", what));
    boost::system::error_code failure;
    auto value = json::parse(text, failure);
    if (failure) return damaged(fmt::format("its {} is no JSON: {}", what, failure.message()));
    if (!value.is_object()) return damaged(fmt::format("its {} is no JSON object", what));
    return std::move(value.get_object());
}

json::value const* find(json::object const& object, std::string_view name) {
    auto const* value = object.if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
}

/// "" if the member is not there. Errors: corrupt, it is no string or has a NUL, which would end an argument early.
result<std::string> text_member(json::object const& object, std::string_view name) {
    auto const* value = find(object, name);
    if (value == nullptr) return std::string();
    if (!value->is_string() || value->get_string().find('\0') != json::string::npos) {
        return damaged(fmt::format("its configuration: {} is no plain string", name));
    }
    return std::string(value->get_string());
}

result<std::vector<std::string>> list_member(json::object const& object, std::string_view name) {
    std::vector<std::string> list;
    auto const* value = find(object, name);
    if (value == nullptr) return list;
    if (!value->is_array()) return damaged(fmt::format("its configuration: {} is no list", name));
    for (auto const& each : value->get_array()) {
        if (!each.is_string() || each.get_string().find('\0') != json::string::npos) {
            return damaged(fmt::format("its configuration: {} has an entry that is no plain string", name));
        }
        list.emplace_back(each.get_string());
    }
    return list;
}

/// The names of an object's members, which are paths in the image.   Source: image-spec, config.md, Volumes
result<std::vector<std::string>> volumes_member(json::object const& object) {
    std::vector<std::string> paths;
    auto const* value = find(object, "Volumes");
    if (value == nullptr) return paths;
    if (!value->is_object()) return damaged("its configuration: Volumes is no object");
    if (value->get_object().size() > volumes_count_max) return damaged("its configuration: it has too many Volumes");
    for (auto const& each : value->get_object()) {
        if (each.key().find('\0') != json::string_view::npos) return damaged("its configuration: a volume has a NUL");
        paths.emplace_back(each.key());
    }
    return paths;
}

result<std::string> digest_member(json::object const& object, std::string_view what) {
    auto const* value = find(object, "digest");
    if (value == nullptr || !value->is_string() || !is_image_digest(value->get_string())) {
        return damaged(fmt::format("its {} has no sha256 digest", what));
    }
    return std::string(value->get_string());
}

bool has_our_tag(json::object const& descriptor) {
    auto const* annotations = find(descriptor, "annotations");
    if (annotations == nullptr || !annotations->is_object()) return false;
    auto const* tag = find(annotations->get_object(), "org.opencontainers.image.ref.name");
    return tag != nullptr && tag->is_string() && std::string_view(tag->get_string()) == layout_tag;
}

result<void> check_platform(json::object const& config, std::string_view architecture) {
    auto const os = text_member(config, "os");
    auto const for_architecture = text_member(config, "architecture");
    if (!os) return os.error();
    if (!for_architecture) return for_architecture.error();
    auto const fits =
        (os->empty() || *os == "linux") && (for_architecture->empty() || *for_architecture == architecture);
    if (fits) return {};
    return error{errc::unsupported,
                 fmt::format("it is for {}/{}, this machine is linux/{}", *os, *for_architecture, architecture)};
}

result<std::string> read_blob(std::filesystem::path const& blobs, std::string_view digest) {
    auto text = read_small_file(blob_file(blobs, digest), image_document_bytes_max);
    if (!text) return damaged(fmt::format("its blob {}: {}", digest, text.error().message));
    return text;
}

}  // namespace

result<std::string> parse_image_index(std::string_view text) {
    auto const index = parse_object(text, "index");
    if (!index) return index.error();
    auto const* manifests = find(*index, "manifests");
    if (manifests == nullptr || !manifests->is_array()) return damaged("its index lists no manifests");
    for (auto const& each : manifests->get_array()) {
        if (each.is_object() && has_our_tag(each.get_object())) return digest_member(each.get_object(), "index");
    }
    return error{errc::not_found, "its layout has no image"};
}

result<image_manifest> parse_image_manifest(std::string_view text) {
    auto const manifest = parse_object(text, "manifest");
    if (!manifest) return manifest.error();
    auto const* config = find(*manifest, "config");
    auto const* layers = find(*manifest, "layers");
    if (config == nullptr || !config->is_object() || layers == nullptr || !layers->is_array()) {
        return error{errc::unsupported, "it is no image for containers (no config and layers)"};
    }
    auto config_digest = digest_member(config->get_object(), "config");
    if (!config_digest) return config_digest.error();
    image_manifest parsed{.config = std::move(*config_digest), .layers = {}};
    if (layers->get_array().size() > layers_count_max) return damaged("it has too many layers");
    for (auto const& each : layers->get_array()) {
        if (!each.is_object()) return damaged("its manifest has a layer that is no object");
        auto digest = digest_member(each.get_object(), "layer");
        if (!digest) return digest.error();
        parsed.layers.push_back(std::move(*digest));
    }
    return parsed;
}

result<image_config> parse_image_config(std::string_view text, std::string_view architecture) {
    auto const whole = parse_object(text, "configuration");
    if (!whole) return whole.error();
    if (auto const fits = check_platform(*whole, architecture); !fits) return fits.error();
    image_config config;
    auto const* inner = find(*whole, "config");
    if (inner == nullptr) return config;
    if (!inner->is_object()) return damaged("its configuration: config is no object");
    auto const& object = inner->get_object();
    std::pair<std::string_view, std::vector<std::string>*> const lists[] = {
        {"Entrypoint", &config.entrypoint}, {"Cmd", &config.cmd}, {"Env", &config.env}};
    for (auto const& [name, target] : lists) {
        auto list = list_member(object, name);
        if (!list) return list.error();
        *target = std::move(*list);
    }
    std::pair<std::string_view, std::string*> const texts[] = {
        {"User", &config.user}, {"WorkingDir", &config.working_dir}, {"StopSignal", &config.stop_signal}};
    for (auto const& [name, target] : texts) {
        auto member = text_member(object, name);
        if (!member) return member.error();
        *target = std::move(*member);
    }
    auto volumes = volumes_member(object);
    if (!volumes) return volumes.error();
    config.volumes = std::move(*volumes);
    // An entry without a name or '=' sets nothing; other engines drop it too.
    std::erase_if(config.env, [](std::string const& each) { return each.find('=', 1) == each.npos; });
    if (!config.working_dir.empty() && !config.working_dir.starts_with('/')) config.working_dir.insert(0, "/");
    return config;
}

result<layout_image> read_image_layout(std::filesystem::path const& layout, std::filesystem::path const& blobs) {
    auto const index = read_small_file(layout / "index.json", image_document_bytes_max);
    if (!index) return damaged(fmt::format("its index: {}", index.error().message));
    auto digest = parse_image_index(*index);
    if (!digest) return digest.error();
    auto const manifest_text = read_blob(blobs, *digest);
    if (!manifest_text) return manifest_text.error();
    auto manifest = parse_image_manifest(*manifest_text);
    if (!manifest) return manifest.error();
    auto config_text = read_blob(blobs, manifest->config);
    if (!config_text) return config_text.error();
    return layout_image{std::move(*digest), std::move(*manifest), std::move(*config_text)};
}

std::vector<std::string> layout_blobs(std::filesystem::path const& layout, std::filesystem::path const& blobs) {
    std::vector<std::string> digests;
    auto const index = read_small_file(layout / "index.json", image_document_bytes_max);
    auto const digest = index ? parse_image_index(*index) : index;
    if (!digest) return digests;
    digests.push_back(*digest);
    auto const text = read_blob(blobs, *digest);
    if (!text) return digests;
    auto const manifest = parse_image_manifest(*text);
    if (!manifest) return digests;
    digests.push_back(manifest->config);
    digests.insert(digests.end(), manifest->layers.begin(), manifest->layers.end());
    return digests;
}

std::filesystem::path blob_file(std::filesystem::path const& blobs, std::string_view digest) {
    return blobs / "sha256" / digest.substr(digest.find(':') + 1);
}

result<std::string> read_small_file(std::filesystem::path const& file, std::size_t bytes_max) {
    auto const descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        auto const code = errno == ENOENT ? errc::not_found : errc::internal;
        return error{code, fmt::format("{}: {}", file.string(), std::strerror(errno))};
    }
    struct ::stat about {};
    std::string text;
    auto const is_small = ::fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) &&
                          static_cast<std::size_t>(about.st_size) <= bytes_max;
    if (is_small) text.resize(static_cast<std::size_t>(about.st_size));
    std::size_t size = 0;
    for (ssize_t got = 1; got > 0 && size < text.size(); size += static_cast<std::size_t>(std::max<ssize_t>(got, 0))) {
        got = ::read(descriptor, text.data() + size, text.size() - size);
    }
    ::close(descriptor);
    if (!is_small || size != text.size()) return damaged(fmt::format("{}: it is no small file", file.string()));
    return text;
}

std::string machine_architecture() {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> names{{{"x86_64", "amd64"},
                                                                                  {"aarch64", "arm64"},
                                                                                  {"armv7l", "arm"},
                                                                                  {"armv6l", "arm"},
                                                                                  {"i686", "386"},
                                                                                  {"i386", "386"},
                                                                                  {"loongarch64", "loong64"}}};
    ::utsname machine{};
    ::uname(&machine);
    for (auto const& [kernel_name, name] : names) {
        if (kernel_name == machine.machine) return std::string(name);
    }
    return machine.machine;
}

}  // namespace rik::detail

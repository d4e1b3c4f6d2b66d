#include "guest_settings_detail.hpp"

#include "cpio_detail.hpp"

#include "runtime/oci/container_config_detail.hpp"
#include "runtime/oci/users_detail.hpp"

#include <rik/base/ipv4.hpp>
#include <rik/model/references.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace rik::detail {

namespace {

constexpr std::size_t settings_bytes_max = 500u << 10;  // guest/main.cpp has room for 512 KiB
constexpr std::size_t words_max = 4000;                 // and for 4,096

class records {
public:
    void put(std::string_view key, std::string_view value) {
        text_ += key;
        text_ += '=';
        text_ += value;
        text_ += '\0';
    }
    std::string take() { return std::move(text_); }
    std::size_t size() const { return text_.size(); }

private:
    std::string text_;
};

void put_network(records& to, guest_network const& network) {
    to.put("address", network.address);
    to.put("mask", netmask_text(network.prefix_bits));
    to.put("gateway", network.gateway);
    if (!network.mac.empty()) to.put("mac", network.mac);
    if (network.mtu > 0) to.put("mtu", std::to_string(network.mtu));
}

bool says_nothing(container_request const& request) {
    auto const has = [](auto const& words) { return words && !words->empty(); };
    auto const& image = request.from->config;
    return !has(request.definition.command) && !has(request.definition.args) && image.entrypoint.empty() &&
           image.cmd.empty();
}

result<void> put_words(records& to, container_request const& request, expanded_texts const& written) {
    if (says_nothing(request)) return {};
    auto const words = merged_arguments(written, request.from->config);
    if (!words) return words.error();
    if (words->size() > words_max)
        return error{errc::invalid, fmt::format("command: it has more than {} words", words_max)};
    for (auto const& each : *words) to.put("word", each);
    return {};
}

/// By numbers: the names of an image's users were looked up where its files are.
result<void> put_user(records& to, container_request const& request) {
    std::vector<std::int64_t> const no_groups;
    auto const user = resolve_user({request.from->config.user, request.definition.rights, no_groups}, "", "");
    if (!user) return user.error();
    if (user->uid != 0) to.put("uid", std::to_string(user->uid));
    if (user->gid != 0) to.put("gid", std::to_string(user->gid));
    return {};
}

/// The last of a name wins: setenv and execve leave that to the program, so it is decided here.
result<void> put_variables(records& to, container_request const& request, expanded_texts const& written) {
    string_map all;
    for (auto const& each : request.from->config.env)
        if (auto const equals = each.find('='); equals != 0 && equals != each.npos)
            all[each.substr(0, equals)] = each.substr(equals + 1);
    for (auto const& [name, value] : request.environment) all[name] = value;
    for (auto const& each : written.env) all[each.name] = each.value;
    if (all.size() > words_max)
        return error{errc::invalid, fmt::format("env: it has more than {} variables", words_max)};
    for (auto const& [name, value] : all) to.put("variable", fmt::format("{}={}", name, value));
    return {};
}

}  // namespace

std::string netmask_text(unsigned prefix_bits) {
    return ipv4_text(prefix_bits == 0 ? 0 : ~std::uint32_t{0} << (32 - std::min(prefix_bits, 32u)));
}

result<std::string> guest_settings(container_request const& request, guest_files const& files) {
    auto const written = expand_references(request.definition, request.environment);
    if (!written) return written.error();
    records made;
    made.put("hostname", files.hostname);
    if (!files.hosts.empty()) made.put("hosts", files.hosts);
    if (!files.resolver.empty()) made.put("resolver", files.resolver);
    if (request.network) put_network(made, *request.network);
    auto const& directory =
        request.definition.working_dir.empty() ? request.from->config.working_dir : request.definition.working_dir;
    if (!directory.empty()) made.put("directory", directory);
    if (auto const put = put_user(made, request); !put) return put.error();
    if (auto const put = put_words(made, request, *written); !put) return put.error();
    if (auto const put = put_variables(made, request, *written); !put) return put.error();
    if (made.size() > settings_bytes_max)
        return error{errc::invalid,
                     fmt::format("its command and variables are longer than {} bytes", settings_bytes_max)};
    return made.take();
}

std::string settings_archive(std::string_view settings) {
    cpio_archive made;
    made.add_file("rik/settings", settings);
    return made.finish();
}

}  // namespace rik::detail
